"""Points and coupons that a quote reserves: held and kept for its sale, and free again without it (rules 12)."""

import pytest

from domain.basket import CouponUse
from domain.coupon import Coupon, CouponIssued, CouponRedeemed, CouponReserved, coupon_stream
from domain.messages.coupons import CouponBody, give_coupon_command
from domain.movements import HoldReleased, PointsHeld, PointsRedeemed
from domain.refusals import AboveShareOfBill, InsufficientPoints, Refusal
from domain.refusals import CouponReserved as CouponIsReserved
from domain.reservation import QuoteReserved
from tests.builders import ANN, line, purchase
from tests.domain.quoting import LATER, MINUTE, OVER, carried_out, releasing, reserve, reserving, sold
from tests.domain.world import DAY, World
from tests.spec import NOON


class TestPoints:
    def test_are_held_and_captured_by_the_sale(self) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE, id="R-0")
        facts = world.do(reserving(world, line(15_000), points=300)).facts
        (held,) = [one for one in facts if isinstance(one, PointsHeld)]
        assert (held.points, held.amount_minor, held.until) == (300, 3_000, OVER)
        assert world.log.when(world.redeem(1_800, at=LATER)).refusal == InsufficientPoints(
            points=1_800, available=1_700, debt=0
        )
        world.do(world.redeem(1_700, at=LATER))
        aside = next(one for one in facts if isinstance(one, QuoteReserved))
        redeemed = [
            one for one in sold(world, aside, line(15_000), points_minor=3_000).facts if isinstance(one, PointsRedeemed)
        ]
        assert [(one.points, one.hold_id, one.debt) for one in redeemed] == [(300, held.hold_id, 0)]
        assert world.buckets(at=LATER).held == 0

    def test_are_free_again_where_the_sale_is_paid_otherwise(self) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE, id="R-0")
        aside = reserve(world, line(15_000), points=300)
        facts = sold(world, aside, line(15_000)).facts
        assert [type(one) for one in facts if isinstance(one, HoldReleased | PointsRedeemed)] == [HoldReleased]
        assert world.buckets(at=LATER).available == 2_015

    def test_are_free_again_once_released_or_over(self) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE, id="R-0")
        first, _ = (reserve(world, line(200_000), points=1_000) for _ in range(2))
        assert world.buckets().available == 0
        world.do(releasing(world, first, at=LATER))
        assert world.buckets(at=LATER).available == 1_000
        assert world.buckets(at=OVER).available == 2_000

    @pytest.mark.parametrize(
        ("points", "refusal"),
        [(2_100, InsufficientPoints), (3_000, AboveShareOfBill)],
    )
    def test_that_are_not_there_are_refused_and_a_delayed_duplicate_as_well(
        self, points: int, refusal: type[Refusal]
    ) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE, id="R-0")
        command = reserving(world, line(42_000), points=points, key="k")
        assert type(world.log.when(command).refusal) is refusal
        world.buys(2_000, at=NOON - MINUTE, id="R-00")
        again = reserving(world, line(42_000), points=points, key="k")
        assert type(world.log.when(again).refusal) is refusal


class TestCoupons:
    def given(self, world: World) -> str:
        body = CouponBody(kind="soup", valid_from=NOON - DAY, valid_until=NOON + DAY, reason="thanks", time=NOON)
        facts = world.do(give_coupon_command(body, member_id=ANN, identity=world.identity())).facts
        return next(one.code for one in facts if isinstance(one, CouponIssued))

    def coupon(self, world: World, code: str) -> Coupon:
        return world.log.batch.get(Coupon, coupon_stream(code))

    def test_are_reserved_for_the_quote_and_used_by_its_sale(self) -> None:
        world = World()
        code = self.given(world)
        aside = reserve(world, line(1_000), coupons=[CouponUse(code=code)])
        assert aside.coupons == (code,)
        held = self.coupon(world, code).reservation(LATER)
        assert held is not None
        assert (held.reservation_id, held.until) == (aside.quote.id, OVER)
        other = purchase(line(1_000), at=LATER, id="R-2", coupons=[CouponUse(code=code)])
        assert world.log.when(other).refusal == CouponIsReserved(code=code, until=OVER)
        facts = sold(world, aside, coupons=[CouponUse(code=code)]).facts
        assert [one.code for one in facts if isinstance(one, CouponRedeemed)] == [code]

    def test_that_are_only_paper_to_us_are_nobodys_business(self) -> None:
        world = World()
        aside = reserve(world, line(1_000), coupons=[CouponUse(code="PAPER")])
        assert aside.coupons == ()
        sold(world, aside, coupons=[CouponUse(code="PAPER")])

    def test_that_were_reserved_before_pass_on_to_the_quote_that_names_the_reservation(self) -> None:
        world = World()
        code = self.given(world)
        first = reserve(world, line(1_000), coupons=[CouponUse(code=code)])
        use = CouponUse(code=code, reservation=first.quote.id)
        second = reserve(world, line(1_000), coupons=[use])
        facts = sold(world, second, coupons=[use]).facts
        assert [one.code for one in facts if isinstance(one, CouponRedeemed)] == [code]

    def test_are_free_again_once_released_unless_they_were_passed_on(self) -> None:
        world = World()
        code = self.given(world)
        first = reserve(world, line(1_000), coupons=[CouponUse(code=code)])
        second = reserve(world, line(1_000), coupons=[CouponUse(code=code, reservation=first.quote.id)])
        world.do(releasing(world, first, at=LATER))
        assert self.coupon(world, code).reservation(LATER) is not None
        world.do(releasing(world, second, at=LATER))
        assert self.coupon(world, code).reservation(LATER) is None

    def test_that_somebody_else_reserved_are_refused(self) -> None:
        world = World()
        code = self.given(world)
        facts = world.do(reserving(world, line(1_000), coupons=[CouponUse(code=code)])).facts
        assert [one.until for one in facts if isinstance(one, CouponReserved)] == [OVER]
        with pytest.raises(CouponIsReserved):
            carried_out(world, reserving(world, line(1_000), coupons=[CouponUse(code=code)]))
