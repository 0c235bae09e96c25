"""A log whose relay is tested: what it holds, what was told of it, and a relay in a thread."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from kafka import TopicPartition
from psycopg import Connection

from infra import kafka as clients
from infra.database import connect
from infra.event_store import FactRecorder
from infra.relay import Relay
from infra.settings import Settings
from infra.stored_facts import StoredFact
from infra.topics import DEAD, FACTS

NOW = datetime(2024, 5, 2, tzinfo=UTC)
MEMBERS = [UUID(int=0x1000 + number) for number in range(5)]


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


def told_upto(log: Log, what: str) -> int:
    """How far a cursor of the relay has come."""
    (row,) = log.database.execute("SELECT position FROM relay_state WHERE name = %s", (what,)).fetchall()
    return int(row[0])
