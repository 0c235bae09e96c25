"""Returns that came before their purchase, asked of the log: those that still wait, and those that waited in vain."""

from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from infra.event_store import in_library_terms

WAITING: LiteralString = """
SELECT kept.position, kept.originator_id, kept.recorded_at, convert_from(kept.state, 'UTF8')::json, closed.told
FROM facts AS kept LEFT JOIN LATERAL (
    SELECT convert_from(one.state, 'UTF8')::json AS told FROM facts AS one
    WHERE one.originator_id = kept.originator_id AND one.name = 'ReturnClosed.v1'
    AND convert_from(one.state, 'UTF8')::json ->> 'return_id' = convert_from(kept.state, 'UTF8')::json ->> 'correlation_id'
) AS closed ON true
WHERE kept.name = 'ReturnKept.v1' AND kept.position > %(after)s AND (closed.told IS NOT NULL OR NOT EXISTS (
    SELECT FROM facts AS sold WHERE sold.originator_id = kept.originator_id AND sold.name = 'PurchaseRecorded.v1'))
"""
"""Position, purchase, since when it waits, the return, and how it was closed, if it was."""


class WaitingReturn(NamedTuple):
    """A return that waits for its purchase."""

    position: int
    purchase_id: UUID


@in_library_terms()
def waiting_since(connection: Connection, before: datetime, *, after: int = 0, limit: int = 500) -> list[WaitingReturn]:
    """The next returns, by position, that have waited since before an instant. The domain decides which of them are due."""
    rows = connection.execute(
        WAITING + " AND closed.told IS NULL AND kept.recorded_at < %(before)s ORDER BY kept.position LIMIT %(limit)s",
        {"before": before, "after": after, "limit": limit},
    ).fetchall()
    return [WaitingReturn(position, purchase_id) for position, purchase_id, *_ in rows]
