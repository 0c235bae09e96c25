"""What changed what a member has, cause by cause, as the rows know it up to an instant."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from domain.lots import Lot, Settlement, total
from domain.purse import GRACE
from projections.held import Holdings
from projections.snapshot import Row, Snapshot

NOBODY = UUID(int=0)
"""The cause of what the clock does."""

EARLY, LATE = 0, 1
"""At one instant the clock moves first: what lapses then is gone for all others."""

ORDER = (
    "opening-balance", "purchase", "transfer-received", "merge-received", "debt-came", "adjustment",
    "referral-granted", "birthday-granted", "campaign-granted", "reward-granted",
    "hold", "redemption", "release",
    "return", "full-return", "adjustment-taken", "reversal", "prolonged", "waiver",
    "referral-revoked", "birthday-revoked", "campaign-revoked", "reward-revoked",
    "transfer-sent", "merge-sent", "debt-went", "unmerge-sent", "unmerge-received", "closing",
)  # fmt: skip
"""What stands before what at one instant: nothing before what it takes from or undoes. Ids are random and tell nothing."""


class Entry(NamedTuple):
    """What one fact has to say."""

    kind: str
    points: int
    reference: UUID | None
    reason: str | None


@dataclass(slots=True)
class Cause:
    """One message, or the clock at one instant, and what it did."""

    at: datetime
    rank: int
    id: UUID
    points: int = 0
    """By how much it changed what the member has: points that have not lapsed, less what is owed."""
    meant: int = 0
    """By how much it would have, were no points lapsed."""
    entries: list[Entry] = field(default_factory=list)
    earned: dict[str, int] = field(default_factory=dict)
    """By part of a purchase."""
    active_from: datetime | None = None
    """When the last of what it gave can be spent."""
    lives_until: datetime | None = None
    """When points lapse that came back after they had lapsed."""
    unheld: int = 0
    """Points of the holds that it ended and did not use."""

    @property
    def done(self) -> Counter[str]:
        """The kinds of things that it did, each with how many points."""
        done = Counter({"purchase": sum(self.earned.values())} if self.earned else {})
        for entry in self.entries:
            taken = entry.kind == "adjustment" and entry.points < 0
            done["adjustment-taken" if taken else entry.kind] += abs(entry.points)
        return done

    @property
    def stage(self) -> int:
        """Its place among all of its instant: after the clock, that of the last thing that it did."""
        return 0 if self.rank == EARLY else max((ORDER.index(kind) for kind in self.done), default=len(ORDER)) + 1

    @property
    def tells(self) -> bool:
        """Whether there is anything to say of it."""
        return bool(self.points or self.meant or self.entries or self.earned)


class Step(NamedTuple):
    """Something that happened to a lot."""

    at: datetime
    rank: int
    cause: UUID
    free: int = 0
    held: int = 0


_LOTS: LiteralString = """
SELECT lot_id, part, purchase_id, points, at, coalesce(cause, purchase_id), active_from, expires_at FROM {schema}.lots
WHERE member_id = %(member_id)s AND at <= %(as_of)s
"""
_MOVEMENTS = """
SELECT lot_id, at, cause, CASE WHEN bucket = 'received' THEN points ELSE -points END FROM {schema}.movements
WHERE member_id = %(member_id)s AND at <= %(as_of)s AND bucket <> 'lapsed'
"""
_HOLDS = """
SELECT lot_id, holds.at, hold_id, points, coalesce(ended.at, until), ended.cause
FROM {schema}.holds LEFT JOIN (
    SELECT hold_id, at, cause FROM {schema}.hold_ends
    WHERE member_id = %(member_id)s AND at <= %(as_of)s AND how <> 'timed-out'
) AS ended USING (hold_id)
WHERE member_id = %(member_id)s AND holds.at <= %(as_of)s
"""
_DEBTS = """
SELECT at, cause, CASE WHEN kind = 'raised' THEN points ELSE -points END FROM {schema}.debts
WHERE member_id = %(member_id)s AND at <= %(as_of)s
"""
_ENTRIES = """
SELECT at, cause, kind, points, reference, reason FROM {schema}.entries
WHERE member_id = %(member_id)s AND at <= %(as_of)s
"""


async def causes_of(snapshot: Snapshot, held: Holdings, *, member_id: UUID) -> list[Cause]:
    """Everything that changed what the member has, or has something to say, in the order of business time, then of stages."""
    asked: dict[str, Any] = {"member_id": member_id, "as_of": held.at}
    found = _Causes()
    found.came(await snapshot.all(_LOTS, **asked))
    found.moved(await snapshot.all(_MOVEMENTS, **asked))
    found.held(await snapshot.all(_HOLDS, **asked), until=held.at)
    found.owed(await snapshot.all(_DEBTS, **asked))
    found.settled(held.settlements)
    found.said(await snapshot.all(_ENTRIES, **asked))
    found.walk(held.lots, until=held.at)
    return found.in_order()


@dataclass(slots=True)
class _Causes:
    """Causes by their place, and what each did to which lot."""

    causes: dict[tuple[datetime, int, UUID], Cause] = field(default_factory=dict)
    steps: defaultdict[UUID, list[Step]] = field(default_factory=lambda: defaultdict(list))
    holds: set[UUID] = field(default_factory=set)

    def at(self, at: datetime, rank: int, cause_id: UUID) -> Cause:
        return self.causes.setdefault((at, rank, cause_id), Cause(at, rank, cause_id))

    def came(self, rows: Iterable[Row]) -> None:
        for lot_id, part, purchase_id, points, at, cause_id, active_from, expires_at in rows:
            self.steps[lot_id].append(Step(at, LATE, cause_id, free=points))
            cause = self.at(at, LATE, cause_id)
            cause.active_from = max(active_from, cause.active_from or active_from)
            if part == GRACE:
                cause.lives_until = expires_at
            if purchase_id is not None:
                cause.earned[part] = cause.earned.get(part, 0) + points

    def moved(self, rows: Iterable[Row]) -> None:
        for lot_id, at, cause_id, points in rows:
            self.steps[lot_id].append(Step(at, LATE, cause_id, free=points))

    def held(self, rows: Iterable[Row], *, until: datetime) -> None:
        """A hold ends by what captured or released it, or by itself."""
        for lot_id, at, hold_id, points, ends_at, ended_by in rows:
            self.holds.add(hold_id)
            if at < ends_at:
                self.steps[lot_id].append(Step(at, LATE, hold_id, held=points))
            if ended_by:
                self.at(ends_at, LATE, ended_by).unheld += points
            if at < ends_at <= until:
                rank, cause_id = (LATE, ended_by) if ended_by else (EARLY, NOBODY)
                self.steps[lot_id].append(Step(ends_at, rank, cause_id, held=-points))

    def owed(self, rows: Iterable[Row]) -> None:
        for at, cause_id, points in rows:
            self._owes(self.at(at, LATE, cause_id), points)

    def settled(self, settlements: Iterable[Settlement]) -> None:
        for one in settlements:
            self._owes(self.at(one.at, LATE, NOBODY), -total(one.parts))
            self.moved((part["lot_id"], one.at, NOBODY, -part["points"]) for part in one.parts)

    def said(self, rows: Iterable[Row]) -> None:
        for at, cause_id, *said in rows:
            cause, entry = self.at(at, LATE, cause_id), Entry(*said)
            cause.entries.append(entry)
            if entry.kind in {"release", "redemption"} and entry.reference in self.holds:
                cause.unheld -= entry.points

    def walk(self, lots: Iterable[Lot], *, until: datetime) -> None:
        """Only now is it known which points were there when something happened to them, and which had lapsed."""
        for lot in lots:
            for step, points in _walked(self.steps[lot.id], lot.expires_at, until=until):
                cause = self.at(step.at, step.rank, step.cause)
                cause.points += points
                cause.meant += step.free

    def in_order(self) -> list[Cause]:
        telling = (cause for cause in self.causes.values() if cause.tells)
        return sorted(telling, key=lambda cause: (cause.at, cause.stage, cause.id))

    @staticmethod
    def _owes(cause: Cause, points: int) -> None:
        cause.points -= points
        cause.meant -= points


def _walked(steps: list[Step], expires_at: datetime | None, *, until: datetime) -> Iterable[tuple[Step, int]]:
    """Each step of a lot, and by how much it changes what is there of it: of a lapsed lot, what is held."""
    if expires_at is not None and expires_at <= until:
        steps.append(Step(expires_at, EARLY, NOBODY))
    free = held = there = 0
    for step in sorted(steps):
        free += step.free
        held += step.held
        now = held if expires_at is not None and expires_at <= step.at else free
        yield step, now - there
        there = now
