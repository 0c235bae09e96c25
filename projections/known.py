"""What was known at an instant: the facts up to a position of the log."""

from datetime import datetime, timedelta
from threading import Lock
from typing import Any, LiteralString

from psycopg import Connection

from infra.database import connect

CLOCKS_AGREE = timedelta(seconds=10)
"""How far apart the clocks of those that record may be. Each reads its clock before it waits for its turn."""

BLOCK = 1_000
"""Positions that are looked at together."""
KEPT = 100_000
"""Blocks of which we remember when the earliest fact was recorded."""

# Steps down, from half of all positions that there can be: the same ones whatever is recorded later, which was not known
# at a past instant. All facts after `place` were recorded after the clocks may agree on the instant.
_PLACE: LiteralString = """
WITH RECURSIVE descent (place, step) AS (
    SELECT 0::bigint, 1::bigint << 40
    UNION ALL SELECT CASE WHEN (
        SELECT recorded_at <= %(known_at)s::timestamptz + %(clocks_agree)s FROM facts WHERE position = place + step
    ) THEN place + step ELSE place END, step >> 1 FROM descent WHERE step > 0
)
SELECT place FROM descent WHERE step = 0
"""
_EARLIEST: LiteralString = """
SELECT (position - 1) / %(block)s::bigint, min(recorded_at), count(*) FROM facts
WHERE position > %(after)s AND position <= %(last)s GROUP BY 1
"""
_LAST: LiteralString = """
SELECT max(position) FROM facts
WHERE position > %(after)s AND position <= %(last)s AND recorded_at <= %(known_at)s
"""
_FIRST: LiteralString = "SELECT recorded_at FROM facts ORDER BY position LIMIT 1"


class BeforeFirstFact(LookupError):
    """Nothing was known yet."""

    def __init__(self, first: datetime | None) -> None:
        told = f": the first fact was recorded at {first.isoformat()}" if first else ""
        super().__init__(f"nothing had been recorded by then{told}")
        self.first = first
        """When the first fact was recorded, if one was."""


class Knowledge:
    """Where the log ended, as it was known at an instant: at the last fact that was recorded by then.

    Times of recording have no index, as every writer would have to keep it. They go up with the positions, but for what
    clocks disagree by: that part is looked through from its end, block by block.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._opened: Connection[Any] | None = None
        self._alone = Lock()
        self._earliest: dict[int, datetime] = {}
        """By block that is full, so that it stays true."""

    def position(self, known_at: datetime) -> int:
        """The position of the last fact that was recorded by then; one person at a time. Raises `BeforeFirstFact`."""
        with self._alone:
            if self._opened is None or self._opened.broken or self._opened.closed:
                self._opened = connect(self._url)
            return self.position_in(self._opened, known_at)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def position_in(self, log: Connection[Any], known_at: datetime) -> int:
        """The same on the connection of who asks."""
        row = log.execute(_PLACE, {"known_at": known_at, "clocks_agree": CLOCKS_AGREE}).fetchone()
        assert row is not None, "it always comes to an end"
        place: int = row[0]
        block, look = (place - 1) // BLOCK, 1
        while block >= 0:
            if block not in self._earliest:
                self._learn(log, block, look)
                look *= 4
            if self._earliest.get(block, known_at) <= known_at:
                asked = {"after": block * BLOCK, "last": min(place, (block + 1) * BLOCK), "known_at": known_at}
                found = log.execute(_LAST, asked).fetchone()
                if found is not None and found[0] is not None:
                    return int(found[0])
            block -= 1
        first = log.execute(_FIRST).fetchone()
        raise BeforeFirstFact(first[0] if first else None)

    def _learn(self, log: Connection[Any], last: int, blocks: int) -> None:
        """Of this block and some before it, as far as they are full."""
        if len(self._earliest) > KEPT:
            self._earliest.clear()
        asked = {"block": BLOCK, "after": max(0, last - blocks + 1) * BLOCK, "last": (last + 1) * BLOCK}
        self._earliest |= {block: at for block, at, facts in log.execute(_EARLIEST, asked) if facts == BLOCK}


def before(log: Connection[Any], at: datetime) -> int:
    """A position up to which all facts were recorded before an instant, by whichever clock; 0 where there is none."""
    try:
        return known_position(log, at - 2 * CLOCKS_AGREE)
    except BeforeFirstFact:
        return 0


def known_position(log: Connection[Any], known_at: datetime) -> int:
    """The position of the last fact that was recorded by an instant, for who asks for no other. Raises `BeforeFirstFact`."""
    return Knowledge(None).position_in(log, known_at)
