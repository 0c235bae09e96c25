"""Coupons that a policy gives, for birthdays and recommendations."""

from pydantic import Field

from domain.basket import Word
from domain.policy.parts import PolicyPart, PositiveInt


class CouponGift(PolicyPart):
    """A coupon of a kind, good through so many local days after the one on which it is given."""

    kind: Word = Field(description="The word that campaigns and tills know it by.")
    valid_days: PositiveInt = Field(
        description="Local days after the one on which it is given, through which it is good."
    )
