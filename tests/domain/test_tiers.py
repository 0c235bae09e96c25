"""A member's standing (rules 9)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given as forall
from hypothesis import strategies

from domain.calendar_days import local_day
from domain.periods import last_day_of, period_of
from domain.policy.tiers import Counters, Tiers
from domain.programme import Policy
from domain.tally import Credit, Grant
from domain.tiers import Standing, promoted, rank_through, reviewed, standing
from tests.builders import policy

RULES = policy()
REGISTERED = datetime(2023, 3, 15, 2, tzinfo=UTC)
JUNE = datetime(2023, 6, 1, 4, tzinfo=UTC)
ORDINARY, SILVER, GOLD, DIAMOND = range(4)


def stands(*credits_: tuple[datetime, int], as_of: datetime, rules: Policy = RULES) -> Standing:
    return standing([Credit(*one) for one in credits_], policy=rules, registered_at=REGISTERED, as_of=as_of)


@pytest.mark.parametrize(
    ("points", "tier"),
    [
        (0, "Ordinary"), (9_999, "Ordinary"), (10_000, "Silver"), (10_001, "Silver"), (99_999, "Silver"), (100_000, "Gold"),
        (100_001, "Gold"), (199_999, "Gold"), (200_000, "Diamond"), (200_001, "Diamond"),
    ],
)  # fmt: skip
def test_a_tier_is_reached_at_its_threshold_and_may_skip_others(points: int, tier: str) -> None:
    assert stands((JUNE, points), as_of=JUNE).tier == tier


@pytest.mark.parametrize(
    ("rank", "points", "kept"),
    [
        (GOLD, 59_999, SILVER), (GOLD, 60_000, GOLD), (GOLD, 60_001, GOLD), (DIAMOND, 5_000, GOLD), (DIAMOND, 0, GOLD),
        (DIAMOND, 109_999, GOLD), (DIAMOND, 110_000, DIAMOND), (SILVER, 9_999, ORDINARY), (SILVER, 10_000, SILVER), (ORDINARY, 0, ORDINARY),
    ],
)  # fmt: skip
def test_a_review_keeps_the_tier_or_takes_one_step_down(rank: int, points: int, kept: int) -> None:
    assert reviewed(RULES.tiers, rank, points) == kept


@pytest.mark.parametrize(
    ("rank", "points", "rank_then"), [(GOLD, 0, GOLD), (GOLD, 200_000, DIAMOND), (ORDINARY, 10_000, SILVER)]
)
def test_nobody_falls_by_earning(rank: int, points: int, rank_then: int) -> None:
    assert promoted(RULES.tiers, rank, points) == rank_then


def test_gold_that_earned_59_999_in_the_next_year_is_silver_from_the_day_after_the_anniversary() -> None:
    credits_ = [(JUNE, 100_000), (datetime(2024, 6, 1, tzinfo=UTC), 59_999)]
    review = datetime.fromisoformat("2025-03-16T00:00:00+08:00")
    assert stands(*credits_, as_of=review - timedelta(microseconds=1)).tier == "Gold"
    after = stands(*credits_, as_of=review)
    assert (after.tier, after.since, after.qualifying_points) == ("Silver", review, 0)


def test_a_diamond_who_stays_away_falls_one_step_a_year() -> None:
    years = [stands((JUNE, 200_000), as_of=datetime(year, 6, 2, tzinfo=UTC)).tier for year in range(2023, 2028)]
    assert years == ["Diamond", "Diamond", "Gold", "Silver", "Ordinary"]


def test_what_is_told_is_how_far_the_next_tier_is_and_what_keeps_this_one() -> None:
    told = stands((JUNE, 100_500), as_of=JUNE)
    assert told == Standing(
        tier="Gold", since=JUNE, qualifying=Counters(100_500), qualifying_points=100_500, next_tier="Diamond",
        points_to_next=99_500, review_on=date(2024, 3, 16), points_to_keep=0, grace_until=None, projected_tier="Gold",
        warning=None,
    )  # fmt: skip
    lowest = stands(as_of=JUNE)
    assert (lowest.tier, lowest.since, lowest.points_to_keep, lowest.points_to_next) == (
        "Ordinary",
        REGISTERED,
        None,
        10_000,
    )
    assert stands((JUNE, 200_000), as_of=JUNE).next_tier is None


def test_credits_after_the_instant_asked_for_do_not_count() -> None:
    assert stands((JUNE, 5_000), (JUNE + timedelta(seconds=1), 5_000), as_of=JUNE).tier == "Ordinary"


def test_counters_restart_with_each_period() -> None:
    told = stands((JUNE, 9_999), (datetime(2024, 6, 1, tzinfo=UTC), 9_999), as_of=datetime(2024, 6, 1, tzinfo=UTC))
    assert (told.tier, told.qualifying_points) == ("Ordinary", 9_999)


@pytest.mark.parametrize(
    ("period", "day", "number"),
    [
        ("membership_year", "2023-03-15", 0), ("membership_year", "2024-03-15", 0), ("membership_year", "2024-03-16", 1),
        ("membership_year", "2025-03-15", 1), ("membership_year", "2020-01-01", 0), ("membership_year", "2024-01-01", 0),
        ("calendar_year", "2023-12-31", 0), ("calendar_year", "2024-01-01", 1), ("calendar_year", "2022-12-31", 0),
        ("lifetime", "2050-01-01", 0),
    ],
)  # fmt: skip
def test_the_period_of_a_day_ends_as_the_points_of_that_day_do(period: str, day: str, number: int) -> None:
    assert period_of(period, day=date.fromisoformat(day), registered_on=date(2023, 3, 15)) == number


def test_a_lifetime_tier_is_never_reviewed() -> None:
    forever = policy(tiers={**RULES.tiers.model_dump(), "period": "lifetime"})
    told = stands((JUNE, 100_000), as_of=datetime(2060, 1, 1, tzinfo=UTC), rules=forever)
    assert (told.tier, told.review_on, told.points_to_keep) == ("Gold", None, None)


DAYS = strategies.dates(date(2000, 1, 1), date(2040, 1, 1))
PERIODS = strategies.sampled_from(["membership_year", "calendar_year"])


@forall(PERIODS, DAYS, DAYS)
def test_every_day_lies_in_the_period_whose_last_day_is_the_next_to_come(
    period: str, registered_on: date, day: date
) -> None:
    number = period_of(period, day=day, registered_on=registered_on)
    last = last_day_of(period, number, registered_on=registered_on)
    assert last is not None
    assert day <= last
    before = last_day_of(period, number - 1, registered_on=registered_on) if number else None
    assert before is None or before < day


class TestAGrantedTier:
    YEAR_2 = datetime(2024, 6, 1, tzinfo=UTC)
    REVIEW = datetime.fromisoformat("2025-03-16T00:00:00+08:00")

    def stands(self, *credits_: tuple[datetime, int], as_of: datetime, grants: list[Grant]) -> tuple[str, datetime]:
        found = standing(
            [Credit(*one) for one in credits_], policy=RULES, registered_at=REGISTERED, as_of=as_of, grants=grants
        )
        return found.tier, found.since

    def test_is_held_until_the_review_of_its_period_and_then_judged_as_any_other(self) -> None:
        gold = [Grant(self.YEAR_2, "Gold", self.YEAR_2)]
        assert self.stands(as_of=self.YEAR_2 - timedelta(seconds=1), grants=gold) == ("Ordinary", REGISTERED)
        assert self.stands(as_of=self.REVIEW - timedelta(seconds=1), grants=gold) == ("Gold", self.YEAR_2)
        assert self.stands(as_of=self.REVIEW, grants=gold) == ("Silver", self.REVIEW)
        earned = (self.YEAR_2, 60_000)
        assert self.stands(earned, as_of=self.REVIEW, grants=gold) == ("Gold", self.YEAR_2)

    def test_may_have_been_held_elsewhere_since_long_before(self) -> None:
        since = datetime(2019, 1, 1, tzinfo=UTC)
        assert self.stands(as_of=self.YEAR_2, grants=[Grant(since, "Gold", self.YEAR_2)]) == ("Gold", since)

    def test_takes_nothing_from_a_higher_one(self) -> None:
        low = [Grant(self.YEAR_2, name, self.YEAR_2) for name in ("Silver", "Ordinary")]
        assert self.stands((JUNE, 100_000), as_of=self.YEAR_2, grants=low) == ("Gold", JUNE)

    def test_of_a_period_that_is_over_is_gone_with_its_review(self) -> None:
        review = datetime.fromisoformat("2024-03-16T00:00:00+08:00")
        assert self.stands(as_of=self.YEAR_2, grants=[Grant(JUNE, "Silver", JUNE)]) == ("Ordinary", review)


def test_what_is_taken_from_the_open_period_undoes_a_promotion_at_once() -> None:
    later = JUNE + timedelta(days=1)
    assert stands((JUNE, 10_000), as_of=later).tier == "Silver"
    told = stands((JUNE, 10_000), (later, -1), as_of=later)
    assert (told.tier, told.since, told.qualifying_points) == ("Ordinary", later, 9_999)


HISTORIES = strategies.lists(
    strategies.tuples(
        strategies.integers(0, 6 * 365 * 24),
        strategies.sampled_from([1, 500, 9_999, 10_000, 50_000, 60_000, 100_000, 200_000, -1, -500, -60_000]),
    ),
    max_size=12,
)


GRANTS = strategies.lists(
    strategies.tuples(strategies.integers(0, 3 * 365 * 24), strategies.integers(0, 3)), max_size=3
)


@forall(HISTORIES, GRANTS, strategies.sampled_from(["membership_year", "calendar_year", "lifetime"]))
def test_the_rank_through_the_periods_is_that_of_the_walk_from_instant_to_instant(
    history: list[tuple[int, int]], given_tiers: list[tuple[int, int]], period: str
) -> None:
    rules = policy(tiers={**RULES.tiers.model_dump(), "period": period})
    credits_ = [Credit(REGISTERED + timedelta(hours=hours), points) for hours, points in history]
    registered_on = local_day(REGISTERED, rules.zone)

    def number(at: datetime) -> int:
        return period_of(period, day=local_day(at, rules.zone), registered_on=registered_on)

    periods: dict[int, int] = {}
    for credit in credits_:
        periods[number(credit.at)] = periods.get(number(credit.at), 0) + credit.points
    granted: dict[int, int] = {}
    grants = []
    for hours, rank in given_tiers:
        since = REGISTERED + timedelta(hours=hours)
        granted[number(since)] = max(rank, granted.get(number(since), 0))
        grants.append(Grant(since, rules.tiers.levels[rank].name, since))
    as_of = max([REGISTERED, *(one.at for one in credits_), *(one.since for one in grants)])
    rank = rank_through(rules.tiers, periods, max({*periods, *granted}, default=0), granted)
    walked = standing(credits_, policy=rules, registered_at=REGISTERED, as_of=as_of, grants=grants)
    assert rules.tiers.levels[rank].name == walked.tier


@forall(HISTORIES, strategies.randoms(use_true_random=False))
def test_a_standing_does_not_depend_on_the_order_in_which_credits_arrive(
    history: list[tuple[int, int]], random: object
) -> None:
    credits_ = [(REGISTERED + timedelta(hours=hours), points) for hours, points in history]
    shuffled = list(credits_)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    as_of = datetime(2030, 1, 1, tzinfo=UTC)
    assert stands(*credits_, as_of=as_of) == stands(*shuffled, as_of=as_of)


def test_a_tier_that_a_later_version_dropped_counts_as_the_lowest() -> None:
    tiers: Tiers = RULES.tiers
    assert (tiers.rank("Gold"), tiers.rank("Platinum")) == (GOLD, ORDINARY)
