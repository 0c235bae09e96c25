"""A read model as the log was once: its tables filled from the first positions of the log, as temporary ones.

They are filled by the handlers that fill the live ones, and asked the same questions. Rows of read models tell neither where
in the log they come from nor when they were recorded, so the live ones cannot answer.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString, Self
from uuid import UUID

from psycopg import Connection, Cursor, sql

from domain.campaign import CATALOGUE_ID
from domain.segment import segment_stream
from infra.database import connect
from infra.side_by_side import in_turn
from projections.known import Knowledge
from projections.parking import DATA_ERRORS
from projections.projection import Projection, Rows, in_schema
from projections.snapshot import Snapshot
from projections.told import Told

TEMPORARY = "pg_temp"
"""The schema of a connection's temporary tables: nobody else sees them, and they go with it."""

PAGE = 50_000
"""Positions of the log that are folded at once, by a process for each processor where there are more."""

_OF_SUBJECTS: LiteralString = """
SELECT name, position, subject, state FROM facts
WHERE subject = ANY(%(subjects)s::uuid[]) AND position <= %(position)s AND name = ANY(%(names)s) ORDER BY position
"""
_OF_ALL: LiteralString = """
SELECT name, position, subject, state FROM facts
WHERE position > %(after)s AND position <= %(position)s AND name = ANY(%(names)s) ORDER BY position
"""
_FILLED = """
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
# Who was merged into somebody, and into those, whether or not it was undone: the handlers tell these apart.
_PERSONS = """
WITH RECURSIVE persons (member_id) AS (
    SELECT unnest(%(subjects)s::uuid[])
    UNION SELECT (convert_from(state, 'UTF8')::jsonb ->> 'absorbed_id')::uuid FROM persons JOIN facts ON subject = member_id
    WHERE name = 'MemberAbsorbed.v1' AND position <= %(position)s
)
SELECT member_id FROM persons
"""
_SEGMENTS = """
SELECT convert_from(state, 'UTF8')::jsonb ->> 'segment_id' FROM facts
WHERE subject = %(catalogue)s AND name = 'SegmentListed.v1' AND position <= %(position)s
"""


class CannotBeFolded(RuntimeError):
    """A fact of those asked about is not what this version can read: an operator must look at it."""

    def __init__(self, position: int | None) -> None:
        which = "a fact" if position is None else f"the fact at position {position:,}"
        super().__init__(f"{which} could not be folded; an operator must look at it")
        self.position = position
        """Where it stands, if that is known."""

    def __reduce__(self) -> tuple[type[Self], tuple[int | None]]:
        """As it comes from other processes."""
        return type(self), (self.position,)


class Past:
    """One read model's tables on a connection of its own, for one question at a time.

    What they hold of everybody stays for the next question, which needs only what is between. It is read and folded by
    other processes where it is much, so that this one goes on answering. What is known of some members is few: it is folded
    in memory, and the tables hold it only once they are asked.
    """

    def __init__(self, url: str | None, kind: type[Projection], knowledge: Knowledge | None = None) -> None:
        self._url = url
        self._projection = kind(generation=0, schema=TEMPORARY)
        self._names = list(self._projection.handlers)
        self._knowledge = knowledge or Knowledge(url)
        self._opened: Connection[Any] | None = None
        self._made = False
        """Whether its tables are there."""
        self._complete_to = 0
        """The position up to which the tables hold the facts of everybody; 0 where they do not."""

    @property
    def connection(self) -> Connection[Any]:
        """The connection that sees the tables, made at first use and again where it broke."""
        if self._opened is None or self._opened.broken or self._opened.closed:
            self._opened, self._complete_to, self._made = connect(self._url), 0, False
            self._opened.execute("SET synchronous_commit = off")  # nothing of it is to last
        return self._opened

    def _make_tables(self) -> None:
        """Not before they are asked: most questions about one member never are."""
        connection = self.connection
        for statement in () if self._made else self._projection.tables:
            connection.execute(in_schema(statement, TEMPORARY))
        self._made = True

    def as_known(self, known_at: datetime, subjects: Sequence[UUID]) -> Snapshot:
        """What was known at an instant of these subjects, or of everybody where none is named.

        Its position is that of the last fact that was known, whomever it was about. Raises `BeforeFirstFact` and
        `CannotBeFolded`.
        """
        position = self._knowledge.position(known_at)
        if subjects:
            rows = fold(self._projection, self._of_subjects(subjects, position))
            return Snapshot(self.connection, TEMPORARY, position, rows, _Once(lambda: self._hold(rows)))
        self._make_tables()
        with self.connection.transaction():
            before, self._complete_to = self._complete_to, 0
            if not 0 < before <= position:
                self._empty()
                before = 0
            self._add(before, position)
        self._complete_to = position
        return Snapshot(self.connection, TEMPORARY, position)

    def close(self) -> None:
        self._knowledge.close()
        if self._opened is not None:
            self._opened.close()

    def _hold(self, rows: Rows) -> None:
        """Let the tables hold these rows alone."""
        self._make_tables()
        self._complete_to = 0
        with self.connection.transaction(), self.connection.cursor() as cursor:
            self._empty()
            self._write(cursor, rows)

    def _empty(self) -> None:
        filled = [sql.Identifier(TEMPORARY, name) for (name,) in self.connection.execute(_FILLED)]
        if filled:
            self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(filled)))

    def _of_subjects(self, subjects: Sequence[UUID], position: int) -> list[Told]:
        asked = {"subjects": self._related(subjects, position), "position": position, "names": self._names}
        return _told(self.connection, _OF_SUBJECTS, asked)

    def _related(self, subjects: Sequence[UUID], position: int) -> list[UUID]:
        """Of whom the answer tells besides: those who were merged into a member, and what segments are."""
        found = list(subjects)
        if "MemberMerged.v1" in self._names:
            asked = {"subjects": found, "position": position}
            found = [row[0] for row in self.connection.execute(_PERSONS, asked)]
        if "SegmentDefined.v1" in self._names:
            listed = self.connection.execute(_SEGMENTS, {"catalogue": CATALOGUE_ID, "position": position})
            found += [segment_stream(segment_id) for (segment_id,) in listed]
        return found

    def _add(self, after: int, position: int) -> None:
        parts = [
            (self._url, type(self._projection), first, min(first + PAGE, position))
            for first in range(after, position, PAGE)
        ]
        with self.connection.cursor() as cursor:
            for rows in in_turn(_folded, parts):
                self._write(cursor, rows)
        if position - after >= PAGE // 25:  # nobody else looks at what temporary tables hold
            self.connection.execute("ANALYZE")

    def _write(self, cursor: Cursor, rows: Rows) -> None:
        try:
            self._projection.write(cursor, rows)
        except DATA_ERRORS as error:
            raise CannotBeFolded(None) from error


def _folded(part: tuple[str | None, type[Projection], int, int]) -> Rows:
    """The rows that the facts of some positions add."""
    url, kind, after, position = part
    projection = kind(generation=0, schema=TEMPORARY)
    with connect(url) as log:
        log.read_only = True
        asked = {"after": after, "position": position, "names": list(projection.handlers)}
        return fold(projection, _told(log, _OF_ALL, asked))


def _told(log: Connection[Any], statement: LiteralString, asked: dict[str, Any]) -> list[Told]:
    rows = log.execute(statement, asked, binary=True)
    return [Told(name, position, str(subject).encode(), state) for name, position, subject, state in rows]


def fold(projection: Projection, page: Sequence[Told]) -> Rows:
    """The rows that facts add. Raises `CannotBeFolded`."""
    try:
        return projection.fold(page)
    except DATA_ERRORS as error:
        raise CannotBeFolded(next((told.position for told in page if _is_blamed(projection, told)), None)) from error


def _is_blamed(projection: Projection, told: Told) -> bool:
    try:
        projection.fold([told])
    except DATA_ERRORS:
        return True
    return False


class _Once:
    """Does something when it is called for the first time."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def __call__(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()
