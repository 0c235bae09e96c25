"""Purchases."""

from datetime import UTC, datetime

from domain.fact import Fact
from domain.purchase import Purchase, PurchaseClaimed, PurchaseRecorded
from tests.builders import ANN, ANNS_CARD, line, sale
from tests.spec import fact, given, numbered


def recorded(**what: object) -> Fact:
    kept = {
        "currency": "CNY", "store": "1", "channel": "store", "card_id": ANNS_CARD, "lines": [line(1500)], "paid_minor": 1500,
        "tenders": [{"kind": "cash", "amount_minor": 1500}], "fingerprint": "f",
    }  # fmt: skip
    return fact(PurchaseRecorded, **{**kept, **what})


def test_a_receipt_is_recorded_as_the_till_sent_it() -> None:
    what = recorded().model_dump(
        include={"currency", "store", "channel", "card_id", "lines", "tenders", "paid_minor", "fingerprint"}
    )
    given(Purchase).when(lambda purchase: purchase.record({"member_id": ANN, **what})).then(recorded(member_id=ANN))


def test_an_unclaimed_purchase_is_credited_to_the_holder_of_its_card() -> None:
    unclaimed = given(Purchase, recorded())
    assert unclaimed.stream.member_id is None
    claimed = fact(PurchaseClaimed, member_id=ANN, card_id=ANNS_CARD)
    unclaimed.when(lambda purchase: purchase.claim(member_id=ANN, card_id=ANNS_CARD)).then(claimed)
    numbered([claimed], unclaimed.stream)
    assert unclaimed.stream.member_id == ANN


def test_a_purchase_of_a_member_belongs_to_the_member() -> None:
    assert given(Purchase, recorded(member_id=ANN)).stream.member_id == ANN


def test_what_was_paid_is_gross_less_discount_over_all_lines() -> None:
    assert (
        sale(line(1500, discount_minor=300), line(1), line(0), at=datetime(2023, 1, 1, tzinfo=UTC)).paid_minor == 1201
    )


def test_a_purchase_without_a_member_is_told_under_its_own_id() -> None:
    assert recorded().subject == recorded().originator_id
    assert recorded(member_id=ANN).subject == ANN
