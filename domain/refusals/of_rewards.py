"""Refusals: coupons and rewards."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class CouponUnknown(Refusal):
    """No coupon was issued with this code. Check how it was typed."""

    code: str


@dataclass(eq=False)
class CouponNotYours(Refusal):
    """The coupon is another member's, or nobody who buys was named. Show the card of the member that it was issued to."""

    code: str


@dataclass(eq=False)
class CouponVoided(Refusal):
    """The coupon was taken back. Leave it out."""

    code: str


@dataclass(eq=False)
class CouponUsed(Refusal):
    """The coupon was handed in before. Leave it out, or return that purchase first."""

    code: str
    purchase_id: UUID


@dataclass(eq=False)
class CouponNotYetValid(Refusal):
    """The coupon is not good yet at that time. Use it from `valid_from` on."""

    code: str
    valid_from: datetime


@dataclass(eq=False)
class CouponExpired(Refusal):
    """The coupon was good until `valid_until`. Leave it out."""

    code: str
    valid_until: datetime


@dataclass(eq=False)
class CouponReserved(Refusal):
    """The coupon is set aside for another bill. Name its reservation, release it, or wait until it times out."""

    code: str
    until: datetime


@dataclass(eq=False)
class CouponNotReserved(Refusal):
    """The coupon is not set aside by that reservation, or no longer. There is nothing to release."""

    code: str


@dataclass(eq=False)
class RewardAlreadyExists(Refusal):
    """There is a reward with this id and other terms. Choose another id."""

    reward_id: str


@dataclass(eq=False)
class UnknownReward(Refusal):
    """There is no such reward. `GET /rewards` lists them."""

    reward_id: str


@dataclass(eq=False)
class RewardNotInWindow(Refusal):
    """The reward is not to be had at that time. Ask for it within its window."""

    reward_id: str
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(eq=False)
class RewardLocked(Refusal):
    """The reward is for members of other tiers or segments. Offer one of those that the member is shown as affordable."""

    reward_id: str
    tier: str
    tiers: tuple[str, ...]
    segments: tuple[str, ...]


@dataclass(eq=False)
class UnknownSegment(Refusal):
    """There is no segment with this id. Define it first."""

    segment_id: str


@dataclass(eq=False)
class SpendMissing(Refusal):
    """The member has not spent enough, with the purchase that was named (`order`) or in all (`lifetime`). Amounts in minor units."""

    reward_id: str
    of: str
    required_minor: int
    missing_minor: int


@dataclass(eq=False)
class RewardLimit(Refusal):
    """The member has had the reward as often as one may. Offer another one."""

    reward_id: str
    per_member: int


@dataclass(eq=False)
class OrderAlreadyShown(Refusal):
    """The purchase was shown for this reward before, and opens it once. Show another one."""

    reward_id: str
    purchase_id: UUID | None


@dataclass(eq=False)
class RewardOutOfStock(Refusal):
    """There are no pieces left of the reward. Offer another one, or add stock."""

    reward_id: str


@dataclass(eq=False)
class RewardWithoutStock(Refusal):
    """The reward has no stock that could run out. There is nothing to add to."""

    reward_id: str
