"""The tiers of a policy: the levels of standing, what brings them, over which period, and what they bring."""

from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from domain.money import Rate
from domain.policy.parts import NaturalInt, PolicyPart, PositiveInt, Text

SHORTEST_MONTH = 28


class Counters(NamedTuple):
    """What a member did within some time, as far as it qualifies: points of base parts, money in minor units, visits."""

    points: int = 0
    spend_minor: int = 0
    visits: int = 0
    """One per store and local day."""


class Weights(PolicyPart):
    """A weighted mix of counters: `points` each, `spend` per minor unit paid by money, `visits` each."""

    points: Rate | None = Field(default=None, description="What a qualifying point counts.")
    spend: Rate | None = Field(default=None, description="What a minor unit paid by money counts.")
    visits: Rate | None = Field(default=None, description="What a visit counts: one per store and local day.")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        given = [weight for weight in (self.points, self.spend, self.visits) if weight is not None]
        if not given or not all(given):
            raise ValueError("a metric weighs points, spend or visits; what does not count is left out")
        return self

    def total(self, counted: Counters) -> int:
        """The counters as one whole number, floored once."""
        nothing = Fraction(0)
        return floor(
            (self.points or nothing) * counted.points
            + (self.spend or nothing) * counted.spend_minor
            + (self.visits or nothing) * counted.visits
        )


class Benefit(PolicyPart):
    """Something that a tier brings."""

    kind: Literal["price", "discount", "service_queue", "event_access", "early_access", "other"] = Field(
        description="What sort of benefit it is."
    )
    title: Text = Field(description="What members read of it.")


class Tier(PolicyPart):
    """A level of standing: reached at `promote_at`, kept at a review with `retain_at`, both in units of the metric."""

    name: str = Field(description="Its name in data, which stays when the title changes.")
    title: Text = Field(description="What members read.")
    promote_at: NaturalInt = Field(description="What of the metric reaches it, at once.")
    retain_at: NaturalInt = Field(description="What of the metric keeps it at a review.")
    discount: Rate | None = Field(
        default=None, description="The share that is taken off each line; where it is not told, that of the tier below."
    )
    benefits: tuple[Benefit | Text, ...] = Field(
        default=(),
        description="Those that it adds to the benefits of the tiers below it. Words alone stand for a benefit of the kind `other`.",
    )

    @field_validator("discount")
    @classmethod
    def _at_most_everything(cls, discount: Fraction | None) -> Fraction | None:
        if discount is not None and discount > 1:
            raise ValueError("a discount is a share of the price, such as '1/20', and at most all of it")
        return discount

    @property
    def own_benefits(self) -> list[Benefit]:
        return [one if isinstance(one, Benefit) else Benefit(kind="other", title=one) for one in self.benefits]


class Tiers(PolicyPart):
    """The levels from the lowest up, the period they are counted in, and what is counted (rules 9)."""

    period: Literal["membership_year", "calendar_year", "rolling", "tier_start", "lifetime"] = Field(
        description="Over which time the metric is counted. `rolling`: the last `months`; `tier_start`: since the tier began."
    )
    """`rolling`: the last `months`; `tier_start`: what came since the tier began. Both are reviewed `months` after that."""
    months: PositiveInt | None = Field(
        default=None,
        description="`rolling` and `tier_start`: how many months, after which the tier is reviewed as well.",
    )
    metric: Literal["points"] | Weights = Field(
        default="points", description="What is counted: qualifying points, or a weighted mix."
    )
    grace_days: NaturalInt | None = Field(
        default=None,
        description="A tier that its period did not keep lives for so many local days more, and is judged once again after them.",
    )
    warning_days: NaturalInt | None = Field(
        default=None, description="So many local days before a review, who will not keep the tier is warned."
    )
    levels: tuple[Tier, ...] = Field(
        min_length=1, description="From the lowest up; benefits and discounts hold upward."
    )

    @field_validator("levels")
    @classmethod
    def _a_discount_holds_upward(cls, levels: tuple[Tier, ...]) -> tuple[Tier, ...]:
        held: list[Tier] = []
        for level in levels:
            below = held[-1].discount if held else None
            inherits = level.discount is None and below is not None
            held.append(level.model_copy(update={"discount": below}) if inherits else level)
        return tuple(held)

    @model_validator(mode="after")
    def _each_period_has_what_it_needs(self) -> Self:
        if (self.period in {"rolling", "tier_start"}) != (self.months is not None):
            raise ValueError("`months` belongs to the periods `rolling` and `tier_start`, and only to them")
        if self.period == "lifetime" and (self.grace_days or self.warning_days):
            raise ValueError(
                "a tier for life is never reviewed: `grace_days` and `warning_days` belong to other periods"
            )
        if max(self.grace_days or 0, self.warning_days or 0) >= SHORTEST_MONTH * (self.months or 12):
            raise ValueError("`grace_days` and `warning_days` are shorter than the period")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Those of the levels, from the lowest up."""
        return tuple([level.name for level in self.levels])

    @cached_property
    def promotes_at(self) -> tuple[int, ...]:
        """What each level asks, from the lowest up."""
        return tuple([level.promote_at for level in self.levels])

    @cached_property
    def by_calendar(self) -> bool:
        """Whether the periods are the same whatever the member did."""
        return self.months is None

    @cached_property
    def calendar(self) -> frozenset[str]:
        """The one by which periods are counted."""
        return frozenset({self.period})

    @cached_property
    def summed_up(self) -> bool:
        """Whether the points of each period are all that matters."""
        return self.by_calendar and self.metric == "points" and not self.grace_days

    def total(self, counted: Counters) -> int:
        """What the thresholds are compared with."""
        return counted.points if isinstance(self.metric, str) else self.metric.total(counted)

    def rank(self, name: str) -> int:
        """The place of a tier; a name that a later version dropped counts as the lowest."""
        return next((rank for rank, level in enumerate(self.levels) if level.name == name), 0)

    def benefits(self, rank: int) -> list[tuple[Tier, Benefit]]:
        """What a tier brings: its own and those of all tiers below, each with the tier that adds it (M08)."""
        return [(level, one) for level in self.levels[: rank + 1] for one in level.own_benefits]
