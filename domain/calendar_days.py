"""Local days of a programme's time zone and the instants at which they begin."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta


@lru_cache(maxsize=16_384)
def local_day(at: datetime, zone: ZoneInfo) -> date:
    """The local day of an instant; a decision asks for that of one purchase again and again."""
    return at.astimezone(zone).date()


@lru_cache(maxsize=16_384)
def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a local day begins; where the clock skips midnight, the first instant after it."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_ends(day: date, zone: ZoneInfo) -> datetime:
    """The first instant that is no longer part of the local day."""
    return day_begins(day + timedelta(days=1), zone)


def months_after(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month: 31 Jan + 1 → 28 or 29 Feb."""
    return day + relativedelta(months=months)


def anniversary(day: date, years: int) -> date:
    """29 Feb falls on 28 Feb in common years."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)
