"""Returns that wait for their purchase over HTTP: listed while they wait, and for ever once they waited in vain."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from domain.fact import Fact
from domain.purchase import PurchaseRecorded, ReturnClosed, ReturnKept
from tests.builders import back
from tests.query_api.conftest import Door
from tests.spec import NOON, fact

LINES = [back(quantity=1, amount_minor=600)]
SOLD = {
    "currency": "CNY",
    "store": "1",
    "channel": "store",
    "lines": [],
    "tenders": [],
    "paid_minor": 0,
    "fingerprint": "f",
}


def kept(number: int, purchase: int, version: int = 1) -> ReturnKept:
    one = fact(
        ReturnKept, originator_id=UUID(int=purchase), originator_version=version, correlation_id=UUID(int=number),
        external_id=f"T-{number}", lines=LINES, reason="torn",
    )  # fmt: skip
    assert isinstance(one, ReturnKept)
    return one


def closed(one: ReturnKept) -> ReturnClosed:
    made = fact(
        ReturnClosed, originator_id=one.originator_id, occurred_at=NOON + timedelta(days=31), external_id="clock",
        return_id=one.correlation_id, waited_since=one.recorded_at,
    )  # fmt: skip
    assert isinstance(made, ReturnClosed)
    return made


def sold(purchase: int) -> PurchaseRecorded:
    made = fact(PurchaseRecorded, originator_id=UUID(int=purchase), **SOLD)
    assert isinstance(made, PurchaseRecorded)
    return made


def test_what_waits_and_what_waited_in_vain_is_listed_and_what_was_taken_in_is_not(door: Door) -> None:
    in_vain = kept(2, purchase=20)
    door.recorded(kept(1, purchase=10), in_vain, closed(in_vain), kept(3, purchase=30), sold(20), sold(30))
    told = door.ask("/returns", scope="auditor").json()
    assert [(one["external_id"], one["state"]) for one in told["items"]] == [("T-1", "waiting"), ("T-2", "closed")]
    assert told["next"] is None
    assert told["items"][1] == {
        "position": 2, "state": "closed", "purchase_id": str(UUID(int=20)), "return_id": str(UUID(int=2)),
        "source": "/stores/1", "external_id": "T-2", "occurred_at": "2023-05-02T04:00:00Z",
        "waiting_since": "2023-05-02T04:00:00Z", "closed_at": "2023-06-02T04:00:00Z", "lines": LINES, "reason": "torn",
    }  # fmt: skip


def test_pages_follow_each_other_and_can_be_narrowed_to_a_state(door: Door) -> None:
    in_vain = kept(2, purchase=20)
    door.recorded(kept(1, purchase=10), in_vain, closed(in_vain), kept(3, purchase=30))
    first = door.ask("/returns", limit=2).json()
    assert ([one["position"] for one in first["items"]], first["next"]) == ([1, 2], 2)
    assert [one["position"] for one in door.ask("/returns", after=2, limit=2).json()["items"]] == [4]
    for state, positions in (("waiting", [1, 4]), ("closed", [2])):
        assert [one["position"] for one in door.ask("/returns", state=state).json()["items"]] == positions
    assert door.ask("/returns", state="lost").status_code == 422


def naive(facts: list[Fact], items: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """What of all returns that were ever told waits after these facts, or waited in vain."""
    told: dict[str, dict[str, Any]] = {}
    for one in facts:
        if isinstance(one, ReturnKept):
            told[str(one.correlation_id)] = items[one.correlation_id.int] | {"state": "waiting", "closed_at": None}
        elif isinstance(one, ReturnClosed):
            kept_ = told[str(one.return_id)]
            told[str(one.return_id)] = kept_ | {
                "state": "closed",
                "closed_at": one.occurred_at.isoformat().replace("+00:00", "Z"),
            }
    bought = {str(one.originator_id) for one in facts if isinstance(one, PurchaseRecorded)}
    return [one for one in told.values() if one["state"] == "closed" or one["purchase_id"] not in bought]


def test_those_are_told_that_waited_as_it_was_known_and_as_of_then(door: Door) -> None:
    """A fact a day; the purchases were made before their returns."""
    in_vain = kept(2, purchase=20)
    early = {"occurred_at": NOON - timedelta(days=1)}
    order = [
        kept(1, purchase=10),
        in_vain,
        kept(3, purchase=30),
        sold(30).model_copy(update=early),
        closed(in_vain),
        sold(20),
    ]
    facts = [one.model_copy(update={"recorded_at": NOON + timedelta(days=n)}) for n, one in enumerate(order)]
    door.recorded(*facts[:3])
    items = {UUID(one["return_id"]).int: one for one in door.ask("/returns").json()["items"]}
    door.recorded(*facts[3:])
    assert len(items) == 3
    times: list[datetime | None] = [None, NOON - timedelta(hours=1), NOON, NOON + timedelta(days=40)]
    seen = set()
    for known, as_of in product((None, *range(len(facts))), times):
        asked = {} if known is None else {"known_at": (NOON + timedelta(days=known, hours=1)).isoformat()}
        asked |= {} if as_of is None else {"as_of": as_of.isoformat()}
        left = facts if known is None else facts[: known + 1]
        expected = naive([one for one in left if as_of is None or one.occurred_at <= as_of], items)
        told = door.ask("/returns", **asked).json()
        assert told == {"items": expected, "next": None}, asked
        seen.add(tuple((one["position"], one["state"]) for one in expected))
    assert len(seen) == 5, "what waits changes with either"


def test_only_auditors_see_them(door: Door) -> None:
    assert door.ask("/returns", scope="till").status_code == 403
