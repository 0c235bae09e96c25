"""What a member holds: lots, holds and debt as the rows know them up to an instant, settled by the clock up to then."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

from domain.activity import KeepAlive
from domain.lots import Hold, Lot
from domain.parts import Taken
from projections.held import Holdings
from projections.holdings_in_memory import holdings_in_memory
from projections.snapshot import Snapshot

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


# A purchase that went back as a whole has kept nothing alive.
_ABOUT: LiteralString = """
WITH owed AS (
    SELECT member_id, array_agg(points ORDER BY version) AS points, array_agg(at ORDER BY version) AS at FROM (
        SELECT member_id, version, at, sum(CASE WHEN kind = 'raised' THEN points ELSE -points END)::bigint AS points
        FROM {schema}.debts WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s GROUP BY member_id, version, at
    ) AS changes GROUP BY member_id
), held AS (
    SELECT member_id, array_agg(hold_id ORDER BY hold_id, lot_id) AS hold_id, array_agg(at ORDER BY hold_id, lot_id) AS at,
        array_agg(until ORDER BY hold_id, lot_id) AS until, array_agg(lot_id ORDER BY hold_id, lot_id) AS lot_id,
        array_agg(points ORDER BY hold_id, lot_id) AS points
    FROM {schema}.holds WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s AND NOT EXISTS (
        SELECT 1 FROM {schema}.hold_ends AS ended
        WHERE ended.member_id = holds.member_id AND ended.hold_id = holds.hold_id AND how <> 'timed-out' AND ended.at <= %(as_of)s
    ) GROUP BY member_id
), active AS (
    SELECT member_id, array_agg(at ORDER BY at, until) AS at, array_agg(until ORDER BY at, until) AS until
    FROM {schema}.keep_alives WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s AND NOT EXISTS (
        SELECT 1 FROM {schema}.entries WHERE entries.member_id = keep_alives.member_id AND kind = 'full-return'
        AND reference = purchase_id AND entries.at <= %(as_of)s
    ) GROUP BY member_id
)
SELECT member_id, owed.points, owed.at, held.hold_id, held.at, held.until, held.lot_id, held.points, active.at, active.until
FROM {schema}.accounts LEFT JOIN owed USING (member_id) LEFT JOIN held USING (member_id) LEFT JOIN active USING (member_id)
WHERE member_id = ANY(%(members)s)
"""
# Lots that only add to sums come as one: those of which nothing is left, or that had lapsed by `before`; and, unless the
# member's lots must be looked at `one_by_one`, those that lapse together and are pending, or are not, alike.
_LOTS: LiteralString = """
WITH moved AS (
    SELECT member_id, lot_id,
        sum(points) FILTER (WHERE bucket = 'received') AS given_back,
        sum(points) FILTER (WHERE bucket = 'revoked') AS revoked,
        sum(points) FILTER (WHERE bucket = 'spent') AS spent,
        sum(points) FILTER (WHERE bucket = 'settled') AS settled,
        sum(points) FILTER (WHERE bucket = 'sent') AS sent,
        max(at) FILTER (WHERE points < 0 AND bucket IN ('spent', 'settled', 'sent')) AS freed_at
    FROM {schema}.movements WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s
    GROUP BY member_id, lot_id
), ended AS (
    SELECT member_id, lot_id, max(hold_ends.at) AS freed_at
    FROM {schema}.hold_ends JOIN {schema}.holds USING (member_id, hold_id)
    WHERE member_id = ANY(%(members)s) AND how <> 'timed-out' AND hold_ends.at <= %(as_of)s
    GROUP BY member_id, lot_id
), counted AS (
    SELECT member_id, lot_id, part, purchase_id, received, points + coalesce(given_back, 0) AS points, earned_at,
        active_from, expires_at, at, coalesce(revoked, 0) AS revoked, coalesce(spent, 0) AS spent,
        coalesce(settled, 0) AS settled, coalesce(sent, 0) AS sent, greatest(moved.freed_at, ended.freed_at) AS freed_at
    FROM {schema}.lots LEFT JOIN moved USING (member_id, lot_id) LEFT JOIN ended USING (member_id, lot_id)
    WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s
), told AS (
    SELECT counted.*, CASE
        WHEN %(each)s OR lot_id = ANY(%(aside)s::uuid[]) THEN lot_id::text
        WHEN points - revoked - spent - settled - sent = 0 OR expires_at <= before THEN ''
        WHEN one_by_one THEN lot_id::text
        ELSE concat(expires_at, active_from > %(as_of)s)
    END AS alike
    FROM counted JOIN unnest(%(members)s::uuid[], %(befores)s::timestamptz[], %(one_by_one)s::boolean[])
        AS asked (member_id, before, one_by_one) USING (member_id)
)
SELECT member_id, received, (array_agg(purchase_id))[1], (array_agg(lot_id))[1], min(part), sum(points)::bigint,
    min(earned_at), min(active_from), min(expires_at), min(at), sum(revoked)::bigint, sum(spent)::bigint, sum(settled)::bigint,
    sum(sent)::bigint, max(freed_at)
FROM told GROUP BY member_id, received, alike
"""
_LOT = (
    "id", "part", "points", "earned_at", "active_from", "expires_at", "came_at", "revoked", "spent", "settled", "sent", "freed_at",
)  # fmt: skip


async def holdings_of(snapshot: Snapshot, member_id: UUID, *, as_of: datetime, each: bool = False) -> Holdings | None:
    """What a member holds; None for an unknown member."""
    return (await holdings(snapshot, [member_id], as_of=as_of, each=each)).get(member_id)


async def holdings(
    snapshot: Snapshot, members: Sequence[UUID], *, as_of: datetime, each: bool = False
) -> dict[UUID, Holdings]:
    """What members hold, by the facts that had happened at an instant. Lots that only add to sums come as one, unless `each` is asked for."""
    if snapshot.rows is not None:
        return holdings_in_memory(snapshot.rows, members, as_of=as_of)
    asked: dict[str, Any] = {"members": list(members), "as_of": as_of}
    found: dict[UUID, Holdings] = {}
    activity: dict[UUID, list[KeepAlive]] = {}
    for member_id, points, at, *held, kept_at, kept_until in await snapshot.all(_ABOUT, **asked):
        found[member_id] = one = Holdings(at=as_of, holds=_holds(*(column or [] for column in held)))
        for change in zip(points or [], at or [], strict=True):
            one.owe(*change)
        if kept_at:
            activity[member_id] = [KeepAlive(*kept) for kept in zip(kept_at, kept_until, strict=True)]
    if not found:
        return found
    befores = [LONG_AGO if member in activity else min(as_of, one.debt_since or as_of) for member, one in found.items()]
    aside = [part["lot_id"] for one in found.values() for hold in one.holds for part in hold.parts]
    one_by_one = [member in activity or one.debt > 0 for member, one in found.items()]
    asked |= {"members": list(found), "befores": befores, "one_by_one": one_by_one, "aside": aside, "each": each}
    for member_id, received, purchase_id, *lot in await snapshot.all(_LOTS, **asked):
        found[member_id].add(Lot(**dict(zip(_LOT, lot, strict=True))), received=received, purchase_id=purchase_id)
    for member_id, one in found.items():
        one.live_on(activity.get(member_id, []))
        one.settle()
    return found


def _holds(*columns: list[Any]) -> list[Hold]:
    """What is held: ids, from when, until when, of which lots, how many points; parts of a hold stand together."""
    return [
        Hold(hold_id, at, until, [Taken(lot_id=lot_id, points=points) for *_, lot_id, points in parts])
        for (hold_id, at, until), parts in groupby(zip(*columns, strict=True), key=itemgetter(0, 1, 2))
    ]
