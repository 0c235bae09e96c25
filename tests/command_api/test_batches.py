"""Many purchases in one request: a bad one does not hold up its neighbours, however bad it is."""

from typing import Any

import pytest

from tests.command_api.test_receipts import ANONYMOUS
from tests.command_api.test_returns import Shop, till
from tests.command_api.till import problem, told

__all__ = ["till"]

LINE = ANONYMOUS["lines"][0]
GOOD = [{**ANONYMOUS, "card": "1001", "id": f"B-{number}"} for number in range(2)]
BADLY_SHAPED: list[tuple[Any, str, str]] = [
    ({name: value for name, value in ANONYMOUS.items() if name != "store"}, "invalid-field", "store"),
    ({**ANONYMOUS, "lines": [LINE, {**LINE, "quantity": -1}]}, "negative-quantity", "lines.1.quantity"),
    ({**ANONYMOUS, "lines": [{**LINE, "gross_minor": 10**40}]}, "invalid-field", "lines.0.gross_minor"),
    ({**ANONYMOUS, "colour": "red"}, "invalid-field", "colour"),
    ({**ANONYMOUS, "time": "2023-05-02T12:00:00"}, "time-without-zone", "time"),
    ("R-1", "invalid-field", ""),
    (None, "invalid-field", ""),
]


def test_each_bad_item_is_answered_in_its_place_and_the_good_ones_are_recorded(till: Shop) -> None:
    items = [GOOD[0], *(bad for bad, _, _ in BADLY_SHAPED), {**ANONYMOUS, "tenders": []}, GOOD[1]]
    found = told(till.post("/purchases/batch", {"items": items}), 200)
    first, *refused, unpaid, last = found["items"]
    assert [(one["status"], one["type"], one["field"]) for one in refused] == [
        (422, f"urn:loyalty:{name}", field) for _, name, field in BADLY_SHAPED
    ]
    assert unpaid["type"] == "urn:loyalty:tenders-do-not-match"
    assert (first["status"], last["status"], last["position"]) == (201, 201, found["position"])
    assert [told(till.post("/purchases", body)) for body in GOOD] == [
        {name: value for name, value in one.items() if name != "status"} for one in (first, last)
    ]


def test_what_was_read_alone_is_the_same_receipt_as_what_was_read_among_good_ones(till: Shop) -> None:
    weighed = {**GOOD[0], "lines": [{**LINE, "quantity": "0.4820"}, {**LINE, "line": "é", "gross_minor": 0}]}
    alone = told(till.post("/purchases/batch", {"items": [weighed, {}]}), 200)
    among = told(till.post("/purchases/batch", {"items": [weighed]}), 200)
    assert alone["items"][0] == among["items"][0]
    assert alone["items"][0]["status"] == 201


def test_nothing_but_bad_items_records_nothing(till: Shop) -> None:
    found = told(till.post("/purchases/batch", {"items": [{}, 1]}), 200)
    assert ([one["status"] for one in found["items"]], found["position"]) == ([422, 422], 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": []}, "items"), ({"items": [{}] * 1_001}, "items"), ({"items": GOOD[0]}, "items"), ({}, "items"),
        ({"items": [{}, GOOD[0]], "colour": "red"}, "colour"), (GOOD, ""),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused_as_a_whole(till: Shop, body: Any, field: str) -> None:
    before = till.ledger.log()
    assert problem(till.post("/purchases/batch", body), 422, "invalid-field")["field"] == field
    assert till.ledger.log() == before
