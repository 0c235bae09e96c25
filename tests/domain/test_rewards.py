"""Rewards: who may have one for points, when and how often; stock, coupons, and what a reversal brings back."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import refusals as no
from domain.basket import Tender
from domain.command import Command
from domain.coupon import Coupon, CouponIssued, CouponVoided, coupon_stream
from domain.messages.coupons import CouponBody, give_coupon_command
from domain.messages.rewards import (
    RewardBody,
    RewardRedemptionBody,
    StockBody,
    create_reward_command,
    redeem_reward_command,
    stock_command,
)
from domain.movements import PointsEarned, PointsRedeemed, RedemptionReversed
from domain.refusals import Refusal
from domain.reward import Reward, RewardGivenBack, RewardRedeemed, reward_stream
from tests.builders import ANN, BOB, back, line, policy, purchase, returned
from tests.domain.world import DAY, NEVER, World, of, purchase_of
from tests.spec import NOON

MUG = {"name": {"en": "A coffee mug", "zh": "咖啡杯"}, "kind": "good", "points": 30}
TEN_OFF = {"name": {"en": "¥10 off", "zh": "立减十元"}, "kind": "cash_off", "points": 30,
           "coupon": {"kind": "ten-off", "valid_days": 7, "amount_minor": 1_000}}  # fmt: skip
LEVELS = [
    {"name": name, "title": {"en": name, "zh": name}, "promote_at": points, "retain_at": points}
    for name, points in {"Ordinary": 0, "Silver": 150}.items()
]


class Shop(World):
    """Ann has 100 points from a purchase of ¥1,000."""

    def __init__(self) -> None:
        super().__init__(
            policy(expiry=NEVER, tiers={"period": "membership_year", "metric": "points", "levels": LEVELS})
        )
        self.buys(100)

    def offers(self, reward_id: str = "mug", terms: dict[str, Any] = MUG, **what: Any) -> Command:
        body = RewardBody.model_validate({"reward_id": reward_id, **terms, **what})
        return create_reward_command(body, identity=self.identity(), now=NOON)

    def has(
        self, reward_id: str = "mug", *, member: UUID = ANN, at: Any = NOON, order: UUID | None = None, key: str | None = None
    ) -> Command:  # fmt: skip
        body = RewardRedemptionBody(time=at, purchase=order)
        return redeem_reward_command(body, member_id=member, reward_id=reward_id, identity=self.identity(key))

    def stocks(self, pieces: int, reward_id: str = "mug") -> Command:
        body = StockBody(time=NOON, pieces=pieces, reason="a delivery")
        return stock_command(body, reward_id=reward_id, identity=self.identity())

    def refuses(self, command: Command, refusal: Refusal) -> None:
        self.log.when(command).then_refused(refusal)

    def reward(self, reward_id: str = "mug") -> Reward:
        return self.log.batch.get(Reward, reward_stream(reward_id))


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestAReward:
    def test_takes_its_points_and_a_piece(self, shop: Shop) -> None:
        shop.do(shop.offers(stock=2))
        redeemed, handed_out = shop.do(shop.has()).facts[-2:]
        assert isinstance(redeemed, PointsRedeemed)
        assert isinstance(handed_out, RewardRedeemed)
        assert redeemed.reward_name == handed_out_name(shop)
        assert (redeemed.points, redeemed.reward_id, handed_out.left) == (30, "mug", 1)
        assert shop.buckets() == of(issued=100, spent=30, available=70)

    def test_is_made_once_and_other_terms_need_another_id(self, shop: Shop) -> None:
        made = shop.offers()
        shop.do(made)
        shop.log.when(shop.offers()).then_repeats(reward_stream("mug"))
        shop.refuses(shop.offers(points=31), no.RewardAlreadyExists(reward_id="mug"))

    def test_is_refused_for_what_cannot_be(self, shop: Shop) -> None:
        shop.refuses(
            shop.offers(starts_at=NOON, ends_at=NOON), no.WindowEndsBeforeItBegins(starts_at=NOON, ends_at=NOON)
        )
        shop.refuses(shop.offers(tiers=["Platinum"]), no.UnknownTier(tier="Platinum"))
        shop.refuses(shop.offers(segments=["nobody"]), no.UnknownSegment(segment_id="nobody"))

    @pytest.mark.parametrize(
        "what", [{"coupon": TEN_OFF["coupon"]}, {"kind": "coupon"}, {"kind": "cash_off"}, {"points": 0},
                 {"kind": "cash_off", "coupon": {"kind": "k", "valid_days": 1}}, {"per_member": 0}, {"tiers": []}]
    )  # fmt: skip
    def test_is_not_read_where_its_terms_contradict_each_other(self, shop: Shop, what: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="validation error"):
            shop.offers(**what)


def handed_out_name(shop: Shop) -> object:
    created = shop.reward().created
    assert created is not None
    return created.terms.name


class TestRefusals:
    def test_name_what_is_in_the_way_in_this_order(self, shop: Shop) -> None:
        nobody = UUID(int=9)
        shop.refuses(shop.has(member=nobody), no.UnknownMember(member_id=nobody))
        shop.refuses(shop.has(), no.UnknownReward(reward_id="mug"))
        ends = NOON + 9 * DAY
        shop.do(
            shop.offers(starts_at=NOON, ends_at=ends, tiers=["Silver"], min_lifetime_spend_minor=150_000, per_member=1,
                        min_order_spend_minor=60_000, stock=0, points=140)
        )  # fmt: skip
        window = no.RewardNotInWindow(reward_id="mug", starts_at=NOON, ends_at=ends)
        shop.refuses(shop.has(at=NOON - DAY), window)
        shop.refuses(shop.has(at=ends), window)
        shop.refuses(shop.has(), no.RewardLocked(reward_id="mug", tier="Ordinary", tiers=("Silver",), segments=()))
        shop.buys(50, id="R-2")
        order = no.SpendMissing(reward_id="mug", of="order", required_minor=60_000, missing_minor=60_000)
        shop.refuses(shop.has(), order)
        order = no.SpendMissing(reward_id="mug", of="order", required_minor=60_000, missing_minor=10_000)
        shop.refuses(shop.has(order=purchase_of("R-2")), order)
        shop.refuses(shop.has(order=purchase_of("R-1")), no.RewardOutOfStock(reward_id="mug"))
        shop.do(shop.stocks(2))
        shop.do(shop.redeem(100))
        shop.refuses(shop.has(order=purchase_of("R-1")), no.InsufficientPoints(points=140, available=50, debt=0))
        shop.do(shop.adjust(200))
        shop.do(shop.has(order=purchase_of("R-1")))
        shop.refuses(shop.has(order=purchase_of("R-1")), no.RewardLimit(reward_id="mug", per_member=1))

    def test_count_what_was_kept_of_the_order_and_of_all_purchases(self, shop: Shop) -> None:
        shop.do(shop.offers(min_lifetime_spend_minor=100_000))
        shop.do(shop.offers("cup", min_order_spend_minor=100_000))
        shop.do(shop.has())
        shop.do(shop.has("cup", order=purchase_of("R-1")))
        shop.gives_back(purchase_of("R-1"), 1)
        missing = {"required_minor": 100_000, "missing_minor": 1_000}
        shop.refuses(shop.has(), no.SpendMissing(reward_id="mug", of="lifetime", **missing))
        shop.refuses(shop.has("cup", order=purchase_of("R-1")), no.SpendMissing(reward_id="cup", of="order", **missing))

    def test_let_an_order_open_a_reward_once_as_long_as_that_is_kept(self, shop: Shop) -> None:
        shop.do(shop.offers(min_order_spend_minor=1_000, points=10))
        order = purchase_of("R-1")
        had = shop.do(shop.has(order=order))
        shop.refuses(shop.has(order=order), no.OrderAlreadyShown(reward_id="mug", purchase_id=order))
        redeemed = next(one for one in had.facts if isinstance(one, RewardRedeemed))
        shop.do(shop.reverse(redeemed.redemption_id))
        shop.do(shop.has(order=order))

    def test_tell_nothing_of_the_orders_of_others(self, shop: Shop) -> None:
        shop.do(shop.offers(min_order_spend_minor=1_000))
        shop.buys(10, id="R-2", card="1002")
        shop.refuses(shop.has(order=purchase_of("R-2")), no.UnknownPurchase(purchase_id=purchase_of("R-2")))
        shop.refuses(shop.has(order=UUID(int=9)), no.UnknownPurchase(purchase_id=UUID(int=9)))

    def test_of_a_key_are_remembered(self, shop: Shop) -> None:
        shop.do(shop.offers(stock=0))
        refusal = no.RewardOutOfStock(reward_id="mug")
        shop.refuses(shop.has(key="k"), refusal)
        shop.do(shop.stocks(1))
        shop.refuses(shop.has(key="k"), refusal)
        shop.do(shop.has(key="another"))

    def test_unite_the_limits_and_the_spending_of_those_who_are_one_person(self, shop: Shop) -> None:
        shop.do(shop.offers(per_member=1, min_lifetime_spend_minor=100_000))
        shop.do(shop.has())
        shop.do(shop.merge(ANN, BOB, at=NOON))
        shop.refuses(shop.has(), no.MemberMerged(member_id=ANN, survivor_id=BOB))
        shop.refuses(shop.has(member=BOB), no.RewardLimit(reward_id="mug", per_member=1))
        shop.do(shop.unmerge(ANN, BOB, at=NOON))
        missing = no.SpendMissing(reward_id="mug", of="lifetime", required_minor=100_000, missing_minor=100_000)
        shop.refuses(shop.has(member=BOB), missing)


class TestStock:
    def test_is_drawn_to_the_last_piece_and_added_to(self, shop: Shop) -> None:
        shop.do(shop.offers(stock=2, points=1))
        for _ in range(2):
            shop.do(shop.has())
        shop.refuses(shop.has(), no.RewardOutOfStock(reward_id="mug"))
        (stocked,) = shop.do(shop.stocks(5)).facts[-1:]
        assert (stocked.pieces, stocked.left) == (5, 5)

    def test_that_cannot_run_out_is_not_added_to(self, shop: Shop) -> None:
        shop.do(shop.offers())
        shop.refuses(shop.stocks(1), no.RewardWithoutStock(reward_id="mug"))
        shop.refuses(shop.stocks(1, "cup"), no.UnknownReward(reward_id="cup"))


class TestACouponForPoints:
    @pytest.fixture(autouse=True)
    def _ten_off(self, shop: Shop) -> None:
        shop.do(shop.offers("ten-off", TEN_OFF))

    def issued(self, shop: Shop) -> tuple[UUID, CouponIssued]:
        command = shop.has("ten-off")
        (issued,) = [one for one in shop.do(command).facts if isinstance(one, CouponIssued)]
        return command.id, issued

    def test_is_good_through_its_last_local_day(self, shop: Shop) -> None:
        redemption, issued = self.issued(shop)
        assert (issued.member_id, issued.kind, issued.amount_minor) == (ANN, "ten-off", 1_000)
        assert issued.reference == f"reward:{redemption}"
        assert (str(issued.valid_from), str(issued.valid_until)) == (
            "2023-05-02 04:00:00+00:00", "2023-05-09 16:00:00+00:00",
        )  # fmt: skip

    def test_is_void_once_the_points_are_back(self, shop: Shop) -> None:
        redemption, issued = self.issued(shop)
        facts = shop.do(shop.reverse(redemption)).facts
        assert [type(one) for one in facts[1:]] == [RedemptionReversed, RewardGivenBack, CouponVoided]
        assert shop.buckets() == of(issued=100, available=100)
        refused = shop.log.when(purchase(line(1_000), at=NOON, id="R-2", coupons=[{"code": issued.code}])).refusal
        assert refused == no.CouponVoided(code=issued.code)

    def test_that_was_used_keeps_its_points_until_its_purchase_goes_back(self, shop: Shop) -> None:
        redemption, issued = self.issued(shop)
        shop.do(purchase(line(1_000), at=NOON, id="R-2", coupons=[{"code": issued.code}]))
        shop.refuses(shop.reverse(redemption), no.CouponUsed(code=issued.code, purchase_id=purchase_of("R-2")))
        shop.do(returned(purchase_of("R-2"), at=NOON))
        shop.do(shop.reverse(redemption))
        shop.refuses(shop.reverse(redemption), no.RedemptionReversedBefore(redemption_id=redemption))

    def test_pays_for_what_earns_no_points_as_points_do(self, shop: Shop) -> None:
        _, issued = self.issued(shop)
        tenders = [Tender(kind="coupon", amount_minor=1_000), Tender(kind="cash", amount_minor=4_000)]
        bought = purchase(line(5_000), at=NOON, id="R-2", coupons=[{"code": issued.code}], tenders=tenders)
        (earned,) = [one for one in shop.do(bought).facts if isinstance(one, PointsEarned)]
        assert (earned.paid_by_points, earned.parts[0]["points"]) == ({"1": 1_000}, 4)
        shop.do(returned(bought.id, back(amount_minor=2_500), at=NOON))
        assert shop.buckets() == of(issued=104, spent=30, revoked=2, available=72)
        shop.do(returned(bought.id, at=NOON, id="T-2"))
        assert shop.buckets() == of(issued=104, spent=30, revoked=4, available=70)

    def test_of_a_gift_is_money_like_any_other(self, shop: Shop) -> None:
        body = CouponBody(time=NOON, kind="k", valid_until=NOON + DAY, amount_minor=1_000, reason="sorry")
        given = shop.do(give_coupon_command(body, member_id=ANN, identity=shop.identity())).facts[-1]
        tenders = [Tender(kind="coupon", amount_minor=1_000), Tender(kind="cash", amount_minor=4_000)]
        bought = purchase(line(5_000), at=NOON, id="R-2", coupons=[{"code": given.code}], tenders=tenders)
        (earned,) = [one for one in shop.do(bought).facts if isinstance(one, PointsEarned)]
        assert (earned.paid_by_points, earned.parts[0]["points"]) == (None, 5)

    def test_comes_back_as_a_whole_only(self, shop: Shop) -> None:
        redemption, _ = self.issued(shop)
        refused = shop.log.when(shop.reverse(redemption, 10)).refusal
        assert isinstance(refused, no.InvalidField)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["have", "reverse", "stock"]), st.booleans()), max_size=30))
def test_whatever_is_tried_pieces_and_points_add_up(steps: list[tuple[str, bool]]) -> None:
    shop = Shop()
    shop.do(shop.offers("ten-off", TEN_OFF, stock=2, per_member=3))
    shop.do(shop.adjust(50, member=BOB))
    had: list[UUID] = [UUID(int=1)]
    stocked = 2
    for step, second in steps:
        commands = {
            "have": shop.has("ten-off", member=BOB if second else ANN),
            "reverse": shop.reverse(had[0 if second else -1]),
            "stock": shop.stocks(1, "ten-off"),
        }
        result = shop.log.when(commands[step])
        if result.refusal is None:
            stocked += step == "stock"
            had += [commands[step].id] if step == "have" else []
    reward = shop.reward("ten-off")
    out = sum(reward.had.values())
    assert reward.left == stocked - out
    assert all(0 <= times <= 3 for times in reward.had.values())
    assert sum(shop.buckets(member).spent for member in (ANN, BOB)) == 30 * out
    good = [code for code in reward.coupons.values() if not shop.log.batch.get(Coupon, coupon_stream(code)).void]
    assert len(good) == out
