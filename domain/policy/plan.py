"""What a plan means to reach, and what it promises beside points: kept and linted with a policy, executed by nothing."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.money import AmountMinor
from domain.policy.parts import Day, Months, PolicyPart, PositiveInt, Text

Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="A short name to refer to, such as `M02`.")]


class Clause(PolicyPart):
    """What the plan says, in its own words, and the places of this file that put it as data.

    A finding at one of the places names the clause. A `*` in a place stands for anything.
    """

    id: Id
    about: tuple[str, ...] = Field(
        min_length=1, description="Places of this file, as `tiers.levels.*.from`, that put it as data."
    )
    says: Text = Field(description="In the plan's own words.")


class Milestone(PolicyPart):
    """So many are reached at the end of a local day."""

    by: Day = Field(description="The local day at whose end it is to be reached.")
    more: PositiveInt = Field(description="So many more than at the beginning.")


class Target(PolicyPart):
    """What is to be reached, and until when: by the end of a local day, or within months from the beginning."""

    id: Id
    measure: Literal["members", "retained_members", "active_members", "sales_minor", "retention", "distribution"] = (
        Field(description="What is counted.")
    )
    more: PositiveInt | None = Field(default=None, description="So many more than at the beginning.")
    within_months: Months | None = Field(
        default=None, description="Months from the beginning in which it is to be reached."
    )
    until: Day | None = Field(default=None, description="The local day at whose end it is to be reached.")
    milestones: tuple[Milestone, ...] = Field(default=(), description="What is to be reached on the way.")


class Window(PolicyPart):
    """Months of the plan, counted from 1, over which its effects are evaluated; without an end it stays open."""

    title: Text = Field(description="What people call it.")
    from_month: PositiveInt = Field(description="The first month that is counted.")
    to_month: PositiveInt | None = Field(default=None, description="The last month that is counted.")
    measures: tuple[str, ...] = Field(default=(), description="What is looked at, each by a word.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_month is not None and self.to_month < self.from_month:
            raise ValueError(f"the window ends in month {self.to_month}, before it begins in month {self.from_month}")
        return self


class PlannedReward(PolicyPart):
    """What points are to buy. It is sold once it is created as a reward."""

    title: Text = Field(description="What members read.")
    kinds: tuple[Literal["good", "coupon", "service", "cash_off"], ...] = Field(
        default=(), description="What it may be."
    )
    points: PositiveInt | None = Field(default=None, description="What it costs.")
    minimum_spend_minor: AmountMinor | None = Field(
        default=None, description="What must have been spent, in minor units."
    )
    spend_over: Literal["order", "lifetime"] | None = Field(
        default=None, description="Whether the minimum is spent in one order, or altogether."
    )
    from_day: Day | None = Field(default=None, description="The first local day on which it is to be had.")
    to_day: Day | None = Field(default=None, description="The last local day on which it is to be had.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_day and self.to_day and self.to_day < self.from_day:
            raise ValueError(f"the window ends on {self.to_day}, before it begins on {self.from_day}")
        return self


class Activity(PolicyPart):
    """A day or an event for members."""

    title: Text = Field(description="What members read.")
    capacity: PositiveInt | None = Field(default=None, description="How many places there are.")
    every_months: PositiveInt | None = Field(default=None, description="How many months lie between one and the next.")


class Budget(PolicyPart):
    """Money that the plan sets aside for something."""

    title: Text = Field(description="What it is for.")
    amount_minor: AmountMinor | None = Field(default=None, description="How much it is, in minor units.")


class Plan(PolicyPart):
    """The plan behind a policy. A key with the value `null` is one on which the plan is silent."""

    begins: Day | None = Field(
        default=None,
        description="The first local day of the plan; without it the day on which the policy takes effect.",
    )
    clauses: tuple[Clause, ...] = Field(default=(), description="What it says, in its own words.")
    targets: tuple[Target, ...] = Field(default=(), description="What it is to reach.")
    evaluation: tuple[Window, ...] = Field(default=(), description="The months over which its effects are evaluated.")
    rewards: tuple[PlannedReward, ...] = Field(default=(), description="What points are to buy.")
    activities: tuple[Activity, ...] = Field(default=(), description="Days and events for members.")
    budgets: tuple[Budget, ...] = Field(default=(), description="Money that it sets aside.")


class Assumption(PolicyPart):
    """How a gap of the plan is filled, or why a warning of the linter is accepted."""

    id: Id = Field(description="The clause that it is about.")
    text: str = Field(min_length=10, description="What is assumed, and why.")
    accepts: tuple[str, ...] = Field(
        default=(),
        description="Names of rules of the linter, whose warnings need not be told any more. Errors cannot be accepted.",
    )
