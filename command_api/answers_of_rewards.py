"""What became of a command about a reward or a coupon, told as an HTTP answer."""

from datetime import datetime
from uuid import UUID

from command_api.answers import Answer, CouponTold, SpendingAnswer


class CouponGivenAnswer(Answer, CouponTold):
    """A coupon that was given to a member."""

    member_id: UUID


class CouponAnswer(Answer):
    """A coupon that something was done to."""

    code: str
    member_id: UUID


class CouponReservedAnswer(CouponAnswer):
    """A coupon that is set aside until a time; the purchase names the reservation beside the code."""

    reservation_id: UUID
    until: datetime


class RewardCreatedAnswer(Answer):
    """The reward."""

    reward_id: str


class RewardStockedAnswer(Answer):
    """Pieces that came in, and what there are with them."""

    reward_id: str
    pieces: int
    stock_left: int


class RewardRedeemedAnswer(SpendingAnswer):
    """A piece of a reward that was had for points, the coupon that it is, and what is left of it (null: it cannot run out)."""

    redemption_id: UUID
    reward_id: str
    points: int
    stock_left: int | None
    coupon: CouponTold | None
