"""What the programme takes off the price of a basket (rules 10)."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies
from pydantic import ValidationError

from domain.basket import Line, LineDiscount, paid
from domain.campaign import Campaign
from domain.campaign_terms import Discount
from domain.discounts import discounts, spread
from domain.policy.tiers import Tier
from domain.programme import Policy
from tests.builders import campaign, counted, line, policy
from tests.spec import NOON

SILVER = Tier.model_validate({
    "name": "Silver", "title": {"en": "Silver", "zh": "银卡"}, "promote_at": 1, "retain_at": 1, "discount": "1/20",
})  # fmt: skip
ORDINARY = SILVER.model_copy(update={"name": "Ordinary", "discount": None})
TEN = {"percent": "10"}


def off(
    *lines: Line, tier: Tier = ORDINARY, campaigns: list[Campaign] | None = None, rules: Policy | None = None
) -> list[tuple[str, str, int]]:
    found = discounts(counted(lines), policy=rules or policy(), tier=tier, campaigns=campaigns or [], at=NOON)
    return [(one["line"], one["source"], one["amount_minor"]) for one in found]


def both(**rules: Any) -> Policy:
    return policy(campaigns={"discounts": "sum"}, **rules)


def test_a_tier_has_its_discount_on_every_line() -> None:
    assert off(line(1000), line(250), tier=SILVER) == [("1", "tier:Silver", 49), ("2", "tier:Silver", 13)]
    assert off(line(1000), tier=ORDINARY) == []


def test_what_the_till_took_off_is_off_before() -> None:
    assert off(line(1000, discount_minor=200), tier=SILVER) == [("1", "tier:Silver", 40)]


def test_a_percentage_is_floored_once_for_the_lines_that_the_campaign_is_about() -> None:
    dairy = [campaign("dairy", discount=TEN, categories=["dairy"])]
    lines = [line(15, category="dairy"), line(1000), line(15, category="dairy")]
    assert off(*lines, campaigns=dairy) == [("1", "dairy", 1), ("3", "dairy", 2)]
    assert off(line(9, category="dairy"), campaigns=dairy) == []


def test_an_amount_is_taken_off_once_per_basket_and_never_below_nothing() -> None:
    five = [campaign("five", discount={"amount_minor": 500})]
    assert off(line(300), line(700), campaigns=five) == [("1", "five", 150), ("2", "five", 350)]
    assert off(line(300), campaigns=five) == [("1", "five", 300)]


def test_the_best_discount_of_a_line_counts_unless_the_policy_adds_them_up() -> None:
    dairy = [campaign("dairy", discount=TEN, categories=["dairy"])]
    lines = line(1000, category="dairy"), line(1000)
    assert off(*lines, tier=SILVER, campaigns=dairy) == [("1", "dairy", 100), ("2", "tier:Silver", 50)]
    assert off(*lines, tier=SILVER, campaigns=dairy, rules=both()) == [
        ("1", "tier:Silver", 50), ("1", "dairy", 100), ("2", "tier:Silver", 50),
    ]  # fmt: skip


def test_of_equal_discounts_the_tier_comes_first_and_then_the_priority() -> None:
    equal = [campaign("a", discount=TEN), campaign("b", discount=TEN, priority=1)]
    assert off(line(1000), campaigns=equal) == [("1", "b", 100)]
    assert (
        off(line(1000), tier=SILVER.model_copy(update={"discount": Fraction(1, 10)}), campaigns=equal)[0][1]
        == "tier:Silver"
    )


def test_what_adds_up_to_more_than_the_price_stops_there() -> None:
    much = [campaign("much", discount={"percent": "99"}), campaign("more", discount={"percent": "50"})]
    assert off(line(1000), campaigns=much, rules=both()) == [("1", "more", 500), ("1", "much", 500)]


def test_what_never_earns_has_no_discount() -> None:
    rules = policy(earning={"points": 1, "per_minor": 1000, "excluded_categories": ["gift-card"]})
    everything = [campaign("all", discount=TEN)]
    assert off(line(1000, category="gift-card"), tier=SILVER, campaigns=everything, rules=rules) == []


@pytest.mark.parametrize(
    "body", [{}, {"percent": "0"}, {"percent": "100.1"}, {"percent": "5", "amount_minor": 1}, {"amount_minor": 0}]
)
def test_a_discount_is_one_thing_and_takes_something_off(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Discount.model_validate(body)


AMOUNTS = strategies.lists(strategies.integers(0, 10_000), min_size=1, max_size=5)


@forall(AMOUNTS, strategies.integers(1, 100), strategies.integers(0, 20_000), strategies.sampled_from(["best", "sum"]))
def test_no_line_is_ever_discounted_by_more_than_it_costs(
    prices: list[int], percent: int, amount: int, stacking: str
) -> None:
    lines = counted([line(price) for price in prices])
    campaigns = [
        campaign("share", discount={"percent": percent}),
        campaign("amount", discount={"amount_minor": amount + 1}),
    ]
    found: list[LineDiscount] = discounts(
        lines, policy=policy(campaigns={"discounts": stacking}), tier=SILVER, campaigns=campaigns, at=NOON
    )
    for one in lines:
        taken = sum(off["amount_minor"] for off in found if off["line"] == one["line"])
        assert 0 <= taken <= paid(one)


@forall(AMOUNTS, strategies.integers(0, 50_000))
def test_a_sum_is_spread_to_the_last_unit(prices: list[int], total: int) -> None:
    lines = counted([line(price) for price in prices])
    total = min(total, sum(prices))
    assert sum(spread(total, lines).values()) == total
