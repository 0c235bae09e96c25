"""Returns on a real database: what is answered, now and again, and what a batch of them costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.commands.purchases import RecordPurchase
from domain.fact import MAX_FACT_BYTES, message_id
from domain.loyalty import Loyalty, Outcome, Recorded, Refused, Repeated
from domain.refusals import ConflictingRepeat, IdOfAnotherKind
from infra.event_store import FactRecorder
from tests.builders import ANN, back, create_campaign, join, line, purchase, returned
from tests.ledger import NOW, Ledger, all_recorded, execute

JOINED_AT = datetime(2023, 3, 15, 2, tzinfo=UTC)
NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)
LATER = NOON + timedelta(days=3)


def bought(number: int = 1, paid: int = 15_000, **what: Any) -> RecordPurchase:
    return purchase(line(paid), at=NOON + timedelta(minutes=number), id=f"R-{number}", **what)


def answer(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Recorded | Repeated)
    return outcome.answer


def test_a_return_is_told_what_went_back_what_it_took_and_where_the_member_stands(ledger: Ledger) -> None:
    writer, sold = ledger.writer(), purchase(line(10_000_000), at=NOON)
    execute(writer, create_campaign("gift", at=NOW, bonus_points=50, minimum_paid_minor=10_000_000), join(at=JOINED_AT))
    execute(writer, sold)
    (outcome,) = execute(writer, returned(sold.id, back(amount_minor=600), at=LATER, strictly=True))
    assert answer(outcome) == {
        "purchase_id": sold.id, "member_id": ANN, "returned_minor": 600,
        "revoked": [{"part": "base", "points": 1}, {"part": "gift", "points": 50}],
        "restored": 0, "restored_until": None, "available": 9_999, "tier": "Ordinary", "next_tier": "Silver", "points_to_next": 1,
    }  # fmt: skip


def test_again_it_is_told_the_same_whatever_happened_since(ledger: Ledger) -> None:
    writer = ledger.writer()
    asked = returned(bought().id, back(amount_minor=600), at=LATER, strictly=True)
    void = returned(bought().id, at=LATER, id="V-1", strictly=True)
    execute(writer, join(at=JOINED_AT), bought())
    (first,) = execute(writer, asked)
    (voided,) = execute(writer, void)
    execute(writer, bought(2), bought(3))
    for one in (writer, ledger.writer()):
        again, void_again, other_void = execute(
            one, asked, void, returned(bought().id, at=LATER, id="V-2", strictly=True)
        )
        assert isinstance(again, Repeated)
        assert (again.answer, void_again) == (answer(first), Repeated(12, answer(voided)))
        assert other_void == void_again
    assert answer(voided)["revoked"] == [{"part": "base", "points": 14}]


def test_a_void_amid_the_facts_of_its_purchase_is_repeated_by_itself(ledger: Ledger) -> None:
    """Two returns and a void waited for the purchase: all stand behind it, in one message."""
    writer, sold = ledger.writer(), bought()
    early = [returned(sold.id, back(amount_minor=6_000), at=LATER), returned(sold.id, at=LATER, id="V-1")]
    late = returned(sold.id, back(amount_minor=1), at=LATER, id="T-2")
    execute(writer, join(at=JOINED_AT), *early, late)
    (recorded,) = execute(writer, sold)
    assert answer(recorded)["points"] == [{"part": "base", "points": 15}]
    assert answer(recorded)["available"] == 0
    (voided,) = execute(writer, returned(sold.id, at=LATER, id="V-2", strictly=True))
    assert isinstance(voided, Repeated)
    assert voided.answer == {
        "purchase_id": sold.id, "member_id": ANN, "returned_minor": 9_000, "revoked": [{"part": "base", "points": 9}],
        "restored": 0, "restored_until": None, "available": 0, "tier": "Ordinary", "next_tier": "Silver", "points_to_next": 10_000,
    }  # fmt: skip
    assert execute(writer, sold) == [Repeated(recorded.position, answer(recorded))]  # type: ignore[union-attr]


def test_of_an_anonymous_purchase_nobody_stands_anywhere(ledger: Ledger) -> None:
    writer, sold = ledger.writer(), bought(card=None)
    _, outcome = execute(writer, sold, returned(sold.id, back(amount_minor=600), at=LATER, strictly=True))
    assert answer(outcome) == {
        "purchase_id": sold.id,
        "member_id": None,
        "returned_minor": 600,
        "revoked": [],
        "restored": 0,
        "restored_until": None,
    }


def test_a_key_that_was_used_is_known_in_another_process(ledger: Ledger) -> None:
    execute(ledger.writer(), bought(), returned(bought().id, back(amount_minor=600), at=LATER))
    (refused,) = execute(ledger.writer(), returned(bought().id, back(amount_minor=601), at=LATER))
    assert refused == Refused(ConflictingRepeat(source="/stores/1", external_id="T-1"))


def test_the_id_of_something_else_is_no_purchase(ledger: Ledger) -> None:
    writer = ledger.writer()
    execute(writer, join(at=JOINED_AT), returned(bought().id, back(amount_minor=1), at=LATER))
    for what in (ANN, message_id("/stores/1", "T-1")):
        for one in (writer, ledger.writer()):
            (outcome,) = execute(one, returned(what, back(amount_minor=1), at=LATER, id="T-9"))
            assert outcome == Refused(IdOfAnotherKind(id=what))


def test_two_writers_return_no_more_than_was_sold(ledger: Ledger) -> None:
    one, other = ledger.writer(), ledger.writer()
    execute(one, join(at=JOINED_AT), bought())
    execute(other, bought(2))
    half = [returned(bought().id, back(amount_minor=8_000), at=LATER, id=f"T-{n}", strictly=True) for n in range(3)]
    assert all_recorded(execute(one, half[0]))
    (refused,) = execute(other, half[1])
    assert isinstance(refused, Refused)
    assert refused.refusal.fields() == {"line": "1", "left_minor": 7_000, "left_quantity": 1}


def test_many_returns_in_one_batch_are_read_in_a_few_queries(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [join(None, at=JOINED_AT, card=f"C-{n}") for n in range(100)]
    sold = [bought(n, card=f"C-{n}") for n in range(100)]
    execute(ledger.writer(), create_campaign("gift", at=NOW, bonus_points=50), *people, *sold)
    queries: list[int] = []
    select = FactRecorder.select_streams

    def counted(self: FactRecorder, ids: Any, **what: Any) -> Any:
        queries.append(len(ids))
        return select(self, ids, **what)

    monkeypatch.setattr(FactRecorder, "select_streams", counted)
    writer = ledger.writer()
    backs = [returned(one.id, back(amount_minor=600 + n), at=LATER, id=f"T-{n}") for n, one in enumerate(sold)]
    voids = [returned(one.id, at=LATER, id=f"V-{n}") for n, one in enumerate(sold)]
    assert all_recorded(execute(writer, *backs, *voids))
    assert len(queries) == 4, "programme and catalogue, campaigns, receipts and purchases, accounts"


def test_the_facts_of_the_longest_receipt_that_comes_back_fit(ledger: Ledger) -> None:
    """2,000 lines, each asked for once too often."""
    writer = ledger.writer()
    sold = purchase(*(line(1_000) for _ in range(2_000)), at=NOON)
    backs = [back(str(number), quantity=2, amount_minor=2_000) for number in range(1, 2_001)]
    outcomes = execute(writer, join(at=JOINED_AT), sold, returned(sold.id, *backs, at=LATER))
    assert all_recorded(outcomes)
    (size,) = ledger.rows("SELECT max(length(state)) FROM facts WHERE name = 'PurchaseReturned.v1'")[0]
    assert size < MAX_FACT_BYTES


def test_a_writer_that_was_away_learns_of_returns_by_the_log(ledger: Ledger) -> None:
    one: Loyalty = ledger.writer()
    other = ledger.writer()
    execute(one, join(at=JOINED_AT), bought())
    execute(other, returned(bought().id, at=LATER))
    (outcome,) = execute(one, bought(2))
    assert answer(outcome)["available"] == 15
