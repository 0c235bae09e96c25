"""The rewards of a recommendation: who gets what, for which purchase, and how often."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from domain.money import AmountMinor
from domain.policy.gifts import CouponGift
from domain.policy.parts import NaturalInt, PolicyPart, PositiveInt


class Reward(PolicyPart):
    """What one side gets: points, 0 for nothing, or a coupon."""

    points: NaturalInt | None = None
    coupon: CouponGift | None = None

    @model_validator(mode="after")
    def _one_reward(self) -> Self:
        if (self.points is None) == (self.coupon is None):
            raise ValueError("a reward is either `points` or a `coupon`")
        return self


class Cap(PolicyPart):
    """So many members at most join by one referrer's recommendation within any so many local months."""

    referrals: PositiveInt = 10
    months: PositiveInt = 12


class Burst(PolicyPart):
    """Once so many have joined by one recommendation within so many hours, the next ones are held for review."""

    joins: PositiveInt = 3
    hours: PositiveInt = 24


class Referral(PolicyPart):
    """Both sides are rewarded once the referee has bought for a minimum and kept it through the return window (R14)."""

    minimum_paid_minor: AmountMinor = Field(gt=0)
    """What one purchase of the referee must be worth, returns taken off."""
    wait_days: NaturalInt | None = None
    """How long returns may still undo it; `return_window_days` of the policy, where left out."""
    referrer: Reward
    referee: Reward
    cap: Cap = Cap()
    burst: Burst = Burst()

    def wait(self, return_window_days: int) -> timedelta:
        return timedelta(days=return_window_days if self.wait_days is None else self.wait_days)
