"""Qualifying periods: when they begin and end for a member (rules 9)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from domain.calendar_days import anniversary, day_begins, local_day, months_after
from domain.policy.tiers import Tiers

DAY = timedelta(days=1)


def period_of(period: str, *, day: date, registered_on: date) -> int:
    """The number of the qualifying period of a local day: 0 is the one of joining; what came before joining counts to it.

    Where periods follow what the member did, rather than a calendar, they have no numbers, and all is in 0.
    """
    if day <= registered_on or period not in {"membership_year", "calendar_year"}:
        return 0
    years = day.year - registered_on.year
    if period == "calendar_year":
        return years
    # The membership year ends with its anniversary day, as the points of that year do (rules 3).
    over = (day.month, day.day) > (registered_on.month, registered_on.day)  # 29 Feb: 28 Feb is not over, 1 Mar is
    return years if over else max(0, years - 1)


@lru_cache(maxsize=65_536)
def last_day_of(period: str, number: int, *, registered_on: date) -> date | None:
    """The last local day of a qualifying period of the calendar, after which it is reviewed; None where there is no review."""
    if period == "lifetime":
        return None
    if period == "calendar_year":
        return date(registered_on.year + number, 12, 31)
    return anniversary(registered_on, number + 1)


def review_after(last: date, zone: ZoneInfo) -> datetime:
    """The first instant after a period."""
    return day_begins(last + DAY, zone)


@dataclass(frozen=True, slots=True)
class Term:
    """The time up to the next review: a period of the calendar, or so many months from the day on which a tier began.

    `number` counts the reviews before it, since joining or since the tier began; `last` is its last local day.
    """

    tiers: Tiers
    began_on: date
    number: int
    last: date | None

    @classmethod
    def beginning(cls, tiers: Tiers, began_on: date, *, reaching: date | None = None) -> Self:
        """The first term that begins with a day, or that follows it and reaches another one."""
        term = cls(tiers, began_on, 0, None).numbered(0)
        while reaching is not None and term.last is not None and term.last < reaching:
            term = term.following()
        return term

    def following(self) -> Self:
        return self.numbered(self.number + 1)

    def numbered(self, number: int) -> Self:
        months = self.tiers.months
        if months is not None:
            return replace(self, number=number, last=months_after(self.began_on, months * (number + 1)))
        last = last_day_of(self.tiers.period, number, registered_on=self.began_on)
        return replace(self, number=number, last=last)

    def reviewed_at(self, zone: ZoneInfo) -> datetime | None:
        return None if self.last is None else review_after(self.last, zone)


def window_opens(day: date, tiers: Tiers) -> date:
    """With rolling periods: the last local day that no longer counts on a day."""
    assert tiers.months is not None, "a rolling period has its months"
    return months_after(day, -tiers.months)


def reviewed_if_begun(at: datetime, tiers: Tiers, zone: ZoneInfo) -> datetime:
    """When a tier that begins at an instant is reviewed first, where that depends on the instant."""
    assert tiers.months is not None, "other periods are those of the calendar"
    return review_after(months_after(local_day(at, zone), tiers.months), zone)
