"""The balances of all members at an instant: page by page, or one after the other with their sum."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from domain.lots import Buckets
from projections.holdings import holdings
from projections.points import Balance, told_of
from projections.snapshot import Snapshot

AT_ONCE = 1_000
"""Members whose holdings are worked out together."""
NOBODY = UUID(int=0)

_MEMBERS = "SELECT member_id FROM {schema}.accounts WHERE member_id > %(after)s ORDER BY member_id LIMIT %(limit)s"


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


async def all_balances(snapshot: Snapshot, *, as_of: datetime) -> AsyncIterator[Sequence[Balance] | BalanceTotals]:
    """Everybody, some at once; last of all, the sum."""
    members, sums, after = 0, Buckets(), NOBODY
    while found := await _balances(snapshot, as_of=as_of, after=after, limit=AT_ONCE):
        for one in found:
            for bucket in fields(Buckets):
                setattr(sums, bucket.name, getattr(sums, bucket.name) + getattr(one, bucket.name))
        members, after = members + len(found), found[-1].member_id
        yield found
    totals = {bucket.name: getattr(sums, bucket.name) for bucket in fields(Buckets)}
    yield BalanceTotals(members=members, totals=totals, as_of=as_of, position=snapshot.position)


async def _balances(snapshot: Snapshot, *, as_of: datetime, after: UUID, limit: int) -> list[Balance]:
    members = [row[0] for row in await snapshot.all(_MEMBERS, after=after, limit=limit)]
    found = await holdings(snapshot, members, as_of=as_of) if members else {}
    return [told_of(found[member], member, position=snapshot.position) for member in members]
