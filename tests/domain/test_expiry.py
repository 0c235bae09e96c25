"""When points can be spent and when they lapse (rules 3)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as forall
from hypothesis import strategies
from pydantic import ValidationError

from domain.calendar_days import local_day
from domain.expiry import MONTHS, first_anniversary_after, keeps_alive_until, last_day, life
from domain.lint import lint, shortest_life
from domain.policy.points import Expiry
from domain.programme import Policy
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


@pytest.mark.parametrize(
    ("period", "earned", "last"),
    [
        ("month", "2024-02-01", "2024-02-29"), ("month", "2024-02-29", "2024-02-29"), ("month", "2023-12-31", "2023-12-31"),
        ("quarter", "2024-01-01", "2024-03-31"), ("quarter", "2024-03-31", "2024-03-31"), ("quarter", "2024-11-05", "2024-12-31"),
        ("half_year", "2024-06-30", "2024-06-30"), ("half_year", "2024-07-01", "2024-12-31"),
        ("year", "2024-02-29", "2024-12-31"), ("year", "2024-12-31", "2024-12-31"),
    ],
)  # fmt: skip
def test_calendar_points_live_through_the_period_in_which_they_were_earned(period: str, earned: str, last: str) -> None:
    rules = Expiry.model_validate({"mode": "calendar", "period": period})
    assert last_day(rules, earned_on=date.fromisoformat(earned), registered_on=date(2020, 1, 1)) == date.fromisoformat(
        last
    )


@pytest.mark.parametrize(
    ("period", "grace", "earned", "last"),
    [
        ("year", {"grace_days": 15}, "2024-05-02", "2025-01-15"), ("year", {"grace_months": 3}, "2024-05-02", "2025-03-31"),
        ("month", {"grace_months": 1}, "2024-02-10", "2024-03-31"), ("month", {"grace_months": 1}, "2024-01-31", "2024-02-29"),
        ("month", {"grace_days": 30}, "2024-01-31", "2024-03-01"), ("year", {"grace_months": 12}, "2023-01-01", "2024-12-31"),
    ],
)  # fmt: skip
def test_grace_lengthens_the_period_and_in_months_ends_with_a_month(
    period: str, grace: dict[str, int], earned: str, last: str
) -> None:
    rules = Expiry.model_validate({"mode": "calendar", "period": period, **grace})
    assert last_day(rules, earned_on=date.fromisoformat(earned), registered_on=date(2020, 1, 1)) == date.fromisoformat(
        last
    )


def test_a_calendar_year_ends_at_local_midnight_half_open() -> None:
    rules = policy(expiry={"mode": "calendar", "period": "year"})
    assert ends(rules, earned="2024-05-02", registered="2023-03-15") == datetime.fromisoformat(
        "2025-01-01T00:00:00+08:00"
    )


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


def test_with_inactivity_a_purchase_keeps_points_alive_through_the_same_day_months_later() -> None:
    rules = policy("corner_shop", expiry={"mode": "inactivity", "months": 1})
    assert keeps_alive_until(rules, purchased_on=date(2024, 1, 31)) == datetime(2024, 3, 1, 5, tzinfo=UTC)
    assert keeps_alive_until(rules, purchased_on=date(2024, 2, 10)) == datetime(2024, 3, 11, 4, tzinfo=UTC)
    assert ends(rules, earned="2024-01-31", registered="2023-03-15") == datetime(2024, 3, 1, 5, tzinfo=UTC)
    assert keeps_alive_until(policy(), purchased_on=date(2024, 1, 31)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "rolling"}, {"mode": "inactivity"}, {"mode": "calendar"}, {"mode": "never", "months": 3},
        {"mode": "rolling", "months": 3, "period": "year"}, {"mode": "rolling", "months": 3, "grace_days": 1},
        {"mode": "calendar", "period": "year", "grace_days": 1, "grace_months": 1}, {"mode": "calendar", "period": "week"},
    ],
)  # fmt: skip
def test_a_mode_has_what_it_needs_and_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expiry.model_validate(wrong)


@pytest.mark.parametrize(
    ("expiry", "days"),
    [
        ({"mode": "registration_anniversary"}, 2), ({"mode": "registration_anniversary", "minimum_days": 30}, 31),
        ({"mode": "rolling", "months": 1}, 29), ({"mode": "inactivity", "months": 12}, 366), ({"mode": "never"}, None),
        ({"mode": "calendar", "period": "year"}, 1), ({"mode": "calendar", "period": "month", "grace_days": 15}, 16),
        ({"mode": "calendar", "period": "month", "grace_months": 1}, 29),
    ],
)  # fmt: skip
def test_the_linter_warns_of_points_that_hardly_live(expiry: dict[str, Any], days: int | None) -> None:
    assert shortest_life(Expiry.model_validate(expiry)) == days
    warned = [one.message for one in lint(policy(expiry=expiry, assumptions=())) if one.rule == "short-lives"]
    assert bool(warned) == (days is not None and days < 30)


def test_days_for_which_points_are_pending_do_not_count_as_life() -> None:
    earning = {"points": 1, "per_minor": 1000, "pending_days": 14}
    rules = policy(earning=earning, expiry={"mode": "registration_anniversary", "minimum_days": 30}, assumptions=())
    (found,) = (one for one in lint(rules) if one.rule == "short-lives")
    assert found.suggestion == "give minimum_days of 43 or more"


DAYS = strategies.dates(date(1990, 1, 1), date(2060, 1, 1))


@forall(DAYS, DAYS)
def test_the_anniversary_is_the_first_one_after_both_days(registered_on: date, earned_on: date) -> None:
    found = first_anniversary_after(registered_on=registered_on, earned_on=earned_on)
    assert found > max(earned_on, registered_on)
    later = max(earned_on, registered_on)
    assert found - later <= timedelta(days=366)


EXPIRIES = strategies.one_of(
    strategies.just({"mode": "registration_anniversary"}),
    strategies.builds(lambda mode, months: {"mode": mode, "months": months}, strategies.sampled_from(["rolling", "inactivity"]), strategies.integers(1, 60)),
    strategies.builds(
        lambda period, grace: {"mode": "calendar", "period": period, **grace},
        strategies.sampled_from(sorted(MONTHS)),
        strategies.one_of(
            strategies.just({}),
            strategies.builds(lambda days: {"grace_days": days}, strategies.integers(1, 99)),
            strategies.builds(lambda months: {"grace_months": months}, strategies.integers(1, 14)),
        ),
    ),
)  # fmt: skip


@forall(EXPIRIES, DAYS, DAYS, strategies.integers(0, 400))
def test_points_live_at_least_their_minimum_and_as_long_as_the_linter_says_and_end_as_a_local_day_does(
    expiry: dict[str, Any], registered_on: date, earned_on: date, minimum: int
) -> None:
    rules = policy(expiry={**expiry, "minimum_days": minimum})
    at = datetime.combine(earned_on, datetime.max.time(), tzinfo=SHANGHAI).astimezone(UTC)
    active_from, expires_at = life(rules, earned_at=at, earned_on=earned_on, registered_on=registered_on)
    assert expires_at is not None
    assert active_from < expires_at
    assert local_day(expires_at, SHANGHAI) - local_day(expires_at - timedelta(microseconds=1), SHANGHAI) == timedelta(
        days=1
    )
    lived = (local_day(expires_at, SHANGHAI) - earned_on).days
    assert lived > minimum
    assert lived >= (shortest_life(rules.expiry) or 0)


@forall(strategies.sampled_from(sorted(MONTHS)), DAYS)
def test_a_calendar_period_ends_where_the_next_one_begins(period: str, earned_on: date) -> None:
    rules = Expiry.model_validate({"mode": "calendar", "period": period})
    end = last_day(rules, earned_on=earned_on, registered_on=earned_on)
    assert end is not None
    begins = end + timedelta(days=1)
    assert (begins.day, (begins.month - 1) % MONTHS[period]) == (1, 0)
    assert earned_on <= end < earned_on + timedelta(days=31 * MONTHS[period])
