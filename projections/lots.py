"""The lots of a member: where points came from, what has become of them, and when they lapse."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from pydantic import BaseModel, Field

from domain.grants import GrantCause
from domain.lots import Lot
from projections.held import Holdings
from projections.holdings import holdings_of
from projections.paging import cut, place_of
from projections.snapshot import Snapshot

BUCKETS = ("pending", "available", "held", "spent", "settled", "expired", "revoked", "sent")

Origin = Literal["purchase", "adjustment", "opening-balance", "transfer", "merge", "grace", GrantCause]


class MemberLot(BaseModel):
    """Points of one origin; `points` is the sum of what has become of them."""

    lot_id: UUID = Field(description="The lot")
    origin: Origin = Field(
        description="How the points came to the member; `grace`: they came back after they had lapsed, and live on"
    )
    purchase_id: UUID | None = Field(description="The purchase that earned them; null for any other origin")
    part: str | None = Field(
        description="The part of the purchase: `base`, or a campaign's id; null for any other origin"
    )
    points: int = Field(description="Points that the lot began with, less those that went back when a merge was undone")
    pending: int = Field(description="Points that cannot be spent yet")
    available: int = Field(description="Points that can be spent at `as_of`")
    held: int = Field(description="Points set aside for redemptions")
    spent: int = Field(description="Points redeemed, less those that came back")
    settled: int = Field(description="Points that paid debt")
    expired: int = Field(description="Points that lapsed unspent")
    revoked: int = Field(description="Points taken after returns and voids, and by staff")
    sent: int = Field(description="Points that went to other members, or live on in another lot")
    earned_at: datetime = Field(description="When the points were earned; where they moved, that was elsewhere")
    came_at: datetime = Field(description="When they came to this member")
    active_from: datetime = Field(description="The first instant at which they can be spent")
    expires_at: datetime | None = Field(
        description="The first instant at which they can no longer be spent; null for never. Activity may move it on"
    )


class MemberLots(BaseModel):
    """A page of lots, the earliest earned first."""

    member_id: UUID = Field(description="The member")
    items: list[MemberLot] = Field(description="The lots, those that are used up included")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


async def lots_of(snapshot: Snapshot, *, member_id: UUID, as_of: datetime, after: str, limit: int) -> MemberLots | None:
    """The lots that follow `after`, by when they were earned; None for an unknown member."""
    held = await holdings_of(snapshot, member_id, as_of=as_of, each=True)
    if held is None:
        return None
    page, more = cut(held.lots, key=_place, after=after, limit=limit)
    return MemberLots(
        member_id=member_id,
        items=[_told(held, lot) for lot in page],
        next=more,
        as_of=as_of,
        position=snapshot.position,
    )


def _place(lot: Lot) -> str:
    return place_of(lot.earned_at, str(lot.id))


def _told(held: Holdings, lot: Lot) -> MemberLot:
    purchase_id = held.purchases.get(lot.id)
    buckets = asdict(held.buckets([lot]))
    return MemberLot(
        lot_id=lot.id,
        origin="purchase" if purchase_id else cast("Origin", lot.part),
        purchase_id=purchase_id,
        part=lot.part if purchase_id else None,
        points=lot.points,
        **{bucket: buckets[bucket] for bucket in BUCKETS},
        earned_at=lot.earned_at,
        came_at=lot.there_since,
        active_from=lot.active_from,
        expires_at=lot.expires_at,
    )
