"""A slice of the accounts, folded and compared: what one process does of a proof, and what it found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection, IsolationLevel, sql
from pydantic import BaseModel, Field

from domain.lots import Buckets
from infra.database import connect
from infra.kafka import partition_of
from projections.balances import Balances
from projections.proofs.points import Violation, same
from projections.proofs.rows import Rows, rows_of
from projections.proofs.tally import TELLERS, Tally, Told
from projections.shapes import same_tables

_FACTS = """
SELECT subject, position, name, state FROM facts
WHERE originator_id BETWEEN %s AND %s AND name = ANY(%s) AND position <= %s ORDER BY originator_id, originator_version
"""


_KNOWN = """
SELECT schema_name, array_agg(last_position ORDER BY partition),
    obj_description(to_regnamespace(schema_name)::oid, 'pg_namespace')
FROM projections_live JOIN projection_offsets USING (projection, generation)
WHERE projection = 'balances' GROUP BY schema_name
"""


class NothingProjected(RuntimeError):
    """No projector has run yet: there is no read model to compare the log with."""


class Difference(BaseModel):
    """Something that does not add up."""

    what: str = Field(description="The equation that does not hold")
    member_id: UUID | None = Field(None, description="Whose points they are, where it is about one member")
    lot_id: UUID | None = Field(None, description="The lot, where it is about one")
    bucket: str = Field(description="What was counted")
    expected: str = Field(description="The one side of the equation; in a comparison, what the log says")
    found: str = Field(description="The other side; in a comparison, what the read model says")
    position: int = Field(description="The position of the last fact that is concerned")

    @property
    def place(self) -> str:
        """Whose it is and what was counted, as far as it is about one."""
        parts = (self.member_id and f"member {self.member_id}", self.lot_id and f"lot {self.lot_id}", self.bucket)
        return ", ".join(part for part in parts if part)


class Known(NamedTuple):
    """How far the read model goes."""

    schema: str
    positions: Sequence[int]
    """By partition."""

    @property
    def position(self) -> int:
        """All facts up to here are folded."""
        return min(self.positions)

    def of(self, member_id: UUID) -> int:
        """Up to where a member's facts are folded."""
        return self.positions[partition_of(str(member_id).encode(), len(self.positions))]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at log and read model, shared by all processes of a proof."""

    log_url: str
    read_url: str
    snapshot: str
    """Of the read model's database, as PostgreSQL exports it."""
    known: Known
    position: int
    """Of the log, up to which it is folded."""
    as_of: datetime


@dataclass(slots=True)
class Folded:
    """What was found of some accounts. Who differs is in no sum."""

    log: Buckets = field(default_factory=Buckets)
    read_model: Buckets = field(default_factory=Buckets)
    members: set[UUID] = field(default_factory=set)
    facts: int = 0
    lots: int = 0
    across: Counter[str] = field(default_factory=Counter)
    """By transfer: what was sent less what was received."""
    across_at: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: "Folded") -> None:
        """What was found of others as well."""
        add(self.log, other.log)
        add(self.read_model, other.read_model)
        self.members |= other.members
        self.facts += other.facts
        self.lots += other.lots
        self.across.update(other.across)
        self.across_at |= {key: max(at, self.across_at.get(key, 0)) for key, at in other.across_at.items()}
        self.differences += other.differences


def add(sums: Buckets, more: Buckets) -> None:
    """Bucket by bucket."""
    for bucket in fields(Buckets):
        setattr(sums, bucket.name, getattr(sums, bucket.name) + getattr(more, bucket.name))


def fold_slice(look: Look, number: int, slices: int) -> Folded:
    """The accounts whose stream ids are in one of equally wide ranges."""
    first, last = (UUID(int=(1 << 128) * (number + more) // slices - more) for more in (0, 1))
    with connect(look.log_url) as log:
        facts = log.execute(_FACTS, (first, last, list(TELLERS), look.position), binary=True).fetchall()
    with looking(look.read_url) as read_model:
        read_model.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(look.snapshot))
        rows = rows_of(read_model, look.known.schema, sorted({fact[0] for fact in facts}))
    found = Folded(facts=len(facts))
    for member_id, moved in groupby(facts, key=itemgetter(0)):
        fold_member(found, look.known, member_id, list(moved), rows, as_of=look.as_of)
    return found


def fold_member(
    found: Folded, known: Known, member_id: UUID, facts: Sequence[Told], rows: Rows, *, as_of: datetime
) -> None:
    """The facts that the read model knows, a comparison, then the rest of them."""
    upto = known.of(member_id)
    told = [fact for fact in facts if fact[1] <= upto]
    tally = Tally()
    found.members.add(member_id)
    try:
        tally.tell(told)
        theirs = rows.of(member_id)
        same(tally, theirs)
        log = read_model = theirs.buckets(max(as_of, tally.latest))
        if len(told) < len(facts):
            tally.tell(facts[len(told) :])
            log = tally.buckets(max(as_of, tally.latest))
    except Violation as violation:
        found.differences.append(
            _difference(violation, member_id, [fact for fact in facts if fact[1] <= tally.position])
        )
        return
    add(found.log, log)
    add(found.read_model, read_model)
    found.lots += len(tally.lots)
    found.across.update(tally.across)
    found.across_at.update(dict.fromkeys(tally.across, tally.position))


def _difference(violation: Violation, member_id: UUID, facts: Sequence[Told]) -> Difference:
    """Of the facts that were told, the last one that is concerned: that names the lot, where it is about one."""
    lot_id = str(violation.lot_id or "").encode()
    position = max(
        (position for _, position, _, state in facts if lot_id in state), default=facts[-1][1] if facts else 0
    )
    return Difference(
        what=violation.what, member_id=member_id, lot_id=violation.lot_id, bucket=violation.bucket,
        expected=str(violation.expected), found=str(violation.found), position=position,
    )  # fmt: skip


def known_by(read_model: Connection) -> Known:
    """How far the live generation goes."""
    made = read_model.execute("SELECT to_regclass('projections_live') IS NOT NULL").fetchone()
    row = read_model.execute(_KNOWN).fetchone() if made and made[0] else None
    if row is None:
        raise NothingProjected("no projector has run yet: there is no read model to compare the log with")
    if not same_tables(row[2], Balances):
        raise NothingProjected(
            "the read model has other tables than this version reads: run `loyalty rebuild balances`"
        )
    return Known(*row[:2])


@contextmanager
def looking(url: str) -> Iterator[Connection]:
    """A transaction that sees one state of a database and changes nothing."""
    with connect(url) as connection:
        # Times of one zone are compared sixteen times as fast as those of two.
        connection.execute("SET TIME ZONE 'UTC'")
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            yield connection
