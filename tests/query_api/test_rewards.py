"""Rewards and coupons over HTTP: what a member can have agrees with what the write side would say; states at any instant."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.fact import Fact
from domain.messages.rewards import StockBody, stock_command
from domain.programme import ProgrammePublished
from tests.builders import ANN, BOB, published, returned
from tests.domain.test_coupons import UNTIL
from tests.domain.test_coupons import Shop as CouponShop
from tests.domain.test_rewards import MUG, TEN_OFF
from tests.domain.test_rewards import Shop as RewardShop
from tests.domain.world import DAY, World, purchase_of
from tests.query_api.conftest import Door
from tests.spec import NOON

MINUTE = timedelta(minutes=1)


def tell(door: Door, world: World, rules: Any) -> None:
    """Everything that was recorded so far."""
    facts: list[Fact] = [one for one in world.log.batch.facts if not isinstance(one, ProgrammePublished)]
    door.read_side.given(published(rules), *facts)
    door.read_side.models.take_in(door.read_side.teller.watermark())


def rules_of(world: World) -> Any:
    return world.log.batch.programme.versions[0]


def ask(door: Door, path: str, at: datetime = NOON, **what: Any) -> Any:
    response = door.ask(path, as_of=at.isoformat(), **what)
    assert response.status_code == 200, response.json()
    return response.json()


class TestRewards:
    @pytest.fixture
    def shop(self) -> RewardShop:
        """Ann has 70 points left and the mug."""
        shop = RewardShop()
        unlike: dict[str, dict[str, Any]] = {
            "mug": {"stock": 2, "per_member": 1}, "cup": {"points": 70}, "lamp": {"points": 90}, "car": {"points": 9_999},
            "silver": {"tiers": ["Silver"]}, "big": {"min_lifetime_spend_minor": 150_000}, "gone": {"stock": 0},
            "order": {"min_order_spend_minor": 5_000}, "soon": {"starts_at": NOON + DAY}, "over": {"ends_at": NOON},
        }  # fmt: skip
        for reward_id, terms in unlike.items():
            shop.do(shop.offers(reward_id, MUG, **terms))
        shop.do(shop.has("mug"))
        return shop

    def test_are_listed_with_what_is_left(self, door: Door, shop: RewardShop) -> None:
        shop.do(shop.stocks(5))
        given_back = shop.has("cup", at=NOON)
        shop.do(given_back)
        shop.do(shop.reverse(given_back.id))
        tell(door, shop, rules_of(shop))
        told = ask(door, "/rewards", limit=4)
        assert [one["reward_id"] for one in told["items"]] == ["big", "car", "cup", "gone"]
        rest = {one["reward_id"]: one for one in ask(door, "/rewards", after=told["next"])["items"]}
        assert (rest["mug"]["stock_left"], rest["mug"]["redeemed"], rest["mug"]["state"]) == (6, 1, "live")
        assert (rest["soon"]["state"], rest["over"]["state"], rest["soon"]["stock_left"]) == ("planned", "ended", None)
        assert (told["items"][2]["redeemed"], rest["mug"]["name"]) == (0, {"en": "A coffee mug", "zh": "咖啡杯"})

    def test_are_those_of_the_instant_that_is_asked_for(self, door: Door, shop: RewardShop) -> None:
        body = StockBody(time=NOON + DAY, pieces=5, reason="a delivery")
        shop.do(stock_command(body, reward_id="gone", identity=shop.identity()))
        shop.do(shop.has("gone", at=NOON + 2 * DAY))
        tell(door, shop, rules_of(shop))
        told = {}
        for at in (NOON - MINUTE, NOON, NOON + DAY, NOON + 2 * DAY):
            items = {one["reward_id"]: one for one in ask(door, "/rewards", at)["items"]}
            told[at] = [(items[name]["stock_left"], items[name]["redeemed"]) for name in ("gone", "mug")]
        assert list(told.values()) == [[(0, 0), (2, 0)], [(0, 0), (1, 1)], [(5, 0), (1, 1)], [(4, 1), (1, 1)]]
        before = {one["reward_id"]: one["locked_by"] for one in ask(door, f"/members/{ANN}/rewards", NOON)["items"]}
        assert [lock["why"] for lock in before["gone"]] == ["reward-out-of-stock"]

    def test_are_affordable_or_locked_for_the_reason_that_a_redemption_would_meet(
        self, door: Door, shop: RewardShop
    ) -> None:
        tell(door, shop, rules_of(shop))
        told = ask(door, f"/members/{ANN}/rewards")
        assert (told["available"], told["tier"]) == (70, "Ordinary")
        order = ["order", "cup", "lamp", "car", "big", "gone", "mug", "silver", "soon"]
        assert [one["reward_id"] for one in told["items"]] == order
        assert [one["points_missing"] for one in told["items"]][:4] == [0, 0, 20, 9_929]
        for offer in told["items"]:
            refusal = shop.log.when(shop.has(offer["reward_id"], order=purchase_of("R-1"))).refusal
            if refusal is None:
                assert (offer["state"], offer["locked_by"]) == ("affordable", [])
                shop.do(shop.adjust(offer["points"]))
            else:
                assert (offer["state"], offer["locked_by"][0]["why"]) == ("locked", refusal.name)
        locks = {one["reward_id"]: one["locked_by"] for one in told["items"]}
        assert locks["big"] == [
            {"why": "spend-missing", "of": "lifetime", "required_minor": 150_000, "missing_minor": 50_000}
        ]
        assert locks["silver"] == [{"why": "reward-locked", "tier": "Ordinary", "tiers": ["Silver"], "segments": []}]
        assert locks["lamp"] == [{"why": "insufficient-points", "points": 90, "available": 70, "debt": 0}]

    def test_count_for_the_survivor_what_those_had_who_are_one_person(self, door: Door, shop: RewardShop) -> None:
        shop.do(shop.merge(ANN, BOB, at=NOON))
        tell(door, shop, rules_of(shop))
        told = {one["reward_id"]: one for one in ask(door, f"/members/{BOB}/rewards")["items"]}
        assert [lock["why"] for lock in told["mug"]["locked_by"]] == ["reward-limit"]
        assert told["cup"]["state"] == "affordable"

    def test_are_named_in_the_statement(self, door: Door, shop: RewardShop) -> None:
        had = shop.has("cup")
        shop.do(had)
        shop.do(shop.reverse(had.id, at=NOON + MINUTE))
        tell(door, shop, rules_of(shop))
        later = NOON + DAY
        english = ask(door, f"/members/{ANN}/statement", later)["items"]
        assert english[0]["text"] == "70 points given back, as their use was cancelled (for A coffee mug)"
        assert "30 points used (for A coffee mug)" in {one["text"] for one in english}
        chinese = ask(door, f"/members/{ANN}/statement", later, language="zh")["items"]
        assert "使用 30 积分（用于咖啡杯）" in {one["text"] for one in chinese}

    def test_of_nobody_are_unknown(self, door: Door, shop: RewardShop) -> None:
        tell(door, shop, rules_of(shop))
        assert door.ask(f"/members/{UUID(int=9)}/rewards").status_code == 404


class TestCoupons:
    def test_have_a_state_at_any_instant(self, door: Door) -> None:
        shop = CouponShop()
        shop.do(shop.reserve(at=NOON + DAY))
        shop.do(shop.sells(at=NOON + 2 * DAY))
        shop.do(shop.sells(at=NOON + 2 * DAY, id="R-2", answered=False))
        shop.do(returned(purchase_of("R-1"), at=NOON + 3 * DAY))
        voided = shop.gives()
        shop.do(shop.void(voided))
        tell(door, shop, rules_of(shop))

        def coupon(at: datetime, member: UUID = ANN) -> dict[str, Any]:
            told: list[dict[str, Any]] = ask(door, f"/members/{member}/coupons", at)["items"]
            return {one["code"]: one for one in told}[shop.code]

        states = {
            NOON: "issued", NOON + DAY: "reserved", NOON + DAY + 15 * MINUTE: "issued", NOON + 2 * DAY: "redeemed",
            NOON + 3 * DAY: "issued", UNTIL: "expired",
        }  # fmt: skip
        assert {at: coupon(at)["state"] for at in states} == states
        assert coupon(NOON + 2 * DAY)["purchase_id"] == str(purchase_of("R-1"))
        assert coupon(UNTIL)["flags"] == [{"purchase_id": str(purchase_of("R-2")), "problem": "coupon-used"}]
        page = ask(door, f"/members/{ANN}/coupons", limit=1)
        rest = ask(door, f"/members/{ANN}/coupons", after=page["next"])
        assert {one["code"] for one in page["items"] + rest["items"]} == {shop.code, voided}
        assert {one["state"] for one in page["items"] + rest["items"]} == {"issued", "void"}

    def test_of_nobody_there_are_none(self, door: Door) -> None:
        shop = CouponShop()
        tell(door, shop, rules_of(shop))
        assert door.ask(f"/members/{UUID(int=9)}/coupons").status_code == 404

    def test_go_with_a_merge(self, door: Door) -> None:
        shop = CouponShop()
        shop.do(shop.merge(ANN, BOB, at=NOON))
        tell(door, shop, rules_of(shop))
        assert [one["code"] for one in ask(door, f"/members/{BOB}/coupons")["items"]] == [shop.code]

    def test_of_a_reward_say_so(self, door: Door) -> None:
        shop = RewardShop()
        shop.do(shop.offers("ten-off", TEN_OFF))
        had = shop.has("ten-off")
        shop.do(had)
        tell(door, shop, rules_of(shop))
        (coupon,) = ask(door, f"/members/{ANN}/coupons")["items"]
        assert (coupon["reference"], coupon["amount_minor"], coupon["kind"]) == (f"reward:{had.id}", 1_000, "ten-off")
