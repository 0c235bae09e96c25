"""Returns that came before their purchase, asked of the log: those that still wait, and those that waited in vain."""

from typing import LiteralString

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
