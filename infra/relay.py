"""The relay: follows the log and tells every fact to Kafka, in order, each chained to the one before it."""

import json
import logging
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID

from kafka import KafkaProducer
from psycopg import Connection

from infra.database import RELAY_LOCK, connect
from infra.event_store import CHANNEL
from infra.kafka import partition_of, producer
from infra.settings import Settings
from infra.topics import CHECKPOINTS, DEAD, FACTS

log = logging.getLogger(__name__)

PAGE = 2_000
SOURCE = b"/loyalty-ledger"
DEADLINE_SECONDS = 60
MOST_UNDER_WAY = 3
"""Pages that are sent and not yet settled."""

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS relay_state (
        name text PRIMARY KEY,
        epoch text NOT NULL,
        position bigint NOT NULL,
        prevs bigint[] NOT NULL
    )
    """,
)

_LETTERS = """
SELECT letter_id, reason, detail, topic, partition, "offset", sealed FROM dead_letters
WHERE letter_id > (SELECT position FROM relay_state WHERE name = 'letters') ORDER BY letter_id LIMIT 500
"""
_CHECKPOINTS = """
SELECT size, note FROM checkpoints
WHERE size > (SELECT position FROM relay_state WHERE name = 'checkpoints') ORDER BY size LIMIT 500
"""

Row = tuple[int, UUID, int, str, bytes, UUID]


class RelayOvertaken(RuntimeError):
    """Another relay moved the stored position; this one ends and starts from there."""


class State(NamedTuple):
    """How far the log was told, and the position of the last fact of each partition."""

    epoch: str
    position: int
    prevs: tuple[int, ...]


class Page(NamedTuple):
    """A page that was sent and not yet acknowledged."""

    futures: list[Any]
    before: State
    after: State
    is_last: bool
    """Whether there was nothing more in the log when it was read."""


def begin(database: Connection, *, partitions: int, epoch: str) -> None:
    """Start a new log's relay at its beginning; a stored position stays."""
    database.execute(
        "INSERT INTO relay_state VALUES ('facts', %s, 0, %s), ('letters', '', 0, '{}'), ('checkpoints', '', 0, '{}') ON CONFLICT DO NOTHING",
        (epoch, [0] * partitions),
    )


def republish_from(database: Connection, position: int, *, partitions: int) -> None:
    """Tell the log again from a position, or from the first that was never told; readers drop what they know."""
    row = database.execute("SELECT position FROM relay_state WHERE name = 'facts'").fetchone()
    assert row is not None, "bootstrap has made this row"
    position = min(position, row[0] + 1)
    prevs = [0] * partitions
    rows = database.execute(
        "SELECT subject, max(position) FROM facts WHERE position < %s GROUP BY subject", (position,)
    )
    for subject, last in rows:
        partition = partition_of(str(subject).encode(), partitions)
        prevs[partition] = max(prevs[partition], last)
    database.execute(
        "UPDATE relay_state SET position = %s, prevs = %s WHERE name = 'facts'", (max(0, position - 1), prevs)
    )


class Settling:
    """Waits for acknowledgements and stores how far we are, in a thread of its own, so that nobody waits to send."""

    def __init__(self, settler: Executor, database: Connection, sender: KafkaProducer) -> None:
        self._settler = settler
        self._database = database
        self._sender = sender
        self._under_way: deque[Future[None]] = deque()

    def add(self, page: Page | None) -> None:
        """Settle a page and tell letters and checkpoints, or, without one, these alone.

        Raises what went wrong with those before; waits where too many are under way.
        """
        self._under_way.append(self._settler.submit(self._settle, page))
        while len(self._under_way) > MOST_UNDER_WAY or (self._under_way and self._under_way[0].done()):
            self._under_way.popleft().result()

    def end(self) -> None:
        """Wait for all of it."""
        while self._under_way:
            self._under_way.popleft().result()

    def _settle(self, page: Page | None) -> None:
        if page is not None:
            if page.is_last:  # nothing follows that could still be gathered
                self._sender.flush(DEADLINE_SECONDS)
            _store(self._database, page)
        if page is None or page.is_last:
            _send_letters(self._database, self._sender)
            _send_checkpoints(self._database, self._sender)


class Relay:
    """One active publisher. Any failure ends the process: the next one starts from the stored position."""

    def __init__(self, settings: Settings, *, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop

    def run(self) -> None:
        """Wait to be the only one, then follow the log until asked to stop."""
        url = self._settings.database_url
        with connect(url) as database, connect(url) as bell, connect(url) as notes:
            bell.execute(f"LISTEN {CHANNEL}")
            if not self._alone(database):
                return
            sender = producer(
                self._settings,
                linger_ms=5,
                batch_size=256 * 1024,
                max_request_size=4 << 20,
                delivery_timeout_ms=DEADLINE_SECONDS * 1000,
            )
            with ThreadPoolExecutor(max_workers=1) as settler:
                try:
                    self._follow(database, bell, sender, Settling(settler, notes, sender))
                finally:
                    sender.close(timeout=5)  # what is still waited for ends with it

    def _alone(self, database: Connection) -> bool:
        while not self._stop.is_set():
            row = database.execute("SELECT pg_try_advisory_lock(%s)", (RELAY_LOCK,)).fetchone()
            if row and row[0]:
                return True
            self._stop.wait(0.5)
        return False

    def _follow(self, database: Connection, bell: Connection, sender: KafkaProducer, settling: Settling) -> None:
        """1. Send a page; what was sent is settled meanwhile. 2. Once all is sent, wait for the bell, which is rung with
        each commit: also with one since the page was read.
        """
        state = self._stored_state(database)
        log.info("telling facts from position %s", state.position + 1)
        while not self._stop.is_set():
            page = self._send_page(database, sender, state)
            settling.add(page)
            if page is not None:
                state = page.after
            if page is None or page.is_last:
                next(bell.notifies(timeout=0.25, stop_after=1), None)
        settling.end()

    @staticmethod
    def _stored_state(database: Connection) -> State:
        row = database.execute("SELECT epoch, position, prevs FROM relay_state WHERE name = 'facts'").fetchone()
        assert row is not None, "bootstrap has made this row"
        return State(row[0], row[1], tuple(row[2]))

    def _send_page(self, database: Connection, sender: KafkaProducer, state: State) -> Page | None:
        rows: list[Row] = database.execute(
            "SELECT position, originator_id, originator_version, name, state, subject FROM facts"
            " WHERE position > %s ORDER BY position LIMIT %s",
            (state.position, PAGE),
            binary=True,
        ).fetchall()
        if not rows:
            return None
        prevs, futures = list(state.prevs), []
        for position, stream_id, version, name, fact, subject in rows:
            key = str(subject).encode()
            partition = partition_of(key, len(prevs))
            chain = f"{state.epoch}/{position}/{prevs[partition]}"
            headers = _headers(f"loyalty.{name}", f"{stream_id}:{version}", chain)
            futures.append(sender.send(FACTS, value=fact, key=key, headers=headers, partition=partition))
            prevs[partition] = position
        last = rows[-1][0]
        futures += self._send_watermarks(sender, state.epoch, last, prevs)
        return Page(futures, state, State(state.epoch, last, tuple(prevs)), is_last=len(rows) < PAGE)

    @staticmethod
    def _send_watermarks(sender: KafkaProducer, epoch: str, last: int, prevs: Sequence[int]) -> list[Any]:
        """Tell every partition how far the log is, so that quiet ones advance too."""
        return [
            sender.send(
                FACTS,
                value=b"{}",
                headers=_headers("loyalty.watermark.v1", f"watermark:{last}", f"{epoch}/{last}/{prev}"),
                partition=partition,
            )
            for partition, prev in enumerate(prevs)
        ]


def _send_letters(database: Connection, sender: KafkaProducer) -> None:
    """Publish sealed letters, with a cursor of their own."""
    while rows := database.execute(_LETTERS).fetchall():
        futures = [
            sender.send(
                DEAD, value=_letter(*row), key=f"{row[3]}/{row[4]}".encode(), headers=[("reason", row[1].encode())]
            )
            for row in rows
        ]
        _await_all(futures)
        database.execute("UPDATE relay_state SET position = %s WHERE name = 'letters'", (rows[-1][0],))


def _send_checkpoints(database: Connection, sender: KafkaProducer) -> None:
    """Publish checkpoints likewise, as they were signed."""
    while rows := database.execute(_CHECKPOINTS).fetchall():
        futures = [
            sender.send(
                CHECKPOINTS, value=note.encode(), key=note.partition("\n")[0].encode(),
                headers=_headers("loyalty.checkpoint.v1", f"checkpoint:{size}", "")[:-1],
            )
            for size, note in rows
        ]  # fmt: skip
        _await_all(futures)
        database.execute("UPDATE relay_state SET position = %s WHERE name = 'checkpoints'", (rows[-1][0],))


def _headers(kind: str, fact_id: str, chain: str) -> list[tuple[str, bytes]]:
    """Five headers and no more: headers are dear in kafka-python."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_source", SOURCE),
        ("ce_type", kind.encode()),
        ("ce_id", fact_id.encode()),
        ("ce_chain", chain.encode()),
    ]


def _letter(letter_id: int, reason: str, detail: str, topic: str, partition: int, offset: int, sealed: bytes) -> bytes:
    told = {
        "letter_id": letter_id,
        "reason": reason,
        "detail": detail,
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "sealed": b64encode(sealed).decode(),
    }
    return json.dumps(told).encode()


def _await_all(futures: Sequence[Any]) -> None:
    """Every record is acknowledged, or the first failure is raised."""
    for future in futures:
        future.get(timeout=DEADLINE_SECONDS)


def _store(database: Connection, page: Page) -> None:
    """Once all of a page is acknowledged, move the stored position, if nobody else did."""
    _await_all(page.futures)
    moved = database.execute(
        "UPDATE relay_state SET position = %s, prevs = %s WHERE name = 'facts' AND (epoch, position) = (%s, %s)",
        (page.after.position, list(page.after.prevs), page.before.epoch, page.before.position),
    )
    if moved.rowcount != 1:
        raise RelayOvertaken(f"the stored position is no longer {page.before.position}")
