"""The birthday of a policy: what a member is given on it."""

from typing import Self

from pydantic import Field, model_validator

from domain.policy.gifts import CouponGift
from domain.policy.parts import PolicyPart, PositiveInt


class BirthdayGift(PolicyPart):
    """Points, or a coupon: on the local day, once a calendar year (R13)."""

    points: PositiveInt | None = Field(default=None, description="Points, on the local day; or else `coupon`.")
    coupon: CouponGift | None = Field(default=None, description="A coupon, on the local day.")

    @model_validator(mode="after")
    def _one_gift(self) -> Self:
        if (self.points is None) == (self.coupon is None):
            raise ValueError("a birthday gift is either `points` or a `coupon`")
        return self
