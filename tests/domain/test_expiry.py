"""When points can be spent and when they lapse (semantics 3)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as forall
from hypothesis import strategies

from domain.calendar_days import local_day
from domain.expiry import first_anniversary_after, last_day, life
from domain.programme import Expiry, Policy
from tests.builders import policy

SHANGHAI = ZoneInfo("Asia/Shanghai")
ANNIVERSARY = Expiry(mode="registration_anniversary")


def ends(rules: Policy, *, earned: str, registered: str) -> datetime | None:
    """The instant at which the points of a local noon lapse."""
    earned_on = date.fromisoformat(earned)
    at = datetime.combine(earned_on, datetime.min.time(), tzinfo=rules.zone) + timedelta(hours=12)
    return life(rules, earned_at=at, earned_on=earned_on, registered_on=date.fromisoformat(registered))[1]


@pytest.mark.parametrize(
    ("earned", "lapses"),
    [
        ("2023-03-15", "2024-03-16"), ("2023-03-16", "2024-03-16"), ("2024-03-14", "2024-03-16"), ("2024-03-15", "2025-03-16"),
        ("2024-03-16", "2025-03-16"), ("2023-03-10", "2024-03-16"), ("2022-03-10", "2024-03-16"), ("2025-03-15", "2026-03-16"),
    ],
)  # fmt: skip
def test_points_live_through_the_first_anniversary_strictly_after_their_day_and_the_registration(
    earned: str, lapses: str
) -> None:
    assert ends(policy(), earned=earned, registered="2023-03-15") == datetime.fromisoformat(f"{lapses}T00:00:00+08:00")


def test_who_registered_on_29_february_has_the_anniversary_on_28_february_in_common_years() -> None:
    leap = date(2024, 2, 29)
    assert first_anniversary_after(registered_on=leap, earned_on=date(2024, 3, 1)) == date(2025, 2, 28)
    assert first_anniversary_after(registered_on=leap, earned_on=date(2025, 2, 28)) == date(2026, 2, 28)
    assert first_anniversary_after(registered_on=leap, earned_on=date(2027, 2, 28)) == date(2028, 2, 29)
    assert first_anniversary_after(registered_on=leap, earned_on=date(2028, 2, 28)) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("earned", "months", "last"),
    [
        ("2023-01-31", 1, "2023-02-28"), ("2024-01-31", 1, "2024-02-29"), ("2024-02-29", 12, "2025-02-28"),
        ("2017-01-01", 24, "2019-01-01"), ("2023-08-31", 6, "2024-02-29"),
    ],
)  # fmt: skip
def test_rolling_points_live_through_the_same_day_months_later_or_the_last_of_a_shorter_month(
    earned: str, months: int, last: str
) -> None:
    end = last_day(
        Expiry(mode="rolling", months=months), earned_on=date.fromisoformat(earned), registered_on=date(2020, 1, 1)
    )
    assert end == date.fromisoformat(last)


def test_the_last_day_ends_at_local_midnight_also_when_clocks_were_changed_in_between() -> None:
    rules = policy("corner_shop")
    assert ends(rules, earned="2017-03-12", registered="2017-01-01") == datetime(2019, 3, 13, 4, tzinfo=UTC)
    assert ends(rules, earned="2017-01-31", registered="2017-01-01") == datetime(2019, 2, 1, 5, tzinfo=UTC)


def test_the_later_of_the_mode_and_the_minimum_life_wins() -> None:
    rules = policy(expiry={"mode": "registration_anniversary", "minimum_days": 30})
    assert ends(rules, earned="2024-03-14", registered="2023-03-15") == datetime.fromisoformat(
        "2024-04-14T00:00:00+08:00"
    )
    assert ends(rules, earned="2023-06-01", registered="2023-03-15") == datetime.fromisoformat(
        "2024-03-16T00:00:00+08:00"
    )


def test_points_that_never_expire_have_no_end() -> None:
    assert ends(policy(expiry={"mode": "never"}), earned="2024-03-14", registered="2023-03-15") is None


def test_points_are_active_at_once_or_pending_until_a_local_day_begins() -> None:
    noon = datetime(2023, 5, 2, 4, tzinfo=UTC)
    what = {"earned_at": noon, "earned_on": date(2023, 5, 2), "registered_on": date(2023, 1, 1)}
    assert life(policy(), **what)[0] == noon  # type: ignore[arg-type]
    pending = policy(earning={"points": 1, "per_minor": 1000, "pending_days": 14})
    assert life(pending, **what)[0] == datetime.fromisoformat("2023-05-16T00:00:00+08:00")  # type: ignore[arg-type]


DAYS = strategies.dates(date(1990, 1, 1), date(2060, 1, 1))


@forall(DAYS, DAYS)
def test_the_anniversary_is_the_first_one_after_both_days(registered_on: date, earned_on: date) -> None:
    found = first_anniversary_after(registered_on=registered_on, earned_on=earned_on)
    assert found > max(earned_on, registered_on)
    later = max(earned_on, registered_on)
    assert found - later <= timedelta(days=366)


@forall(DAYS, DAYS, strategies.integers(0, 400))
def test_points_live_at_least_their_minimum_and_end_as_a_local_day_does(
    registered_on: date, earned_on: date, minimum: int
) -> None:
    rules = policy(expiry={"mode": "registration_anniversary", "minimum_days": minimum})
    at = datetime.combine(earned_on, datetime.max.time(), tzinfo=SHANGHAI).astimezone(UTC)
    active_from, expires_at = life(rules, earned_at=at, earned_on=earned_on, registered_on=registered_on)
    assert expires_at is not None
    assert active_from < expires_at
    assert local_day(expires_at, SHANGHAI) - local_day(expires_at - timedelta(microseconds=1), SHANGHAI) == timedelta(
        days=1
    )
    assert (local_day(expires_at, SHANGHAI) - earned_on).days > minimum
