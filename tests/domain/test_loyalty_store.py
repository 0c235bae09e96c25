"""What a batch commits together, what is left after errors, and the library's own interface to the log."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import OperationalError
from eventsourcing.projection import ApplicationSubscription

from domain.commands.purchases import RecordPurchase
from domain.loyalty import Recorded, Refused, Repeated
from domain.member import Card, CardAssigned
from infra.event_store import Offset, OffsetsMoved
from infra.letters import Sealed
from infra.stored_facts import UnknownFactName
from tests.builders import ANN, ANNS_CARD, card_id, create_campaign, join, line, purchase
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.spec import fact

JOINED_AT = datetime(2023, 3, 15, 2, tzinfo=UTC)
NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)
TOPIC, TOPIC_ID = "pos.purchases.v1", UUID(int=9)


def bought(number: int, paid: int = 15_000, **what: Any) -> RecordPurchase:
    return purchase(line(paid), at=NOON + timedelta(minutes=number), id=f"R-{number}", **what)


def letter(reason: str = "malformed-message") -> Sealed:
    return Sealed(reason, "{}", TOPIC, 0, 5, b"sealed")


class TestOffsetsAndLetters:
    def begin(self, ledger: Ledger, *partitions: int) -> None:
        for partition in partitions:
            ledger.database.execute("INSERT INTO intake_offsets VALUES (%s, %s, %s, 0)", (TOPIC, TOPIC_ID, partition))

    def offsets(self, ledger: Ledger) -> list[int]:
        return [row[0] for row in ledger.rows("SELECT next_offset FROM intake_offsets ORDER BY partition")]

    def test_move_with_the_facts(self, ledger: Ledger) -> None:
        self.begin(ledger, 0, 1, 2)
        moves = [Offset(TOPIC, TOPIC_ID, 2, 0, 7), Offset(TOPIC, TOPIC_ID, 0, 0, 3)]
        execute(ledger.writer(), bought(1), offsets=moves, letters=lambda decided: [letter()])
        assert self.offsets(ledger) == [3, 0, 7]
        assert ledger.rows("SELECT reason FROM dead_letters") == [("malformed-message",)]

    def test_move_also_when_there_is_nothing_to_record(self, ledger: Ledger) -> None:
        self.begin(ledger, 0)
        assert (
            execute(ledger.writer(), offsets=[Offset(TOPIC, TOPIC_ID, 0, 0, 3)], letters=lambda decided: [letter()] * 3)
            == []
        )
        assert (self.offsets(ledger), len(ledger.rows("SELECT 1 FROM dead_letters")), len(ledger.log())) == ([3], 3, 1)

    @pytest.mark.parametrize(
        "moved",
        [
            Offset(TOPIC, TOPIC_ID, 0, 1, 5),
            Offset(TOPIC, UUID(int=8), 0, 0, 5),
            Offset(TOPIC, TOPIC_ID, 5, 0, 5),
            Offset("other", TOPIC_ID, 0, 0, 5),
        ],
    )
    def test_that_stand_elsewhere_fence_the_whole_batch(self, ledger: Ledger, moved: Offset) -> None:
        self.begin(ledger, 0, 1)
        writer = ledger.writer()
        with pytest.raises(OffsetsMoved):
            execute(
                writer,
                join(at=JOINED_AT),
                bought(1),
                offsets=[Offset(TOPIC, TOPIC_ID, 1, 0, 2), moved],
                letters=lambda decided: [letter()],
            )
        assert (self.offsets(ledger), ledger.names(), ledger.rows("SELECT 1 FROM dead_letters")) == (
            [0, 0],
            ["ProgrammePublished"],
            [],
        )
        assert all_recorded(execute(writer, join(at=JOINED_AT), bought(1), offsets=[Offset(TOPIC, TOPIC_ID, 1, 0, 2)]))
        assert ledger.names()[1:] == [
            "MemberJoined",
            "CardAssigned",
            "AccountOpened",
            "PurchaseRecorded",
            "PointsEarned",
        ]

    def test_letters_are_told_what_was_decided(self, ledger: Ledger) -> None:
        seen: list[Any] = []

        def letters(decided: Any) -> list[Sealed]:
            seen.extend(decided)
            return []

        execute(ledger.writer(), bought(1), bought(1, paid=1), letters=letters)
        assert seen[0][:2] == (0, 2)
        assert isinstance(seen[1], Refused)


class TestErrorsOfTheStore:
    @pytest.mark.parametrize("moment", ["before", "under the lock"])
    def test_end_the_batch_and_memory_keeps_nothing_of_it(self, ledger: Ledger, moment: str) -> None:
        writer = ledger.writer()
        execute(writer, join(at=JOINED_AT), bought(1))
        before = ledger.log()

        def killed(decided: Any) -> list[Sealed]:
            ledger.kill_writers()
            return [letter()]

        if moment == "before":
            ledger.kill_writers()
        with pytest.raises(OperationalError):
            execute(
                writer,
                bought(2),
                bought(3, paid=10_000_000),
                create_campaign("c", at=NOW, multiplier="2"),
                letters=killed,
            )
        assert ledger.log() == before
        _, outcome = execute(writer, bought(2), bought(4))
        assert isinstance(outcome, Recorded)
        assert (outcome.answer["available"], outcome.answer["tier"]) == (45, "Ordinary")

    def test_of_whatever_kind_leave_the_lock_free_and_the_log_as_it_was(self, ledger: Ledger) -> None:
        writer, other = ledger.writer(), ledger.writer()

        def stumble(decided: Any) -> list[Sealed]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            execute(writer, join(at=JOINED_AT), bought(1), letters=stumble)
        assert ledger.names() == ["ProgrammePublished"]
        assert all_recorded(execute(other, bought(2)))
        assert all_recorded(execute(writer, join(at=JOINED_AT), bought(1)))
        assert len(ledger.states("PointsEarned.v1")) == 2

    def test_facts_of_a_newer_program_are_an_error_that_says_where(self, ledger: Ledger) -> None:
        ledger.database.execute(
            "INSERT INTO facts SELECT 2, %s, 1, 'CardMelted.v3', state, %s, now() FROM facts", (ANNS_CARD, ANNS_CARD)
        )
        with pytest.raises(UnknownFactName, match=f"CardMelted.v3 at {ANNS_CARD}:1, position 2"):
            execute(ledger.writer(), bought(1))

    def test_bytes_that_cannot_be_read_are_an_error_that_says_where(self, ledger: Ledger) -> None:
        ledger.database.execute(
            "INSERT INTO facts SELECT 2, %s, 1, 'CardAssigned.v1', '{}', %s, now() FROM facts", (ANNS_CARD, ANNS_CARD)
        )
        with pytest.raises(ValueError, match=f"CardAssigned.v1 at {ANNS_CARD}:1, position 2"):
            execute(ledger.writer(), bought(1))


def test_the_cache_is_bounded_and_what_was_let_go_is_read_again(ledger: Ledger) -> None:
    writer = ledger.writer(cached_facts=40)
    members = [UUID(int=0xA0 + number) for number in range(30)]
    for number, member_id in enumerate(members):
        execute(writer, join(member_id, at=JOINED_AT, card=str(number)), bought(number, card=str(number)))
        kept = (kept.stream for kept in writer._cache._kept.values())
        assert sum(1 + stream.version for stream in kept) == writer._cache._facts <= 40
    outcomes = execute(writer, *(bought(100 + number, card=str(number)) for number in range(30)))
    assert [outcome.answer["available"] for outcome in outcomes if isinstance(outcome, Recorded)] == [30] * 30
    assert all(
        isinstance(outcome, Repeated)
        for outcome in execute(writer, *(bought(number, card=str(number)) for number in range(30)))
    )


def test_the_library_reads_and_writes_the_same_log(ledger: Ledger) -> None:
    app = ledger.writer()
    execute(app, bought(1, card="1002"))
    kept = fact(CardAssigned, originator_id=card_id("1001"), originator_version=1, member_id=ANN)
    (recording,) = app.save(kept)
    assert (recording.notification.id, recording.domain_event) == (4, kept)

    def project(card: Card | None, facts: Any) -> Card | None:
        for one in facts:
            card = (card or Card(one.originator_id)).evolve(one)
        return card

    repository: Any = app.repository
    assert repository.get(card_id("1001"), projector_func=project).member_id == ANN
    assert repository.get(card_id("1002"), projector_func=project).kept == [bought(1).id]
    assert [one["id"] if isinstance(one, dict) else one.id for one in app.notification_log["1,10"].items] == [
        1,
        2,
        3,
        4,
    ]
    assert [one.id for one in app.notification_log.select(3, 10)] == [3, 4]
    with ApplicationSubscription(app, gt=2) as subscription:
        seen = [next(subscription), next(subscription)]
        assert [type(one).__name__ for one, _ in seen] == ["PurchaseKeptForCard", "CardAssigned"]
        assert [tracking.notification_id for _, tracking in seen] == [3, 4]
        execute(app, bought(2, card="1003"))
        assert next(subscription)[1].notification_id == 5
    outcomes = execute(app, join(ANN, at=JOINED_AT))
    assert isinstance(outcomes[0], Refused), "the writer has learnt from the log that the card is held"
