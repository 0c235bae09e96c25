"""Local days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies

from domain.calendar_days import anniversary, day_begins, day_ends, local_day, months_after

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def test_the_day_of_an_instant_is_that_of_the_programmes_time_zone() -> None:
    late = datetime(2023, 3, 14, 16, tzinfo=UTC)
    assert local_day(late, SHANGHAI) == date(2023, 3, 15)
    assert local_day(late - timedelta(microseconds=1), SHANGHAI) == date(2023, 3, 14)


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    for day, hours in ((date(2017, 3, 12), 23), (date(2017, 11, 5), 25), (date(2017, 7, 1), 24)):
        assert day_ends(day, NEW_YORK) - day_begins(day, NEW_YORK) == timedelta(hours=hours)


def test_where_the_clock_skips_midnight_the_day_begins_with_the_first_instant_after_it() -> None:
    havana = ZoneInfo("America/Havana")
    begins = day_begins(date(2023, 3, 12), havana)
    assert begins == datetime(2023, 3, 12, 5, tzinfo=UTC)
    assert local_day(begins, havana) == date(2023, 3, 12)
    assert local_day(begins - timedelta(microseconds=1), havana) == date(2023, 3, 11)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2023-01-31", 1, "2023-02-28"), ("2024-01-31", 1, "2024-02-29"), ("2023-08-31", 1, "2023-09-30"),
        ("2024-02-29", 12, "2025-02-28"), ("2024-02-29", 48, "2028-02-29"), ("2023-11-30", 3, "2024-02-29"),
    ],
)  # fmt: skip
def test_a_month_later_is_the_same_day_or_the_last_one_of_a_shorter_month(day: str, months: int, later: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(later)


def test_29_february_is_kept_on_28_february_in_common_years() -> None:
    born = date(2024, 2, 29)
    assert [anniversary(born, years) for years in (1, 3, 4)] == [
        date(2025, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


@given(
    strategies.dates(date(1950, 1, 1), date(2100, 1, 1)),
    strategies.sampled_from(["Asia/Shanghai", "America/New_York", "America/Havana", "Pacific/Chatham", "UTC"]),
)
def test_every_instant_of_a_day_lies_between_its_begin_and_its_end(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins, ends = day_begins(day, zone), day_ends(day, zone)
    assert local_day(begins, zone) == local_day(ends - timedelta(microseconds=1), zone) == day
    assert day_begins(day + timedelta(days=1), zone) == ends
