"""What campaigns give to whom, and how much of it: audiences, budgets, limits, discounts, coupons (rules 4, 10)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as forall
from hypothesis import settings, strategies

from domain.campaign import CATALOGUE_ID, BudgetDrawn, Campaign, SegmentListed, campaign_stream
from domain.campaign_terms import Budget
from domain.coupon import Coupon, CouponIssued, coupon_stream
from domain.criteria import Definition
from domain.movements import PointsEarned, PointsRevoked
from domain.refusals import UnknownMembers, UnknownSegment, UnknownTier
from domain.segment import SegmentDefined, segment_stream
from tests.builders import (
    ANN,
    BOB,
    back,
    campaign_created,
    create_campaign,
    join,
    line,
    listed,
    policy,
    purchase,
    reassign,
    returned,
)
from tests.domain.world import NEVER, World
from tests.spec import NOON, fact

DAY = timedelta(days=1)


class Shop(World):
    """Ann and Bob buy while a campaign runs; the stores are numbered on, as a bonus counts once per store and day."""

    def __init__(self, campaign_id: str = "gift", **terms: Any) -> None:
        super().__init__(policy(expiry=NEVER))
        self.campaign_id = campaign_id
        self.also(campaign_id, **({"bonus_points": 50} | terms if "multiplier" not in terms else terms))

    def also(self, campaign_id: str, **terms: Any) -> None:
        self.do(create_campaign(campaign_id, at=NOON, key=f"new-{campaign_id}", **terms))

    def sells(
        self, paid: int = 1_000, *, card: str = "1001", at: Any = NOON, store: str | None = None, **what: Any
    ) -> Any:
        """A purchase; answers its id and the points of its campaigns."""
        number = next(self.numbers)
        command = purchase(line(paid), at=at, id=f"R-{number}", card=card, store=store or str(number), **what)
        earned = next(one for one in self.do(command).facts if isinstance(one, PointsEarned))
        return command.id, {part["part"]: part["points"] for part in earned.parts if part["part"] != "base"}

    def takes_back(self, purchase_id: UUID, amount: int | None = None, *, at: Any = NOON) -> dict[str, int]:
        """All, or so much money; answers the points that are taken back by part."""
        lines = [] if amount is None else [back(amount_minor=amount)]
        result = self.do(returned(purchase_id, *lines, at=at, id=f"T-{next(self.numbers)}"))
        return {p["part"]: p["points"] for f in result.facts if isinstance(f, PointsRevoked) for p in f.parts}

    @property
    def campaign(self) -> Campaign:
        return self.log.batch.get(Campaign, campaign_stream(self.campaign_id))


class TestBudgets:
    def test_are_used_to_the_last_point(self) -> None:
        shop = Shop(budget={"points": 120})
        assert [shop.sells()[1] for _ in range(4)] == [{"gift": 50}, {"gift": 50}, {"gift": 20}, {}]
        assert (shop.campaign.used, shop.campaign.left) == (120, 0)

    def test_that_refuse_give_all_of_a_grant_or_nothing_and_a_smaller_one_still_fits(self) -> None:
        shop = Shop(multiplier="2", budget={"points": 12, "mode": "refuse"})
        assert [shop.sells(paid)[1] for paid in (10_000, 3_000, 2_000, 1_000)] == [{"gift": 10}, {}, {"gift": 2}, {}]

    def test_what_a_grant_would_have_been_is_kept_with_it(self) -> None:
        shop = Shop(budget={"points": 30})
        result = shop.do(purchase(line(1_000), at=NOON))
        part = result.facts[1].parts[1]
        assert (part["points"], part["uncapped"]) == (30, 50)
        assert next(one for one in result.facts if isinstance(one, BudgetDrawn)).points == 30

    def test_bonus_50_of_which_a_budget_granted_30_full_return_claws_30(self) -> None:
        shop = Shop(budget={"points": 30})
        bought, granted = shop.sells()
        assert granted == {"gift": 30}
        assert shop.takes_back(bought) == {"base": 1, "gift": 30}
        assert (shop.campaign.used, shop.campaign.left) == (0, 30)

    def test_a_return_takes_from_a_capped_part_only_what_the_rest_does_not_earn(self) -> None:
        shop = Shop(multiplier="2", budget={"points": 6})
        bought, granted = shop.sells(10_000)
        assert granted == {"gift": 6}
        assert shop.takes_back(bought, 3_000) == {"base": 3}
        assert shop.takes_back(bought, 3_000) == {"base": 3, "gift": 2}
        assert shop.campaign.left == 2

    def test_what_a_return_gave_back_is_granted_again_within_the_window(self) -> None:
        shop = Shop(budget={"points": 50}, ends_at=NOON + DAY)
        bought, _ = shop.sells()
        assert shop.sells()[1] == {}
        shop.takes_back(bought)
        assert shop.sells()[1] == {"gift": 50}

    def test_what_comes_back_after_the_window_is_credited_and_never_granted_again(self) -> None:
        shop = Shop(budget={"points": 50}, ends_at=NOON + DAY)
        bought, _ = shop.sells()
        shop.takes_back(bought, at=NOON + DAY)
        assert (shop.campaign.used, shop.campaign.left) == (0, 0)
        assert shop.sells(at=NOON)[1] == {}, "it was made within the window, and arrived late"

    def test_a_purchase_put_right_after_the_window_takes_its_share_along(self) -> None:
        shop = Shop(budget={"points": 50}, ends_at=NOON + DAY)
        bought, _ = shop.sells()
        facts = shop.do(reassign(bought, at=NOON + 2 * DAY, member=BOB)).facts
        (again,) = [one for one in facts if isinstance(one, PointsEarned)]
        assert {part["part"]: part["points"] for part in again.parts} == {"base": 1, "gift": 50}
        assert (shop.campaign.used, shop.campaign.too_late, shop.campaign.left) == (50, 0, 0)
        shop.takes_back(again.purchase_id, at=NOON + 3 * DAY)
        assert (shop.campaign.used, shop.campaign.left) == (0, 0)

    def test_a_purchase_that_was_refused_is_not_revisited(self) -> None:
        shop = Shop(budget={"points": 50})
        first, _ = shop.sells()
        second, nothing = shop.sells()
        assert nothing == {}
        shop.takes_back(first)
        assert shop.takes_back(second, 500) == {"base": 1}
        assert shop.account().credited[second].lots[0].part == "base"

    def test_the_order_of_recording_decides_who_gets_the_rest_and_business_time_the_window(self) -> None:
        shop = Shop(budget={"points": 50}, starts_at=NOON, ends_at=NOON + DAY)
        assert shop.sells(at=NOON + DAY)[1] == {}
        assert shop.sells(at=NOON - timedelta(seconds=1))[1] == {}
        assert shop.sells(at=NOON + DAY - timedelta(seconds=1))[1] == {"gift": 50}
        assert shop.sells(at=NOON)[1] == {}

    def test_a_line_goes_to_the_next_campaign_once_the_budget_of_its_own_is_used_up(self) -> None:
        shop = Shop(multiplier="3", priority=1, budget={"points": 2})
        shop.also("second", multiplier="2")
        assert [shop.sells()[1] for _ in range(2)] == [{"gift": 2}, {"second": 1}]

    def test_without_a_mode_the_programme_says_how_a_budget_ends(self) -> None:
        world = World(policy(expiry=NEVER, campaigns={"budget_mode": "refuse"}))
        world.do(create_campaign("gift", at=NOON, bonus_points=50, budget={"points": 30, "mode": None}))
        terms = world.log.batch.get(Campaign, campaign_stream("gift")).terms
        assert terms is not None
        assert terms.budget == Budget(points=30, mode="refuse")

    @settings(max_examples=40, deadline=None)
    @forall(
        strategies.lists(strategies.tuples(strategies.integers(0, 9), strategies.integers(0, 4)), max_size=12),
        strategies.integers(1, 40), strategies.sampled_from(["refuse", "grant_remaining"]),
    )  # fmt: skip
    def test_are_never_exceeded_and_hold_what_was_granted_and_not_taken_back(
        self, story: list[tuple[int, int]], budget: int, mode: str
    ) -> None:
        shop = Shop(multiplier="3", budget={"points": budget, "mode": mode})
        bought: list[UUID] = []
        for thousands, undo in story:
            bought.append(shop.sells(thousands * 1_000)[0])
            if not undo:
                shop.takes_back(bought.pop(0))
            lots = [lot for one in shop.account().credited.values() for lot in one.lots if lot.part == "gift"]
            assert shop.campaign.used == sum(lot.points - lot.clawed for lot in lots) <= budget
            assert shop.campaign.left == budget - shop.campaign.used


class TestLimits:
    def test_of_points_leave_a_member_the_rest_of_them_and_other_members_theirs(self) -> None:
        shop = Shop(limits={"per_window": {"points": 70}})
        assert [shop.sells()[1] for _ in range(3)] == [{"gift": 50}, {"gift": 20}, {}]
        assert shop.sells(card="1002")[1] == {"gift": 50}

    def test_per_day_begin_anew_with_the_local_day(self) -> None:
        shop = Shop(limits={"per_day": {"uses": 1}, "per_window": {"uses": 2}})
        days = [NOON, NOON, NOON + DAY, NOON + 2 * DAY]
        assert [shop.sells(at=at)[1] for at in days] == [{"gift": 50}, {}, {"gift": 50}, {}]

    def test_are_given_back_by_a_full_return(self) -> None:
        shop = Shop(limits={"per_window": {"uses": 1}})
        bought, _ = shop.sells()
        assert shop.sells()[1] == {}
        assert shop.takes_back(bought) == {"base": 1, "gift": 50}
        assert shop.sells()[1] == {"gift": 50}

    def test_are_not_given_back_after_the_window(self) -> None:
        shop = Shop(limits={"per_window": {"uses": 1}}, ends_at=NOON + DAY)
        bought, _ = shop.sells()
        shop.takes_back(bought, at=NOON + DAY)
        assert shop.sells()[1] == {}

    def test_unite_when_members_merge(self) -> None:
        shop = Shop(limits={"per_window": {"points": 70}})
        shop.sells()
        shop.sells(card="1002")
        shop.do(shop.merge(ANN, BOB, at=NOON))
        assert shop.sells(card="1001")[1] == {}

    def test_a_line_goes_to_the_next_campaign_once_a_member_had_enough(self) -> None:
        shop = Shop(multiplier="3", priority=1, limits={"per_window": {"uses": 1}})
        shop.also("second", multiplier="2")
        assert [shop.sells()[1] for _ in range(2)] == [{"gift": 2}, {"second": 1}]


class TestAudiences:
    def test_tiers_are_those_before_the_sale_counts(self) -> None:
        shop = Shop(everyone=False, tiers=["Silver", "Gold"])
        assert shop.sells(10_000_000)[1] == {}
        assert shop.sells()[1] == {"gift": 50}
        assert shop.sells(card="1002")[1] == {}

    def test_a_segment_is_judged_at_the_time_of_the_sale_and_without_it(self) -> None:
        definition = Definition.model_validate({"behaviour": {"visits_at_least": 2}})
        defined = fact(
            SegmentDefined, originator_id=segment_stream("regulars"), segment_id="regulars", version=1, title="Regulars",
            effective_from=NOON - DAY, definition=definition, fingerprint="f",
        )  # fmt: skip
        entered = fact(SegmentListed, originator_id=CATALOGUE_ID, segment_id="regulars")
        made = campaign_created("gift", bonus_points=50, everyone=False, segment="regulars")
        world = World(None, defined, entered, made, listed("gift"))
        bought = [world.buys(1, at=NOON, id=f"R-{number}", store=str(number)) for number in range(3)]
        credited = world.account().credited
        assert [[lot.part for lot in credited[one].lots] for one in bought] == [["base"], ["base"], ["base", "gift"]]

    def test_members_are_known_by_then(self) -> None:
        nobody = [uuid4() for _ in range(7)]
        command = create_campaign("c", at=NOON, bonus_points=1, everyone=False, member_ids=[ANN, *nobody])
        refusal = World().log.when(command).refusal
        assert refusal == UnknownMembers(member_ids=nobody[:5], count=7)

    def test_tiers_and_segments_are_known_by_then(self) -> None:
        world = World()
        tiers = create_campaign("c", at=NOON, bonus_points=1, everyone=False, tiers=["Silver", "Purple"])
        assert world.log.when(tiers).refusal == UnknownTier(tier="Purple")
        segment = create_campaign("c", at=NOON, bonus_points=1, everyone=False, segment="nobody")
        assert world.log.when(segment).refusal == UnknownSegment(segment_id="nobody")


class TestConditions:
    @pytest.mark.parametrize(("code", "granted"), [("SUMMER", {"gift": 50}), ("WINTER", {})])
    def test_a_coupon_is_handed_in(self, code: str, granted: dict[str, int]) -> None:
        shop = Shop(coupon="SUMMER")
        assert shop.sells()[1] == {}
        assert shop.sells(coupons=[{"code": code}])[1] == granted


class TestCoupons:
    def test_are_issued_with_a_purchase_once_a_day_and_store(self) -> None:
        shop = Shop(bonus_points=None, gift={"kind": "coffee", "valid_days": 30})
        result = shop.do(purchase(line(1_000), at=NOON, store="1"))
        issued = next(one for one in result.facts if isinstance(one, CouponIssued))
        assert (issued.kind, issued.member_id, issued.reference) == ("coffee", ANN, "campaign:gift")
        assert issued.valid_from == NOON
        assert issued.valid_until == NOON.replace(day=1, month=6, hour=16), "the 30th local day in Shanghai is over"
        again = shop.do(purchase(line(1_000), at=NOON, store="1", id="R-2"))
        assert not [one for one in again.facts if isinstance(one, CouponIssued)]

    def test_open_campaigns_that_ask_for_their_kind(self) -> None:
        shop = Shop(bonus_points=None, gift={"kind": "coffee", "valid_days": 30})
        shop.also("coffee", bonus_points=7, coupon_kind="coffee")
        result = shop.do(purchase(line(1_000), at=NOON))
        code = next(one.code for one in result.facts if isinstance(one, CouponIssued))
        sold = shop.do(purchase(line(1_000), at=NOON, id="R-typed", coupons=[{"code": "coffee"}]))
        parts = [part["part"] for one in sold.facts if isinstance(one, PointsEarned) for part in one.parts]
        assert "coffee" not in parts, "its kind is no code"
        assert shop.sells(coupons=[{"code": code}])[1]["coffee"] == 7

    def test_are_limited_like_anything_else(self) -> None:
        shop = Shop(bonus_points=None, gift={"kind": "coffee", "valid_days": 30}, limits={"per_window": {"uses": 1}})
        assert [shop.sells()[1] for _ in range(2)] == [{"gift": 0}, {}]


COFFEE: dict[str, Any] = {"bonus_points": None, "gift": {"kind": "coffee", "valid_days": 30}}


class TestCouponsOfGoodsThatCameBack:
    """A purchase brings a coupon, once in the window."""

    @pytest.fixture
    def shop(self) -> Shop:
        return Shop(**COFFEE, limits={"per_window": {"uses": 1}})

    @staticmethod
    def good(shop: Shop) -> list[UUID]:
        """Whose coupons can be used."""
        codes = [one.code for one in shop.log.batch.facts if isinstance(one, CouponIssued)]
        coupons = [shop.log.batch.get(Coupon, coupon_stream(code)) for code in codes]
        return [one.issued.member_id for one in coupons if one.issued and not one.void and one.used_by is None]

    def test_are_void_and_given_again_never_more_than_the_limit_at_once(self, shop: Shop) -> None:
        for day in range(4):
            bought, granted = shop.sells(at=NOON + day * DAY)
            assert (granted, self.good(shop)) == ({"gift": 0}, [ANN])
            shop.takes_back(bought, at=NOON + day * DAY)
            assert self.good(shop) == []

    def test_stay_with_what_still_reaches_the_minimum_and_go_once(self) -> None:
        shop = Shop(**COFFEE, minimum_paid_minor=1_000)
        bought, _ = shop.sells(3_000)
        assert (shop.takes_back(bought, 1_000), self.good(shop)) == ({"base": 1}, [ANN])
        assert (shop.takes_back(bought, 1_500), self.good(shop)) == ({"base": 2, "gift": 0}, [])
        assert shop.takes_back(bought) == {}

    def test_count_for_ever_once_they_were_used(self, shop: Shop) -> None:
        bought, _ = shop.sells(store="1")
        code = next(one.code for one in shop.log.batch.facts if isinstance(one, CouponIssued))
        other, _ = shop.sells(coupons=[{"code": code}])
        shop.takes_back(bought)
        shop.takes_back(other)
        assert shop.log.batch.get(Coupon, coupon_stream(code)).used_by is not None
        assert (shop.sells(store="1")[1], self.good(shop)) == ({}, [])

    def test_go_to_the_new_holder_of_a_purchase(self, shop: Shop) -> None:
        bought, _ = shop.sells()
        shop.do(reassign(bought, at=NOON + DAY, member=BOB))
        assert self.good(shop) == [BOB]

    def test_are_void_where_the_goods_were_back_before_the_buyer_was_known(self, shop: Shop) -> None:
        kept = purchase(line(1_000), at=NOON, card="77")
        shop.do(kept)
        shop.takes_back(kept.id)
        shop.do(join(UUID(int=7), at=NOON - DAY, card="77"))
        assert (shop.account(UUID(int=7)).credited[kept.id].gone, self.good(shop)) == (True, [])
