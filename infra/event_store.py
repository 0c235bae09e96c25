"""The log of facts in PostgreSQL: mapper, recorder and factory for the eventsourcing library."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    TrackingRecorder,
)
from eventsourcing.utils import resolve_topic
from psycopg import Connection, Cursor

from infra import letters, log_tables, personal_data
from infra.database import WRITERS_LOCK, connect
from infra.stored_facts import COPY, FactMapper, copy_rows

CHANNEL = "loyalty_facts"

TABLES = log_tables.TABLES

_STREAMS = """
WITH wanted AS (
    SELECT id, snapshot.name AS snapshot_name, snapshot.version, snapshot.state FROM unnest(%b::uuid[]) AS id LEFT JOIN account_snapshots AS snapshot
    ON snapshot.stream_id = id AND snapshot.name = %s AND id <> ALL(%b::uuid[])
)
SELECT originator_id, originator_version, name, facts.state, position FROM wanted, LATERAL (
    SELECT * FROM facts WHERE originator_id = id AND originator_version > coalesce(version, 0)
) AS facts
UNION ALL SELECT id, version, snapshot_name, state, 0 FROM wanted WHERE version IS NOT NULL ORDER BY 1, 2
"""
_KEEP_SNAPSHOTS = """
INSERT INTO account_snapshots AS kept SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bytea[])
ON CONFLICT (stream_id) DO UPDATE SET (name, version, state) = (excluded.name, excluded.version, excluded.state)
WHERE kept.name <> excluded.name OR kept.version < excluded.version
"""


class OffsetsMoved(RuntimeError):
    """Another process has taken in these messages; this one was left behind and must read its offsets again."""


class Offset(NamedTuple):
    """How far a batch moves one partition of an inbound topic."""

    topic: str
    topic_id: UUID
    partition: int
    expected: int
    next_offset: int


@contextmanager
def in_library_terms() -> Iterator[None]:
    """Let errors of the database appear as the library names them, so that nobody above needs to know psycopg."""
    try:
        yield
    except psycopg.IntegrityError as error:
        raise IntegrityError(str(error)) from error
    except psycopg.Error as error:
        raise OperationalError(str(error)) from error


class FactRecorder(ApplicationRecorder):
    """Appends to the log under one lock, so that positions have no gaps and become visible in order."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._last: int | None = None
        """The last position in the log while we hold the writers' lock."""

    @property
    def connection(self) -> Connection:
        """The one connection; a broken one is replaced at its next use."""
        if self._connection is None or self._connection.broken or self._connection.closed:
            self._connection = connect(self._url)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @in_library_terms()
    def written_since(self, position: int) -> list[tuple[int, UUID]]:
        """Positions and streams of the facts after a position."""
        return self.connection.execute(
            "SELECT position, originator_id FROM facts WHERE position > %s ORDER BY position", (position,)
        ).fetchall()

    @contextmanager
    def writing(self, *, after: int) -> Iterator[list[tuple[int, UUID]]]:
        """Take the writers' lock and yield what others wrote after a position; `insert_events` inside it commits.

        1. Lock, and read the tail, in one round trip. 2. Whatever was not committed is rolled back.
        """
        connection = None
        try:
            with in_library_terms():
                connection = self.connection
                tail = self._lock(connection, after)
            self._last = tail[-1][0] if tail else after
            yield tail
        finally:
            self._last = None
            if connection is not None and not connection.closed and connection.info.transaction_status:
                connection.execute("ROLLBACK")

    @staticmethod
    def _lock(connection: Connection, after: int) -> list[tuple[int, UUID]]:
        with connection.pipeline():
            connection.execute("BEGIN")
            # A writer that was stopped in its tracks does not keep the others waiting for ever.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10s'")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))
            others = connection.execute(
                "SELECT position, originator_id FROM facts WHERE position > %s ORDER BY position", (after,)
            )
        return others.fetchall()

    @in_library_terms()
    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        offsets: Sequence[Offset] = (),
        sealed: Sequence[letters.Sealed] = (),
        keys: Sequence[personal_data.WrappedKey] = (),
        erased: Sequence[UUID] = (),
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, move the offsets of their messages, keep the letters and the members' new keys, and destroy
        the keys of members who were erased: all or nothing. Answers positions.
        """
        if self._last is None:
            with self.writing(after=self.max_notification_id() or 0):
                return self.insert_events(stored_events, offsets=offsets, sealed=sealed, keys=keys, erased=erased)
        first = self._last + 1
        with self.connection.cursor() as cursor:
            _move_offsets(cursor, offsets)
            if stored_events:
                with cursor.copy(COPY) as copy:
                    copy.write(copy_rows(stored_events, first))
            with self.connection.pipeline():
                letters.insert(cursor, sealed)
                personal_data.keep(cursor, keys)
                personal_data.destroy(cursor, erased)
                cursor.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
                cursor.execute("COMMIT")
        self._last += len(stored_events)
        return range(first, first + len(stored_events))

    @in_library_terms()
    def select_streams(
        self, ids: Sequence[UUID], *, snapshots: str = "", whole: Sequence[UUID] = ()
    ) -> list[Notification]:
        """All facts of many streams, in one query, each stream in its order.

        Where there is a snapshot of that name, it comes first, and then only the facts after it, but for those streams
        that are wanted whole.
        """
        rows = self.connection.execute(_STREAMS, (list(ids), snapshots, list(whole)), binary=True)
        return [Notification(*row) for row in rows]

    @in_library_terms()
    def keep_snapshots(self, taken: Sequence[StoredEvent]) -> None:
        """Keep snapshots, each instead of an older one of its stream."""
        columns = zip(
            *((one.originator_id, one.topic, one.originator_version, one.state) for one in taken), strict=True
        )
        self.connection.execute(_KEEP_SNAPSHOTS, [list(column) for column in columns])

    @in_library_terms()
    def position_of(self, stream_id: UUID, version: int) -> int:
        """The position of one fact."""
        row = self.connection.execute(
            "SELECT position FROM facts WHERE (originator_id, originator_version) = (%s, %s)", (stream_id, version)
        ).fetchone()
        assert row is not None, f"no fact {stream_id}:{version}"
        return int(row[0])

    @in_library_terms()
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Facts of one stream by version."""
        rows = self.connection.execute(
            "SELECT originator_id, originator_version, name, state FROM facts WHERE originator_id = %(id)s"
            " AND originator_version > coalesce(%(gt)s::bigint, 0)"
            " AND originator_version <= coalesce(%(lte)s::bigint, originator_version)"
            " ORDER BY originator_version * %(direction)s LIMIT %(limit)s",
            {"id": originator_id, "gt": gt, "lte": lte, "direction": -1 if desc else 1, "limit": limit},
            binary=True,
        )
        return [StoredEvent(*row) for row in rows]

    @in_library_terms()
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Facts of the log by position."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        rows = self.connection.execute(
            "SELECT originator_id, originator_version, name, state, position FROM facts WHERE position > %s"
            " AND position <= coalesce(%s::bigint, position) AND (%s::text[] = '{}' OR name = ANY(%s::text[]))"
            " ORDER BY position LIMIT %s",
            (after, stop, list(topics), list(topics), limit),
            binary=True,
        )
        return [Notification(*row) for row in rows]

    @in_library_terms()
    def max_notification_id(self) -> int | None:
        """The position of the last fact."""
        row = self.connection.execute("SELECT max(position) FROM facts").fetchone()
        return row[0] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """An endless iterator over the facts after a position."""
        return FactSubscription(self._url, gt=gt, topics=topics)


class FactSubscription(ListenNotifySubscription[FactRecorder]):
    """Follows the log on a connection of its own, woken by NOTIFY and, should one be lost, by the clock."""

    def __init__(self, url: str, *, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(FactRecorder(url), gt=gt, topics=topics)

    def _loop_on_pull(self) -> None:
        connection = self._recorder.connection
        try:
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._has_been_stopped:
                self._pull()
                next(connection.notifies(timeout=1, stop_after=1), None)
        except BaseException as error:  # noqa: BLE001 - it is raised again to whoever iterates
            self._thread_error = error
            self.stop()
        finally:
            self._recorder.close()


class Factory(InfrastructureFactory[TrackingRecorder]):
    """Plugs the log into the library; `FACTS_TOPIC` names the register of facts, `DATABASE_URL` the database."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._closing = ExitStack()

    def close(self) -> None:
        """Close the connections of all recorders."""
        self._closing.close()

    def mapper(self, transcoder: Any = None, mapper_class: Any = None) -> Any:  # noqa: ARG002 - the library's signature
        return FactMapper(resolve_topic(self.env["FACTS_TOPIC"]))

    def application_recorder(self) -> FactRecorder:
        recorder = FactRecorder(self.env["DATABASE_URL"])
        self._closing.callback(recorder.close)
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        if purpose != "events":
            raise LookupError(f"there is no store of {purpose}")
        return self.application_recorder()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> TrackingRecorder:  # noqa: ARG002
        raise LookupError("positions are kept with the read models, not here")

    def process_recorder(self) -> ProcessRecorder:
        raise LookupError("positions are kept with the read models, not here")


def _move_offsets(cursor: Cursor, offsets: Sequence[Offset]) -> None:
    """Compare and set: whoever read from elsewhere than the stored offset is fenced."""
    if not offsets:
        return
    topics, topic_ids, partitions, expected, following = zip(*sorted(offsets), strict=True)
    cursor.execute(
        "UPDATE intake_offsets AS kept SET next_offset = moved.following FROM unnest(%s::text[], %s::uuid[], %s::int[],"
        " %s::bigint[], %s::bigint[]) AS moved (topic, topic_id, partition, expected, following)"
        " WHERE (kept.topic, kept.topic_id, kept.partition) = (moved.topic, moved.topic_id, moved.partition)"
        " AND kept.next_offset = moved.expected",
        (list(topics), list(topic_ids), list(partitions), list(expected), list(following)),
    )
    if cursor.rowcount != len(offsets):
        raise OffsetsMoved(f"{len(offsets) - cursor.rowcount} of {len(offsets)} partitions stand elsewhere")
