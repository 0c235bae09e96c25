"""Coupons that a policy gives, for birthdays and recommendations."""

from domain.basket import Word
from domain.policy.parts import PolicyPart, PositiveInt


class CouponGift(PolicyPart):
    """A coupon of a kind, good through so many local days after the one on which it is given."""

    kind: Word
    valid_days: PositiveInt
