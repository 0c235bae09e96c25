"""The rewards of a recommendation: who gets what, for which purchase, and how often."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from domain.money import AmountMinor
from domain.policy.gifts import CouponGift
from domain.policy.parts import NaturalInt, PolicyPart, PositiveInt


class Reward(PolicyPart):
    """What one side gets: points, 0 for nothing, or a coupon."""

    points: NaturalInt | None = Field(default=None, description="Points; 0 for nothing. Or else `coupon`.")
    coupon: CouponGift | None = Field(default=None, description="A coupon.")

    @model_validator(mode="after")
    def _one_reward(self) -> Self:
        if (self.points is None) == (self.coupon is None):
            raise ValueError("a reward is either `points` or a `coupon`")
        return self


class Cap(PolicyPart):
    """So many members at most join by one referrer's recommendation within any so many local months."""

    referrals: PositiveInt = Field(default=10, description="How many may join by one referrer's recommendation.")
    months: PositiveInt = Field(default=12, description="Within how many local months.")


class Burst(PolicyPart):
    """Once so many have joined by one recommendation within so many hours, the next ones are held for review."""

    joins: PositiveInt = Field(
        default=3, description="How many joins by one recommendation are rewarded without a look."
    )
    hours: PositiveInt = Field(default=24, description="Within how many hours.")


class Referral(PolicyPart):
    """Both sides are rewarded once the referee has bought for a minimum and kept it through the return window (R14)."""

    minimum_paid_minor: AmountMinor = Field(
        gt=0, description="What one purchase of the referee must be worth, returns taken off."
    )
    wait_days: NaturalInt | None = Field(
        default=None,
        description="How long returns may still undo it; `return_window_days` of the policy, where left out.",
    )
    referrer: Reward = Field(description="What the member gets who recommended the programme.")
    referee: Reward = Field(description="What the member gets who joined.")
    cap: Cap = Field(default=Cap(), description="How many may join by one referrer.")
    burst: Burst = Field(default=Burst(), description="When a reward is held for review.")

    def wait(self, return_window_days: int) -> timedelta:
        return timedelta(days=return_window_days if self.wait_days is None else self.wait_days)
