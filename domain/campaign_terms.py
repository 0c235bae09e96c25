"""The terms of a campaign: what a sale must show, what it brings, and how much of that there is (rules 10)."""

import math
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.basket import Word
from domain.money import AmountMinor, Rate

MAX_MULTIPLIER = 1_000
"""Above it, points of the largest basket would no longer fit into a bigint."""

Some = Annotated[int, Field(strict=True, gt=0, le=2**53 - 1)]
BudgetMode = Literal["grant_remaining", "refuse"]


class Term(BaseModel):
    """A part of the terms: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Conditions(Term):
    """What a sale must show; a part that is absent demands nothing."""

    categories: tuple[Word, ...] | None = Field(default=None, description="Categories, of one of which a line must be.")
    skus: tuple[Word, ...] | None = Field(default=None, description="Articles, one of which a line must be.")
    stores: tuple[Word, ...] | None = Field(default=None, description="Stores, in one of which it must be sold.")
    minimum_paid_minor: AmountMinor = Field(
        default=0, description="What the whole receipt must be worth at least, in minor units."
    )
    coupon: Word | None = Field(
        default=None,
        description="The code of a coupon that is handed in, as it is printed: whoever knows it may use it, and as often as they like.",
    )
    coupon_kind: Word | None = Field(
        default=None,
        description="The kind of coupons that are issued, each to one member and for one use: one of them is handed in by its holder.",
    )


class Discount(Term):
    """What is taken off: so many hundredths of the lines that the campaign is about, or an amount once per basket."""

    percent: Rate | None = Field(
        default=None, description="Hundredths off the lines that the campaign is about; or else `amount_minor`."
    )
    amount_minor: AmountMinor | None = Field(
        default=None, gt=0, description="An amount once per basket, in minor units."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.percent is None) == (self.amount_minor is None):
            raise ValueError("give either `percent` or `amount_minor`")
        if self.percent is not None and not 0 < self.percent <= 100:
            raise ValueError("a discount lies above 0 and up to 100 percent")
        return self

    def of(self, basis_minor: int) -> int:
        """What is taken off such a sum: floored once, and never more than there is."""
        if self.percent is not None:
            return math.floor(self.percent * basis_minor / 100)
        return min(self.amount_minor or 0, basis_minor)


class CouponGift(Term):
    """A coupon that is issued after the purchase."""

    kind: Word = Field(description="The word that campaigns and tills know it by.")
    valid_days: Annotated[int, Field(strict=True, gt=0, le=3_660)] = Field(
        description="Local days after the purchase through which it is good."
    )


class Effect(Term):
    """What the campaign gives.

    A multiplier of the base rate (2 earns as much again), a number of points, something off the price, or a coupon.
    """

    multiplier: Rate | None = Field(
        default=None,
        description="What base points are multiplied by, above 1: with `2` a purchase earns as much again.",
    )
    bonus_points: int | None = Field(
        default=None,
        strict=True,
        gt=0,
        le=10**9,
        description="Points, whatever was paid; once per member, store and local day.",
    )
    discount: Discount | None = Field(default=None, description="Something off the price.")
    coupon: CouponGift | None = Field(default=None, description="A coupon.")

    @model_validator(mode="after")
    def _one_that_gives_something(self) -> Self:
        effects = (self.multiplier, self.bonus_points, self.discount, self.coupon)
        if sum(effect is not None for effect in effects) != 1:
            raise ValueError("give exactly one of `multiplier`, `bonus_points`, `discount`, `coupon`")
        if self.multiplier is not None and not 1 < self.multiplier <= MAX_MULTIPLIER:
            raise ValueError(f"a multiplier is larger than 1 and at most {MAX_MULTIPLIER}")
        return self

    @property
    def gives_points(self) -> bool:
        return self.multiplier is not None or self.bonus_points is not None

    @cached_property
    def extra(self) -> Fraction:
        """What a multiplier adds to the base rate."""
        return self.multiplier - 1 if self.multiplier is not None else Fraction(0)


class Budget(Term):
    """How much a campaign gives at most, to everybody together: points, or money off the price."""

    points: Some | None = Field(default=None, description="Points; or else `amount_minor`.")
    amount_minor: Some | None = Field(default=None, description="Money off the price, in minor units.")
    mode: BudgetMode | None = Field(
        default=None,
        description="Where it does not cover a grant: what is left of it, or nothing. As the programme says, if left out.",
    )
    """Where it does not cover a grant: what is left of it, or nothing. None: as the programme says."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.points is None) == (self.amount_minor is None):
            raise ValueError("give either `points` or `amount_minor`")
        return self

    def fits(self, effect: Effect) -> bool:
        """Whether the campaign gives what the budget counts."""
        return effect.gives_points if self.points is not None else effect.discount is not None


class Allowed(Term):
    """How much one member gets at most: points, and how many purchases are given something."""

    points: Some | None = Field(default=None, description="Points at most.")
    uses: Some | None = Field(default=None, description="How many purchases are given something at most.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.points is None and self.uses is None:
            raise ValueError("give `points`, `uses` or both")
        return self


class Limits(Term):
    """What one member gets at most, per local day of the programme and in the whole window."""

    per_day: Allowed | None = Field(default=None, description="On a local day of the programme.")
    per_window: Allowed | None = Field(default=None, description="In the whole window.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.per_day is None and self.per_window is None:
            raise ValueError("give `per_day`, `per_window` or both")
        return self

    def fit(self, effect: Effect) -> bool:
        """Whether points are limited only where the campaign gives points."""
        limited = any(one is not None and one.points is not None for one in (self.per_day, self.per_window))
        return effect.gives_points or not limited
