"""What members hold, of rows that were just folded: the same as `holdings` finds in tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from domain.activity import KeepAlive
from domain.lots import Hold, Lot
from domain.parts import Taken
from projections.held import Holdings

Row = Sequence[Any]
Place = tuple[str, str]
"""A member's lot, or hold."""
_BUCKETS = {"revoked", "spent", "settled", "sent"}
_FREEING = {"spent", "settled", "sent"}


def holdings_in_memory(
    rows: Mapping[str, Iterable[Row]], members: Iterable[UUID], *, as_of: datetime
) -> dict[UUID, Holdings]:
    """What members hold, by the facts that had happened at an instant; each lot by itself. Who is unknown, is left out."""
    wanted = {str(member): member for member in members}
    found = {row[0]: Holdings(at=as_of) for row in rows.get("accounts", ()) if row[0] in wanted}

    def happened(table: str, at: int) -> list[Row]:
        return [row for row in rows.get(table, ()) if row[0] in found and _instant(row[at]) <= as_of]

    _owe(found, happened("debts", 3))
    ends = [row for row in happened("hold_ends", 2) if row[3] != "timed-out"]
    _hold(found, happened("holds", 4), ended={(row[0], row[1]) for row in ends})
    lots: dict[Place, Lot] = {}
    for row in happened("lots", 9):
        lots[row[0], row[1]] = lot = _lot(row)
        found[row[0]].add(lot, received=row[5], purchase_id=None if row[3] is None else UUID(row[3]))
    _move(lots, happened("movements", 4))
    _free(lots, rows.get("holds", ()), ends)
    activity = _activity(happened("keep_alives", 2), happened("entries", 2))
    for member, one in found.items():
        one.live_on(activity.get(member, []))
        one.settle()
    return {wanted[member]: one for member, one in found.items()}


@lru_cache(maxsize=1 << 16)
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _owe(found: Mapping[str, Holdings], debts: Iterable[Row]) -> None:
    """What one fact raises and takes away is one change."""
    in_order = sorted(debts, key=itemgetter(0, 4))
    for (member, _, at), changes in groupby(in_order, key=itemgetter(0, 4, 3)):
        points = sum(row[2] if row[1] == "raised" else -row[2] for row in changes)
        found[member].owe(points, _instant(at))


def _hold(found: Mapping[str, Holdings], holds: Iterable[Row], *, ended: set[Place]) -> None:
    parts: dict[tuple[str, str, str, str], list[Taken]] = defaultdict(list)
    for member, hold_id, lot_id, points, at, until in holds:
        if (member, hold_id) not in ended:
            parts[member, hold_id, at, until].append(Taken(lot_id=UUID(lot_id), points=points))
    for (member, hold_id, at, until), held in parts.items():
        found[member].holds.append(Hold(UUID(hold_id), _instant(at), _instant(until), held))


def _lot(row: Row) -> Lot:
    _, lot_id, part, _, points, _, earned_at, active_from, expires_at, at, _ = row
    ends = None if expires_at is None else _instant(expires_at)
    earned, came = _instant(earned_at), _instant(at)
    return Lot(UUID(lot_id), part, points, earned, _instant(active_from), ends, came_at=came)


def _move(lots: Mapping[Place, Lot], movements: Iterable[Row]) -> None:
    for member, lot_id, bucket, points, at, _ in movements:
        lot = lots.get((member, lot_id))
        if lot is None:
            continue
        if bucket == "received":  # a merge was undone, and what was left of its lots went back
            lot.points += points
        elif bucket in _BUCKETS:
            setattr(lot, bucket, getattr(lot, bucket) + points)
        if points < 0 and bucket in _FREEING:
            _freed(lot, _instant(at))


def _free(lots: Mapping[Place, Lot], holds: Iterable[Row], ends: Iterable[Row]) -> None:
    ended: dict[Place, datetime] = {}
    for member, hold_id, at, *_ in ends:
        ended[member, hold_id] = max(_instant(at), ended.get((member, hold_id), _instant(at)))
    for member, hold_id, lot_id, *_ in holds if ended else ():
        at = ended.get((member, hold_id))
        lot = lots.get((member, lot_id))
        if at is not None and lot is not None:
            _freed(lot, at)


def _freed(lot: Lot, at: datetime) -> None:
    lot.freed_at = at if lot.freed_at is None else max(at, lot.freed_at)


def _activity(keep_alives: Iterable[Row], entries: Iterable[Row]) -> dict[str, list[KeepAlive]]:
    """A purchase that went back as a whole has kept nothing alive."""
    gone = {(row[0], row[5]) for row in entries if row[3] == "full-return"}
    kept: dict[str, list[KeepAlive]] = defaultdict(list)
    for member, purchase_id, at, until in keep_alives:
        if (member, purchase_id) not in gone:
            kept[member].append(KeepAlive(_instant(at), _instant(until)))
    return {member: sorted(one) for member, one in kept.items()}
