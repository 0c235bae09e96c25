"""What the rows of the read model `balances` add up to, member by member: the raw rows, not the answers made of them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql

from domain.lots import Hold
from domain.parts import Taken
from projections.projection import in_schema
from projections.proofs.points import Points, Violation, known

TABLES = ("accounts", "lots", "movements", "holds", "hold_ends", "debts", "keep_alives")

_ACCOUNTS: LiteralString = "SELECT member_id FROM {schema}.accounts WHERE member_id = ANY(%(members)s)"
_LOTS: LiteralString = """
SELECT member_id, lot_id, points, earned_at, active_from, expires_at, received, at FROM {schema}.lots
WHERE member_id = ANY(%(members)s)
"""
_MOVEMENTS: LiteralString = """
SELECT member_id, lot_id, bucket, points, at FROM {schema}.movements
WHERE member_id = ANY(%(members)s) AND bucket <> 'lapsed'
"""
_HOLDS: LiteralString = """
SELECT member_id, hold_id, at, until, array_agg(lot_id ORDER BY lot_id), array_agg(points ORDER BY lot_id)
FROM {schema}.holds WHERE member_id = ANY(%(members)s) GROUP BY member_id, hold_id, at, until
"""
_HOLD_ENDS: LiteralString = """
SELECT member_id, hold_id, how, at FROM {schema}.hold_ends WHERE member_id = ANY(%(members)s) AND how <> 'timed-out'
"""
_DEBTS: LiteralString = """
SELECT member_id, kind, points, at FROM {schema}.debts WHERE member_id = ANY(%(members)s) ORDER BY member_id, version
"""
# A purchase that went back as a whole has kept nothing alive.
_KEEP_ALIVES: LiteralString = """
SELECT member_id, purchase_id, at, until FROM {schema}.keep_alives AS kept
WHERE member_id = ANY(%(members)s) AND NOT EXISTS (
    SELECT 1 FROM {schema}.entries AS gone
    WHERE gone.member_id = kept.member_id AND kind = 'full-return' AND reference = purchase_id
)
"""

_FREEING = {"spent", "settled", "sent"}


class Rows:
    """What some members have by the rows."""

    def __init__(self) -> None:
        self.points: dict[UUID, Points] = defaultdict(Points)
        self.violations: dict[UUID, Violation] = {}
        """The first row of a member that does not fit the ones before."""

    def of(self, member_id: UUID) -> Points:
        """What one of them has; a violation, where the rows do not fit together."""
        if member_id in self.violations:
            raise self.violations[member_id]
        return self.points[member_id]

    def fold(self, step: Callable[..., None], row: Sequence[Any]) -> None:
        member_id, *what = row
        try:
            step(self.points[member_id], *what)
        except Violation as violation:
            self.violations.setdefault(member_id, violation)


def rows_of(connection: Connection, schema: str, members: Sequence[UUID]) -> Rows:
    """Everything that the tables hold of these members."""
    found = Rows()
    for statement, step in _STEPS:
        for row in connection.execute(in_schema(statement, schema), {"members": list(members)}, binary=True).fetchall():
            found.fold(step, row)
    return found


def members_of(connection: Connection, schema: str) -> set[UUID]:
    """Everybody of whom any table holds a row."""
    found: set[UUID] = set()
    for table in TABLES:
        statement = sql.SQL("SELECT DISTINCT member_id FROM {}").format(sql.Identifier(schema, table))
        found.update(member_id for (member_id,) in connection.execute(statement, binary=True))
    return found


def _open(points: Points) -> None:
    points.opened = True


def _issue(points: Points, *lot: Any) -> None:
    *what, received, at = lot
    points.issue(*what, received=received, at=at)


def _move(points: Points, lot_id: UUID, bucket: str, moved: int, at: datetime) -> None:
    lot = known(points.lots, lot_id, "what moves was issued")
    if bucket == "received":  # a merge was undone, and what was left of its lots went back
        lot.points += moved
    else:
        setattr(lot, bucket, getattr(lot, bucket) + moved)
    if moved < 0 and bucket in _FREEING:
        points.free(lot_id, at)


def _hold(points: Points, hold_id: UUID, at: datetime, until: datetime, lots: list[UUID], held: list[int]) -> None:
    parts = [Taken(lot_id=lot_id, points=points) for lot_id, points in zip(lots, held, strict=True)]
    points.holds[hold_id] = Hold(hold_id, at, until, parts)


def _keep(points: Points, purchase_id: UUID, at: datetime, until: datetime) -> None:
    points.keeps[purchase_id] = at, until


_STEPS: tuple[tuple[LiteralString, Callable[..., None]], ...] = (
    (_ACCOUNTS, _open),
    (_LOTS, _issue),
    (_MOVEMENTS, _move),
    (_HOLDS, _hold),
    (_HOLD_ENDS, Points.end),
    (_DEBTS, Points.owe),
    (_KEEP_ALIVES, _keep),
)
