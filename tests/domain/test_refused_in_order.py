"""What stands in the way of a message is told in one order at both doors: each test is wrong in two ways at once."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest

from command_api.refusals import STATUS
from consumers.cloud_events import event_of
from consumers.purchases import command_of
from domain.command import Command
from domain.fact import message_id
from domain.messages.identity import Identity
from domain.messages.purchases import PurchaseBody, purchase_command
from domain.messages.reading import read
from domain.messages.returns import ReturnBody, return_body_command
from domain.money import MAX_AMOUNT
from domain.refusals import REFUSALS, Refusal
from tests.builders import ANN, back, card_id, line, policy, published, purchase, returned
from tests.domain.putting_right import done, shop
from tests.spec import NOON

SOLD = purchase(line(9_500, quantity=2), line(5_500), at=NOON)
GONE = purchase(line(1_000), at=NOON, id="R-2")
OTHER = purchase(line(1_000), at=NOON, id="R-3")
NOBODY = UUID(int=9)
NOW = datetime(2023, 5, 10, tzinfo=UTC)
Change = Callable[[dict[str, Any], dict[str, Any]], Any]
"""Changes the attributes and the data of a message, so that something is wrong with it."""


def set_to(place: str, name: Any, value: Any) -> Change:
    """Another value somewhere in the data, by a dotted path, or among the attributes (`event`)."""

    def change(event: dict[str, Any], data: dict[str, Any]) -> None:
        found: Any = event if place == "event" else data
        for step in place.split(".") if place not in {"event", "data"} else ():
            found = found[int(step) if step.isdigit() else step]
        found[name] = value

    return change


def also(place: str, value: Any) -> Change:
    """One more of them, before the others."""
    return lambda event, data: data[place].insert(0, deepcopy(value))


PURCHASE: dict[str, Any] = {
    "currency": "CNY", "store": "1", "card": "1001",
    "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 10_000, "discount_minor": 500}],
    "tenders": [{"kind": "cash", "amount_minor": 6_500}],
    "returned": [{"purchase": {"source": "/stores/1", "id": "R-1"}, "lines": [{"line": "1", "quantity": 1, "amount_minor": 3_000}]}],
}  # fmt: skip
RETURN: dict[str, Any] = {
    "purchase": {"source": "/stores/1", "id": "R-1"}, "lines": [{"line": "1", "quantity": 1, "amount_minor": 3_000}],
    "tenders": [{"kind": "cash", "amount_minor": 3_000}],
}  # fmt: skip
TIMES: list[tuple[str, Change]] = [
    ("time-without-zone", set_to("event", "time", "2023-05-05T04:00:00")),
    ("negative-quantity", set_to("lines.0", "quantity", -1)),
    ("invalid-field", set_to("lines.0", "quantity", "many")),
]
OF_A_PURCHASE: list[tuple[str, Change]] = [
    *TIMES,
    ("invalid-field", set_to("tenders.0", "amount_minor", 2**63)),
    ("invalid-field", lambda event, data: data.update(card="1001", member=str(ANN))),
    ("invalid-field", set_to("returned.0.lines.0", "line", "")),
    ("tenders-do-not-match", set_to("tenders.0", "amount_minor", 1)),
    ("conflicting-repeat", set_to("event", "id", "R-3")),
    ("time-in-the-future", set_to("event", "time", "2023-05-12T04:00:00Z")),
    ("no-programme-in-force", set_to("event", "time", "2022-05-12T04:00:00Z")),
    ("wrong-currency", set_to("data", "currency", "USD")),
    ("points-are-not-cash", set_to("tenders.0", "kind", "points")),
    ("unknown-member", lambda event, data: data.update(card=None, member=str(NOBODY))),
]
ONLY_OVER_HTTP: list[tuple[str, Change]] = [
    ("unknown-purchase", also("returned", {"purchase": {"source": "x", "id": "x"}, "lines": [{"line": "1", "quantity": 1, "amount_minor": 0}]})),
    ("purchase-voided-before", also("returned", {"purchase": {"source": "/stores/1", "id": "R-2"}, "lines": [{"line": "1", "quantity": 1, "amount_minor": 0}]})),
    ("unknown-line", set_to("returned.0.lines.0", "line", "9")),
]  # fmt: skip
OF_A_RETURN: list[tuple[str, Change]] = [
    *TIMES,
    ("invalid-field", set_to("lines.0", "amount_minor", MAX_AMOUNT + 1)),
    ("invalid-field", also("lines", {"line": "2", "quantity": 0, "amount_minor": 0})),
    ("conflicting-repeat", set_to("event", "id", "T-0")),
    ("time-in-the-future", set_to("event", "time", "2023-05-12T04:00:00Z")),
]
OF_A_RETURN_OVER_HTTP: list[tuple[str, Change]] = [
    ("unknown-purchase", set_to("purchase", "id", "R-9")),
    ("purchase-voided-before", set_to("purchase", "id", "R-2")),
    ("refunds-do-not-match", set_to("tenders.0", "amount_minor", 1)),
    ("unknown-line", set_to("lines.0", "line", "9")),
    ("over-return", set_to("lines.0", "quantity", 3)),
]


def kafka(kind: str) -> Callable[[dict[str, Any], dict[str, Any]], Command]:
    def door(event: dict[str, Any], data: dict[str, Any]) -> Command:
        value = {"specversion": "1.0", "type": kind, "source": "/stores/1", **event, "data": data}
        return command_of(event_of(json.dumps(value).encode(), []), card_id)

    return door


def http_purchase(event: dict[str, Any], data: dict[str, Any]) -> Command:
    body = read(PurchaseBody, json.dumps({"source": "/stores/1", **event, **data}), strictly=True)
    return purchase_command(
        body, source=body.source, external_id=body.id, time=body.time, card_ids=card_id, answered=True
    )


def http_return(event: dict[str, Any], data: dict[str, Any]) -> Command:
    named = data.pop("purchase")
    body = read(ReturnBody, json.dumps({"time": event["time"], **data}), strictly=True)
    identity = Identity(source="/stores/1", external_id=event["id"], actor="x", keyed=True)
    return return_body_command(body, purchase_id=message_id(named["source"], named["id"]), identity=identity)


def refused(door: Callable[..., Command], good: dict[str, Any], *changes: Change) -> str:
    """The name of what is told, of a message that is wrong in these ways."""
    log = shop(rules=published(policy(points_as_cash=None)))
    log.batch.recorded_at = NOW
    done(
        log,
        SOLD,
        GONE,
        OTHER,
        returned(GONE.id, at=NOON, id="V-1"),
        returned(SOLD.id, back(amount_minor=1), at=NOON, id="T-0"),
    )
    event, data = {"id": "X-1", "time": "2023-05-05T04:00:00Z"}, deepcopy(good)
    for change in changes:
        change(event, data)
    try:
        command = door(event, data)
    except Refusal as refusal:
        return refusal.name
    result = log.when(command)
    return "" if result.refusal is None else result.refusal.name


DOORS = [
    (kafka("pos.purchase.completed.v1"), PURCHASE, OF_A_PURCHASE),
    (http_purchase, PURCHASE, OF_A_PURCHASE + ONLY_OVER_HTTP),
    (kafka("pos.purchase.returned.v1"), RETURN, OF_A_RETURN),
    (http_return, RETURN, OF_A_RETURN + OF_A_RETURN_OVER_HTTP),
]
NAMES = ["a purchase over Kafka", "a purchase over HTTP", "a return over Kafka", "a return over HTTP"]


@pytest.mark.parametrize(("door", "good", "wrong"), DOORS, ids=NAMES)
def test_of_two_things_that_are_wrong_the_earlier_one_is_told(
    door: Callable[..., Command], good: dict[str, Any], wrong: list[tuple[str, Change]]
) -> None:
    assert refused(door, good) == ""
    for name, change in wrong:
        assert refused(door, good, change) == name
    for (name, change), (_, behind) in combinations(wrong, 2):
        assert refused(door, good, behind, change) == name


@pytest.mark.parametrize(
    ("door", "good"), [(kafka("pos.purchase.completed.v1"), PURCHASE), (http_purchase, PURCHASE)], ids=NAMES[:2]
)
@pytest.mark.parametrize("amount", [2**53, 2**63, 2**64, 10**400, -1, 1.5, "100", True, None])
def test_an_amount_that_not_every_reader_holds_exactly_is_an_invalid_field(
    door: Callable[..., Command], good: dict[str, Any], amount: Any
) -> None:
    for place, name in (
        ("lines.0", "gross_minor"),
        ("tenders.0", "amount_minor"),
        ("returned.0.lines.0", "amount_minor"),
    ):
        assert refused(door, good, set_to(place, name, amount)) == "invalid-field"


def test_sums_that_pass_the_largest_amount_are_an_invalid_field() -> None:
    half = MAX_AMOUNT // 2 + 1
    lines = [{"line": str(n), "sku": "a", "quantity": 1, "gross_minor": half} for n in range(2)]
    tenders = [{"kind": "cash", "amount_minor": half}] * 2
    large = {**PURCHASE, "returned": [], "lines": lines, "tenders": tenders}
    backs = {**RETURN, "lines": [{"line": "1", "quantity": 1, "amount_minor": half}] * 2, "tenders": tenders}
    for door, good in ((DOORS[0][0], large), (http_purchase, large), (DOORS[2][0], backs), (http_return, backs)):
        assert refused(door, good) == "invalid-field"


def test_every_name_told_here_is_that_of_a_refusal_with_a_status() -> None:
    told = {name for _, _, wrong in DOORS for name, _ in wrong}
    assert {REFUSALS[name] for name in told} <= STATUS.keys()
