"""The naive model itself: the worked examples of earning, expiry and returns, with their numbers."""

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import permutations

import pytest

from tests.naive import Bonus, Claw, Multiplier, Rules
from tests.naive.earning import clawed
from tests.naive.story import HUNDRED, back, bought, has, midnight, on, opened


class TestEarning:
    def earned(self, rules: Rules, *lines: tuple[str, int, str], points_minor: int = 0) -> dict[str, int]:
        answer = opened(rules).purchase("p", "ann", on(5, 1), lines, points_minor)
        assert isinstance(answer, dict)
        return {part: points for part, points in answer.items() if points}

    def test_fifteen_yuan_at_one_and_a_half_earn_one_and_nothing(self) -> None:
        rules = Rules(multipliers=(Multiplier("double", Fraction(3, 2)),), bonuses=())
        assert self.earned(rules, ("1", 1_500, "BREAD")) == {"base": 1}

    def test_dairy_twice_the_basket_one_and_a_half_times_bread_once(self) -> None:
        rules = Rules(
            multipliers=(
                Multiplier("dairy", Fraction(2), frozenset({"DAIRY"}), priority=1),
                Multiplier("basket", Fraction(3, 2)),
            ),
            bonuses=(),
        )
        lines = ("1", 5_000, "DAIRY"), ("2", 5_000, "BREAD")
        assert self.earned(rules, *lines) == {"base": 10, "dairy": 5, "basket": 2}

    def test_a_bonus_counts_once_per_member_store_and_local_day(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(Bonus("b", 100, 5_000),)))
        assert bought(ledger, "1", 60, on(5, 1, 8)) == {"base": 6, "b": 100}
        assert bought(ledger, "2", 60, on(5, 1, 23, 59)) == {"base": 6, "b": 0}
        assert bought(ledger, "3", 60, on(5, 1, 9), store="2") == {"base": 6, "b": 100}
        assert bought(ledger, "4", 120, on(5, 2, 0)) == {"base": 12, "b": 100}

    def test_what_is_excluded_never_earns(self) -> None:
        assert self.earned(Rules(), ("1", 10_000, "GIFT CARD"), ("2", 1_000, "BREAD")) == {"base": 1, "basket": 50}

    def test_points_pay_the_lines_that_earn_least_first(self) -> None:
        lines = ("1", 2_000, "DAIRY"), ("2", 2_000, "BREAD"), ("3", 1_000, "GIFT CARD")
        assert self.earned(Rules(), *lines, points_minor=3_000) == {"base": 2, "dairy": 4}
        assert self.earned(Rules(), *lines, points_minor=4_000) == {"base": 1, "dairy": 2}

    def test_a_minimum_is_tested_before_points_pay(self) -> None:
        assert self.earned(Rules(), ("1", 8_000, "BREAD"), points_minor=1_000) == {"base": 7, "basket": 50}

    @pytest.mark.parametrize("minor", [7_999, 8_000, 8_001])
    def test_the_minimum_itself_is_enough(self, minor: int) -> None:
        assert self.earned(Rules(), ("1", minor, "BREAD")).get("basket", 0) == (50 if minor >= 8_000 else 0)

    def test_two_sales_earn_at_most_what_one_does_and_one_point_more_at_most(self) -> None:
        rules = Rules(multipliers=(), bonuses=())
        for one in range(0, 3_000, 270):
            for other in range(0, 3_000, 310):
                apart = [self.earned(rules, ("1", minor, "")).get("base", 0) for minor in (one, other)]
                together = self.earned(rules, ("1", one + other, "")).get("base", 0)
                assert sum(apart) <= together <= sum(apart) + 1


class TestLotsAndExpiry:
    @pytest.mark.parametrize(
        ("earned", "ends"),
        [
            (on(3, 14, year=2024), midnight(2024, 3, 16)),
            (on(3, 15, year=2024), midnight(2025, 3, 16)),
            (on(3, 10), midnight(2024, 3, 16)),
        ],
    )
    def test_points_live_through_the_anniversary_of_the_registration(self, earned: datetime, ends: datetime) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), expiry="registration_anniversary"), ann=on(3, 15))
        bought(ledger, "p", 100, earned)
        has(ledger, ends - timedelta(microseconds=1), issued=10, available=10)
        has(ledger, ends, issued=10, expired=10)

    def test_the_29th_of_february_is_the_28th_in_common_years(self) -> None:
        rules = Rules(expiry="registration_anniversary")
        assert rules.expires_at(on(5, 1, year=2024), on(2, 29, year=2024)) == midnight(2025, 3, 1)
        assert rules.expires_at(on(3, 1, year=2027), on(2, 29, year=2024)) == midnight(2028, 3, 1)

    def test_one_month_after_the_31st_of_january_is_the_last_of_february(self) -> None:
        assert Rules(rolling_months=1).expires_at(on(1, 31), on(1, 1)) == midnight(2023, 3, 1)

    def test_the_earliest_expiry_is_spent_first_and_what_never_expires_last(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(5, None), (5, on(9, 1)), (5, on(8, 1))])
        ledger.redeem("r", "ann", 7, on(5, 1))
        has(ledger, on(8, 1), issued=15, spent=7, available=8)
        has(ledger, on(9, 1), issued=15, spent=7, available=5, expired=3)

    def test_a_spend_before_the_expiry_that_arrives_after_it_takes_the_lot_as_it_was(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(5, on(5, 1))])
        bought(ledger, "p", 10, on(5, 3))
        assert ledger.redeem("r", "ann", 5, on(4, 30)) == {"spent": 5, "debt": 0}
        has(ledger, on(5, 3), issued=6, spent=5, available=1)

    def test_what_is_restored_after_its_expiry_has_lapsed(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(5, on(5, 1))])
        ledger.redeem("r", "ann", 5, on(4, 30))
        answer = ledger.reverse("r", None, on(5, 2))
        assert isinstance(answer, dict)
        assert (answer["restored"], answer["lapsed"]) == (5, 5)
        has(ledger, on(5, 2), issued=5, expired=5)

    def test_pending_points_cannot_be_spent_until_their_day(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), pending_days=14))
        bought(ledger, "p", 100, on(5, 1))
        has(ledger, midnight(2023, 5, 15) - timedelta(microseconds=1), issued=10, pending=10)
        assert ledger.redeem("r", "ann", 1, on(5, 14)) == "insufficient-points"
        has(ledger, midnight(2023, 5, 15), issued=10, available=10)


class TestReturns:
    def test_ninety_five_yuan_come_back_in_two_parts(self) -> None:
        ledger = opened()
        assert bought(ledger, "p", 95, on(5, 1)) == {"base": 9}
        back(ledger, "p", 6, on(5, 2))
        has(ledger, on(5, 2), issued=9, revoked=1, available=8)
        back(ledger, "p", 89, on(5, 3))
        has(ledger, on(5, 3), issued=9, revoked=9)
        assert ledger.qualifying("ann") == 0

    def test_a_bonus_falls_when_the_rest_no_longer_reaches_its_minimum(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=HUNDRED))
        bought(ledger, "p", 120, on(5, 1))
        back(ledger, "p", 30, on(5, 2))
        has(ledger, on(5, 2), issued=62, revoked=53, available=9)

    def test_a_bonus_that_a_budget_cut_is_taken_back_as_granted(self) -> None:
        assert clawed(granted=30, earns_now=50, before=0) == 0
        assert clawed(granted=30, earns_now=0, before=0) == 30

    def test_a_fee_that_is_kept_keeps_its_point(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        back(ledger, "p", 90, on(5, 2), quantity=1)
        has(ledger, on(5, 2), issued=10, revoked=9, available=1)

    @pytest.mark.parametrize(
        ("claw", "after"),
        [
            ("original_then_debt", {"revoked": 0, "debt": 0, "settled": 10, "available": 10}),
            ("next_lots_then_debt", {"revoked": 10, "available": 10}),
            ("clamp_to_zero", {"available": 20}),
        ],
    )
    def test_what_is_spent_is_taken_as_the_policy_says(self, claw: Claw, after: dict[str, int]) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), claw=claw))
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 10, on(5, 2))
        bought(ledger, "q", 200, on(5, 3))
        ledger.void("p", on(5, 4))
        has(
            ledger,
            on(5, 4),
            member="ann",
            issued=30,
            spent=10,
            **{bucket: points for bucket, points in after.items() if points},
        )

    def test_a_forgiven_claw_is_not_taken_later(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), claw="clamp_to_zero"))
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 10, on(5, 2))
        back(ledger, "p", 50, on(5, 3))
        ledger.reverse("r", None, on(5, 4))
        back(ledger, "p", 50, on(5, 5))
        has(ledger, on(5, 5), issued=10, revoked=5, available=5)

    def test_expired_points_are_revoked_without_debt(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.void("p", on(6, 1, year=2024))
        has(ledger, on(6, 1, year=2024), issued=10, revoked=10)

    def test_every_split_takes_what_one_return_takes(self) -> None:
        lines = [("1", 4_730, "DAIRY"), ("2", 3_120, "BREAD"), ("3", 1_990, "DAIRY")]
        ledgers = []
        for order in permutations(range(3)):
            ledger = opened(Rules())
            ledger.opening("ann", on(1, 2), [(300, None)])
            ledger.purchase("p", "ann", on(5, 1), lines, points_minor=2_345)
            for share in (3, 2, 1):
                for number in order:
                    name, paid, _ = lines[number]
                    gone = ledger.purchases["p"].returned[number]
                    ledger.give_back("p", on(5, 2), [(name, 0, (paid - 500 - gone) // share)])
            ledger.check()
            ledgers.append(ledger)
        once = opened(Rules())
        once.opening("ann", on(1, 2), [(300, None)])
        once.purchase("p", "ann", on(5, 1), lines, points_minor=2_345)
        once.give_back("p", on(5, 2), [(name, 1, paid - 500) for name, paid, _ in lines])
        for ledger in ledgers:
            assert ledger.balance("ann", on(5, 3)) == once.balance("ann", on(5, 3))
            ledger.void("p", on(5, 4))
            has(ledger, on(5, 4), issued=300 + sum(part.granted for part in once.purchases["p"].parts.values()),
                available=300, revoked=sum(part.granted for part in once.purchases["p"].parts.values()))  # fmt: skip

    def test_a_line_paid_by_points_gives_them_back_in_proportion(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(100, None)])
        ledger.purchase("p", "ann", on(5, 1), [("1", 2_000, "BREAD"), ("2", 2_000, "TEA")], points_minor=995)
        has(ledger, on(5, 1), issued=103, spent=100, available=3)
        ledger.give_back("p", on(5, 2), [("1", 0, 666)])
        has(ledger, on(5, 2), issued=103, spent=67, available=35, revoked=1)
        ledger.give_back("p", on(5, 2), [("1", 1, 1_334), ("2", 1, 2_000)])
        has(ledger, on(5, 2), issued=103, available=100, revoked=3)

    def test_too_much_is_refused_over_http_and_capped_over_kafka(self) -> None:
        ledger = opened()
        bought(ledger, "p", 95, on(5, 1))
        assert back(ledger, "p", 96, on(5, 2)) == "over-return"
        assert back(ledger, "p", 1, on(5, 2), quantity=2) == "over-return"
        assert ledger.give_back("p", on(5, 2), [("2", 1, 1)]) == "unknown-line"
        answer = ledger.give_back("p", on(5, 2), [("1", 2, 9_600)], strictly=False)
        assert isinstance(answer, dict)
        assert (answer["revoked"], answer["excess_minor"]) == (9, 100)

    def test_a_void_takes_the_rest_once(self) -> None:
        ledger = opened()
        bought(ledger, "p", 95, on(5, 1))
        back(ledger, "p", 6, on(5, 2))
        ledger.void("p", on(5, 3))
        ledger.void("p", on(5, 4))
        assert back(ledger, "p", 1, on(5, 5)) == "purchase-voided-before"
        has(ledger, on(5, 5), issued=9, revoked=9)

    def test_a_return_that_came_first_waits_for_its_purchase(self) -> None:
        ledger = opened()
        assert back(ledger, "p", 6, on(5, 2)) == "unknown-purchase"
        assert ledger.give_back("p", on(5, 2), [("1", 0, 600)], strictly=False) == {"waiting": 1}
        bought(ledger, "p", 95, on(5, 1))
        has(ledger, on(5, 2), issued=9, revoked=1, available=8)

    def test_a_full_return_frees_the_bonus_of_its_day(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=HUNDRED))
        bought(ledger, "p", 100, on(5, 1, 9))
        ledger.void("p", on(5, 1, 10))
        assert bought(ledger, "q", 100, on(5, 1, 11)) == {"base": 10, "welcome": 50}
