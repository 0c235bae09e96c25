"""A read model as the log was once: its tables filled from the first positions of the log, as temporary ones.

They are filled by the handlers that fill the live ones, and asked the same questions. Rows of read models tell neither where
in the log they come from nor when they were recorded, so the live ones cannot answer.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql

from domain.campaign import CATALOGUE_ID
from domain.segment import segment_stream
from infra.database import connect
from projections.projection import Projection, in_schema
from projections.snapshot import Snapshot
from projections.told import Told

TEMPORARY = "pg_temp"
"""The schema of a connection's temporary tables: nobody else sees them, and they go with it."""

PAGE = 20_000
"""Facts folded at once."""

CLOCKS_AGREE = timedelta(seconds=10)
"""How far apart the clocks of those that record may be. Each reads its clock before it waits for its turn."""

POSITION: LiteralString = """
SELECT max(position) FROM facts WHERE recorded_at <= %(known_at)s AND recorded_at >= (
    SELECT max(recorded_at) FROM facts WHERE recorded_at <= %(known_at)s
) - %(clocks_agree)s
"""
"""The position of the last fact that was recorded by an instant; NULL where none was."""
FIRST: LiteralString = "SELECT recorded_at FROM facts ORDER BY position LIMIT 1"
"""When the first fact was recorded."""

_OF_SUBJECTS: LiteralString = """
SELECT name, position, subject, state FROM facts
WHERE subject = ANY(%(subjects)s::uuid[]) AND position <= %(position)s AND name = ANY(%(names)s) ORDER BY position
"""
_OF_ALL: LiteralString = """
SELECT name, position, subject, state FROM facts
WHERE position > %(after)s AND position <= %(position)s AND name = ANY(%(names)s) ORDER BY position LIMIT %(limit)s
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


class BeforeFirstFact(LookupError):
    """Nothing was known yet."""

    def __init__(self, first: datetime | None) -> None:
        super().__init__("nothing had been recorded by then")
        self.first = first
        """When the first fact was recorded, if one was."""


class Past:
    """One read model's tables on a connection of its own, for one question at a time.

    What they hold of everybody stays for the next question, which needs only what is between.
    """

    def __init__(self, url: str | None, kind: type[Projection]) -> None:
        self._url = url
        self._projection = kind(generation=0, schema=TEMPORARY)
        self._names = list(self._projection.handlers)
        self._opened: Connection[Any] | None = None
        self._complete_to = 0
        """The position up to which the tables hold the facts of everybody; 0 where they do not."""

    @property
    def connection(self) -> Connection[Any]:
        """The connection that sees the tables, made at first use and again where it broke."""
        if self._opened is None or self._opened.broken or self._opened.closed:
            self._opened, self._complete_to = connect(self._url), 0
            for statement in self._projection.tables:
                self._opened.execute(in_schema(statement, TEMPORARY))
        return self._opened

    def as_known(self, known_at: datetime, subjects: Sequence[UUID]) -> Snapshot:
        """Let the tables hold what was known at an instant of these subjects, or of everybody where none is named.

        Its position is that of the last fact that was known, whomever it was about. Raises `BeforeFirstFact`.
        """
        connection = self.connection
        with connection.transaction():
            position = self._position(known_at)
            before, self._complete_to = self._complete_to, 0
            if not subjects and 0 < before <= position:
                self._add(self._of_all(before, position))
            else:
                self._empty()
                self._add(self._of_subjects(subjects, position) if subjects else self._of_all(0, position))
        self._complete_to = 0 if subjects else position
        return Snapshot(connection, TEMPORARY, position)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _position(self, known_at: datetime) -> int:
        row = self.connection.execute(POSITION, {"known_at": known_at, "clocks_agree": CLOCKS_AGREE}).fetchone()
        if row is None or row[0] is None:
            first = self.connection.execute(FIRST).fetchone()
            raise BeforeFirstFact(first[0] if first else None)
        return int(row[0])

    def _empty(self) -> None:
        filled = [sql.Identifier(TEMPORARY, name) for (name,) in self.connection.execute(_FILLED)]
        if filled:
            self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(filled)))

    def _of_subjects(self, subjects: Sequence[UUID], position: int) -> Iterator[list[Told]]:
        """All of it on one page: it is what members and the rules have."""
        asked = {"subjects": self._related(subjects, position), "position": position, "names": self._names}
        yield self._page(_OF_SUBJECTS, asked)

    def _of_all(self, after: int, position: int) -> Iterator[list[Told]]:
        while page := self._page(
            _OF_ALL, {"after": after, "position": position, "names": self._names, "limit": PAGE}
        ):  # fmt: skip
            yield page
            after = page[-1].position

    def _page(self, statement: LiteralString, asked: dict[str, Any]) -> list[Told]:
        rows = self.connection.execute(statement, asked, binary=True)
        return [Told(name, position, str(subject).encode(), state) for name, position, subject, state in rows]

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

    def _add(self, pages: Iterator[list[Told]]) -> None:
        added = 0
        with self.connection.cursor() as cursor:
            for page in pages:
                self._projection.write(cursor, self._projection.fold(page))
                added += len(page)
        if added >= PAGE // 10:  # nobody else looks at what temporary tables hold
            self.connection.execute("ANALYZE")
