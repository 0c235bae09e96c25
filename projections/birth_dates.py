"""Birth dates as they were stated, still sealed, in the database of the facts: what the clock opens day by day.

Made from the log alone, and only once a version of the programme gives something on birthdays. Of who was erased,
nothing stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.member import PersonalDataErased, ProfileChanged
from projections.agenda import PAGE

TABLES: tuple[LiteralString, ...] = (
    """
    CREATE TABLE IF NOT EXISTS birth_dates (
        member_id uuid,
        version bigint,
        stated_at timestamptz NOT NULL,
        key_id uuid,
        sealed text,
        fresh boolean NOT NULL DEFAULT true,
        PRIMARY KEY (member_id, version)
    )
    """,
    "CREATE INDEX IF NOT EXISTS birth_dates_fresh ON birth_dates (member_id) WHERE fresh",
    """
    CREATE TABLE IF NOT EXISTS birthdays_state (
        name text PRIMARY KEY,
        position bigint NOT NULL,
        looked_on date,
        versions int NOT NULL
    )
    """,
    "INSERT INTO birthdays_state (name, position, versions) VALUES ('birthdays', 0, 0) ON CONFLICT DO NOTHING",
)

_NOTE = """
INSERT INTO birth_dates (member_id, version, stated_at, key_id, sealed)
SELECT originator_id, originator_version, (fact->>'occurred_at')::timestamptz,
    CASE WHEN sealed IS NOT NULL THEN (fact->>'key_id')::uuid END, sealed
FROM (
    SELECT originator_id, originator_version, fact, fact#>>'{sealed,birth_date}' AS sealed FROM (
        SELECT originator_id, originator_version, convert_from(state, 'UTF8')::jsonb AS fact FROM facts
        WHERE position > %(after)s AND position <= %(upto)s AND name = %(changed)s
    ) AS changes
) AS stated
WHERE sealed IS NOT NULL OR fact->'removed' ? 'birth_date'
ON CONFLICT DO NOTHING
"""
_FORGET = """
DELETE FROM birth_dates USING facts
WHERE position > %(after)s AND position <= %(upto)s AND name = %(erased)s AND originator_id = member_id
"""


class SealedDate(NamedTuple):
    """A birth date as it was stated; no key and no text where it was taken back."""

    at: datetime
    key_id: UUID | None
    text: str | None


class BirthDates:
    """The statements, in the hands of the one who holds the clock's lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def follow(self) -> None:
        """Note what was recorded since the last time."""
        row = self._connection.execute(
            "SELECT position, (SELECT coalesce(max(position), 0) FROM facts) FROM birthdays_state"
        ).fetchone()
        assert row is not None, "the table was made with its row"
        names = {"changed": ProfileChanged.stored_name, "erased": PersonalDataErased.stored_name}
        for after in range(row[0], row[1], PAGE):
            what = {"after": after, "upto": min(after + PAGE, row[1]), **names}
            with self._connection.transaction():
                self._connection.execute(_NOTE, what)
                self._connection.execute(_FORGET, what)
                self._connection.execute("UPDATE birthdays_state SET position = %(upto)s", what)

    def looked_at(self, today: date, versions: int) -> bool:
        """Whether all were looked at on this day already, under as many versions of the programme."""
        row = self._connection.execute("SELECT looked_on, versions FROM birthdays_state").fetchone()
        return row == (today, versions)

    def looked(self, today: date, versions: int) -> None:
        """Note that all were looked at."""
        self._connection.execute("UPDATE birthdays_state SET (looked_on, versions) = (%s, %s)", (today, versions))

    def pages(self, *, fresh_only: bool, most: int) -> Iterator[Mapping[UUID, Sequence[SealedDate]]]:
        """Members with all that they stated, in its order; those of whom something new is known, or all."""
        after = UUID(int=0)
        while members := self._connection.execute(
            "SELECT DISTINCT member_id FROM birth_dates WHERE member_id > %s AND (fresh OR NOT %s)"
            " ORDER BY member_id LIMIT %s",
            (after, fresh_only, most),
        ).fetchall():
            page: dict[UUID, list[SealedDate]] = {member_id: [] for (member_id,) in members}
            for member_id, *stated in self._connection.execute(
                "SELECT member_id, stated_at, key_id, sealed FROM birth_dates WHERE member_id = ANY(%s)"
                " ORDER BY member_id, version",
                (list(page),),
            ):
                page[member_id].append(SealedDate(*stated))
            yield page
            after = members[-1][0]

    def seen(self, member_ids: Sequence[UUID]) -> None:
        """Note that there is nothing new about these any more."""
        self._connection.execute(
            "UPDATE birth_dates SET fresh = false WHERE fresh AND member_id = ANY(%s)", (member_ids,)
        )
