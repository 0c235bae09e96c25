"""Limits of a programme: what a member may earn, and pay with, on a local day (rules 1, 6)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.movements import PointsEarned
from domain.refusals import AboveDailyLimit, AboveShareOfBill, InsufficientPoints, NotAStep
from tests.builders import ANN, BOB, campaign_created, line, listed, policy, purchase, returned
from tests.domain.quoting import ask
from tests.domain.world import DAY, NEVER, World, of
from tests.spec import NOON

HOUR = timedelta(hours=1)
MIDNIGHT = NOON + 12 * HOUR
"""The next local one."""


def world(*campaigns: Any, **limits: int) -> World:
    return World(policy(expiry=NEVER, limits=limits), *campaigns)


def campaign(campaign_id: str, **terms: Any) -> tuple[Any, Any]:
    return campaign_created(campaign_id, **terms), listed(campaign_id)


def earned(shop: World, yuan: int, *, id: str, at: Any = NOON, **what: Any) -> dict[str, int]:  # noqa: A002
    facts = shop.do(purchase(line(yuan * 100), at=at, id=id, **what)).facts
    (credit,) = (one for one in facts if isinstance(one, PointsEarned))
    return {part["part"]: part["points"] for part in credit.parts}


class TestEarning:
    def test_of_at_most_100_points_a_day_a_second_purchase_earns_what_is_left_and_a_third_nothing(self) -> None:
        shop = world(earned_per_day=100)
        told = [earned(shop, 700, id=f"R-{number}") for number in range(3)]
        assert told == [{"base": 70}, {"base": 30}, {"base": 0}]
        assert shop.buckets() == of(issued=100, available=100)

    def test_the_day_is_the_local_one_of_the_sale_whenever_it_arrives(self) -> None:
        shop = world(earned_per_day=100)
        assert earned(shop, 1_500, id="R-1", at=MIDNIGHT) == {"base": 100}
        assert earned(shop, 1_500, id="R-2", at=MIDNIGHT - timedelta(seconds=1)) == {"base": 100}

    def test_the_base_comes_before_campaigns_and_each_keeps_what_it_would_have_been(self) -> None:
        shop = world(*campaign("twice", multiplier="2"), *campaign("gift", bonus_points=50), earned_per_day=110)
        facts = shop.do(purchase(line(70_000), at=NOON)).facts
        (credit,) = (one for one in facts if isinstance(one, PointsEarned))
        told = [(part["part"], part["points"], part.get("uncapped")) for part in credit.parts]
        assert told == [("base", 70, None), ("twice", 40, 70), ("gift", 0, 50)]
        assert shop.account().standing_at(policy(), NOON).qualifying_points == 70

    def test_a_bonus_of_which_nothing_was_left_was_not_granted(self) -> None:
        shop = world(*campaign("gift", bonus_points=50), earned_per_day=70)
        bought = purchase(line(70_000), at=NOON, id="R-1")
        shop.do(bought)
        shop.do(returned(bought.id, at=NOON))
        assert earned(shop, 100, id="R-2") == {"base": 10, "gift": 50}

    def test_budgets_are_drawn_by_what_was_granted(self) -> None:
        shop = world(*campaign("gift", bonus_points=50, budget={"points": 60}), earned_per_day=90)
        assert earned(shop, 700, id="R-1") == {"base": 70, "gift": 20}
        assert earned(shop, 100, id="R-2", card="1002") == {"base": 10, "gift": 40}

    def test_what_goes_back_leaves_room_and_what_earned_nothing_is_not_revisited(self) -> None:
        shop = world(earned_per_day=100)
        first = purchase(line(100_000), at=NOON, id="R-1")
        shop.do(first)
        assert earned(shop, 500, id="R-2") == {"base": 0}
        shop.do(returned(first.id, at=NOON + DAY))
        assert shop.buckets() == of(issued=100, revoked=100)
        assert earned(shop, 500, id="R-3", at=NOON + HOUR) == {"base": 50}

    def test_those_who_were_merged_have_one_limit(self) -> None:
        shop = world(earned_per_day=100)
        earned(shop, 700, id="R-1")
        earned(shop, 100, id="R-2", card="1002")
        shop.do(shop.merge(ANN, BOB, at=NOON + HOUR))
        assert earned(shop, 700, id="R-3", at=NOON + 2 * HOUR) == {"base": 20}

    @given(st.lists(st.tuples(st.integers(1, 900), st.booleans()), min_size=1, max_size=8))
    def test_a_day_never_brings_more_and_a_full_return_takes_just_what_was_granted(
        self, receipts: list[tuple[int, bool]]
    ) -> None:
        shop = world(*campaign("twice", multiplier="2"), earned_per_day=100)
        for number, (yuan, goes_back) in enumerate(receipts):
            granted = sum(earned(shop, yuan, id=f"R-{number}").values())
            before = shop.buckets()
            assert before.issued - before.revoked <= 100
            if goes_back:
                sold = purchase(line(yuan * 100), at=NOON, id=f"R-{number}")
                shop.do(returned(sold.id, at=NOON, id=f"T-{number}"))
                assert shop.buckets().revoked == before.revoked + granted


class TestPaying:
    @pytest.fixture
    def shop(self) -> World:
        shop = world(paid_per_day=50)
        shop.buys(200)
        return shop

    def refused(self, shop: World, command: Any) -> Any:
        return shop.log.when(command).refusal

    def test_of_at_most_50_points_a_day_30_were_paid_and_21_are_refused_and_20_are_not(self, shop: World) -> None:
        shop.do(shop.redeem(30))
        told = AboveDailyLimit(points=21, left=20, paid_per_day=50)
        assert self.refused(shop, shop.redeem(21)) == told
        assert self.refused(shop, shop.hold(21)) == told
        shop.do(shop.redeem(20))
        assert self.refused(shop, shop.redeem(1, at=MIDNIGHT - timedelta(seconds=1)))
        shop.do(shop.redeem(50, at=MIDNIGHT))

    def test_what_is_held_counts_until_it_is_released_or_timed_out(self, shop: World) -> None:
        held = shop.hold(50, minutes=60)
        shop.do(held)
        assert self.refused(shop, shop.redeem(1)) == AboveDailyLimit(points=1, left=0, paid_per_day=50)
        assert self.refused(shop, shop.redeem(1, at=NOON + HOUR)) is None
        shop.do(shop.release(held.id, at=NOON))
        assert self.refused(shop, shop.redeem(49)) is None

    def test_a_capture_is_what_was_held_for_it(self, shop: World) -> None:
        held = shop.hold(50)
        shop.do(held)
        shop.do(shop.capture(held.id, 40))
        assert self.refused(shop, shop.redeem(11)) == AboveDailyLimit(points=11, left=10, paid_per_day=50)

    def test_what_comes_back_leaves_room(self, shop: World) -> None:
        spent = shop.redeem(50)
        shop.do(spent)
        shop.do(shop.reverse(spent.id, 20, at=NOON + HOUR))
        assert self.refused(shop, shop.redeem(21, at=NOON + HOUR)) == AboveDailyLimit(
            points=21, left=20, paid_per_day=50
        )
        shop.do(shop.redeem(20, at=NOON + HOUR))

    def test_what_was_given_away_counts_and_is_not_refused(self, shop: World) -> None:
        shop.do(shop.redeem(60, offline=True))
        shop.do(purchase(line(10_000), at=NOON, id="R-2", points_minor=300))
        assert shop.buckets().spent == 90
        assert self.refused(shop, shop.redeem(1)) == AboveDailyLimit(points=1, left=0, paid_per_day=50)

    def test_it_is_refused_after_the_share_of_the_bill_and_before_what_is_available(self, shop: World) -> None:
        assert isinstance(self.refused(shop, shop.redeem(60, bill_minor=1_000)), AboveShareOfBill)
        assert isinstance(self.refused(shop, shop.redeem(1_000)), AboveDailyLimit)
        stepped = World(
            policy(
                expiry=NEVER,
                limits={"paid_per_day": 50},
                points_as_cash={"points": 1, "amount_minor": 10, "step_points": 7},
            )
        )
        assert isinstance(self.refused(stepped, stepped.redeem(60)), NotAStep)
        assert isinstance(self.refused(stepped, stepped.redeem(7)), InsufficientPoints)

    def test_those_who_were_merged_have_one_limit(self, shop: World) -> None:
        shop.do(shop.redeem(30))
        shop.do(shop.merge(ANN, BOB, at=NOON + HOUR))
        told = AboveDailyLimit(points=21, left=20, paid_per_day=50)
        assert self.refused(shop, shop.redeem(21, member=BOB, at=NOON + 2 * HOUR)) == told

    def test_a_quote_tells_what_the_day_leaves(self, shop: World) -> None:
        shop.do(shop.redeem(30))
        told = ask(shop, line(15_000)).told["points_as_cash"]
        assert (told["available"], told["most_points"]) == (170, 20)
        with pytest.raises(AboveDailyLimit):
            ask(shop, line(15_000), points=21)


def test_a_quote_tells_what_the_limit_cut_and_the_purchase_earns_the_same() -> None:
    shop = world(*campaign("twice", multiplier="2"), *campaign("gift", bonus_points=50), earned_per_day=110)
    told = ask(shop, line(70_000)).told
    why = {rule["rule"]: (rule["applied"], rule["why"]) for rule in told["rules"]}
    assert why["base"] == (True, "earned")
    assert why["twice"] == (True, "cut-by-budget-or-limit")
    assert why["gift"] == (False, "limit-used-up")
    assert {part["part"]: part["points"] for part in told["points"]} == earned(shop, 700, id="R-1")
    again = {rule["rule"]: (rule["applied"], rule["why"]) for rule in ask(shop, line(70_000)).told["rules"]}
    assert again["base"] == again["twice"] == (False, "limit-used-up")
