"""What became of a command about a reward or a coupon, told as an HTTP answer."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from command_api.answers import Answer, CouponTold, SpendingAnswer
from command_api.fields import CouponCode, MemberId, RedemptionId, RewardId, StockLeft


class CouponGivenAnswer(Answer, CouponTold):
    """A coupon that was given to a member."""

    member_id: MemberId


class CouponAnswer(Answer):
    """A coupon that something was done to."""

    code: CouponCode
    member_id: MemberId


class CouponReservedAnswer(CouponAnswer):
    """A coupon that is set aside until a time; the purchase names the reservation beside the code."""

    reservation_id: UUID = Field(description="The reservation's id, which the receipt names beside the code.")
    until: datetime = Field(description="When the reservation times out by itself.")


class RewardCreatedAnswer(Answer):
    """The reward."""

    reward_id: RewardId


class RewardStockedAnswer(Answer):
    """Pieces that came in, and what there are with them."""

    reward_id: RewardId
    pieces: int = Field(description="The pieces that came in.")
    stock_left: StockLeft


class RewardRedeemedAnswer(SpendingAnswer):
    """A piece of a reward that was had for points, the coupon that it is, and what is left of it (null: it cannot run out)."""

    redemption_id: RedemptionId
    reward_id: RewardId
    points: int = Field(description="Points that were spent.")
    stock_left: int | None = Field(description="The pieces that there are after it; null: it cannot run out.")
    coupon: CouponTold | None = Field(description="The coupon that it is; null, where it is something else.")
