"""What a plan means to reach, and what it promises beside points: kept and linted with a policy, executed by nothing."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.money import AmountMinor
from domain.policy.parts import Day, Months, PolicyPart, PositiveInt, Text

Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
"""A short name to refer to, such as `M02`."""


class Clause(PolicyPart):
    """What the plan says, in its own words, and the places of this file that put it as data.

    A finding at one of the places names the clause. A `*` in a place stands for anything.
    """

    id: Id
    about: tuple[str, ...] = Field(min_length=1)
    says: Text


class Milestone(PolicyPart):
    """So many are reached at the end of a local day."""

    by: Day
    more: PositiveInt


class Target(PolicyPart):
    """What is to be reached, and until when: by the end of a local day, or within months from the beginning."""

    id: Id
    measure: Literal["members", "retained_members", "active_members", "sales_minor", "retention", "distribution"]
    more: PositiveInt | None = None
    """So many more than at the beginning."""
    within_months: Months | None = None
    until: Day | None = None
    milestones: tuple[Milestone, ...] = ()


class Window(PolicyPart):
    """Months of the plan, counted from 1, over which its effects are evaluated; without an end it stays open."""

    title: Text
    from_month: PositiveInt
    to_month: PositiveInt | None = None
    """The last month that is counted."""
    measures: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_month is not None and self.to_month < self.from_month:
            raise ValueError(f"the window ends in month {self.to_month}, before it begins in month {self.from_month}")
        return self


class PlannedReward(PolicyPart):
    """What points are to buy. It is sold once it is created as a reward."""

    title: Text
    kinds: tuple[Literal["good", "coupon", "service", "cash_off"], ...] = ()
    points: PositiveInt | None = None
    minimum_spend_minor: AmountMinor | None = None
    spend_over: Literal["order", "lifetime"] | None = None
    """Whether the minimum is spent in one order, or altogether."""
    from_day: Day | None = None
    to_day: Day | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_day and self.to_day and self.to_day < self.from_day:
            raise ValueError(f"the window ends on {self.to_day}, before it begins on {self.from_day}")
        return self


class Activity(PolicyPart):
    """A day or an event for members."""

    title: Text
    capacity: PositiveInt | None = None
    every_months: PositiveInt | None = None


class Budget(PolicyPart):
    """Money that the plan sets aside for something."""

    title: Text
    amount_minor: AmountMinor | None = None


class Plan(PolicyPart):
    """The plan behind a policy. A key with the value `null` is one on which the plan is silent."""

    begins: Day | None = None
    """The first local day of the plan; without it the day on which the policy takes effect."""
    clauses: tuple[Clause, ...] = ()
    targets: tuple[Target, ...] = ()
    evaluation: tuple[Window, ...] = ()
    rewards: tuple[PlannedReward, ...] = ()
    activities: tuple[Activity, ...] = ()
    budgets: tuple[Budget, ...] = ()


class Assumption(PolicyPart):
    """How a gap of the plan is filled, or why a warning of the linter is accepted."""

    id: Id
    """The clause that it is about."""
    text: str = Field(min_length=10)
    accepts: tuple[str, ...] = ()
    """Names of rules of the linter, whose warnings need not be told any more. Errors cannot be accepted."""
