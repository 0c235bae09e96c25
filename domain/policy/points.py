"""The points of a policy: how they are earned, how long they live, and what they are worth at the till."""

from fractions import Fraction
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from domain.money import AmountMinor, Rate
from domain.policy.parts import Days, Months, NaturalInt, PolicyPart, PositiveInt


class Earning(PolicyPart):
    """`points` are earned for every full `per_minor` paid; pending for `pending_days` local days."""

    points: PositiveInt
    per_minor: PositiveInt
    excluded_categories: tuple[str, ...] = ()
    pending_days: Days = 0
    carry_remainder: Literal[False] | None = None
    """Each receipt is floored by itself, said or not: what is left below a full amount earns nothing later."""

    @cached_property
    def rate(self) -> Fraction:
        return Fraction(self.points, self.per_minor)

    @cached_property
    def excluded(self) -> frozenset[str]:
        return frozenset(self.excluded_categories)


class Expiry(PolicyPart):
    """When points lapse (rules 3). Every mode lives through its last local day, and for `minimum_days` at least."""

    mode: Literal["registration_anniversary", "rolling", "calendar", "inactivity", "never"]
    months: Months | None = None
    """`rolling`: since the purchase; `inactivity`: since the last purchase of the member."""
    period: Literal["month", "quarter", "half_year", "year"] | None = None
    """`calendar`: points lapse with the local period in which they were earned, or so much later as grace is given."""
    grace_days: Days | None = Field(default=None, gt=0)
    grace_months: Months | None = None
    minimum_days: Days = 0
    repeats: Literal["yearly"] | None = None
    """`registration_anniversary` comes every year, said or not."""

    @model_validator(mode="after")
    def _each_mode_has_what_it_needs(self) -> Self:
        if (self.mode in {"rolling", "inactivity"}) != (self.months is not None):
            raise ValueError("`months` belongs to the modes `rolling` and `inactivity`, and only to them")
        if (self.mode == "calendar") != (self.period is not None):
            raise ValueError("`period` belongs to the mode `calendar`, and only to it")
        if self.mode != "calendar" and (self.grace_days or self.grace_months):
            raise ValueError("`grace_days` and `grace_months` belong to the mode `calendar`, and only to it")
        if self.repeats and self.mode != "registration_anniversary":
            raise ValueError("`repeats` belongs to the mode `registration_anniversary`, and only to it")
        if self.grace_days and self.grace_months:
            raise ValueError("grace is given in days or in months, not in both")
        return self


class PointsAsCash(PolicyPart):
    """`points` are worth `amount_minor` at the till."""

    points: PositiveInt
    amount_minor: AmountMinor = Field(gt=0)
    minimum_points: NaturalInt = 0
    step_points: PositiveInt = 1
    largest_share: Rate = Fraction(1)
    hold_minutes: PositiveInt = 15
