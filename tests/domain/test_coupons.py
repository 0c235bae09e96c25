"""Coupons: a walk over the whole state machine, each transition and each refusal by its name."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import refusals as no
from domain.basket import CouponUse
from domain.command import Command
from domain.commands.clock import CLOCK
from domain.commands.coupons import RecordCouponExpiry
from domain.coupon import (
    Coupon,
    CouponExpired,
    CouponFlagged,
    CouponIssued,
    CouponRedeemed,
    CouponRestored,
    coupon_stream,
)
from domain.messages.codes import ALPHABET, LENGTH
from domain.messages.coupons import (
    CouponBody,
    CouponReleaseBody,
    CouponReservationBody,
    CouponVoidBody,
    give_coupon_command,
    release_coupon_command,
    reserve_coupon_command,
    void_coupon_command,
)
from domain.purchase import PurchaseRecorded
from domain.refusals import Refusal
from tests.builders import ANN, BOB, brought, line, purchase, reassign, returned
from tests.domain.world import DAY, World, purchase_of
from tests.spec import NOON

UNTIL = NOON + 30 * DAY
MINUTE = timedelta(minutes=1)


class Shop(World):
    """Ann has a coupon for a week."""

    def __init__(self) -> None:
        super().__init__()
        self.code = self.gives()

    def gives(self, member: UUID = ANN, **what: Any) -> str:
        body = CouponBody.model_validate(
            {"time": NOON, "kind": "ten-off", "valid_until": UNTIL, "reason": "sorry", **what}
        )
        (issued,) = self.do(give_coupon_command(body, member_id=member, identity=self.identity())).facts[-1:]
        assert isinstance(issued, CouponIssued)
        return issued.code

    def reserve(self, *, at: Any = NOON, member: UUID = ANN, code: str | None = None, minutes: int = 15) -> Command:
        body = CouponReservationBody(time=at, member=member, minutes=minutes)
        return reserve_coupon_command(body, code=code or self.code, identity=self.identity())

    def gives_up(self, reservation: UUID, *, at: Any = NOON) -> Command:
        body = CouponReleaseBody(time=at, reservation=reservation)
        return release_coupon_command(body, code=self.code, identity=self.identity())

    def void(self, code: str | None = None) -> Command:
        return void_coupon_command(
            CouponVoidBody(time=NOON, reason="a mistake"), code=code or self.code, identity=self.identity()
        )

    def sells(self, *codes: str, at: Any = NOON, reservation: UUID | None = None, **what: Any) -> Command:
        uses = [CouponUse(code=code) for code in codes or (self.code,)]
        if reservation is not None:
            uses[0]["reservation"] = reservation
        return purchase(line(10_000), at=at, coupons=uses, **what)

    def refuses(self, command: Command, refusal: Refusal) -> None:
        self.log.when(command).then_refused(refusal)

    def coupon(self) -> Coupon:
        return self.log.batch.get(Coupon, coupon_stream(self.code))

    def kinds(self, command: Command) -> list[str]:
        return [one.stored_name.removesuffix(".v1") for one in self.do(command).facts]


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestACode:
    def test_is_drawn_by_chance_and_can_be_typed(self, shop: Shop) -> None:
        codes = {shop.gives() for _ in range(50)}
        assert len(codes) == 50
        assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)


class TestAPurchase:
    def test_redeems_the_coupon_that_it_names_and_knows_its_kind(self, shop: Shop) -> None:
        facts = shop.do(shop.sells()).facts
        assert [type(one) for one in facts][:2] == [PurchaseRecorded, CouponRedeemed]
        assert facts[0].coupon_kinds == {shop.code: "ten-off"}
        assert shop.coupon().used_by == purchase_of("R-1")

    def test_with_a_code_that_was_not_issued_is_as_it_always_was(self, shop: Shop) -> None:
        facts = shop.do(shop.sells("PAPER")).facts
        assert facts[0].coupon_kinds is None
        assert not any(isinstance(one, CouponRedeemed | CouponFlagged) for one in facts)

    @pytest.mark.parametrize(
        ("before", "what", "name"),
        [
            ([], {"card": "1002"}, "coupon-not-yours"),
            ([], {"card": "nobody's"}, "coupon-not-yours"),
            ([], {"card": None}, "coupon-not-yours"),
            (["void"], {}, "coupon-voided"),
            (["sells"], {"id": "R-2"}, "coupon-used"),
            ([], {"at": NOON - DAY}, "coupon-not-yet-valid"),
            ([], {"at": UNTIL}, "coupon-expired"),
            (["reserve"], {}, "coupon-reserved"),
        ],
    )
    def test_is_refused_for_its_coupon_where_somebody_hears_it_and_recorded_and_flagged_where_nobody_does(
        self, shop: Shop, before: list[str], what: dict[str, Any], name: str
    ) -> None:
        for step in before:
            shop.do(getattr(shop, step)())
        used_by = shop.coupon().used_by
        refused = shop.log.when(shop.sells(**what)).refusal
        assert refused is not None
        assert refused.name == name
        facts = shop.do(shop.sells(**what, answered=False)).facts
        (flagged,) = [one for one in facts if isinstance(one, CouponFlagged)]
        assert (flagged.member_id, flagged.problem) == (ANN, name)
        assert facts[0].coupon_kinds is None
        assert shop.coupon().used_by == used_by

    def test_uses_a_coupon_once_though_it_is_named_twice(self, shop: Shop) -> None:
        shop.refuses(shop.sells(shop.code, shop.code), no.CouponUsed(code=shop.code, purchase_id=purchase_of("R-1")))
        facts = shop.do(shop.sells(shop.code, shop.code, answered=False)).facts
        assert [type(one) for one in facts[1:3]] == [CouponRedeemed, CouponFlagged]

    def test_of_the_survivor_uses_the_coupon_of_who_was_merged_and_not_after_they_are_parted(self, shop: Shop) -> None:
        shop.do(shop.merge(ANN, BOB, at=NOON))
        shop.do(shop.sells(card="1002"))
        shop.do(returned(purchase_of("R-1"), at=NOON))
        shop.do(shop.unmerge(ANN, BOB, at=NOON))
        shop.refuses(shop.sells(card="1002", id="R-2"), no.CouponNotYours(code=shop.code))
        shop.do(shop.sells(id="R-2"))


class TestAReservation:
    def test_keeps_the_coupon_for_the_purchase_that_names_it(self, shop: Shop) -> None:
        reserved = shop.do(shop.reserve()).facts[-1]
        shop.refuses(shop.reserve(), no.CouponReserved(code=shop.code, until=NOON + 15 * MINUTE))
        shop.do(shop.sells(reservation=reserved.reservation_id))

    def test_is_given_up_once(self, shop: Shop) -> None:
        reserved = shop.do(shop.reserve()).facts[-1]
        shop.do(shop.gives_up(reserved.reservation_id))
        shop.refuses(shop.gives_up(reserved.reservation_id), no.CouponNotReserved(code=shop.code))
        shop.do(shop.sells())

    def test_times_out_by_itself_by_business_time(self, shop: Shop) -> None:
        reserved = shop.do(shop.reserve()).facts[-1]
        over = NOON + 15 * MINUTE
        shop.refuses(shop.sells(at=over - MINUTE), no.CouponReserved(code=shop.code, until=over))
        shop.refuses(shop.gives_up(reserved.reservation_id, at=over), no.CouponNotReserved(code=shop.code))
        other = shop.do(shop.reserve(at=over)).facts[-1]
        assert other.until == over + 15 * MINUTE
        shop.refuses(shop.gives_up(reserved.reservation_id, at=over), no.CouponNotReserved(code=shop.code))

    def test_is_for_the_member_whose_coupon_it_is(self, shop: Shop) -> None:
        shop.refuses(shop.reserve(member=BOB), no.CouponNotYours(code=shop.code))
        shop.refuses(shop.reserve(code="PAPER"), no.CouponUnknown(code="PAPER"))


class TestAVoid:
    def test_ends_it_and_its_reservation(self, shop: Shop) -> None:
        shop.do(shop.reserve())
        shop.do(shop.void())
        for command in (shop.sells(), shop.reserve(), shop.void()):
            shop.refuses(command, no.CouponVoided(code=shop.code))
        shop.refuses(shop.void("PAPER"), no.CouponUnknown(code="PAPER"))

    def test_of_a_used_coupon_is_refused(self, shop: Shop) -> None:
        shop.do(shop.sells())
        shop.refuses(shop.void(), no.CouponUsed(code=shop.code, purchase_id=purchase_of("R-1")))


class TestWhatGoesBack:
    def test_in_part_keeps_it_used_and_all_of_it_restores_it(self, shop: Shop) -> None:
        shop.do(shop.sells())
        shop.gives_back(purchase_of("R-1"), 4)
        assert shop.coupon().used_by is not None
        facts = shop.do(returned(purchase_of("R-1"), at=NOON, id="T-9")).facts
        assert [one for one in facts if isinstance(one, CouponRestored)]
        shop.do(shop.sells(id="R-2"))

    def test_too_late_restores_nothing(self, shop: Shop) -> None:
        shop.do(shop.sells())
        facts = shop.do(returned(purchase_of("R-1"), at=UNTIL)).facts
        assert not [one for one in facts if isinstance(one, CouponRestored)]
        assert shop.coupon().used_by == purchase_of("R-1")

    def test_in_an_exchange_or_with_a_reassignment_restores_it_as_well(self, shop: Shop) -> None:
        shop.do(shop.sells())
        goods = brought({"line": "1", "quantity": 1, "amount_minor": 10_000})
        shop.do(purchase(line(10_000), at=NOON, id="R-2", brought=[goods]))
        shop.do(shop.sells(id="R-3"))
        shop.do(reassign(purchase_of("R-3"), member=BOB, at=NOON))
        shop.do(shop.sells(id="R-4"))

    def test_before_the_purchase_arrives_restores_it_with_it(self, shop: Shop) -> None:
        shop.do(returned(purchase_of("R-1"), at=NOON))
        facts = shop.do(shop.sells(answered=False)).facts
        assert [type(one) for one in facts if isinstance(one, CouponRedeemed | CouponRestored)] == [
            CouponRedeemed, CouponRestored,
        ]  # fmt: skip


class TestTheClock:
    def test_records_the_expiry_at_its_instant_once_and_decides_nothing(self, shop: Shop) -> None:
        look = RecordCouponExpiry.of(coupon_stream(shop.code), now=UNTIL + DAY)
        assert shop.log.when(RecordCouponExpiry.of(look.coupon, now=UNTIL - MINUTE)).facts == []
        (expired,) = shop.do(look).facts
        assert isinstance(expired, CouponExpired)
        assert (expired.occurred_at, expired.actor) == (UNTIL, CLOCK)
        assert shop.do(look).facts == []
        shop.do(shop.sells(at=UNTIL - MINUTE))
        shop.do(returned(purchase_of("R-1"), at=UNTIL - MINUTE))
        assert shop.kinds(look) == ["CouponExpired"], "it was restored, and not used again"

    def test_says_nothing_of_what_was_used_or_taken_back(self, shop: Shop) -> None:
        for command in (shop.sells(), shop.void(shop.gives())):
            shop.do(command)
        assert shop.do(RecordCouponExpiry.of(coupon_stream(shop.code), now=UNTIL)).facts == []


class TestStaff:
    def test_gives_coupons_to_members_only_and_for_some_time(self, shop: Shop) -> None:
        body = CouponBody(time=NOON, kind="k", valid_from=UNTIL, valid_until=UNTIL, reason="r")
        nobody = UUID(int=9)
        shop.refuses(
            give_coupon_command(body, member_id=nobody, identity=shop.identity()), no.UnknownMember(member_id=nobody)
        )
        shop.refuses(
            give_coupon_command(body, member_id=ANN, identity=shop.identity()),
            no.WindowEndsBeforeItBegins(starts_at=UNTIL, ends_at=UNTIL),
        )


STEPS = ("sell", "return", "reserve", "release", "void", "expire", "sell-unheard")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 40)), max_size=25))
def test_whatever_is_tried_a_coupon_is_in_one_state_and_used_by_one_purchase_at_a_time(
    steps: list[tuple[str, int]],
) -> None:
    shop, sold, reservations, used = Shop(), [purchase_of("R-0")], [UUID(int=1)], 0
    for number, (step, days) in enumerate(steps):
        at = NOON + days * DAY
        commands = {
            "sell": shop.sells(at=at, id=f"R-{number}"),
            "sell-unheard": shop.sells(at=at, id=f"R-{number}", answered=False),
            "return": returned(sold[-1], at=at, id=f"T-{number}", strictly=True),
            "reserve": shop.reserve(at=at, minutes=24 * 60),
            "release": shop.gives_up(reservations[-1], at=at),
            "void": shop.void(),
            "expire": RecordCouponExpiry.of(coupon_stream(shop.code), now=at),
        }
        for one in shop.log.when(commands[step]).facts:
            if isinstance(one, CouponRedeemed):
                used += 1
                sold.append(one.purchase_id)
            used -= isinstance(one, CouponRestored)
            reservations += [one.reservation_id] if hasattr(one, "reservation_id") else []
        coupon = shop.coupon()
        assert used == (coupon.used_by is not None)
        assert not (coupon.void and coupon.used_by)
