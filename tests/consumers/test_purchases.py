"""Intake on real services: what tills publish becomes facts or letters, once, whatever happens to its processes."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import OperationalError
from kafka import TopicPartition

from consumers.purchases import Intake
from domain.loyalty import Loyalty
from infra import kafka as clients
from infra import letters
from infra.bootstrap import bootstrap
from infra.database import connect
from infra.event_store import Offset
from infra.keys import load_key_file
from infra.settings import Settings
from infra.topics import PURCHASES
from tests.builders import card_id, join, policy, publish
from tests.consumers.bad_messages import BAD, Headers, data, event

NOW = datetime(2017, 6, 1, tzinfo=UTC)
ANN = UUID(int=0xA0)


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Running(threading.Thread):
    """Intake in a thread, with a writer of its own, and the error that ended it."""

    def __init__(self, settings: Settings, loyalty: Loyalty) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.intake = Intake(settings, loyalty=loyalty, keys=load_key_file(settings), stop=self.stop)

    def run(self) -> None:
        try:
            self.intake.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    @property
    def partitions(self) -> int:
        return len(self.intake._bookmarks.expected)


class Till:
    """A till, the topic from here on, and the log that intake fills."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = load_key_file(settings, make=True)
        self._closing = ExitStack()
        self.database = self._closing.enter_context(connect(settings.database_url))
        self._producer = self._closing.enter_context(clients.producer(settings))
        for place, offset in self.ends().items():
            self.database.execute(
                "UPDATE intake_offsets SET next_offset = %s WHERE partition = %s", (offset, place.partition)
            )
        self.writer().execute(
            [publish(policy("corner_shop"), at=NOW), join(ANN, at=NOW, card="taken elsewhere")], recorded_at=NOW
        )

    def writer(self) -> Loyalty:
        env = {
            "PERSISTENCE_MODULE": "infra.event_store:Factory",
            "FACTS_TOPIC": "domain.fact:FACTS",
            "DATABASE_URL": self.settings.database_url,
        }
        return self._closing.enter_context(Loyalty({k: v for k, v in env.items() if v}, programme="corner_shop"))

    def send(self, value: bytes | None, headers: Headers | None = None, *, key: str = "c") -> tuple[int, int]:
        told = self._producer.send(PURCHASES, value=value, key=key.encode(), headers=headers or []).get(10)
        return told.partition, told.offset

    def sell(self, *numbers: int, card: str | None = None, **changes: Any) -> None:
        """Publish good receipts, each under its number."""
        futures = []
        for number in numbers:
            made = event(id=f"R-{number}", data=data(card=card or f"card {number % 7}"), **changes)
            futures.append(self._producer.send(PURCHASES, value=made, key=str(number).encode()))
        for future in futures:
            future.get(10)

    def ends(self) -> dict[TopicPartition, int]:
        with clients.consumer(self.settings) as client:
            found: dict[TopicPartition, int] = client.end_offsets(
                [TopicPartition(PURCHASES, n) for n in range(self.settings.partitions)]
            )
            return found

    def stored(self) -> dict[int, int]:
        return dict(self.rows("SELECT partition, next_offset FROM intake_offsets"))

    def caught_up(self) -> bool:
        return self.stored() == {place.partition: offset for place, offset in self.ends().items()}

    def rows(self, query: str) -> list[Any]:
        return self.database.execute(query.encode()).fetchall()

    def recorded(self) -> list[str]:
        """The external ids of the purchases in the log."""
        rows = self.rows(
            "SELECT convert_from(state, 'UTF8')::jsonb->>'external_id' FROM facts WHERE name = 'PurchaseRecorded.v1' ORDER BY position"
        )
        return [row[0] for row in rows]

    @contextmanager
    def intake(self) -> Iterator[Running]:
        thread = Running(self.settings, self.writer())
        thread.start()
        try:
            yield thread
        finally:
            thread.stop.set()
            thread.join(30)
            assert not thread.is_alive()

    def take_in(self) -> None:
        """Run intake until everything is taken in."""
        with self.intake() as running:
            wait_until(lambda: running.error is not None or self.caught_up())
        assert running.error is None

    def close(self) -> None:
        self._closing.close()


@pytest.fixture
def till(settings: Settings) -> Iterator[Till]:
    bootstrap(settings)
    load_key_file(settings, make=True)
    with closing(Till(settings)) as made:
        yield made


SENDABLE = {name: sent for name, sent in BAD.items() if all(text is not None for _, text in sent.headers)}
"""Our own producer refuses to send a header without a value; others do send it."""

REFUSED_BY_THE_LEDGER: dict[str, tuple[str, bytes]] = {
    "another currency": ("wrong-currency", event(id="B-1", data=data(currency="EUR"))),
    "a till whose clock is ahead": (
        "time-in-the-future",
        event(id="B-2", time=(datetime.now(UTC) + timedelta(days=3)).isoformat()),
    ),
    "before the programme": ("no-programme-in-force", event(id="B-3", time="2015-01-01T00:00:00Z")),
    "nobody's member": ("unknown-member", event(id="B-4", data=data(card=None, member=str(UUID(int=7))))),
    "a card for a member": (
        "id-of-another-kind",
        event(id="B-5", data=data(card=None, member=str(card_id("taken elsewhere")))),
    ),
    "the same receipt with other content": ("conflicting-repeat", event(id="R-0", data=data(channel="app"))),
}


def test_a_hundred_bad_messages_become_letters_and_every_good_one_among_them_a_fact(till: Till) -> None:
    """One batch holds most of them; each letter has its own reason, and opens to the very bytes that were sent."""
    large = {name for name, sent in SENDABLE.items() if len(sent.value or b"") > 50_000}
    expected: dict[tuple[int, int], tuple[str, bytes | None, Headers]] = {}
    good = 0
    till.send(event(id="R-0"))
    for reason, refused in REFUSED_BY_THE_LEDGER.values():
        expected[till.send(refused)] = (reason, refused, [])
    for name in sorted(SENDABLE, key=lambda name: name in large):
        good += 1
        till.send(event(id=f"R-{good}"))
        expected[till.send(BAD[name].value, BAD[name].headers)] = BAD[name]
    till.take_in()
    assert till.recorded() == [f"R-{number}" for number in range(good + 1)]
    kept = {(one.partition, one.offset): one for one in letters.kept(till.database)}
    assert {place: one.reason for place, one in kept.items()} == {
        place: reason for place, (reason, _, _) in expected.items()
    }
    for place, one in kept.items():
        _, value, headers = expected[place]
        message = letters.message(till.database, one.letter_id, till.keys)
        assert message is not None
        assert (message.key, message.value, message.headers) == (
            b"c",
            value,
            headers,
        )
        assert isinstance(json.loads(one.detail), dict)
    together = Counter(row[0] for row in till.rows("SELECT xmin::text FROM dead_letters"))
    facts = Counter(row[0] for row in till.rows("SELECT xmin::text FROM facts"))
    transaction, most = together.most_common(1)[0]
    assert most >= 30
    assert facts[transaction] >= 30


def test_nobody_can_read_a_card_or_a_name_in_what_is_kept(till: Till) -> None:
    for sent in SENDABLE.values():
        till.send(sent.value, sent.headers)
    till.sell(1)
    till.take_in()
    whole = str(till.rows("SELECT reason, detail, encode(sealed, 'escape') FROM dead_letters")) + str(
        till.rows("SELECT encode(state, 'escape') FROM facts WHERE name <> 'PurchaseRecorded.v1'")
    )
    assert "4000 1234 5678 9010" not in whole
    assert "Wang Xiaoming" not in whole


def test_what_is_delivered_again_changes_nothing(till: Till) -> None:
    before = till.stored()
    till.sell(*range(60))
    till.take_in()
    facts = till.rows("SELECT position, originator_id, state FROM facts ORDER BY position")
    assert sorted(till.recorded()) == sorted(f"R-{number}" for number in range(60))
    for partition, offset in before.items():
        till.database.execute("UPDATE intake_offsets SET next_offset = %s WHERE partition = %s", (offset, partition))
    till.take_in()
    till.sell(*range(60))
    till.take_in()
    assert till.rows("SELECT position, originator_id, state FROM facts ORDER BY position") == facts
    assert till.rows("SELECT * FROM dead_letters") == []


def test_two_processes_share_the_partitions_and_record_everything_once(till: Till) -> None:
    till.sell(*range(200))
    with till.intake() as one:
        wait_until(lambda: one.partitions == 12)
        with till.intake() as other:
            till.sell(*range(200, 400))
            wait_until(lambda: 0 < other.partitions < 12 and one.partitions + other.partitions == 12)
            till.sell(*range(400, 500))
            wait_until(till.caught_up)
        till.sell(*range(500, 520))
        wait_until(till.caught_up)
        assert (one.error, other.error) == (None, None)
    assert Counter(till.recorded()) == Counter(f"R-{number}" for number in range(520))
    assert till.rows("SELECT * FROM dead_letters") == []


def test_who_was_left_behind_is_fenced_reads_the_offsets_again_and_goes_on(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process that slept while its partitions went to another, which has taken the same messages in."""
    other = till.writer()
    with till.intake() as sleeper:
        wait_until(lambda: sleeper.partitions == 12)
        execute = sleeper.intake._loyalty.execute

        def overtaken(commands: Sequence[Any], *, offsets: Sequence[Offset], **what: Any) -> Any:
            monkeypatch.setattr(sleeper.intake._loyalty, "execute", execute)
            other.execute(commands, offsets=offsets, **what)
            return execute(commands, offsets=offsets, **what)

        monkeypatch.setattr(sleeper.intake._loyalty, "execute", overtaken)
        till.sell(1)
        till.send(b"not a message", key="1")
        wait_until(till.caught_up)
        till.sell(2, 3)
        till.send(b"not a message either", key="1")
        wait_until(till.caught_up)
        assert sleeper.error is None
    assert sorted(till.recorded()) == ["R-1", "R-2", "R-3"]
    assert len(till.rows("SELECT 1 FROM dead_letters")) == 2


def test_an_error_of_the_store_ends_the_process_and_the_next_one_goes_on(till: Till) -> None:
    till.sell(1)
    with till.intake() as broken:
        wait_until(till.caught_up)
        till.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        till.sell(2)
        wait_until(lambda: broken.error is not None)
    assert isinstance(broken.error, OperationalError)
    till.take_in()
    assert till.recorded() == ["R-1", "R-2"]


def test_an_error_of_ours_while_reading_or_deciding_is_a_letter_and_no_end(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object, **__: object) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("consumers.purchases.event_of", stumble)
        till.sell(1)
        till.take_in()
    with monkeypatch.context() as patch:
        patch.setattr("domain.commands.purchases.RecordPurchase.decide", stumble)
        till.sell(2)
        till.take_in()
    till.sell(3)
    till.take_in()
    assert till.recorded() == ["R-3"]
    assert (
        till.rows("SELECT reason, detail FROM dead_letters")
        == [("unexpected-error", '{"error": "ZeroDivisionError"}')] * 2
    )


def test_a_quiet_intake_can_be_stopped(till: Till) -> None:
    with till.intake() as running:
        wait_until(lambda: running.partitions == 12)
    assert running.error is None


def test_what_was_read_ahead_of_a_batch_that_is_fenced_is_read_again(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a writer that is overtaken while the next messages have been read already, then none of them is lost."""
    other, execute, read = till.writer(), Loyalty.execute, Counter[str]()
    command = Intake._command

    def counting(intake: Intake, record: Any) -> Any:
        read[record.value] += 1
        return command(intake, record)

    def overtaken(loyalty: Loyalty, commands: Sequence[Any], *, letters: Any, **what: Any) -> Any:
        def slowly(decided: Any) -> Any:
            told = letters(decided)  # from here on the next messages are read
            wait_until(lambda: read.total() == 20)
            return told

        monkeypatch.setattr(Loyalty, "execute", execute)
        other.execute(commands, **what)
        return execute(loyalty, commands, letters=slowly, **what)

    monkeypatch.setattr("consumers.purchases.BATCH", 10)
    monkeypatch.setattr(Intake, "_command", counting)
    monkeypatch.setattr(Loyalty, "execute", overtaken)
    till.sell(*range(40))
    till.take_in()
    assert sorted(till.recorded()) == sorted(f"R-{number}" for number in range(40))
    assert any(times > 1 for times in read.values())
