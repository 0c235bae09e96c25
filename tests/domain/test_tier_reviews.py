"""Reaching, keeping and losing a tier: readings of the plan, reviews, grace, warnings, periods (rules 9; M05 to M07)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.due import all_brought_about, all_next_due
from domain.policy.tiers import Counters
from domain.programme import Policy
from domain.tally import Credit, Grant
from domain.tier_moves import TierMoved, TierWarned
from domain.tiers import Standing, TierWarning, standing
from tests.builders import back, line, policy, purchase, returned
from tests.domain.world import World

COMBINED, M05, M06 = (policy(name) for name in ("member_experience", "member_experience_m05", "member_experience_m06"))
REGISTERED = datetime.fromisoformat("2023-03-15T10:00:00+08:00")
SECOND = timedelta(seconds=1)


def at(day: str, time: str = "12:00:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{time}+08:00")


def stands(*credits_: tuple[str, int] | Credit, on: str | datetime, rules: Policy = COMBINED, **what: Any) -> Standing:
    history = [one if isinstance(one, Credit) else Credit(at(one[0]), one[1]) for one in credits_]
    as_of = at(on) if isinstance(on, str) else on
    return standing(history, policy=rules, registered_at=REGISTERED, as_of=as_of, **what)


def rules(**tiers: Any) -> Policy:
    return policy(tiers=COMBINED.tiers.model_dump(mode="json", exclude_none=True) | tiers)


class TestTheThreeReadings:
    @pytest.mark.parametrize(
        ("reading", "thresholds"),
        [
            (COMBINED, {"Silver": 10_000, "Gold": 100_000, "Diamond": 200_000}),
            (M05, {"Silver": 10_000, "Gold": 60_000, "Diamond": 110_000}),
            (M06, {"Silver": 10_000, "Gold": 100_000, "Diamond": 200_000}),
        ],
        ids=["combined", "M05", "M06"],
    )
    def test_a_tier_is_reached_at_its_threshold_and_not_a_point_earlier(
        self, reading: Policy, thresholds: dict[str, int]
    ) -> None:
        below = "Ordinary"
        for tier, points in thresholds.items():
            found = [stands(("2023-06-01", points + more), on="2023-06-01", rules=reading).tier for more in (-1, 0, 1)]
            assert found == [below, tier, tier]
            below = tier

    @pytest.mark.parametrize(
        ("reading", "floors"),
        [
            (COMBINED, {"Silver": 10_000, "Gold": 60_000, "Diamond": 110_000}),
            (M05, {"Silver": 10_000, "Gold": 60_000, "Diamond": 110_000}),
            (M06, {"Silver": 10_000, "Gold": 100_000, "Diamond": 200_000}),
        ],
        ids=["combined", "M05", "M06"],
    )
    def test_a_tier_is_kept_with_its_floor_and_lost_by_a_step_with_a_point_less(
        self, reading: Policy, floors: dict[str, int]
    ) -> None:
        below = "Ordinary"
        for tier, points in floors.items():
            reached = ("2023-06-01", reading.tiers.levels[reading.tiers.rank(tier)].promote_at)
            found = [
                stands(reached, ("2024-06-01", points + more), on="2025-03-16", rules=reading).tier
                for more in (-1, 0, 1)
            ]
            assert found == [below, tier, tier]
            below = tier

    @pytest.mark.parametrize(
        ("points", "tier"), [(50_001, "Silver"), (59_999, "Silver"), (100_001, "Gold"), (109_999, "Gold")]
    )
    def test_what_m05_leaves_between_its_ranges_belongs_to_the_lower_one(self, points: int, tier: str) -> None:
        assert stands(("2023-06-01", points), on="2023-06-01", rules=M05).tier == tier


class TestWorkedExamples:
    def test_an_ordinary_member_with_200_000_is_diamond_at_once(self) -> None:
        assert stands(("2023-06-01", 200_000), on="2023-06-01").tier == "Diamond"

    def test_gold_with_59_999_is_silver_and_diamond_with_5_000_is_gold(self) -> None:
        assert stands(("2023-06-01", 100_000), ("2024-06-01", 59_999), on="2025-03-16").tier == "Silver"
        assert stands(("2023-06-01", 200_000), ("2024-06-01", 5_000), on="2025-03-16").tier == "Gold"

    def test_the_tier_is_that_of_the_closed_period_until_the_last_moment_of_the_anniversary(self) -> None:
        told = [("2023-06-01", 100_000), ("2024-06-01", 59_999)]
        review = at("2025-03-16", "00:00:00")
        assert [stands(*told, on=review + more).tier for more in (-SECOND, 0 * SECOND, SECOND)] == [
            "Gold",
            "Silver",
            "Silver",
        ]

    def test_a_member_year_day_by_day(self) -> None:
        """Gold is reached in June, given up by a return, reached again; the next year brings too little."""
        told = [
            Credit(at("2023-06-10"), 100_000),
            Credit(at("2023-06-10"), -1, back_at=at("2023-06-20")),
            Credit(at("2023-07-01"), 1),
            Credit(at("2024-05-01"), 59_999),
        ]
        expected = {
            "2023-03-15": "Ordinary",
            "2023-06-10": "Gold",
            "2023-06-20": "Silver",
            "2023-07-01": "Gold",
            "2025-03-16": "Silver",
            "2026-03-16": "Ordinary",
        }
        now = ""
        for number in range(1_200):
            day = date(2023, 3, 15) + timedelta(days=number)
            now = expected.get(str(day), now)
            assert stands(*told, on=at(str(day))).tier == now, day

    @pytest.mark.parametrize(
        ("reading", "expected"),
        [
            (COMBINED, {"2023-09-01": "Gold", "2026-03-16": "Silver", "2027-03-16": "Ordinary"}),
            (M05, {"2023-06-10": "Gold", "2023-12-01": "Diamond", "2023-12-20": "Gold", "2026-03-16": "Silver", "2027-03-16": "Ordinary"}),
            (M06, {"2023-09-01": "Gold", "2025-03-16": "Silver", "2026-03-16": "Ordinary"}),
        ],
        ids=["combined", "M05", "M06"],
    )  # fmt: skip
    def test_the_same_four_years_day_by_day_by_each_reading(self, reading: Policy, expected: dict[str, str]) -> None:
        """110,000 in the first year, of which a point goes back; 60,000 in the second, and nothing after it."""
        told = [
            Credit(at("2023-06-10"), 60_000),
            Credit(at("2023-09-01"), 40_000),
            Credit(at("2023-12-01"), 10_000),
            Credit(at("2023-12-01"), -1, back_at=at("2023-12-20")),
            Credit(at("2024-06-01"), 60_000),
        ]
        moves = {"2023-06-10": "Silver"} | expected
        now = "Ordinary"
        for number in range(1_480):
            day = date(2023, 3, 15) + timedelta(days=number)
            now = moves.get(str(day), now)
            assert stands(*told, on=at(str(day)), rules=reading).tier == now, day


class TestReturns:
    def test_after_a_closed_review_never_reopen_it(self) -> None:
        told = [
            Credit(at("2023-06-01"), 100_000),
            Credit(at("2023-06-01"), -100_000, back_at=at("2024-03-16", "00:00:00")),
        ]
        assert stands(*told, on="2024-04-01").tier == "Gold"
        in_time = [told[0], told[1]._replace(back_at=at("2024-03-15", "23:59:59"))]
        assert stands(*in_time, on="2024-04-01").tier == "Ordinary"

    def test_in_the_open_period_undo_the_promotion_at_once(self) -> None:
        world = World(COMBINED)
        bought = world.buys(100_000, at=at("2023-06-01"))
        (moved,) = (one for one in world.gives_back(bought, 1, at=at("2023-06-02")).facts if isinstance(one, TierMoved))
        assert (moved.from_tier, moved.to_tier, moved.occurred_at, moved.reviewed) == (
            "Gold",
            "Silver",
            at("2023-06-02"),
            None,
        )

    def test_redemptions_never_move_a_tier(self) -> None:
        world = World(policy(expiry={"mode": "never"}))
        world.buys(100_000, at=at("2023-06-01"))
        facts = world.do(world.redeem(100_000, at=at("2023-06-02"))).facts
        assert not any(isinstance(one, TierMoved) for one in facts)
        assert world.account().standing_at(COMBINED, at("2023-06-02")).qualifying_points == 100_000

    def test_a_late_purchase_undoes_a_demotion(self) -> None:
        world = World(COMBINED)
        world.buys(100_000, at=at("2023-06-01"))
        world.buys(59_999, at=at("2024-06-01"), id="R-2")
        world.buys(1, at=at("2025-04-01"), id="R-3")
        assert world.account().tier == "Silver"
        late = world.do(purchase(line(1_000), at=at("2024-07-01"), id="R-4")).facts[-1]
        assert isinstance(late, TierMoved)
        assert (late.to_tier, late.occurred_at) == ("Gold", at("2025-03-16", "00:00:00")), "from the review on"


class TestGrace:
    RULES = rules(grace_days=30, warning_days=20)
    GOLD = (("2023-06-01", 100_000), ("2024-06-01", 59_000))

    def test_the_tier_lives_so_many_local_days_longer(self) -> None:
        after = at("2025-04-15", "00:00:00")
        assert [stands(*self.GOLD, on=after + more, rules=self.RULES).tier for more in (-SECOND, 0 * SECOND)] == [
            "Gold",
            "Silver",
        ]
        told = stands(*self.GOLD, on="2025-03-20", rules=self.RULES)
        assert (told.grace_until, told.review_on, told.points_to_keep) == (date(2025, 4, 14), date(2025, 4, 15), 1_000)
        assert (told.projected_tier, told.qualifying_points) == ("Silver", 0)

    @pytest.mark.parametrize(("more", "tier"), [(999, "Silver"), (1_000, "Gold"), (1_001, "Gold")])
    def test_what_is_bought_in_it_keeps_the_tier_and_counts_for_the_new_period_as_well(
        self, more: int, tier: str
    ) -> None:
        told = stands(*self.GOLD, ("2025-04-14", more), on="2025-04-15", rules=self.RULES)
        assert (told.tier, told.qualifying_points) == (tier, more)

    def test_a_late_purchase_keeps_it_as_if_it_had_come_in_time(self) -> None:
        assert stands(*self.GOLD, ("2025-03-15", 1_000), on="2025-06-01", rules=self.RULES).tier == "Gold"

    def test_a_return_in_it_does_not_reopen_the_review(self) -> None:
        kept = [Credit(at("2024-06-02"), 60_000), Credit(at("2024-06-02"), -60_000, back_at=at("2025-03-20"))]
        assert stands(self.GOLD[0], *kept, on="2025-06-01", rules=self.RULES).tier == "Gold"


class TestWarnings:
    RULES = rules(warning_days=20)
    SHORT = (("2023-06-01", 100_000), ("2024-06-01", 59_000))

    def test_are_told_from_so_many_days_before_the_review_to_who_will_fall(self) -> None:
        warning = TierWarning(since=date(2025, 2, 24), review_on=date(2025, 3, 16), falls_to="Silver", missing=1_000)
        assert stands(*self.SHORT, on=at("2025-02-23", "23:59:59"), rules=self.RULES).warning is None
        assert stands(*self.SHORT, on=at("2025-02-24", "00:00:00"), rules=self.RULES).warning == warning
        assert stands(*self.SHORT, ("2025-02-25", 1_000), on="2025-02-25", rules=self.RULES).warning is None
        assert stands(("2024-06-01", 9_999), on="2025-03-01", rules=self.RULES).warning is None, (
            "there is nothing to lose"
        )

    def test_and_reviews_are_recorded_by_the_clock_each_at_its_instant(self) -> None:
        world = World(self.RULES)
        world.buys(100_000, at=at("2023-06-01"))
        programme, account = world.log.batch.programme, world.account()
        assert all_next_due(account, programme, at("2024-06-01")) == at("2025-02-24", "00:00:00")
        found = [
            (one.kind, one.what["occurred_at"], one.what.get("to_tier") or one.what["falls_to"])
            for one in all_brought_about(account, programme, at("2026-04-01"))
            if one.kind in {TierMoved, TierWarned}
        ]
        assert found == [
            (TierMoved, at("2025-03-16", "00:00:00"), "Silver"), (TierMoved, at("2026-03-16", "00:00:00"), "Ordinary"),
        ]  # fmt: skip
        (warned,) = (one for one in all_brought_about(account, programme, at("2025-03-01")) if one.kind is TierWarned)
        assert (warned.what["occurred_at"], warned.what["missing"]) == (at("2025-02-24", "00:00:00"), 60_000)


class TestPeriodsOfTheMember:
    ROLLING, SINCE = rules(period="rolling", months=12), rules(period="tier_start", months=12)

    def test_rolling_counts_the_last_months_whatever_year_they_lie_in(self) -> None:
        halves = (("2023-12-01", 60_000), ("2024-06-01", 40_000))
        assert stands(*halves, on="2024-06-01", rules=self.ROLLING).tier == "Gold"
        assert stands(*halves, on="2024-06-01").tier == "Silver", "two membership years"
        assert (
            stands(
                ("2023-06-01", 60_000), ("2024-06-02", 40_000), on="2024-06-02", rules=self.ROLLING
            ).qualifying_points
            == 40_000
        )

    def test_a_tier_is_reviewed_so_many_months_after_it_began(self) -> None:
        told = stands(("2023-06-01", 100_000), on="2024-01-01", rules=self.ROLLING)
        assert (told.review_on, told.points_to_keep, told.projected_tier) == (date(2024, 6, 2), 60_000, "Silver")
        kept = (("2023-06-01", 100_000), ("2024-06-01", 60_000))
        found = [
            stands(*kept, on=at(day, "00:00:00"), rules=self.ROLLING).tier
            for day in ("2024-06-02", "2025-06-01", "2025-06-02")
        ]
        assert found == ["Gold", "Gold", "Silver"]

    def test_since_the_tier_began_nothing_from_before_counts(self) -> None:
        told = stands(("2023-06-01", 100_000), ("2023-07-01", 150_000), on="2023-07-01", rules=self.SINCE)
        assert (told.tier, told.qualifying_points, told.points_to_next) == ("Gold", 150_000, 50_000)
        assert stands(("2023-06-01", 100_000), ("2023-07-01", 100_000), on="2023-07-01").tier == "Diamond"

    def test_the_return_of_what_promoted_undoes_it_as_long_as_the_tier_was_not_reviewed(self) -> None:
        for scheme in (self.ROLLING, self.SINCE):
            bought = Credit(at("2023-06-01"), 100_000)
            undone = bought._replace(points=-1, back_at=at("2024-06-01", "23:59:59"))
            assert stands(bought, undone, on="2024-06-01", rules=scheme).tier == "Gold"
            assert stands(bought, undone, on=at("2024-06-01", "23:59:59"), rules=scheme).tier == "Silver"
            late = undone._replace(back_at=at("2024-06-02", "00:00:00"))
            found = stands(bought, late, ("2024-05-01", 60_000), on="2024-07-01", rules=scheme)
            assert found.tier == "Gold"

    def test_an_imported_tier_is_reviewed_by_when_it_began_elsewhere(self) -> None:
        gold = Grant(at("2022-05-01"), "Gold", at("2023-06-01"))
        told = stands(on="2023-06-01", rules=self.ROLLING, grants=[gold])
        assert (told.tier, told.since, told.review_on) == ("Gold", at("2022-05-01"), date(2024, 5, 2))


class TestOtherMetrics:
    def test_visits_are_stores_and_local_days_with_a_purchase_left(self) -> None:
        scheme = rules(metric={"visits": 1})
        world = World(scheme)
        first = [world.buys(1, at=at("2023-06-01", f"1{number}:00:00"), id=f"R-{number}") for number in range(2)]
        world.buys(1, at=at("2023-06-01"), id="R-3", store="2")
        world.buys(1, at=at("2023-06-02", "00:00:00"), id="R-4")

        def visits() -> int:
            return world.account().standing_at(scheme, at("2023-07-01")).qualifying.visits

        assert visits() == 3
        world.do(returned(first[0], at=at("2023-06-03"), id="T-1"))
        assert visits() == 3, "another purchase of that visit is left"
        world.do(returned(first[1], at=at("2023-06-03"), id="T-2"))
        assert visits() == 2

    def test_spend_is_what_money_paid_and_falls_with_what_comes_back(self) -> None:
        scheme = policy(
            expiry={"mode": "never"},
            tiers=rules(metric={"spend": "1/1000"}).tiers.model_dump(mode="json", exclude_none=True),
        )
        world = World(scheme)
        world.do(world.adjust(100, at=at("2023-06-01")))
        sold = purchase(line(10_000), at=at("2023-06-02"), id="R-1", points_minor=1_000)
        world.do(sold)
        assert world.account().standing_at(scheme, at("2023-06-03")).qualifying == Counters(9, 9_000, 1)
        world.do(returned(sold.id, back(amount_minor=5_000), at=at("2023-06-03"), id="T-1"))
        assert world.account().standing_at(scheme, at("2023-06-03")).qualifying == Counters(4, 4_500, 1)

    def test_a_move_keeps_the_counters_that_it_looked_at(self) -> None:
        world = World(rules(metric={"points": "1/2", "visits": 100}))
        moved = world.do(purchase(line(19_800_000), at=at("2023-06-01"))).facts[-1]
        assert isinstance(moved, TierMoved)
        assert moved.counted == {"points": 19_800, "spend_minor": 19_800_000, "visits": 1, "total": 10_000}
