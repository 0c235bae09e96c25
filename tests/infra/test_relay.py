"""The relay: every fact told to Kafka, in order and chained, whatever happens to its process."""

import json
import threading
import time
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from kafka import TopicPartition
from psycopg import Connection

from infra import kafka as clients
from infra import letters, relay
from infra.bootstrap import bootstrap
from infra.database import connect
from infra.event_store import FactRecorder
from infra.keys import KeyFile
from infra.letters import Letter
from infra.relay import Relay, RelayOvertaken
from infra.settings import Settings
from infra.stored_facts import StoredFact
from infra.topics import DEAD, FACTS

NOW = datetime(2024, 5, 2, tzinfo=UTC)
MEMBERS = [UUID(int=0x1000 + number) for number in range(5)]
KEYS = KeyFile(cards=b"c" * 32, letters=b"l" * 32)


class Told(NamedTuple):
    """A record on the facts topic."""

    partition: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]
    epoch: str
    position: int
    prev: int


class Log:
    """A log in a database of its own, and what was told of it since the test began."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database: Connection = connect(settings.database_url)
        assert settings.database_url
        self.recorder = FactRecorder(settings.database_url)
        self._starts = ends(settings, FACTS)
        self._dead_starts = ends(settings, DEAD)
        self._versions: dict[UUID, int] = defaultdict(int)

    def record(self, count: int, members: list[UUID] = MEMBERS) -> None:
        facts = []
        for number in range(count):
            member = members[number % len(members)]
            self._versions[member] += 1
            facts.append(
                StoredFact(member, self._versions[member], "Told.v1", f'{{"n":{number}}}'.encode(), member, NOW)
            )
        self.recorder.insert_events(facts)

    def told(self) -> list[Told]:
        return [_told(record) for record in read(self.settings, FACTS, self._starts)]

    def dead(self) -> list[Any]:
        return read(self.settings, DEAD, self._dead_starts)

    @property
    def position(self) -> int:
        row = self.database.execute("SELECT position FROM relay_state WHERE name = 'facts'").fetchone()
        assert row
        return int(row[0])

    @property
    def last(self) -> int:
        return self.recorder.max_notification_id() or 0

    def tell(self) -> None:
        """Run a relay until everything is told."""
        with running(self.settings):
            wait_until(lambda: self.position == self.last)

    def close(self) -> None:
        self.database.close()
        self.recorder.close()


def _told(record: Any) -> Told:
    headers = {name: value.decode() for name, value in record.headers}
    epoch, position, prev = headers["ce_chain"].split("/")
    return Told(record.partition, record.key, record.value, headers, epoch, int(position), int(prev))


def ends(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    with clients.consumer(settings) as client:
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        found: dict[TopicPartition, int] = client.end_offsets(places)
        return found


def read(settings: Settings, topic: str, starts: dict[TopicPartition, int]) -> list[Any]:
    """All records from some offsets to the present end."""
    until = ends(settings, topic)
    records: list[Any] = []
    with clients.consumer(settings) as client:
        client.assign(list(starts))
        for place, offset in starts.items():
            client.seek(place, offset)
        while any(client.position(place) < offset for place, offset in until.items()):
            records += [record for batch in client.poll(500).values() for record in batch]
    return records


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Running(threading.Thread):
    """A relay in a thread, and the error that ended it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self._relay = Relay(settings, stop=self.stop)

    def run(self) -> None:
        try:
            self._relay.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    thread = Running(settings)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    bootstrap(settings)
    with closing(Log(settings)) as made:
        yield made


def facts_of(told: list[Told]) -> list[Told]:
    return [one for one in told if one.headers["ce_type"] != "loyalty.watermark.v1"]


def assert_chained(told: list[Told]) -> None:
    """Within each partition every record names the last fact before it."""
    last: dict[int, int] = defaultdict(int)
    for one in told:
        assert one.prev == last[one.partition]
        if one in facts_of([one]):
            last[one.partition] = one.position


def test_every_fact_is_told_once_in_order_with_its_bytes_untouched(log: Log) -> None:
    log.record(37)
    log.tell()
    told = facts_of(log.told())
    assert sorted(one.position for one in told) == list(range(1, 38))
    for one in told:
        member = MEMBERS[(one.position - 1) % 5]
        assert (one.key, one.value) == (str(member).encode(), f'{{"n":{one.position - 1}}}'.encode())
        assert one.partition == clients.partition_of(str(member).encode(), log.settings.partitions)
    for partition in {one.partition for one in told}:
        positions = [one.position for one in told if one.partition == partition]
        assert positions == sorted(positions)


def test_a_record_has_five_headers_and_no_more(log: Log) -> None:
    log.record(1)
    log.tell()
    (one,) = facts_of(log.told())
    assert one.headers == {
        "ce_specversion": "1.0", "ce_source": "/loyalty-ledger", "ce_type": "loyalty.Told.v1", "ce_id": f"{MEMBERS[0]}:1", "ce_chain": f"{one.epoch}/1/0",
    }  # fmt: skip


def test_each_record_is_chained_to_the_fact_before_it_in_its_partition(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAGE", 7)
    log.record(40)
    log.tell()
    log.record(15)
    log.tell()
    told = log.told()
    assert len(facts_of(told)) == 55
    assert len({one.epoch for one in told}) == 1
    assert_chained(told)


def test_watermarks_tell_quiet_partitions_how_far_the_log_is(log: Log) -> None:
    log.record(3, MEMBERS[:1])
    log.tell()
    marks = [one for one in log.told() if one.headers["ce_type"] == "loyalty.watermark.v1"]
    assert {one.partition for one in marks} == set(range(log.settings.partitions))
    assert {one.position for one in marks} == {3}
    assert {(one.value, one.headers["ce_id"]) for one in marks} == {(b"{}", "watermark:3")}


def test_facts_that_come_later_are_told_while_it_runs(log: Log) -> None:
    with running(log.settings):
        for _ in range(3):
            log.record(2)
            wait_until(lambda: log.position == log.last)
    assert len(facts_of(log.told())) == 6


def test_a_restart_goes_on_from_the_stored_position_and_repeats_nothing_that_was_stored(log: Log) -> None:
    log.record(10)
    log.tell()
    before = len(log.told())
    with running(log.settings):
        pass
    log.tell()
    assert len(log.told()) == before


def test_what_was_told_and_not_yet_stored_is_repeated_with_the_same_chain(log: Log) -> None:
    """As after a crash between the acknowledgement and the commit."""
    log.record(10)
    log.tell()
    log.database.execute(
        "UPDATE relay_state SET position = 0, prevs = array_fill(0, ARRAY[%s]) WHERE name = 'facts'",
        (log.settings.partitions,),
    )
    log.record(5)
    log.tell()
    links: dict[int, set[int]] = defaultdict(set)
    for one in facts_of(log.told()):
        links[one.position].add(one.prev)
    assert sorted(links) == list(range(1, 16))
    assert all(len(prevs) == 1 for prevs in links.values())


def test_a_relay_that_was_overtaken_ends(log: Log) -> None:
    log.record(5)
    with running(log.settings) as thread:
        wait_until(lambda: log.position == 5)
        log.database.execute("UPDATE relay_state SET position = 2 WHERE name = 'facts'")
        log.record(1)
        wait_until(lambda: thread.error is not None)
    assert isinstance(thread.error, RelayOvertaken)
    log.tell()
    assert {one.position for one in facts_of(log.told())} == {1, 2, 3, 4, 5, 6}


def test_only_one_relay_is_active_and_the_next_takes_over(log: Log) -> None:
    with running(log.settings) as first:
        log.record(1)
        wait_until(lambda: log.position == 1)
        with running(log.settings):
            log.record(1)
            wait_until(lambda: log.position == 2)
            first.stop.set()
            first.join(30)
            log.record(1)
            wait_until(lambda: log.position == 3)
    told = log.told()
    assert [one.position for one in sorted(facts_of(told), key=lambda one: one.position)] == [1, 2, 3]
    assert_chained(told)


def test_a_relay_that_waits_for_its_turn_can_be_stopped(log: Log) -> None:
    with running(log.settings):
        log.record(1)
        wait_until(lambda: log.position == 1)
        with running(log.settings) as second:
            second.stop.set()
            second.join(5)
            assert not second.is_alive()


@pytest.mark.parametrize("position", [1, 6, 12, 13, 10_000])
def test_republished_facts_carry_the_chain_they_had_and_none_is_left_out(log: Log, position: int) -> None:
    log.record(12)
    log.tell()
    first = {one.position: one.prev for one in facts_of(log.told())}
    relay.republish_from(log.database, position, partitions=log.settings.partitions)
    log.record(3)
    log.tell()
    counted: dict[int, list[int]] = defaultdict(list)
    for one in facts_of(log.told()):
        counted[one.position].append(one.prev)
    assert sorted(counted) == list(range(1, 16))
    assert {p for p, prevs in counted.items() if len(prevs) == 2} == set(range(position, 13))
    assert all(prevs[0] == prevs[-1] == first.get(p, prevs[0]) for p, prevs in counted.items())


def test_letters_are_told_still_sealed_with_a_cursor_of_their_own(log: Log) -> None:
    letter = Letter(
        reason="wrong-currency",
        detail='{"currency": "EUR"}',
        topic="pos.purchases.v1",
        partition=3,
        offset=9,
        key=b"k",
        value=b"secret",
        headers=[],
    )
    with log.database.cursor() as cursor:
        letters.insert(cursor, [letters.seal(letter, KEYS)] * 2)
    with running(log.settings):
        wait_until(
            lambda: log.database.execute("SELECT position FROM relay_state WHERE name = 'letters'").fetchone() == (2,)
        )
    with running(log.settings):
        log.record(1)
        wait_until(lambda: log.position == 1)
    first, second = log.dead()
    told = json.loads(first.value)
    sealed = b64decode(told.pop("sealed"))
    assert told == {
        "letter_id": 1,
        "reason": "wrong-currency",
        "detail": '{"currency": "EUR"}',
        "topic": "pos.purchases.v1",
        "partition": 3,
        "offset": 9,
    }
    assert b"secret" not in first.value
    assert json.loads(KEYS.open(sealed, context="pos.purchases.v1/3/9"))["value"] == "c2VjcmV0"
    assert first.headers == second.headers == [("reason", b"wrong-currency")]
    assert first.partition == second.partition
