"""The worked examples of docs/rules.md that no test of a part tells with the same numbers, by section."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import redeeming
from domain.movements import PointsEarned
from domain.refusals import ConflictingRepeat
from tests.builders import ANN, campaign_created, join, line, listed, policy, published, purchase
from tests.domain.spending import NOON as MAY_2
from tests.domain.spending import REDEMPTION, Life, lot, taken
from tests.domain.test_budgets import DAY, Shop
from tests.domain.world import World, of
from tests.spec import NOON
from tests.spec_of_commands import given_log


def test_2_of_5_that_lapse_in_may_5_in_march_and_5_never_7_take_those_of_march_and_2_of_may() -> None:
    march, may, january = (MAY_2.replace(year=2024, month=month) for month in (3, 5, 1))
    life = Life(lot("A", 5, ends=may), lot("B", 5, ends=march), lot("C", 5))
    (spent,) = life.do(redeeming.redeem, at=january, redemption_id=REDEMPTION, points=7)
    assert spent.parts == taken(B=5, A=2)


def test_5_of_10_given_away_offline_with_4_there_6_are_owed_and_paid_by_the_next_9() -> None:
    world = World()
    world.buys(4)
    world.do(world.redeem(10, offline=True))
    assert world.buckets() == of(issued=4, spent=4, debt=6)
    world.buys(9, id="R-2")
    assert world.buckets() == of(issued=13, spent=4, settled=6, available=3)


def test_7_a_receipt_that_arrives_three_times_is_one_purchase_and_with_other_content_a_conflict() -> None:
    world = World()
    for _ in range(3):
        world.do(purchase(line(9_500), at=NOON))
    assert world.buckets() == of(issued=9, available=9)
    other = world.log.when(purchase(line(9_600), at=NOON))
    assert other.refusal == ConflictingRepeat(source="/stores/1", external_id="R-1")


def test_8_a_receipt_of_28_february_that_arrives_in_march_earns_by_the_rules_and_the_campaign_of_february() -> None:
    def at(day: str) -> datetime:
        return datetime.fromisoformat(f"{day}T12:00:00+08:00")

    rules = policy(expiry={"mode": "rolling", "months": 1}, effective_from="2022-01-01T00:00:00+08:00")
    later = policy(earning={"points": 2, "per_minor": 1000}, effective_from="2023-03-01T00:00:00+08:00")
    campaign = campaign_created("twice", multiplier="2", ends_at=at("2023-03-01"))
    log = given_log(published(rules), published(later, version=2), campaign, listed("twice"))
    log.when(join(ANN, at=at("2023-01-15")))
    log.batch.recorded_at = at("2023-03-03")
    facts: list[Any] = log.when(purchase(line(10_000), at=at("2023-02-28"))).facts
    (earned,) = (one for one in facts if isinstance(one, PointsEarned))
    assert [(part["part"], part["points"]) for part in earned.parts] == [("base", 10), ("twice", 10)]
    assert (earned.programme_version, earned.expires_at) == (1, datetime.fromisoformat("2023-03-29T00:00:00+08:00"))


@pytest.mark.parametrize(("mode", "fourth"), [("grant_remaining", {"gift": 10}), ("refuse", {})])
def test_10_of_a_budget_of_100_three_get_30_and_the_fourth_what_its_mode_says(mode: str, fourth: Any) -> None:
    shop = Shop(bonus_points=30, budget={"points": 100, "mode": mode}, ends_at=NOON + DAY)
    bought = [shop.sells() for _ in range(4)]
    assert [granted for _, granted in bought] == [{"gift": 30}] * 3 + [fourth]
    left = 0 if fourth else 10
    shop.takes_back(bought[1][0])
    assert shop.campaign.left == 30 + left
    assert shop.sells()[1] == {"gift": 30}
    shop.takes_back(bought[2][0], at=NOON + DAY)
    assert (shop.campaign.used, shop.campaign.left) == (70 - left, left), "credited, and granted to nobody"


def test_14_what_is_bought_spent_returned_and_bought_again_adds_up() -> None:
    world = World()
    sold = world.buys(10)
    world.do(world.redeem(6))
    world.gives_back(sold, 10)
    assert world.buckets() == of(issued=10, revoked=4, spent=6, debt=6)
    world.buys(10, id="R-2", at=NOON + timedelta(hours=1))
    found = world.buckets(at=NOON + timedelta(hours=1))
    assert found == of(issued=20, available=4, spent=6, settled=6, revoked=4)
