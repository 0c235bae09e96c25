"""Birthdays: on which local day, and whether a year's gift was given (rules 15)."""

from calendar import isleap
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.calendar_days import local_day
from domain.grants import BirthdayCelebrated
from domain.stream import Draft, Stream, evolves

CATCH_UP_DAYS = 7
"""A clock that stood still for longer passes over the birthdays before."""
SETTLED_DAYS = 30
"""A birth date that was edited within so many days before the birthday counts from the next year on."""


class Statement(NamedTuple):
    """What a member stated as the birth date, and when; None where it was taken back."""

    at: datetime
    born: date | None


def birthday_id(member_id: UUID, year: int) -> UUID:
    """Of a member's gift of a year: there is one, however often the date is edited."""
    return uuid5(member_id, f"birthday:{year}")


class Birthday(Stream):
    """One member's birthday in one calendar year."""

    cached = False

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.celebrated = False

    def celebrate(self, member_id: UUID, *, at: datetime, year: int) -> list[Draft]:
        """Claim the year's gift."""
        return [self.draft(BirthdayCelebrated, occurred_at=at, member_id=member_id, year=year)]

    @evolves(BirthdayCelebrated)
    def _celebrated(self, fact: BirthdayCelebrated) -> None:  # noqa: ARG002 - that it was, is all there is to know
        self.celebrated = True


def birthday_in(year: int, born: date) -> date:
    """29 Feb falls on 28 Feb in common years."""
    leap_day = (born.month, born.day) == (2, 29)
    return date(year, 2, 28) if leap_day and not isleap(year) else born.replace(year=year)


def birthday_due(statements: Sequence[Statement], *, today: date, zone: ZoneInfo) -> date | None:
    """The birthday that is today, or was in the last days, by what was stated in the order of `statements`.

    What is in force as the birthday ends decides. The first statement counts at once, on the very day as well; one
    that replaces another must be older than `SETTLED_DAYS` by then. The day of birth is no birthday.
    """
    since = today - timedelta(days=CATCH_UP_DAYS)
    for place, (at, born) in enumerate(statements):
        if born is None:
            continue
        for day in {birthday_in(since.year, born), birthday_in(today.year, born)}:
            if since <= day <= today and born < day and local_day(at, zone) <= day:
                overtaken = place + 1 < len(statements) and local_day(statements[place + 1].at, zone) <= day
                settled = place == 0 or (day - local_day(at, zone)).days > SETTLED_DAYS
                if settled and not overtaken:
                    return day
    return None
