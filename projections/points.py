"""A member's points: by what has become of them."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from domain.buckets import Available, Debt, Expired, Held, Issued, Pending, Received, Revoked, Sent, Settled, Spent
from projections.held import Holdings
from projections.holdings import holdings_of
from projections.snapshot import Snapshot


class NextExpiry(BaseModel):
    """The points that lapse next."""

    points: int = Field(
        description="Points that lapse together unless they are spent before; pending ones count, held ones do not"
    )
    at: datetime = Field(description="The first instant at which they can no longer be spent")


class Balance(BaseModel):
    """Points of a member by what has become of them; issued + received is the sum of the buckets up to `sent`."""

    member_id: UUID = Field(description="The member")
    issued: Issued
    received: Received
    pending: Pending
    available: Available
    held: Held
    spent: Spent
    settled: Settled
    expired: Expired
    revoked: Revoked
    sent: Sent
    debt: Debt
    next_expiry: NextExpiry | None = Field(description="What lapses next after `as_of`; null where nothing will")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


async def balance_of(snapshot: Snapshot, *, member_id: UUID, as_of: datetime) -> Balance | None:
    """The balance by the facts that had happened at an instant and by its clock; None for an unknown member."""
    held = await holdings_of(snapshot, member_id, as_of=as_of)
    return None if held is None else told_of(held, member_id, position=snapshot.position)


def told_of(held: Holdings, member_id: UUID, *, position: int) -> Balance:
    """What a member holds, added up."""
    lapsing = held.lapsing()
    next_expiry = NextExpiry(at=min(lapsing), points=lapsing[min(lapsing)]) if lapsing else None
    return Balance(
        member_id=member_id, **asdict(held.buckets()), next_expiry=next_expiry, as_of=held.at, position=position
    )
