"""The one write path, on a real database: outcomes, repeats, and purchases that waited for their card."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.commands.crediting import CreditKeptPurchase
from domain.commands.purchases import RecordPurchase
from domain.fact import MAX_FACT_BYTES
from domain.loyalty import Failed, Recorded, Refused, Repeated
from domain.points_account import PointsAccount, account_id
from domain.refusals import ConflictingRepeat, FactTooLarge, IdOfAnotherKind, UnknownMember, WrongCurrency
from tests.builders import ANN, ANNS_CARD, BOB, create_campaign, join, line, policy, publish, purchase
from tests.ledger import NOW, Ledger, all_recorded, execute

JOINED_AT = datetime(2023, 3, 15, 2, tzinfo=UTC)
NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)


def bought(number: int, paid: int = 15_000, **what: Any) -> RecordPurchase:
    return purchase(line(paid), at=NOON + timedelta(minutes=number), id=f"R-{number}", **what)


class TestOutcomes:
    def test_each_command_of_a_batch_gets_its_own(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        outcomes = execute(
            writer,
            join(at=JOINED_AT),
            bought(1),
            bought(1),
            bought(2, currency="USD"),
            bought(3, card=None, member=BOB),
            bought(4),
        )
        assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded, Repeated, Refused, Refused, Recorded]
        assert outcomes[3].refusal == WrongCurrency(currency="USD", expected="CNY")  # type: ignore[union-attr]
        assert outcomes[4].refusal == UnknownMember(member_id=BOB)  # type: ignore[union-attr]

    def test_a_position_is_that_of_the_last_fact(self, ledger: Ledger) -> None:
        outcomes = execute(
            ledger.writer(), join(at=JOINED_AT), bought(1), bought(2, card="unknown"), bought(3, card=None)
        )
        assert [outcome.position for outcome in outcomes if isinstance(outcome, Recorded)] == [4, 6, 8, 9]
        assert ledger.names() == [
            "ProgrammePublished", "MemberJoined", "CardAssigned", "AccountOpened", "PurchaseRecorded", "PointsEarned",
            "PurchaseRecorded", "PurchaseKeptForCard", "PurchaseRecorded",
        ]  # fmt: skip

    def test_refused_commands_leave_nothing_in_the_log(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        execute(writer, bought(1, currency="USD"), join(at=JOINED_AT + timedelta(days=9999)))
        assert ledger.names() == ["ProgrammePublished"]
        assert execute(writer) == []

    def test_a_receipt_prints_points_balance_and_tier(self, ledger: Ledger) -> None:
        _, _, outcome = execute(
            ledger.writer(),
            create_campaign("gift", at=NOW, bonus_points=50),
            join(at=JOINED_AT),
            purchase(line(10_000_000), at=NOON),
        )
        assert isinstance(outcome, Recorded)
        assert outcome.answer == {
            "purchase_id": purchase(line(10_000_000), at=NOON).id, "member_id": ANN, "tier": "Silver", "next_tier": "Gold",
            "points": [{"part": "base", "points": 10_000}, {"part": "gift", "points": 50}], "available": 10_050, "points_to_next": 90_000,
            "redeemed": 0, "debt": 0, "returned": [], "coupons": [],
        }  # fmt: skip

    def test_an_anonymous_receipt_prints_no_points(self, ledger: Ledger) -> None:
        (outcome,) = execute(ledger.writer(), bought(1, card=None))
        assert isinstance(outcome, Recorded)
        assert outcome.answer == {
            "purchase_id": bought(1).id,
            "member_id": None,
            "points": [],
            "redeemed": 0,
            "debt": 0,
            "returned": [],
            "coupons": [],
        }

    def test_who_does_not_wait_for_an_answer_gets_none(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        execute(writer, join(at=JOINED_AT))
        assert execute(writer, bought(1, answered=False)) == [Recorded(6, {})]
        assert execute(writer, bought(1, answered=False)) == [Repeated(0, {})]

    def test_an_error_while_deciding_fails_one_command_and_no_other(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decide = RecordPurchase.decide

        def stumble(self: RecordPurchase, streams: Any) -> Any:
            if self.external_id == "R-2":
                raise ZeroDivisionError
            return decide(self, streams)

        monkeypatch.setattr(RecordPurchase, "decide", stumble)
        outcomes = execute(ledger.writer(), join(at=JOINED_AT), bought(1), bought(2), bought(3))
        assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded, Failed, Recorded]
        assert isinstance(outcomes[2].error, ZeroDivisionError)  # type: ignore[union-attr]

    def test_a_fact_that_would_be_too_large_is_refused(self, ledger: Ledger) -> None:
        huge = purchase(*[line(0, sku="s" * 256)] * 1_000, at=NOON, id="huge")
        too_large, recorded = execute(ledger.writer(), huge, bought(1))
        assert isinstance(too_large, Refused)
        assert isinstance(too_large.refusal, FactTooLarge)
        assert too_large.refusal.size > too_large.refusal.limit == MAX_FACT_BYTES
        assert isinstance(recorded, Recorded)
        assert ledger.names() == ["ProgrammePublished", "PurchaseRecorded", "PurchaseKeptForCard"]

    def test_an_id_of_another_kind_is_refused_and_stops_nobody(self, ledger: Ledger) -> None:
        """A member id that a caller gives may be anything, a purchase's or a message's too."""
        for writer in (ledger.writer(), ledger.writer()):
            execute(writer, join(at=JOINED_AT), bought(1), join(BOB, at=JOINED_AT, card="1002", key="R-9"))
            ids = [bought(1).id, account_id(ANN), ANNS_CARD]
            batch = [bought(10 + n, card=None, member=taken) for n, taken in enumerate(ids)] + [
                join(ids[0], at=JOINED_AT, card="1003")
            ]
            *refused, recorded = execute(writer, *batch, purchase(line(1), at=NOON, id=str(uuid4())))
            assert [outcome.refusal for outcome in refused] == [IdOfAnotherKind(id=taken) for taken in (*ids, ids[0])]  # type: ignore[union-attr]
            assert isinstance(recorded, Recorded)
            (taken,) = execute(writer, purchase(line(1), at=NOON, source="/clients/tests", id="R-9"))
            assert taken.refusal.name == "id-of-another-kind"  # type: ignore[union-attr]


class TestRepeats:
    def test_in_the_same_batch_in_a_later_one_and_by_another_writer_get_the_first_answer(self, ledger: Ledger) -> None:
        one, other = ledger.writer(), ledger.writer()
        _, first, again = execute(one, join(at=JOINED_AT), bought(1), bought(1))
        assert isinstance(first, Recorded)
        assert again == Repeated(first.position, first.answer)
        assert execute(one, bought(1)) == execute(other, bought(1)) == [again]
        assert len(ledger.log()) == first.position

    def test_get_the_first_answer_also_after_many_later_purchases(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        (_, first), (second,) = (
            execute(writer, join(at=JOINED_AT), bought(1)),
            execute(writer, bought(2, paid=20_000_000)),
        )
        for number in range(3, 40):
            execute(writer, bought(number), bought(1000 + number))
        for answer, number, paid in ((first, 1, 15_000), (second, 2, 20_000_000)):
            assert isinstance(answer, Recorded)
            for asked in (writer, ledger.writer()):
                assert execute(asked, bought(number, paid=paid)) == [Repeated(answer.position, answer.answer)]

    def test_the_answers_of_a_batch_are_as_of_each_purchase(self, ledger: Ledger) -> None:
        outcomes = execute(ledger.writer(), join(at=JOINED_AT), *(bought(number) for number in range(1, 6)))
        available = [outcome.answer["available"] for outcome in outcomes[1:] if isinstance(outcome, Recorded)]
        assert available == [15, 30, 45, 60, 75]

    def test_who_buys_often_in_a_batch_is_folded_once_for_its_answers(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer, read = ledger.writer(), Counter[str]()
        select = writer.facts.select_events

        def counted(stream_id: UUID, **what: Any) -> Any:
            found = select(stream_id, **what)
            read["facts"] += len(found)
            return found

        monkeypatch.setattr(writer.facts, "select_events", counted)
        outcomes = execute(writer, join(at=JOINED_AT), *(bought(number) for number in range(1, 41)))
        assert all_recorded(outcomes)
        assert read["facts"] <= 41

    def test_of_joins_campaigns_and_programmes_get_their_first_answers(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        commands = [
            join(None, at=JOINED_AT, key="j"), create_campaign("twice", at=NOW, multiplier="2", key="c"),
            publish(policy(effective_from="2023-06-01T00:00:00+08:00"), at=NOW, key="p"),
        ]  # fmt: skip
        first = execute(writer, *commands)
        assert all_recorded(first)
        expected = [Repeated(outcome.position, outcome.answer) for outcome in first if isinstance(outcome, Recorded)]
        assert execute(writer, *commands) == execute(ledger.writer(), *commands) == expected
        assert [outcome.answer for outcome in expected][1:] == [
            {"campaign_id": "twice"},
            {"programme": "member_experience", "version": 2},
        ]

    def test_of_a_join_without_a_key_are_told_by_the_card(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        first, again = execute(writer, join(None, at=JOINED_AT), join(None, at=JOINED_AT))
        assert isinstance(first, Recorded)
        assert again == Repeated(first.position, first.answer)

    def test_with_other_content_conflict_everywhere(self, ledger: Ledger) -> None:
        writer, conflict = ledger.writer(), Refused(ConflictingRepeat(source="/stores/1", external_id="R-1"))
        _, same_batch = execute(writer, bought(1), bought(1, paid=7))
        outcomes = [same_batch, *execute(writer, bought(1, paid=7)), *execute(ledger.writer(), bought(1, paid=7))]
        assert [outcome.refusal for outcome in outcomes] == [conflict.refusal] * 3  # type: ignore[union-attr]

    def test_of_the_publication_that_came_first_are_found_at_its_version(self, ledger: Ledger) -> None:
        assert execute(ledger.writer(), publish(policy(), at=NOW)) == [
            Repeated(1, {"programme": "member_experience", "version": 1})
        ]


class TestKeptPurchases:
    def test_are_credited_when_the_card_joins_and_can_lift_the_member_on_the_way(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        execute(writer, *(bought(number, paid=60_000_000) for number in range(1, 5)))
        (outcome,) = execute(writer, join(at=JOINED_AT, key="j"))
        assert isinstance(outcome, Recorded)
        assert [(state["from_tier"], state["to_tier"]) for state in ledger.states("TierMoved.v1")] == [
            ("Ordinary", "Silver"), ("Silver", "Gold"), ("Gold", "Diamond"),
        ]  # fmt: skip
        assert sum(part["points"] for state in ledger.states("PointsEarned.v1") for part in state["parts"]) == 240_000
        assert outcome.position == len(ledger.log())
        assert execute(writer, join(at=JOINED_AT, key="j")) == [Repeated(outcome.position, {"member_id": ANN})]

    def test_in_the_batch_of_the_join_are_credited_too_and_none_twice(self, ledger: Ledger) -> None:
        writer = ledger.writer()
        assert all_recorded(execute(writer, bought(1), join(at=JOINED_AT), bought(2)))
        assert [state["purchase_id"] for state in ledger.states("PointsEarned.v1")] == [
            str(bought(1).id),
            str(bought(2).id),
        ]
        execute(ledger.writer(), bought(1), join(at=JOINED_AT), bought(2))
        assert len(ledger.states("PointsEarned.v1")) == 2

    def test_that_cannot_be_credited_fail_the_join_alone_and_it_can_be_repeated(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer = ledger.writer()
        execute(writer, bought(1), bought(2), bought(3, card="1002"))
        decide = CreditKeptPurchase.decide

        def stumble(self: CreditKeptPurchase, streams: Any) -> Any:
            if self.purchase_id == bought(2).id:
                raise ZeroDivisionError
            return decide(self, streams)

        with monkeypatch.context() as patch:
            patch.setattr(CreditKeptPurchase, "decide", stumble)
            outcomes = execute(writer, join(at=JOINED_AT, key="j"), join(BOB, at=JOINED_AT, card="1002"), bought(4))
        assert [type(outcome) for outcome in outcomes] == [Failed, Recorded, Recorded]
        assert {state["member_id"] for state in ledger.states("PointsEarned.v1")} == {str(BOB)}
        assert ledger.names()[-1] == "PurchaseKeptForCard"
        assert all_recorded(execute(writer, join(at=JOINED_AT, key="j")))
        assert len([state for state in ledger.states("PointsEarned.v1") if state["member_id"] == str(ANN)]) == 3


def test_what_is_folded_from_the_log_is_what_the_writer_has_in_memory(ledger: Ledger) -> None:
    writer = ledger.writer()
    execute(
        writer,
        create_campaign("gift", at=NOW, bonus_points=5),
        join(at=JOINED_AT),
        *(bought(number) for number in range(20)),
    )
    live = writer._cache.take(account_id(ANN))
    stored = ledger.writer().account(account_id(ANN), version=21)
    assert isinstance(live, PointsAccount)
    assert vars(live) == vars(stored)
