"""Referrals: codes, and who may join by them (rules 11)."""

from uuid import uuid4

import pytest
from pydantic import ValidationError

from domain.basket import CouponUse
from domain.commands.referees import code_claim
from domain.coupon import CouponIssued
from domain.messages.corrections import ClosureBody, closure_command
from domain.messages.members import erase_command
from domain.messages.referrals import LENGTH, ReferralBody, referral_command
from domain.receipt import Receipt
from domain.referral import (
    Referrer,
    referrer_stream,
)
from domain.refusals import (
    CardAlreadyAssigned,
    CouponVoided,
    MemberAlreadyExists,
    ReferralCapReached,
    ReferralCodeIssuedBefore,
    ReferralCodeTaken,
    ReferralCycle,
    ReferralNotHeld,
    ReferralOfMember,
    ReferralOfOneself,
    ReferralsNotOffered,
    SecondReferrer,
    UnknownReferral,
    UnknownReferralCode,
)
from tests.builders import ANN, BOB, join, line, policy, purchase
from tests.domain.referring import CODE, HOUR, KIM, LEE, OTHER_CODE, TERMS, Referring, rules
from tests.domain.world import DAY, NEVER, World
from tests.spec import NOON


@pytest.fixture
def world() -> Referring:
    return Referring()


class TestCodes:
    def test_a_code_is_random_and_stays_the_same_whoever_asks_again(self) -> None:
        world = World(rules())
        ask = referral_command(ReferralBody(referrer=ANN), identity=world.identity(), now=NOON)
        (claimed, issued) = world.do(ask).facts
        assert len(issued.code) == LENGTH
        assert issued.code not in str(ANN).upper()
        again = referral_command(ReferralBody(referrer=ANN), identity=world.identity(), now=NOON + DAY)
        assert again.code != issued.code
        world.log.when(again).then_repeats(code_claim(ANN))
        assert (claimed.target, world.log.batch.get(Receipt, code_claim(ANN)).version) == (issued.code, 1)

    def test_another_code_for_a_member_who_has_one_and_one_that_another_has_are_refused(self, world: Referring) -> None:
        world.refuses(world.asks(code="SOMETHING-ELSE"), ReferralCodeIssuedBefore(member_id=ANN, code=CODE))
        world.refuses(world.asks(BOB), ReferralCodeTaken(code=CODE))

    def test_a_programme_without_the_section_offers_no_referrals(self) -> None:
        world = World()
        refusal = ReferralsNotOffered(programme="member_experience")
        ask = referral_command(ReferralBody(referrer=ANN), identity=world.identity(), now=NOON)
        world.log.when(ask).then_refused(refusal)
        world.log.when(join(KIM, at=NOON, card="2001", referral_code=CODE)).then_refused(refusal)


class TestJoining:
    @pytest.mark.parametrize("code", ["13812345678", "138-1234-5678", "1381234567A"])
    def test_a_phone_number_is_no_code(self, code: str) -> None:
        with pytest.raises(ValidationError, match="phone number"):
            ReferralBody(referrer=ANN, code=code)

    def test_a_member_who_joins_by_a_code_is_referred(self, world: Referring) -> None:
        world.kim_joins()
        assert world.referral().state == "joined"
        assert world.account(KIM).referred_by == referrer_stream(CODE)

    def test_the_same_join_again_is_a_repeat(self, world: Referring) -> None:
        world.kim_joins()
        for _ in range(10):
            world.log.when(world.joins()).then_repeats(KIM)
        assert len(world.log.batch.get(Referrer, referrer_stream(CODE)).referrals) == 1

    def test_an_unknown_code_is_refused_and_nobody_joins(self, world: Referring) -> None:
        world.refuses(world.joins(code="NOBODYS-CODE"), UnknownReferralCode(code="NOBODYS-CODE"))
        assert not world.account(KIM).exists

    def test_the_code_of_one_who_left_is_unknown(self, world: Referring) -> None:
        closing = ClosureBody(reason="left", time=NOON)
        world.do(closure_command(closing, member_id=ANN, identity=world.identity()))
        world.refuses(world.joins(), UnknownReferralCode(code=CODE))

    def test_oneself_by_ones_own_member_id_or_card_is_refused(self, world: Referring) -> None:
        world.refuses(world.joins(ANN, card="2001"), ReferralOfOneself(code=CODE))
        world.refuses(world.joins(KIM, card="1001"), ReferralOfOneself(code=CODE))

    def test_oneself_with_a_card_that_one_held_before_is_refused(self, world: Referring) -> None:
        world.do(world.merge(BOB, ANN, at=NOON))  # Ann holds the card of Bob
        world.do(world.unmerge(BOB, ANN, at=NOON + HOUR))
        world.do(erase_command(BOB, reason="request", identity=world.identity(), now=NOON + 2 * HOUR))
        world.refuses(world.joins(KIM, card="1002", at=NOON + DAY), ReferralOfOneself(code=CODE))

    def test_somebody_who_was_a_member_before_is_refused(self, world: Referring) -> None:
        world.do(erase_command(BOB, reason="request", identity=world.identity(), now=NOON))
        world.refuses(world.joins(KIM, card="1002", at=NOON + DAY), ReferralOfMember(member_id=BOB))

    def test_an_existing_member_is_refused(self, world: Referring) -> None:
        world.refuses(world.joins(BOB, card="2001"), ReferralOfMember(member_id=BOB))
        world.refuses(world.joins(KIM, card="1002"), ReferralOfMember(member_id=BOB))
        world.refuses(join(BOB, at=NOON, card="2001", fingerprint="x"), MemberAlreadyExists(member_id=BOB))
        other = world.log.when(join(KIM, at=NOON, card="1002", fingerprint="x")).refusal
        assert isinstance(other, CardAlreadyAssigned), "without a code everything is as it was"

    def test_a_second_referrer_is_refused(self, world: Referring) -> None:
        world.do(world.asks(BOB, OTHER_CODE))
        world.kim_joins()
        world.refuses(world.joins(code=OTHER_CODE), SecondReferrer(member_id=KIM))
        world.refuses(world.joins(LEE, code=OTHER_CODE), SecondReferrer(member_id=KIM))

    def test_a_cycle_is_refused_however_long_it_is(self, world: Referring) -> None:
        world.kim_joins()
        world.do(world.asks(KIM, "KIMS-CODE-1"))
        world.do(world.joins(LEE, card="2002", code="KIMS-CODE-1"))
        world.do(world.asks(LEE, "LEES-CODE-2"))
        world.refuses(world.joins(ANN, code="LEES-CODE-2"), ReferralCycle(member_id=ANN))

    def test_the_cap_of_a_referrer_is_refused_and_opens_again_with_time(self) -> None:
        world = Referring(rules(cap={"referrals": 2, "months": 12}, burst={"joins": 9}))
        first, second, third = (uuid4() for _ in range(3))
        world.do(world.joins(first, card="3001"))
        world.do(world.joins(second, card="3002", at=NOON + 30 * DAY))
        refused = world.log.when(world.joins(third, card="3003", at=NOON + 60 * DAY)).refusal
        assert isinstance(refused, ReferralCapReached)
        assert (refused.most, refused.since.isoformat()) == (2, "2022-06-30T16:00:00+00:00")
        world.do(world.joins(third, card="3003", at=NOON + 367 * DAY))

    def test_limits_unite_in_a_merge(self) -> None:
        world = Referring(rules(cap={"referrals": 2}, burst={"joins": 9}))
        world.do(world.asks(BOB, OTHER_CODE))
        world.do(world.joins(uuid4(), card="3001"))
        world.do(world.joins(uuid4(), card="3002", code=OTHER_CODE))
        world.do(world.merge(ANN, BOB, at=NOON + DAY))
        for code in (CODE, OTHER_CODE):
            refused = world.log.when(world.joins(uuid4(), card="3003", code=code, at=NOON + 2 * DAY)).refusal
            assert isinstance(refused, ReferralCapReached), code


class TestBursts:
    def test_more_than_three_in_a_day_are_held_and_the_others_are_not(self, world: Referring) -> None:
        members = [uuid4() for _ in range(6)]
        for number, member in enumerate(members[:5]):
            world.do(world.joins(member, card=f"300{number}", at=NOON + number * HOUR))
        world.do(world.joins(members[5], card="3009", at=NOON + 2 * DAY))
        states = [world.referral(member).state for member in members]
        assert states == ["joined", "joined", "joined", "held", "held", "joined"]

    @pytest.fixture
    def held(self) -> Referring:
        world = Referring(rules(burst={"joins": 1}))
        world.do(world.joins(LEE, card="2002"))
        world.kim_joins()
        return world

    def test_what_is_held_is_not_paid_before_somebody_approved_of_it(self, held: Referring) -> None:
        held.kim_buys(day=1)
        assert held.clock(30) == []
        held.do(held.reviews("approve", day=31))
        assert [fact.occurred_at for fact in held.clock(40)][:1] == [NOON + 31 * DAY]
        assert held.granted() == {ANN: 100, KIM: 50}

    def test_what_was_rejected_is_never_paid(self, held: Referring) -> None:
        held.do(held.reviews("reject"))
        held.kim_buys(day=1)
        assert held.clock(30) == []
        assert held.referral().state == "rejected"

    def test_only_what_is_held_is_reviewed(self, held: Referring) -> None:
        held.do(held.reviews("approve"))
        held.refuses(held.reviews("reject"), ReferralNotHeld(member_id=KIM, state="joined"))
        held.refuses(held.reviews("approve", member=BOB), UnknownReferral(member_id=BOB))


def test_a_coupon_that_was_used_does_not_come_back_after_its_referral_was_reversed() -> None:
    terms = {**TERMS, "referee": {"coupon": {"kind": "ten-off", "valid_days": 60}}}
    world = Referring(policy(expiry=NEVER, referral=terms))
    world.kim_joins()
    qualifying = world.kim_buys(16_000, day=1)
    world.clock(16)
    code = next(one.code for one in world.log.batch.facts if isinstance(one, CouponIssued))
    use = [CouponUse(code=code)]
    used = purchase(line(5_000), at=NOON + 17 * DAY, id="R-use", card="2001", coupons=use)
    world.do(used)
    world.kim_returns(qualifying, day=18)
    assert world.referral().state == "reversed"
    world.kim_returns(used.id, day=19)
    again = purchase(line(5_000), at=NOON + 20 * DAY, id="R-again", card="2001", coupons=use)
    assert isinstance(world.log.when(again).refusal, CouponVoided)
