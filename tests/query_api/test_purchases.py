"""From the receipt in a customer's hand to its purchase, on the log that the commands wrote."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.fact import message_id
from domain.loyalty import Loyalty
from domain.refusals import UnknownPurchase
from tests.builders import ANN, BOB, back, claim, join, line, purchase, reassign, returned
from tests.domain.story import JOINED_AT
from tests.ledger import Ledger, all_recorded, execute
from tests.query_api.conftest import Door
from tests.spec import NOON

LATER = NOON + timedelta(days=1)
R1 = message_id("/stores/1", "R-1")
LINES = (line(9_500, discount_minor=500, quantity=2), line(500, quantity="0.482", category="FRUIT"))


@pytest.fixture
def writer(door: Door) -> Iterator[Loyalty]:
    """Writes to the log that the door reads; Ann and Bob have joined."""
    with Ledger(door.settings.database_url or "") as ledger:
        one = ledger.writer()
        assert all_recorded(execute(one, join(at=JOINED_AT), join(BOB, card="1002", at=JOINED_AT)))
        yield one


def asked(door: Door, receipt: str = "R-1", source: str = "/stores/1") -> dict[str, Any]:
    told = door.ask("/purchases", "till", source=source, id=receipt)
    assert told.status_code == 200, told.json()
    found: dict[str, Any] = told.json()
    assert found.pop("as_of")
    again = door.ask(f"/purchases/{found['purchase_id']}", "till").json()
    assert again.pop("as_of")
    assert again == found
    return found


def test_a_receipt_leads_to_its_purchase_and_to_what_is_left_of_it(door: Door, writer: Loyalty) -> None:
    execute(writer, purchase(*LINES, at=NOON))
    execute(writer, returned(R1, back(quantity=1, amount_minor=4_000), back("2", quantity="0.18"), at=LATER))
    assert asked(door) == {
        "purchase_id": str(R1), "state": "recorded", "buyer": "member", "member_id": str(ANN),
        "occurred_at": "2023-05-02T04:00:00Z", "store": "1", "currency": "CNY", "paid_minor": 9_500,
        "left_minor": 5_500, "corrects": None, "replaced_by": None,
        "lines": [
            {"line": "1", "sku": "1", "category": None, "quantity": 2, "paid_minor": 9_000,
             "left_quantity": 1, "left_minor": 5_000},
            {"line": "2", "sku": "1", "category": "FRUIT", "quantity": "0.482", "paid_minor": 500,
             "left_quantity": "0.302", "left_minor": 500},
        ],
        "position": door.ask("/facts", limit=1_000).json()["items"][-1]["position"],
    }  # fmt: skip


def test_as_of_an_instant_what_went_back_later_is_left_and_what_was_sold_later_is_unknown(
    door: Door, writer: Loyalty
) -> None:
    execute(
        writer,
        purchase(*LINES, at=NOON),
        returned(R1, back(amount_minor=4_000), at=LATER),
        returned(R1, at=LATER, id="T-2"),
    )
    moment = timedelta(microseconds=1)
    for at, state, left in ((NOON, "recorded", 9_500), (LATER - moment, "recorded", 9_500), (LATER, "voided", 0)):
        told = door.ask(f"/purchases/{R1}", "till", as_of=at.isoformat()).json()
        assert (told["state"], told["left_minor"]) == (state, left)
        assert datetime.fromisoformat(told["as_of"]) == at
    unsold = door.ask(f"/purchases/{R1}", "till", as_of=(NOON - moment).isoformat())
    assert (unsold.status_code, unsold.json()["type"]) == (404, f"urn:loyalty:{UnknownPurchase.name}")


def test_of_a_voided_purchase_nothing_is_left(door: Door, writer: Loyalty) -> None:
    execute(writer, purchase(*LINES, at=NOON), returned(R1, at=LATER))
    told = asked(door)
    assert (told["state"], told["paid_minor"], told["left_minor"]) == ("voided", 9_500, 0)
    assert [(one["left_quantity"], one["left_minor"]) for one in told["lines"]] == [(0, 0), (0, 0)]


def test_a_purchase_under_a_wrong_card_names_the_one_that_stands_for_it(door: Door, writer: Loyalty) -> None:
    execute(writer, purchase(*LINES, at=NOON), reassign(R1, at=LATER, card="1002"))
    wrong = asked(door)
    assert (wrong["state"], wrong["left_minor"], wrong["member_id"]) == ("voided", 0, str(ANN))
    right = door.ask(f"/purchases/{wrong['replaced_by']}", "till").json()
    assert (right["state"], right["left_minor"], right["member_id"]) == ("recorded", 9_500, str(BOB))
    assert (right["corrects"], right["purchase_id"]) == (str(R1), wrong["replaced_by"])


def test_who_bought_is_told_as_far_as_anybody_knows(door: Door, writer: Loyalty) -> None:
    cards = {"R-1": "1001", "R-2": "9", "R-3": None, "R-4": None}
    execute(writer, *(purchase(line(100), at=NOON, id=receipt, card=card) for receipt, card in cards.items()))
    execute(writer, claim(message_id("/stores/1", "R-4"), at=LATER, member=BOB))
    found = [asked(door, receipt) for receipt in cards]
    assert [(told["buyer"], told["member_id"]) for told in found] == [
        ("member", str(ANN)), ("unclaimed", None), ("anonymous", None), ("member", str(BOB))
    ]  # fmt: skip


def test_a_purchase_that_only_its_returns_know_of_is_waited_for(door: Door, writer: Loyalty) -> None:
    execute(writer, returned(R1, back(amount_minor=100), at=LATER))
    told = asked(door)
    assert (told.pop("purchase_id"), told.pop("state"), told.pop("lines")) == (str(R1), "waiting", [])
    assert told.pop("position") > 0
    assert set(told.values()) == {None}


def test_what_is_no_purchase_is_unknown(door: Door, writer: Loyalty) -> None:
    execute(writer, purchase(line(100), at=NOON), returned(R1, back(amount_minor=100), at=LATER, id="T-1"))
    for what in (
        door.ask("/purchases", "till", source="/stores/1", id="R-9"),
        door.ask("/purchases", "till", source="/stores/1", id="T-1"),
        door.ask("/purchases", "till", source="/stores/2", id="R-1"),
        door.ask(f"/purchases/{ANN}", "till"),
        door.ask(f"/purchases/{UUID(int=9)}", "till"),
    ):
        assert (what.status_code, what.json()["type"]) == (404, f"urn:loyalty:{UnknownPurchase.name}")


def test_both_parts_of_the_identity_are_asked_for(door: Door) -> None:
    for parameters in (
        {},
        {"source": "/stores/1"},
        {"id": "R-1"},
        {"source": "", "id": "R-1"},
        {"source": "a\0b", "id": "c"},
    ):
        assert door.ask("/purchases", "till", **parameters).status_code == 422, parameters
