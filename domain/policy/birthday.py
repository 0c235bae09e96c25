"""The birthday of a policy: what a member is given on it."""

from typing import Self

from pydantic import model_validator

from domain.basket import Word
from domain.policy.parts import PolicyPart, PositiveInt


class BirthdayCoupon(PolicyPart):
    """A coupon of a kind, good through so many local days after the birthday."""

    kind: Word
    valid_days: PositiveInt


class BirthdayGift(PolicyPart):
    """Points, or a coupon: on the local day, once a calendar year (R13)."""

    points: PositiveInt | None = None
    coupon: BirthdayCoupon | None = None

    @model_validator(mode="after")
    def _one_gift(self) -> Self:
        if (self.points is None) == (self.coupon is None):
            raise ValueError("a birthday gift is either `points` or a `coupon`")
        return self
