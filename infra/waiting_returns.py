"""Returns that came before their purchase, asked of the log: those that still wait, and those that waited in vain."""

from typing import LiteralString

# Of the facts that stand nearest to it; parsed only where an instant is stated.
_ASKED: LiteralString = """
(%(known)s::bigint IS NULL OR position <= %(known)s) AND (
    %(as_of)s::timestamptz IS NULL OR (convert_from(state, 'UTF8')::json ->> 'occurred_at')::timestamptz <= %(as_of)s
)
"""
WAITING: LiteralString = f"""
SELECT kept.position, kept.originator_id, kept.recorded_at, convert_from(kept.state, 'UTF8')::json, closed.told
FROM facts AS kept LEFT JOIN LATERAL (
    SELECT convert_from(one.state, 'UTF8')::json AS told FROM facts AS one
    WHERE one.originator_id = kept.originator_id AND one.name = 'ReturnClosed.v1' AND {_ASKED}
    AND convert_from(one.state, 'UTF8')::json ->> 'return_id' = convert_from(kept.state, 'UTF8')::json ->> 'correlation_id'
) AS closed ON true
WHERE kept.name = 'ReturnKept.v1' AND kept.position > %(after)s AND {_ASKED} AND (closed.told IS NOT NULL OR NOT EXISTS (
    SELECT FROM facts AS sold
    WHERE sold.originator_id = kept.originator_id AND sold.name = 'PurchaseRecorded.v1' AND {_ASKED}))
"""  # noqa: S608 - all of it is ours
"""Position, purchase, since when it waits, the return, and how it was closed, if it was.

Of what stands up to the position `known` and happened by `as_of`; of all, where they are null.
"""
