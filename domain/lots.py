"""Lots and holds: what is free, in which order it is spent, and what the clock settles (rules 2, 3, 5, 6).

Pure functions of lots, holds and an instant: the write side decides by them, the read side and the proofs add up by them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from domain.buckets import Available, Debt, Expired, Held, Issued, Pending, Received, Revoked, Sent, Settled, Spent
from domain.movements import GivenLot
from domain.parts import Taken

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Lot:
    """Points of one origin, and what became of them; what is left is free: pending, available, held or expired."""

    id: UUID
    part: str
    points: int
    earned_at: datetime
    active_from: datetime
    expires_at: datetime | None
    qualifies: bool = False
    bonus: bool = False
    purchased: bool = True
    """Whether a return may still ask for it; not what staff gave."""
    revoked: int = 0
    spent: int = 0
    settled: int = 0
    sent: int = 0
    clawed: int = 0
    """What returns of its purchase took in all, wherever they found it."""
    lapsed: int = 0
    """What was recorded as expired; the clock decides, whether it was recorded or not."""
    freed_at: datetime | None = None
    """When some of it last became free again."""
    came_at: datetime | None = None
    """When it came to the account, where that is later than when it was earned."""
    granted_until: datetime | None = None
    """When it was to lapse at first, where purchases have kept it alive since."""

    @property
    def free(self) -> int:
        """Neither revoked nor spent, settled or sent; some of it may be held."""
        return self.points - self.revoked - self.spent - self.settled - self.sent

    @property
    def there_since(self) -> datetime:
        """When it came to the account."""
        return self.came_at or self.earned_at

    def expired(self, at: datetime) -> bool:
        """Whether it has lapsed by then; one that never becomes active lapses as well."""
        return self.expires_at is not None and self.expires_at <= at

    def spendable(self, at: datetime) -> bool:
        """Whether its free points can be spent at an instant."""
        return self.active_from <= at and (self.expires_at is None or at < self.expires_at)

    def ready_at(self, since: datetime) -> datetime:
        """From when on its free points can pay a debt that is open since an instant."""
        return max(self.active_from, since, self.freed_at or since)


@dataclass(slots=True)
class Hold:
    """Points set aside for a redemption; ended once it was captured or released."""

    id: UUID
    at: datetime
    until: datetime
    parts: Sequence[Taken]
    amount_minor: int | None = None
    """What all of it is to pay at the till."""
    ended: str | None = None
    timed_out: bool = False
    """Whether its time-out was recorded; the clock decides, whether it was recorded or not."""

    @property
    def points(self) -> int:
        return total(self.parts)

    def open(self, at: datetime) -> bool:
        """Whether it holds its points at an instant: it ends by itself at its time-out."""
        return self.ended is None and at < self.until


class Settlement(NamedTuple):
    """Points that pay debt at an instant."""

    at: datetime
    parts: list[Taken]


@dataclass(slots=True)
class Buckets:
    """What has become of points: issued + received = the sum of all others but debt."""

    issued: Issued = 0
    received: Received = 0
    pending: Pending = 0
    available: Available = 0
    held: Held = 0
    spent: Spent = 0
    settled: Settled = 0
    expired: Expired = 0
    revoked: Revoked = 0
    sent: Sent = 0
    debt: Debt = 0


@dataclass(slots=True)
class Reach:
    """How far lots reach at an instant, when some of their points are taken already by what is being decided."""

    lots: Iterable[Lot]
    holds: Iterable[Hold]
    taken: dict[UUID, int] = field(default_factory=dict)

    def left(self, lot: Lot, held: Mapping[UUID, int]) -> int:
        """Free, not held, and not taken."""
        return lot.free - held.get(lot.id, 0) - self.taken.get(lot.id, 0)

    def take(self, points: int, *, at: datetime, lots: Iterable[Lot] | None = None) -> list[Taken]:
        """Up to so many points that can be spent at an instant, in spend order."""
        held = held_at(self.holds, at)
        able = (lot for lot in (self.lots if lots is None else lots) if lot.free > 0 and lot.spendable(at))
        parts = []
        for lot in sorted(able, key=spend_order):
            if not points:
                break
            if (least := min(points, self.left(lot, held))) > 0:
                parts.append(Taken(lot_id=lot.id, points=least))
                self.taken[lot.id] = self.taken.get(lot.id, 0) + least
                points -= least
        return parts

    def take_from(self, lot: Lot, points: int, *, at: datetime) -> int:
        """Up to so many points of one lot that are free and not held, lapsed ones too."""
        took = max(0, min(points, self.left(lot, held_at(self.holds, at))))
        self.taken[lot.id] = self.taken.get(lot.id, 0) + took
        return took

    def available(self, at: datetime) -> int:
        """What can be spent at an instant."""
        held = held_at(self.holds, at)
        able = [lot for lot in self.lots if lot.free > 0 and lot.spendable(at)]
        return sum([self.left(lot, held) for lot in able] if held or self.taken else [lot.free for lot in able])

    def settle(self, debt: int, *, since: datetime, until: datetime) -> list[Settlement]:
        """What pays a debt up to an instant, as soon as each point is active, free and unheld; taken at once."""
        if debt <= 0:
            return []
        able = [lot for lot in self.lots if lot.free > 0 and not lot.expired(lot.ready_at(since))]
        ready = {lot.id: lot.ready_at(since) for lot in able}
        ends = {hold.until for hold in self.holds if hold.ended is None and hold.until > since}
        settlements = []
        for at in sorted(instant for instant in {*ready.values(), *ends} if instant <= until):
            parts = self.take(debt, at=at, lots=[lot for lot in able if ready[lot.id] <= at])
            if parts:
                settlements.append(Settlement(at, parts))
                debt -= total(parts)
            if not debt:
                break
        return settlements


def total(parts: Iterable[Taken | GivenLot]) -> int:
    return sum(part["points"] for part in parts)


def held_at(holds: Iterable[Hold], at: datetime) -> dict[UUID, int]:
    """By lot, what open holds set aside at an instant."""
    held: dict[UUID, int] = {}
    for hold in holds:
        if hold.open(at):
            for part in hold.parts:
                held[part["lot_id"]] = held.get(part["lot_id"], 0) + part["points"]
    return held


def spend_order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    """Earliest expiry first, never last; then the earlier business time; then the id, never the order of arrival."""
    return lot.expires_at or NEVER, lot.earned_at, lot.id


def add_up(
    lots: Sequence[Lot],
    holds: Sequence[Hold],
    *,
    debt: int,
    debt_since: datetime,
    at: datetime,
    received: frozenset[UUID],
) -> Buckets:
    """The buckets of an account at an instant, with what the clock has settled by then, recorded or not.

    Held overrides expired, and expired overrides pending. `received` are the lots that came from other members.
    """
    reach = Reach(lots, holds)
    paid = sum(total(settlement.parts) for settlement in reach.settle(debt, since=debt_since, until=at))
    held, taken = held_at(holds, at), reach.taken
    sums = Buckets(debt=debt - paid, settled=paid)
    for lot in lots:
        points, revoked, spent, settled, sent = lot.points, lot.revoked, lot.spent, lot.settled, lot.sent
        if received and lot.id in received:
            sums.received += points
        else:
            sums.issued += points
        left = points
        if revoked or spent or settled or sent:  # of most lots nothing is gone
            sums.revoked += revoked
            sums.spent += spent
            sums.settled += settled
            sums.sent += sent
            left = lot.free
        if held and (aside := held.get(lot.id, 0)):
            sums.held += aside
            left -= aside
        if taken:
            left -= taken.get(lot.id, 0)
        expires_at = lot.expires_at
        if expires_at is not None and expires_at <= at:
            sums.expired += left
        elif lot.active_from > at:
            sums.pending += left
        else:
            sums.available += left
    return sums
