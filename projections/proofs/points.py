"""What one member's points add up to, wherever that was learned, and the equations that must hold of it (rules 14)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from domain.lots import Buckets, Hold, Lot, add_up, held_at

K = TypeVar("K")
T = TypeVar("T")


class Violation(Exception):
    """An equation of the ledger does not hold."""

    def __init__(self, what: str, *, bucket: str, expected: object, found: object, lot_id: UUID | None = None) -> None:
        super().__init__(f"{what}: {bucket} {expected} expected, {found} found")
        self.what = what
        self.bucket = bucket
        self.expected = expected
        self.found = found
        self.lot_id = lot_id


class Points:
    """Lots, holds and debt as they were recorded; the clock is asked last."""

    def __init__(self) -> None:
        self.opened = False
        self.lots: dict[UUID, Lot] = {}
        self.received: set[UUID] = set()
        """Lots that came from other members."""
        self.holds: dict[UUID, Hold] = {}
        """The parts of each in the order of the lots' ids."""
        self.debts: Counter[str] = Counter()
        """raised, settled, cancelled, waived."""
        self.debt_since: datetime | None = None
        self.keeps: dict[UUID, tuple[datetime, datetime]] = {}
        """By purchase (at, until): what was alive at the one lives until the other at least."""

    @property
    def debt(self) -> int:
        """What is owed, as far as it was recorded."""
        owed = self.debts
        return owed["raised"] - owed["settled"] - owed["cancelled"] - owed["waived"]

    def issue(
        self, lot_id: UUID, points: int, earned_at: datetime, active_from: datetime, expires_at: datetime | None, *,
        at: datetime, received: bool = False,
    ) -> None:  # fmt: skip
        """A lot came to the account at an instant."""
        if lot_id in self.lots:
            raise Violation("a lot is issued once", bucket="issued", expected=1, found=2, lot_id=lot_id)
        came_at = None if at == earned_at else at
        self.lots[lot_id] = Lot(lot_id, "", points, earned_at, active_from, expires_at, came_at=came_at)
        if received:
            self.received.add(lot_id)

    def owe(self, kind: str, points: int, at: datetime) -> None:
        """Debt of some kind; it is open since it was last raised from nothing."""
        if kind == "raised" and points > 0 and not self.debt:
            self.debt_since = at
        self.debts[kind] += points

    def end(self, hold_id: UUID, how: str, at: datetime) -> None:
        """A hold was captured or released: what it held is free again since then."""
        hold = known(self.holds, hold_id, "what ends was held")
        equal("a hold ends once", "held", None, hold.ended)
        hold.ended = how
        for part in hold.parts:
            self.free(part["lot_id"], at)

    def free(self, lot_id: UUID, at: datetime) -> None:
        """Points of a lot are free again."""
        lot = known(self.lots, lot_id, "what is freed was issued")
        lot.freed_at = at if lot.freed_at is None else max(lot.freed_at, at)

    def buckets(self, at: datetime) -> Buckets:
        """What has become of the points by an instant that no fact is later than; every equation is checked."""
        for lot_id, points in held_at(self.holds.values(), at).items():
            not_below_nothing("free and not held", self.lots[lot_id].free - points, lot_id)
        found = add_up(
            self._alive(), list(self.holds.values()), debt=self.debt, debt_since=self.debt_since or at, at=at,
            received=frozenset(self.received),
        )  # fmt: skip
        for bucket, points in asdict(found).items():
            not_below_nothing(bucket, points)
        paid = sum(lot.settled for lot in self.lots.values())
        equal("what lots settle is what debt is settled", "settled", self.debts["settled"], paid)
        where = found.pending + found.available + found.held + found.spent + found.settled + found.expired
        equal(
            "the buckets hold what there is", "issued + received",
            found.issued + found.received, where + found.revoked + found.sent,
        )  # fmt: skip
        return found

    def _alive(self) -> list[Lot]:
        """The lots, each with the expiry that later purchases gave it, in the order of business."""
        if not self.keeps:
            return list(self.lots.values())
        alive = [replace(lot) for lot in self.lots.values()]
        for at, until in sorted(self.keeps.values()):
            for lot in alive:
                if lot.expires_at is not None and lot.there_since <= at < lot.expires_at:
                    lot.expires_at = max(lot.expires_at, until)
        return alive


def known(these: Mapping[K, T], key: K, what: str) -> T:
    """What is spoken of must have been there."""
    found = these.get(key)
    if found is None:
        lot_id = key if isinstance(key, UUID) else None
        raise Violation(what, bucket="issued", expected=str(key), found=None, lot_id=lot_id)
    return found


def equal(what: str, bucket: str, expected: object, found: object) -> None:
    if expected != found:
        raise Violation(what, bucket=bucket, expected=expected, found=found)


def not_below_nothing(bucket: str, points: int, lot_id: UUID | None = None) -> None:
    if points < 0:
        raise Violation("nothing falls below nothing", bucket=bucket, expected=0, found=points, lot_id=lot_id)


def same(log: Points, rows: Points) -> None:
    """The read model holds what the log does, to the last field. `expected` is what the log says."""
    what = "the read model is what the log says"
    equal(what, "accounts", log.opened, rows.opened)
    for lot_id in _differing(log.lots, rows.lots):
        ours, theirs = (_fields(side.lots.get(lot_id)) for side in (log, rows))
        for bucket in {**ours, **theirs}:
            if ours.get(bucket) != theirs.get(bucket):
                raise Violation(
                    what, bucket=bucket, expected=ours.get(bucket), found=theirs.get(bucket), lot_id=lot_id
                )  # fmt: skip
    equal(what, "received", log.received, rows.received)
    for hold_id in _differing(log.holds, rows.holds):
        equal(what, "held", log.holds.get(hold_id), rows.holds.get(hold_id))
    for kind in ("raised", "settled", "cancelled", "waived"):
        equal(what, f"debt {kind}", log.debts[kind], rows.debts[kind])
    if log.debt:
        equal(what, "debt since", log.debt_since, rows.debt_since)
    equal(what, "kept alive", log.keeps, rows.keeps)


def _differing(ours: Mapping[K, T], theirs: Mapping[K, T]) -> list[K]:
    return [] if ours == theirs else [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]


def _fields(lot: Lot | None) -> dict[str, Any]:
    return {} if lot is None else asdict(lot)


def sum_of(parts: Iterable[Mapping[str, Any]]) -> int:
    return sum(part["points"] for part in parts)
