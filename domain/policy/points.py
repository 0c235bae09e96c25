"""The points of a policy: how they are earned, how long they live, and what they are worth at the till."""

from fractions import Fraction
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from domain.money import AmountMinor, Rate
from domain.policy.parts import Days, Months, NaturalInt, PolicyPart, PositiveInt


class Earning(PolicyPart):
    """`points` are earned for every full `per_minor` paid; pending for `pending_days` local days."""

    points: PositiveInt = Field(description="So many points for every full `per_minor`.")
    per_minor: PositiveInt = Field(description="What must be paid for them, in minor units.")
    excluded_categories: tuple[str, ...] = Field(
        default=(), description="Categories whose lines earn nothing, such as gift cards."
    )
    pending_days: Days = Field(
        default=0, description="Points become active as the local day so many days after the purchase begins."
    )
    carry_remainder: Literal[False] | None = Field(
        default=None,
        description="Each receipt is floored by itself, said or not: what is left below a full amount earns nothing later.",
    )

    @cached_property
    def rate(self) -> Fraction:
        return Fraction(self.points, self.per_minor)

    @cached_property
    def excluded(self) -> frozenset[str]:
        return frozenset(self.excluded_categories)


class Expiry(PolicyPart):
    """When points lapse (rules 3). Every mode lives through its last local day, and for `minimum_days` at least."""

    mode: Literal["registration_anniversary", "rolling", "calendar", "inactivity", "never"] = Field(
        description="What the last local day of points follows from (rules 3)."
    )
    months: Months | None = Field(
        default=None, description="`rolling`: since the purchase; `inactivity`: since the last purchase of the member."
    )
    period: Literal["month", "quarter", "half_year", "year"] | None = Field(
        default=None,
        description="`calendar`: points lapse with the local period in which they were earned, or so much later as grace is given.",
    )
    grace_days: Days | None = Field(default=None, gt=0, description="`calendar`: so many days more.")
    grace_months: Months | None = Field(default=None, description="`calendar`: so many months more.")
    minimum_days: Days = Field(default=0, description="Local days that points live at least, whatever the mode says.")
    repeats: Literal["yearly"] | None = Field(
        default=None, description="`registration_anniversary` comes every year, said or not."
    )

    def __hash__(self) -> int:
        """Each purchase looks up by it when its points lapse, so it is worked out once."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.mode, self.months, self.period, self.grace_days, self.grace_months, self.minimum_days))

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

    points: PositiveInt = Field(description="So many points pay `amount_minor`.")
    amount_minor: AmountMinor = Field(gt=0, description="What they pay, in minor units.")
    minimum_points: NaturalInt = Field(default=0, description="The fewest points that may pay at once.")
    step_points: PositiveInt = Field(default=1, description="Points pay in multiples of this.")
    largest_share: Rate = Field(
        default=Fraction(1),
        description="The largest share of a bill that points may pay, such as `1/2`; all of it, if left out.",
    )
    hold_minutes: PositiveInt = Field(
        default=15, description="Minutes after which a hold times out, unless it says otherwise."
    )
