"""The balances of all members at an instant: page by page, or one after the other with their sum."""

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import LiteralString, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from domain.lots import Buckets
from infra.database import connect
from infra.side_by_side import in_turn
from projections.balances import Balances
from projections.holdings import holdings
from projections.holdings_in_memory import holdings_in_memory
from projections.past import fold
from projections.points import Balance, told_of
from projections.snapshot import Snapshot
from projections.told import Told

AT_ONCE = 1_000
"""Members whose holdings are worked out together."""
FACTS = 50_000
"""Facts of the log for which a slice of the members is made."""
NOBODY = UUID(int=0)
FIGURES = tuple(one.name for one in fields(Buckets))

_MEMBERS = "SELECT member_id FROM {schema}.accounts WHERE member_id > %(after)s ORDER BY member_id LIMIT %(limit)s"


_FACTS: LiteralString = """
SELECT subject, name, position, state FROM facts
WHERE subject BETWEEN %s AND %s AND position <= %s AND name = ANY(%s) ORDER BY subject, position
"""


class BalancePage(BaseModel):
    """Balances of a page of members, ordered by id."""

    items: list[Balance] = Field(description="The balances")
    next: UUID | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class BalanceTotals(BaseModel):
    """What all balances come to: bucket by bucket as of one member."""

    members: int = Field(description="How many members there are")
    totals: dict[str, int] = Field(description="The sum of each figure")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


async def balance_page(snapshot: Snapshot, *, as_of: datetime, after: UUID | None, limit: int) -> BalancePage:
    """The members whose ids follow `after`."""
    found = await _balances(snapshot, as_of=as_of, after=after or NOBODY, limit=limit + 1)
    items = found[:limit]
    more = items[-1].member_id if len(found) > limit else None
    return BalancePage(items=items, next=more, as_of=as_of, position=snapshot.position)


class Part(NamedTuple):
    """Some members, as lines of JSON, and what they have together."""

    members: int
    sums: Buckets
    lines: str


def part_of(balances: Iterable[Balance]) -> Part:
    """Their balances as lines, added up."""
    members, sums, lines = 0, Buckets(), []
    for one in balances:
        lines.append(f"{one.model_dump_json()}\n")
        members += 1
        for name in FIGURES:
            setattr(sums, name, getattr(sums, name) + getattr(one, name))
    return Part(members, sums, "".join(lines))


async def all_balances(snapshot: Snapshot, *, as_of: datetime) -> AsyncIterator[Part]:
    """Everybody, some at once, ordered by id."""
    after = NOBODY
    while found := await _balances(snapshot, as_of=as_of, after=after, limit=AT_ONCE):
        after = found[-1].member_id
        yield part_of(found)


def all_balances_known(url: str, *, position: int, as_of: datetime) -> Generator[Part, None, None]:
    """The same, as known up to a position: folded from the log in memory, by a process for each processor.

    Raises `CannotBeFolded`.
    """
    slices = max(1, position // FACTS)
    parts = [(url, position, as_of, number, slices) for number in range(slices)]
    yield from in_turn(_slice, parts)


def _slice(part: tuple[str, int, datetime, int, int]) -> Part:
    """The members whose ids are in one of equally wide ranges."""
    url, position, as_of, number, slices = part
    first, last = (UUID(int=(1 << 128) * (number + more) // slices - more) for more in (0, 1))
    with connect(url) as log:
        log.read_only = True
        facts = log.execute(_FACTS, (first, last, position, list(Balances.handlers)), binary=True).fetchall()
    return part_of(_folded(facts, as_of=as_of, position=position))


def _folded(facts: Iterable[tuple[UUID, str, int, bytes]], *, as_of: datetime, position: int) -> Iterator[Balance]:
    projection = Balances(generation=0, schema="")
    for member, theirs in groupby(facts, key=itemgetter(0)):
        rows = fold(projection, [Told(name, place, b"", state) for _, name, place, state in theirs])
        for held in holdings_in_memory(rows, [member], as_of=as_of).values():
            yield told_of(held, member, position=position)


async def _balances(snapshot: Snapshot, *, as_of: datetime, after: UUID, limit: int) -> list[Balance]:
    members = [row[0] for row in await snapshot.all(_MEMBERS, after=after, limit=limit)]
    found = await holdings(snapshot, members, as_of=as_of) if members else {}
    return [told_of(found[member], member, position=snapshot.position) for member in members]
