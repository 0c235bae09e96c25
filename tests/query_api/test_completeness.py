"""Completeness over HTTP: per till and business day, with the numbers that are missing."""

from datetime import timedelta

import pytest

from domain.fact import Fact, message_id
from domain.purchase import PurchaseRecorded
from domain.till import TillClosed, till_stream
from tests.builders import line, policy, published
from tests.query_api.conftest import Door
from tests.spec import NOON, fact

TILL = "/stores/1/tills/4"
DAY = "2023-05-02"


def sold(number: int, store: str = "1") -> Fact:
    return fact(
        PurchaseRecorded, originator_id=message_id(TILL, f"R-{number}"), originator_version=1, source=TILL, actor=TILL,
        external_id=f"R-{number}", currency="CNY", store=store, channel="store", lines=[line(500)], tenders=[],
        paid_minor=500, fingerprint="f",
    )  # fmt: skip


def closed(receipts: int) -> Fact:
    return fact(
        TillClosed, originator_id=till_stream(TILL), originator_version=1, source=TILL, actor=TILL, external_id="Z-1",
        occurred_at=NOON, business_day=DAY, receipts=receipts, paid_minor=500 * receipts,
    )  # fmt: skip


@pytest.fixture
def shop(door: Door) -> Door:
    door.recorded(published(policy()), sold(1), sold(3), closed(3))
    return door


def test_auditors_and_staff_are_told_what_is_missing(shop: Door) -> None:
    for scope in ("auditor", "staff"):
        told = shop.ask("/completeness", scope, **{"from": DAY, "to": DAY}).json()
        assert (told["holds"], told["position"], told["time_zone"], told["differing"]) == (False, 4, "Asia/Shanghai", 1)
        (one,) = told["items"]
        assert (one["till"], one["business_day"], one["state"], one["missing_ids"]) == (TILL, DAY, "differs", ["R-2"])
        assert (one["counted_receipts"], one["recorded_receipts"]) == (3, 2)


def test_it_is_narrowed_by_store_till_and_state(shop: Door) -> None:
    def found(**asked: str) -> int:
        return len(shop.ask("/completeness", **{"from": DAY, "to": DAY}, **asked).json()["items"])

    assert (found(store="1"), found(store="2"), found(till=TILL), found(till="/nobody")) == (1, 0, 1, 0)
    assert (found(state="differs"), found(state="complete")) == (1, 0)


def test_it_is_told_as_it_was_known(door: Door) -> None:
    facts = [published(policy()), sold(1), closed(3), sold(3), sold(2)]
    door.recorded(*(one.model_copy(update={"recorded_at": NOON + timedelta(days=n)}) for n, one in enumerate(facts)))
    told = []
    for n in range(5):
        known_at = (NOON + timedelta(days=n, hours=1)).isoformat()
        found = door.ask("/completeness", **{"from": DAY, "to": DAY, "known_at": known_at}).json()
        told.append((found["position"], [(one["state"], one["recorded_receipts"]) for one in found["items"]]))
    states = [[], [("not-closed", 1)], [("differs", 1)], [("differs", 2)], [("complete", 3)]]
    assert told == list(enumerate(states, 1))
    for known_at, problem in (
        ("2020-01-01T00:00:00Z", "before-first-fact"),
        ("2199-01-01T00:00:00Z", "known-at-in-future"),
    ):
        refused = door.ask("/completeness", **{"from": DAY, "to": DAY, "known_at": known_at})
        assert refused.json()["type"] == f"urn:loyalty:{problem}"


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2023-05-03", "to": "2023-05-02"}, {"from": "2023-01-01", "to": "2023-12-31"}, {"from": DAY},
        {"from": "0001-01-01", "to": "0001-01-02"}, {"from": "1683000000", "to": DAY}, {"from": DAY, "to": DAY, "tll": "1"},
    ],
)  # fmt: skip
def test_a_period_that_cannot_be_is_refused(shop: Door, asked: dict[str, str]) -> None:
    refused = shop.ask("/completeness", **asked)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:loyalty:invalid-request")


def test_without_a_programme_nothing_tells_where_days_begin(door: Door) -> None:
    refused = door.ask("/completeness", **{"from": DAY, "to": DAY})
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:loyalty:no-programme-in-force")
