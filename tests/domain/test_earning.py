"""What a sale earns (rules 1)."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given as forall
from hypothesis import strategies

from domain.basket import Line
from domain.campaign import Campaign
from domain.earning import earned_parts
from domain.money import MAX_AMOUNT
from domain.programme import Policy
from tests.builders import campaign, line, policy, sale

NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)
TODAY = date(2023, 5, 2)
RULES = policy()


def points(
    *lines: Line,
    campaigns: list[Campaign] | None = None,
    rules: Policy = RULES,
    granted: set[tuple[str, str, date]] | None = None,
) -> dict[str, int]:
    """The points by part."""
    parts = earned_parts(
        sale(*lines, at=NOON), policy=rules, campaigns=campaigns or [], bonuses=granted or set(), day=TODAY
    )
    return {part["part"]: part["points"] for part in parts}


@pytest.mark.parametrize(
    ("paid", "earned"),
    [(0, 0), (999, 0), (1000, 1), (1001, 1), (1999, 1), (2000, 2), (9500, 9), (MAX_AMOUNT, MAX_AMOUNT // 1000)],
)
def test_every_full_ten_yuan_of_a_receipt_earn_a_point(paid: int, earned: int) -> None:
    assert points(line(paid)) == {"base": earned}


def test_the_receipt_is_floored_once_and_not_line_by_line() -> None:
    assert points(line(600), line(600), line(800)) == {"base": 2}


def test_what_is_discounted_earns_nothing() -> None:
    assert points(line(2500, discount_minor=600)) == {"base": 1}


def test_fifteen_yuan_at_one_and_a_half_earn_one_and_nothing_more() -> None:
    assert points(line(1500), campaigns=[campaign("half", multiplier="1.5")]) == {"base": 1, "half": 0}


def test_the_fraction_left_over_is_stored_with_each_part_and_never_carried_over() -> None:
    parts = earned_parts(
        sale(line(1500), at=NOON),
        policy=RULES,
        campaigns=[campaign("half", multiplier="1.5")],
        bonuses=set(),
        day=TODAY,
    )
    assert [Fraction(part["points"]) + Fraction(part["residue"]) for part in parts] == [Fraction(3, 2), Fraction(3, 4)]
    assert [part["basis_minor"] for part in parts] == [1500, 1500]


def test_only_base_points_qualify_for_tiers() -> None:
    campaigns = [campaign("twice", multiplier="2"), campaign("gift", bonus_points=50)]
    parts = earned_parts(sale(line(5000), at=NOON), policy=RULES, campaigns=campaigns, bonuses=set(), day=TODAY)
    assert [(part["part"], part["qualifies"]) for part in parts] == [("base", True), ("twice", False), ("gift", False)]


def test_excluded_categories_earn_nothing_in_any_part() -> None:
    rules = policy(earning={"points": 1, "per_minor": 1000, "excluded_categories": ["tobacco"]})
    twice = [campaign("twice", multiplier="2"), campaign("gift", bonus_points=7)]
    assert points(line(5000, category="tobacco"), campaigns=twice, rules=rules) == {"base": 0}
    assert points(line(5000, category="tobacco"), line(2000), campaigns=twice, rules=rules) == {
        "base": 2,
        "twice": 2,
        "gift": 7,
    }


def test_dairy_twice_in_a_basket_at_one_and_a_half_with_bread_earns_seventeen() -> None:
    dairy, bread = line(5000, category="dairy"), line(5000, category="bread")
    campaigns = [campaign("basket", multiplier="1.5"), campaign("dairy", multiplier="2", categories=["dairy"])]
    earned = points(dairy, bread, campaigns=campaigns)
    assert earned == {"base": 10, "dairy": 5, "basket": 2}
    assert sum(earned.values()) == 17


def test_a_line_is_multiplied_once_by_priority_then_multiplier_then_id() -> None:
    late = campaign("a-late", multiplier="3", priority=0)
    first = campaign("z-first", multiplier="2", priority=1)
    assert points(line(1000), campaigns=[late, first]) == {"base": 1, "z-first": 1}
    higher, lower = campaign("z", multiplier="3"), campaign("a", multiplier="2")
    assert points(line(1000), campaigns=[lower, higher]) == {"base": 1, "z": 2}
    assert points(line(1000), campaigns=[campaign("b", multiplier="2"), campaign("a", multiplier="2")]) == {
        "base": 1,
        "a": 1,
    }


def test_the_order_in_which_campaigns_are_known_makes_no_difference() -> None:
    campaigns = [
        campaign("a", multiplier="2"),
        campaign("b", multiplier="2", categories=["dairy"]),
        campaign("c", bonus_points=5),
    ]
    lines = line(3000, category="dairy"), line(4000)
    outcomes = [points(*lines, campaigns=list(order)) for order in permutations(campaigns)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_bonuses_add_up() -> None:
    assert points(line(1000), campaigns=[campaign("x", bonus_points=30), campaign("y", bonus_points=20)]) == {
        "base": 1,
        "x": 30,
        "y": 20,
    }


def test_a_bonus_counts_once_per_store_and_local_day() -> None:
    gift = [campaign("gift", bonus_points=30)]
    assert points(line(1000), campaigns=gift, granted={("gift", "1", TODAY)}) == {"base": 1}
    assert points(line(1000), campaigns=gift, granted={("gift", "2", TODAY)}) == {"base": 1, "gift": 30}
    assert points(line(1000), campaigns=gift, granted={("gift", "1", TODAY - timedelta(days=1))}) == {
        "base": 1,
        "gift": 30,
    }


def test_a_bonus_on_goods_is_given_only_where_the_goods_are() -> None:
    gift = [campaign("gift", bonus_points=30, skus=["7"])]
    assert points(line(1000, sku="8"), campaigns=gift) == {"base": 1}
    assert points(line(1000, sku="8"), line(10, sku="7"), campaigns=gift) == {"base": 1, "gift": 30}


AMOUNTS = strategies.integers(0, 10**7)
RATES = strategies.builds(
    lambda points, per_minor: {"points": points, "per_minor": per_minor},
    strategies.integers(1, 50),
    strategies.integers(1, 5000),
)
MULTIPLIERS = strategies.none() | strategies.fractions(min_value="11/10", max_value=10, max_denominator=100).map(str)


@forall(AMOUNTS, AMOUNTS, RATES, MULTIPLIERS)
def test_two_sales_earn_at_most_as_much_as_one_and_at_least_one_less(
    a: int, b: int, earning: dict[str, int], multiplier: str | None
) -> None:
    rules, campaigns = policy(earning=earning), [campaign("m", multiplier=multiplier)] if multiplier else []

    def earn(paid: int) -> dict[str, int]:
        return points(line(paid), campaigns=campaigns, rules=rules)

    one, other, both = earn(a), earn(b), earn(a + b)
    for part in both:
        assert one[part] + other[part] <= both[part] <= one[part] + other[part] + 1


@forall(
    strategies.lists(
        strategies.tuples(AMOUNTS, strategies.sampled_from(["dairy", "bread", "fish"])), min_size=1, max_size=8
    )
)
def test_every_line_counts_in_one_multiplier_at_most(basket: list[tuple[int, str]]) -> None:
    campaigns = [
        campaign("dairy", multiplier="2", categories=["dairy"]),
        campaign("all", multiplier="1.5"),
        campaign("bread", multiplier="3", priority=5, categories=["bread"]),
    ]
    lines = [line(paid, category=category) for paid, category in basket]
    parts = earned_parts(sale(*lines, at=NOON), policy=RULES, campaigns=campaigns, bonuses=set(), day=TODAY)
    bases = {part["part"]: part["basis_minor"] for part in parts}
    base = bases.pop("base")
    assert base == sum(bases.values()) == sum(paid for paid, _ in basket)


@forall(strategies.permutations([(1234, "dairy"), (777, "bread"), (5001, "fish"), (1999, "dairy")]))
def test_the_order_of_the_lines_makes_no_difference(basket: list[tuple[int, str]]) -> None:
    campaigns = [
        campaign("dairy", multiplier="2", categories=["dairy"]),
        campaign("gift", bonus_points=9, categories=["bread"]),
    ]
    assert points(*(line(paid, category=category) for paid, category in basket), campaigns=campaigns) == {
        "base": 9,
        "dairy": 3,
        "gift": 9,
    }
