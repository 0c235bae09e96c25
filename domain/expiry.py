"""When the points of a lot become spendable and when they lapse (rules 3)."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.calendar_days import anniversary, day_begins, day_ends, local_day, months_after
from domain.policy.points import Expiry
from domain.programme import Policy

MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def first_anniversary_after(*, registered_on: date, earned_on: date) -> date:
    """The first anniversary, one year or more on, strictly after both the day of earning and the registration."""
    years = max(1, earned_on.year - registered_on.year)
    while anniversary(registered_on, years) <= earned_on:
        years += 1
    return anniversary(registered_on, years)


def last_day(expiry: Expiry, *, earned_on: date, registered_on: date) -> date | None:
    """The last local day on which the points can be spent; None for points that never lapse."""
    if expiry.mode == "never":
        return None
    if expiry.mode == "registration_anniversary":
        end = first_anniversary_after(registered_on=registered_on, earned_on=earned_on)
    elif expiry.mode == "calendar":
        end = last_day_of_period(expiry, earned_on)
    else:
        end = months_after(earned_on, expiry.months or 0)
    return max(end, earned_on + timedelta(days=expiry.minimum_days))


def last_day_of_period(expiry: Expiry, day: date) -> date:
    """The last day of the calendar period that a day lies in, and of its grace: a month's grace ends with a month."""
    months = MONTHS[expiry.period or "year"]
    begins = date(day.year, (day.month - 1) // months * months + 1, 1)
    next_begins = months_after(begins, months + (expiry.grace_months or 0))
    return next_begins + timedelta(days=(expiry.grace_days or 0) - 1)


def keeps_alive_until(policy: Policy, *, purchased_on: date) -> datetime | None:
    """With expiry by inactivity: until when a purchase keeps alive all points that are so when it happens."""
    if policy.expiry.mode != "inactivity":
        return None
    return day_ends(months_after(purchased_on, policy.expiry.months or 0), policy.zone)


def grace_ends(policy: Policy, at: datetime) -> datetime | None:
    """Until when points live that come back at an instant, though they had lapsed; None where they stay lapsed."""
    days = policy.restore_grace_days
    return day_ends(local_day(at, policy.zone) + timedelta(days=days), policy.zone) if days else None


def life(
    policy: Policy, *, earned_at: datetime, earned_on: date, registered_on: date
) -> tuple[datetime, datetime | None]:
    """From when the points of a purchase can be spent, and from when no longer: stored with the lot, never recomputed."""
    pending, zone = policy.earning.pending_days, policy.zone
    active_from = day_begins(earned_on + timedelta(days=pending), zone) if pending else earned_at
    expiry = policy.expiry
    joined_on = registered_on if expiry.mode == "registration_anniversary" else earned_on  # else it has no say in it
    return active_from, _lapses_at(expiry, zone, earned_on, joined_on)


@lru_cache(maxsize=65_536)
def _lapses_at(expiry: Expiry, zone: ZoneInfo, earned_on: date, registered_on: date) -> datetime | None:
    """The end of the last day: members who joined on the same day, or all of them, ask for the same again and again."""
    end = last_day(expiry, earned_on=earned_on, registered_on=registered_on)
    return None if end is None else day_ends(end, zone)
