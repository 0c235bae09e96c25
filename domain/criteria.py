"""What a segment asks of a member: typed criteria over the history of purchases, joined by `all_of` and `any_of`.

Both sides decide by `belongs`; each brings the history in its own way. What went back was never bought: a history is
net of returns, whenever they came, and each purchase stands at its own local day.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.basket import Word
from domain.money import AmountMinor

MOST_CRITERIA = 50
DEEPEST = 4
"""Levels of `all_of` and `any_of`."""

Days = Annotated[int, Field(strict=True, gt=0, le=36_525)]
Count = Annotated[int, Field(strict=True, gt=0, le=10**9)]


class Window(NamedTuple):
    """The purchases that are looked at: since a local day, in some stores; None: whenever, wherever."""

    since: date | None
    stores: tuple[str, ...] | None = None

    @classmethod
    def of(cls, days: int | None, *, today: date, stores: tuple[str, ...] | None = None) -> Self:
        """The last so many local days, today among them."""
        return cls(None if days is None else today - timedelta(days=days - 1), stores)


class History(Protocol):
    """What one person did up to an instant, in the local days of the programme."""

    @property
    def today(self) -> date:
        """The local day of the instant."""

    @property
    def registered_on(self) -> date: ...

    @property
    def last_purchase_on(self) -> date | None: ...

    def stands_at_least(self, tier: str) -> bool:
        """Whether the tier held is this one or above; never, where the rules in force have none of that name."""

    def visits(self, window: Window) -> int:
        """One per store and local day, however many receipts."""

    def spent_minor(self, window: Window) -> int:
        """What was paid for purchases, tax contained, in minor units; what points paid counts as well."""


class _Asked(BaseModel):
    """One thing that is asked: all that is stated must hold, and something must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        asking = type(self).model_fields.keys() - {"within_days", "stores"}
        if all(getattr(self, name) is None for name in asking):
            raise ValueError(f"state at least one of {', '.join(sorted(asking))}")
        return self


class Behaviour(_Asked):
    """How often somebody comes, in the last `within_days` local days or ever, in some stores or in any."""

    visits_at_least: Count | None = Field(
        default=None, description="So many visits or more: one per store and local day."
    )
    visits_below: Count | None = Field(default=None, description="Fewer visits than so many.")
    within_days: Days | None = Field(
        default=None, description="Of the last so many local days, today among them; ever, if left out."
    )
    stores: Annotated[tuple[Word, ...], Field(min_length=1, max_length=1_000)] | None = Field(
        default=None, description="In these stores; in any, if left out."
    )

    def windows(self, today: date) -> Iterator[Window]:
        yield Window.of(self.within_days, today=today, stores=self.stores)

    def holds(self, history: History) -> bool:
        (window,) = self.windows(history.today)
        return _within(history.visits(window), self.visits_at_least, self.visits_below)


class Loyalty(_Asked):
    """How long somebody is a member, how high, and how lately they bought.

    `inactive_for_days`: so many local days have passed since the last purchase; since joining, where there was none.
    """

    member_for_days_at_least: Days | None = Field(
        default=None, description="Joined so many local days ago, or earlier."
    )
    tier_at_least: Word | None = Field(default=None, description="Holds this tier or one above.")
    last_purchase_within_days: Days | None = Field(
        default=None, description="Bought something in the last so many local days."
    )
    inactive_for_days: Days | None = Field(
        default=None, description="So many local days have passed since the last purchase, or since joining."
    )

    def windows(self, today: date) -> Iterator[Window]:  # noqa: ARG002 - the last purchase stands in no window
        yield from ()

    def holds(self, history: History) -> bool:
        last = history.last_purchase_on
        joined_for = (history.today - history.registered_on).days
        idle_for = (history.today - (last or history.registered_on)).days
        recent = self.last_purchase_within_days
        return (
            _within(joined_for, self.member_for_days_at_least)
            and _within(idle_for, self.inactive_for_days)
            and (recent is None or (last is not None and idle_for < recent))
            and (self.tier_at_least is None or history.stands_at_least(self.tier_at_least))
        )


class Value(_Asked):
    """What somebody spends, in the last `within_days` local days or ever."""

    spend_minor_at_least: AmountMinor | None = Field(default=None, description="Spent so much or more, in minor units.")
    spend_minor_below: AmountMinor | None = Field(default=None, description="Spent less than so much, in minor units.")
    within_days: Days | None = Field(
        default=None, description="In the last so many local days, today among them; ever, if left out."
    )

    def windows(self, today: date) -> Iterator[Window]:
        yield Window.of(self.within_days, today=today)

    def holds(self, history: History) -> bool:
        (window,) = self.windows(history.today)
        return _within(history.spent_minor(window), self.spend_minor_at_least, self.spend_minor_below)


class Definition(BaseModel):
    """Exactly one of: a criterion; all of several definitions; any of several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    all_of: Annotated[tuple["Definition", ...], Field(min_length=1)] | None = Field(
        default=None, description="All of these hold."
    )
    any_of: Annotated[tuple["Definition", ...], Field(min_length=1)] | None = Field(
        default=None, description="Any of these holds."
    )
    behaviour: Behaviour | None = Field(default=None, description="How often somebody comes.")
    loyalty: Loyalty | None = Field(
        default=None, description="How long and how high somebody is a member, and how lately they bought."
    )
    value: Value | None = Field(default=None, description="What somebody spends.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        if self.depth > DEEPEST:
            raise ValueError(f"`all_of` and `any_of` stand in one another at most {DEEPEST} times")
        if len(self.criteria) > MOST_CRITERIA:
            raise ValueError(f"at most {MOST_CRITERIA} criteria")
        return self

    @property
    def parts(self) -> "tuple[Definition, ...]":
        return self.all_of or self.any_of or ()

    @property
    def depth(self) -> int:
        return 1 + max((part.depth for part in self.parts), default=-1)

    @property
    def criteria(self) -> list[Behaviour | Loyalty | Value]:
        """All that are asked, in their order."""
        own = self.behaviour or self.loyalty or self.value
        return [own] if own else [one for part in self.parts for one in part.criteria]

    @property
    def tiers(self) -> set[str]:
        """The tiers that are named."""
        return {one.tier_at_least for one in self.criteria if isinstance(one, Loyalty) and one.tier_at_least}

    def windows(self, today: date) -> set[Window]:
        """The windows that it looks at."""
        return {window for one in self.criteria for window in one.windows(today)}


def belongs(history: History, definition: Definition) -> bool:
    """Whether who has this history is one of those that are defined."""
    if definition.all_of is not None:
        return all(belongs(history, part) for part in definition.all_of)
    if definition.any_of is not None:
        return any(belongs(history, part) for part in definition.any_of)
    (criterion,) = definition.criteria
    return criterion.holds(history)


def _within(figure: int, at_least: int | None, below: int | None = None) -> bool:
    return (at_least is None or figure >= at_least) and (below is None or figure < below)
