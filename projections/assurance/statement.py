"""A statement of assurance, and the report that they make up."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from domain.calendar_days import day_begins, day_ends
from domain.programme import Policy
from projections.completeness.run import TillDay

MOST_DETAILS = 50

State = Literal["holds", "does not hold", "not applicable", "not checked"]


class Period(NamedTuple):
    """From the beginning of a local day to the end of another, which is no longer part of it."""

    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, first: date, last: date, policy: Policy) -> "Period":
        """In the programme's time zone."""
        return cls(day_begins(first, policy.zone), day_ends(last, policy.zone))


class Statement(BaseModel):
    """What is claimed, whether it holds, and why anybody should believe that."""

    name: str = Field(description="Its stable name")
    says: str = Field(description="What is claimed")
    state: State = Field(
        description="Whether it holds; or there is nothing that it could be said of; or it was left out on request"
    )
    told: str = Field(description="The figures in words")
    figures: dict[str, int] = Field(description="The same for programs")
    checked: str = Field(description="How it was checked")
    rests_on: str = Field(description="What has to be trusted for it")
    details: list[str] = Field(description=f"What stands behind the figures; the first {MOST_DETAILS}")


class Report(BaseModel):
    """All statements about a period."""

    holds: bool = Field(description="Whether all statements that were checked hold")
    programme: str
    first_day: date = Field(description="Of the period, in the programme's time zone")
    last_day: date = Field(description="Of the period; it is part of it")
    time_zone: str
    made_at: datetime
    position: int = Field(description="Up to which the log went")
    statements: list[Statement]
    till_days: list[TillDay] = Field(description="Days of tills that are not complete")

    @property
    def found(self) -> str:
        """What came of it, in words."""
        wrong = [one.name for one in self.statements if one.state == "does not hold"]
        checked = len(wrong) + sum(one.state == "holds" for one in self.statements)
        if wrong:
            return (
                f"DOES NOT HOLD: {', '.join(wrong)} ({len(wrong)} of {number(checked, 'statement')} that were checked)"
            )
        return f"all {number(checked, 'statement')} that were checked hold"


def statement(
    name: str, says: str, *, holds: bool | State, told: str, figures: dict[str, int] | None = None, checked: str,
    rests_on: str, details: Iterable[str] = (),
) -> Statement:  # fmt: skip
    """One of them."""
    state: State = ("holds" if holds else "does not hold") if isinstance(holds, bool) else holds
    return Statement(
        name=name, says=says, state=state, told=told, figures=figures or {}, checked=checked, rests_on=rests_on,
        details=list(islice(details, MOST_DETAILS)),
    )  # fmt: skip


def unreadable(name: str, says: str, error: Exception) -> Statement:
    """A fact that cannot be read was changed, whatever it said before."""
    return statement(
        name, says, holds=False, told=f"it cannot be told: {error}", checked="Facts were read, and one of them is none.",
        rests_on="The log; `checkpoints` tells which fact was changed.",
    )  # fmt: skip


def number(count: int, what: str) -> str:
    """`1 fact`, `2 facts`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
