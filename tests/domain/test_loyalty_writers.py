"""Several writers on one log: none loses, doubles or overtakes what another has recorded."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.command import Command
from domain.loyalty import Loyalty, Recorded, Refused, Repeated
from domain.refusals import CardAlreadyAssigned, MemberAlreadyExists
from tests.builders import ANN, BOB, create_campaign, join, line, policy, publish, purchase
from tests.ledger import NOW, Ledger, all_recorded, execute

JOINED_AT = datetime(2023, 3, 15, 2, tzinfo=UTC)
NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)


def bought(number: int, paid: int = 15_000, **what: Any) -> Command:
    return purchase(line(paid), at=NOON + timedelta(minutes=number), id=f"R-{number}", **what)


def before_the_lock(writer: Loyalty, meanwhile: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody else write once the writer has decided, and before it takes the lock."""
    lock = writer.facts.writing

    @contextmanager
    def writing(*, after: int) -> Iterator[list[tuple[int, UUID]]]:
        monkeypatch.setattr(writer.facts, "writing", lock)
        meanwhile()
        with lock(after=after) as others:
            yield others

    monkeypatch.setattr(writer.facts, "writing", writing)


class TestWhatWasReadAndWrittenByAnotherMeanwhile:
    def test_is_decided_again_on_the_account(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        execute(one, join(at=JOINED_AT), bought(1))
        before_the_lock(one, lambda: execute(other, bought(2)), monkeypatch)
        (outcome,) = execute(one, bought(3))
        assert isinstance(outcome, Recorded)
        assert outcome.answer["available"] == 45
        assert [state["originator_version"] for state in ledger.states("PointsEarned.v1")] == [2, 3, 4]

    def test_may_be_the_same_purchase(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        execute(one, join(at=JOINED_AT))
        before_the_lock(one, lambda: execute(other, bought(1)), monkeypatch)
        first, second = execute(one, bought(1), bought(2))
        assert isinstance(first, Repeated)
        assert isinstance(second, Recorded)
        assert len(ledger.states("PurchaseRecorded.v1")) == 2

    def test_may_be_a_join_with_the_same_card(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        before_the_lock(one, lambda: execute(other, join(ANN, at=JOINED_AT)), monkeypatch)
        outcome, purchased = execute(one, join(BOB, at=JOINED_AT), bought(1))
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.refusal, CardAlreadyAssigned)
        assert isinstance(purchased, Recorded)
        assert purchased.answer["member_id"] == ANN

    def test_may_be_the_join_that_a_purchase_waited_for(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        before_the_lock(one, lambda: execute(other, join(at=JOINED_AT)), monkeypatch)
        execute(one, bought(1))
        assert ledger.names()[-2:] == ["PurchaseRecorded", "PointsEarned"]

    def test_may_be_the_purchase_that_a_join_must_credit(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        before_the_lock(one, lambda: execute(other, bought(1)), monkeypatch)
        execute(one, join(at=JOINED_AT))
        assert ledger.names()[-2:] == ["PurchaseClaimed", "PointsEarned"]

    def test_may_be_a_campaign_or_a_version_of_the_programme(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = ledger.writer(), ledger.writer()
        execute(one, join(at=JOINED_AT))
        richer = policy(effective_from="2023-05-01T00:00:00+08:00", earning={"points": 2, "per_minor": 1000})
        before_the_lock(
            one,
            lambda: execute(other, create_campaign("gift", at=NOW, bonus_points=7), publish(richer, at=NOW)),
            monkeypatch,
        )
        (outcome,) = execute(one, bought(1))
        assert isinstance(outcome, Recorded)
        assert outcome.answer["points"] == [{"part": "base", "points": 30}, {"part": "gift", "points": 7}]

    def test_and_concerns_nobody_here_is_merely_skipped(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        execute(one, join(at=JOINED_AT))
        before_the_lock(one, lambda: execute(other, bought(1, card="9"), bought(2, card="8")), monkeypatch)
        (outcome,) = execute(one, bought(3))
        assert isinstance(outcome, Recorded)
        assert outcome.position == len(ledger.log()) == 10


def test_a_writer_learns_of_what_another_recorded_between_its_batches(ledger: Ledger) -> None:
    one, other = ledger.writer(), ledger.writer()
    execute(one, join(at=JOINED_AT), bought(1))
    for number in range(2, 12):
        (outcome,) = execute((one, other)[number % 2], bought(number))
        assert isinstance(outcome, Recorded)
        assert outcome.answer["available"] == 15 * number


THREADS, BATCHES = 4, 12
MEMBERS = [UUID(int=0xA0 + number) for number in range(3)]


def in_threads(ledger: Ledger, work: Callable[[int, Loyalty], Any]) -> list[Any]:
    """Each thread with a writer of its own, all beginning at once."""
    writers = [ledger.writer() for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def begin(number: int) -> Any:
        start.wait(10)
        return work(number, writers[number])

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def test_many_writers_on_the_same_accounts_record_everything_once(ledger: Ledger) -> None:
    """Each thread sells to the same three members, and repeats what all the others send."""
    execute(ledger.writer(), *(join(member, at=JOINED_AT, card=str(number)) for number, member in enumerate(MEMBERS)))

    def work(thread: int, writer: Loyalty) -> Counter[str]:
        seen: Counter[str] = Counter()
        for batch in range(BATCHES):
            own = [bought(1000 * thread + 10 * batch + n, card=str(n)) for n in range(3)]
            shared = [bought(100_000 + 10 * batch + n, card=str(n)) for n in range(3)]
            seen.update(type(outcome).__name__ for outcome in execute(writer, *own, *shared))
        return seen

    total = sum(in_threads(ledger, work), Counter[str]())
    assert total == {"Recorded": 3 * BATCHES * (THREADS + 1), "Repeated": 3 * BATCHES * (THREADS - 1)}
    earned = Counter[str]()
    for state in ledger.states("PointsEarned.v1"):
        earned[state["member_id"]] += sum(part["points"] for part in state["parts"])
    assert earned == {str(member): 15 * BATCHES * (THREADS + 1) for member in MEMBERS}
    assert_whole(ledger)


def test_a_card_has_one_holder_however_many_join_with_it_at_once(ledger: Ledger) -> None:
    def work(thread: int, writer: Loyalty) -> list[Any]:
        return [
            execute(writer, join(UUID(int=0xB00 + 100 * thread + number), at=JOINED_AT, card=str(number)))[0]
            for number in range(10)
        ]

    outcomes = [outcome for one in in_threads(ledger, work) for outcome in one]
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Recorded": 10, "Refused": 10 * (THREADS - 1)}
    assert len(ledger.states("CardAssigned.v1")) == len(ledger.states("MemberJoined.v1")) == 10
    assert_whole(ledger)


def test_a_member_id_is_given_once_and_a_key_answers_the_same_to_all(ledger: Ledger) -> None:
    def work(thread: int, writer: Loyalty) -> Sequence[Any]:
        keyed = join(ANN, at=JOINED_AT, key="k")
        other = join(BOB, at=JOINED_AT, card=f"bob-{thread}", fingerprint=str(thread))
        return execute(writer, keyed, other)

    outcomes = in_threads(ledger, work)
    assert len({(keyed.position, keyed.answer["member_id"]) for keyed, _ in outcomes}) == 1
    refused = [other.refusal for _, other in outcomes if isinstance(other, Refused)]
    assert refused == [MemberAlreadyExists(member_id=BOB)] * (THREADS - 1)
    assert_whole(ledger)


def assert_whole(ledger: Ledger) -> None:
    """Positions and versions without gaps, in the order of time."""
    log = ledger.log()
    assert [position for position, *_ in log] == list(range(1, len(log) + 1))
    versions: Counter[UUID] = Counter()
    for _, stream_id, version, _ in log:
        versions[stream_id] += 1
        assert version == versions[stream_id]


def test_positions_become_visible_in_their_order(ledger: Ledger) -> None:
    """A reader that follows the log while others write never finds a fact before the end of what it has seen."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        reader = ledger.writer()
        while not done.is_set() or len(seen) < len(ledger.log()):
            seen.extend(notification.id for notification in reader.recorder.select_notifications(len(seen) + 1, 50))

    def work(thread: int, writer: Loyalty) -> None:
        for number in range(15):
            assert all_recorded(execute(writer, bought(1000 * thread + number, card=str(thread))))

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        in_threads(ledger, work)
        done.set()
        following.result(30)
    assert seen == list(range(1, 1 + len(ledger.log())))
