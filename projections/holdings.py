"""What a member holds: lots, holds and debt as the rows know them up to an instant, settled by the clock up to then."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

from domain.activity import KeepAlive, prolonged
from domain.lots import Buckets, Hold, Lot, Reach, Settlement, add_up, held_at, total
from domain.parts import Taken
from projections.snapshot import Snapshot

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Holdings:
    """Points of one member at an instant. Debt that the clock had settled by then is settled, recorded or not."""

    at: datetime
    lots: list[Lot] = field(default_factory=list)
    purchases: dict[UUID, UUID] = field(default_factory=dict)
    """The purchase that each lot came with, if it did."""
    received: set[UUID] = field(default_factory=set)
    """Lots that came from other members."""
    holds: list[Hold] = field(default_factory=list)
    debt: int = 0
    debt_since: datetime | None = None
    settlements: list[Settlement] = field(default_factory=list)
    """What the clock has settled and nobody has recorded."""

    def owe(self, points: int, at: datetime) -> None:
        """Debt is open since it was first raised, in the order in which the account came to know."""
        if points > 0 and self.debt <= 0:
            self.debt_since = at
        self.debt += points
        if self.debt <= 0:
            self.debt_since = None

    def add(self, lot: Lot, *, received: bool, purchase_id: UUID | None) -> None:
        """A lot, and where it came from."""
        self.lots.append(lot)
        if received:
            self.received.add(lot.id)
        if purchase_id is not None:
            self.purchases[lot.id] = purchase_id

    def live_on(self, activity: Sequence[KeepAlive]) -> None:
        """Let lots lapse only when activity no longer keeps them alive."""
        for lot in self.lots if activity else ():
            if lot.expires_at is not None:
                lot.expires_at = prolonged(lot.expires_at, activity, since=lot.there_since)

    def settle(self) -> None:
        """Let what could pay debt by now have paid it."""
        if self.debt <= 0:
            return
        self.settlements = Reach(self.lots, self.holds).settle(
            self.debt, since=self.debt_since or self.at, until=self.at
        )
        lots = {lot.id: lot for lot in self.lots}
        for one in self.settlements:
            self.debt -= total(one.parts)
            for part in one.parts:
                lots[part["lot_id"]].settled += part["points"]

    def buckets(self, lots: Sequence[Lot] | None = None) -> Buckets:
        """What has become of all points; or of those of some lots, whatever is owed."""
        debt = self.debt if lots is None else 0
        held = self.holds if lots is None else [_of(hold, lots) for hold in self.holds]
        return add_up(
            self.lots if lots is None else lots, held, debt=debt, debt_since=self.at, at=self.at,
            received=frozenset(self.received),
        )  # fmt: skip

    def lapsing(self) -> dict[datetime, int]:
        """How many points lapse at each instant to come, unless they are spent before; what is held is left out."""
        held = held_at(self.holds, self.at)
        lapsing: dict[datetime, int] = defaultdict(int)
        for lot in self.lots:
            left = lot.free - held.get(lot.id, 0)
            if left and lot.expires_at is not None and not lot.expired(self.at):
                lapsing[lot.expires_at] += left
        return lapsing


def _of(hold: Hold, lots: Sequence[Lot]) -> Hold:
    ids = {lot.id for lot in lots}
    return Hold(hold.id, hold.at, hold.until, [part for part in hold.parts if part["lot_id"] in ids], ended=hold.ended)


_KNOWN = "SELECT member_id FROM {schema}.accounts WHERE member_id = ANY(%(members)s)"
_DEBTS = """
SELECT member_id, sum(CASE WHEN kind = 'raised' THEN points ELSE -points END)::bigint, at FROM {schema}.debts
WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s GROUP BY member_id, version, at ORDER BY member_id, version
"""
_HOLDS = """
SELECT member_id, hold_id, at, until, lot_id, points FROM {schema}.holds
WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s AND NOT EXISTS (
    SELECT 1 FROM {schema}.hold_ends AS ended
    WHERE ended.member_id = holds.member_id AND ended.hold_id = holds.hold_id AND how <> 'timed-out' AND ended.at <= %(as_of)s
) ORDER BY member_id, hold_id
"""
# A purchase that went back as a whole has kept nothing alive.
_ACTIVITY = """
SELECT member_id, at, until FROM {schema}.keep_alives
WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s AND NOT EXISTS (
    SELECT 1 FROM {schema}.entries WHERE entries.member_id = keep_alives.member_id AND kind = 'full-return'
    AND reference = purchase_id AND entries.at <= %(as_of)s
) ORDER BY at, until
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
    asked: dict[str, Any] = {"members": list(members), "as_of": as_of}
    found = {row[0]: Holdings(at=as_of) for row in await snapshot.all(_KNOWN, **asked)}
    if not found:
        return found
    for member_id, points, at in await snapshot.all(_DEBTS, **asked):
        found[member_id].owe(points, at)
    for (member_id, hold_id, at, until), parts in groupby(
        await snapshot.all(_HOLDS, **asked), key=itemgetter(0, 1, 2, 3)
    ):
        held = [Taken(lot_id=lot_id, points=points) for *_, lot_id, points in parts]
        found[member_id].holds.append(Hold(hold_id, at, until, held))
    activity: dict[UUID, list[KeepAlive]] = defaultdict(list)
    for member_id, at, until in await snapshot.all(_ACTIVITY, **asked):
        activity[member_id].append(KeepAlive(at, until))
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
