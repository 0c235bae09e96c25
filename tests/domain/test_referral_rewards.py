"""Referrals: which purchase rewards both, when, and what undoes it (rules 11)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.basket import CouponUse
from domain.coupon import Coupon, coupon_stream
from domain.grants import GrantRevoked
from domain.messages.corrections import ClosureBody, closure_command
from domain.messages.members import erase_command
from domain.points_account import PointsAccount, account_id
from domain.referral import (
    ReferralDisqualified,
    ReferralQualified,
    ReferralRejected,
    referrer_stream,
)
from domain.snapshots import restored, taken
from tests.builders import ANN, BOB, back, line, policy, purchase, reassign, returned
from tests.domain.referring import CODE, HOUR, KIM, LEE, OTHER_CODE, Referring, rules
from tests.domain.world import DAY, NEVER, of, purchase_of
from tests.spec import NOON


@pytest.fixture
def world() -> Referring:
    return Referring()


class TestQualifying:
    def test_200_yuan_less_60_returned_fails_and_160_on_day_6_pays_on_day_20(self, world: Referring) -> None:
        world.kim_joins()
        first = world.kim_buys(20_000, day=0)
        world.kim_returns(first, 6_000, day=3)
        world.kim_buys(16_000, day=6, id="R-2")
        assert world.clock(19) == []
        paid = world.clock(20)
        assert {fact.occurred_at for fact in paid} == {NOON + 20 * DAY}
        assert world.granted() == {ANN: 100, KIM: 50}
        assert (world.points(ANN), world.points(KIM)) == (100, 50 + 14 + 16)
        assert world.referral().state == "rewarded"

    @pytest.mark.parametrize(("minor", "state"), [(14_999, "joined"), (15_000, "qualified"), (15_001, "qualified")])
    def test_the_minimum_counts(self, world: Referring, minor: int, state: str) -> None:
        world.kim_joins()
        world.kim_buys(minor)
        assert world.referral().state == state

    def test_a_return_after_its_time_does_not_keep_the_purchase_from_counting_and_reverses_it(
        self, world: Referring
    ) -> None:
        world.kim_joins()
        bought = world.kim_buys()
        world.kim_returns(bought, day=15)
        assert world.referral().state == "qualified", "the clock is late"
        world.clock(30)
        assert world.referral().state == "reversed"
        assert world.granted() == {ANN: 0, KIM: 0}

    def test_the_earliest_purchase_by_business_time_counts_whenever_it_arrives(self, world: Referring) -> None:
        world.kim_joins()
        world.kim_buys(day=6)
        late = world.kim_buys(day=2, id="R-late")
        assert world.referral().pays_on == late
        assert world.referral().pays_at == NOON + 16 * DAY
        world.clock(18)
        rewarded = world.referral().rewarded
        assert rewarded is not None
        assert rewarded.occurred_at == NOON + 16 * DAY
        world.kim_buys(day=1, id="R-later")
        assert world.referral().rewarded == rewarded, "once it is paid, nothing is judged again"

    def test_what_was_bought_before_the_day_of_joining_does_not_count(self, world: Referring) -> None:
        kept = purchase(line(20_000), at=NOON - 2 * DAY, id="R-0", card="2001")
        world.do(kept)
        world.kim_joins()
        assert world.buckets(KIM) == of(issued=20, available=20)
        assert world.referral().state == "joined"

    def test_what_the_card_had_bought_on_the_day_of_joining_counts(self, world: Referring) -> None:
        world.do(purchase(line(20_000), at=NOON - HOUR, id="R-0", card="2001"))
        world.kim_joins()
        assert world.referral().state == "qualified"

    def test_an_early_return_over_kafka_is_judged_with_its_purchase(self, world: Referring) -> None:
        world.kim_joins()
        sold = purchase(line(16_000), at=NOON, card="2001")
        world.do(returned(sold.id, back(amount_minor=6_000), at=NOON + DAY))
        world.do(sold)
        assert world.referral().state == "joined"

    def test_the_terms_under_which_they_joined_hold(self) -> None:
        world = Referring()
        world.kim_joins()
        world.kim_buys()
        world.log.batch.programme.versions.append(policy(expiry=NEVER, effective_from=NOON + DAY))
        world.clock(20)
        assert world.granted() == {ANN: 100, KIM: 50}


class TestPaying:
    def test_both_are_paid_in_one_transaction_as_points_that_never_qualify(self, world: Referring) -> None:
        world.kim_joins()
        world.kim_buys()
        facts = world.clock(14)
        assert [type(fact).__name__ for fact in facts] == ["ReferralRewarded", "PointsGranted", "PointsGranted"]
        assert {fact.correlation_id for fact in facts} == {facts[0].correlation_id}
        assert world.account(ANN).periods == {}

    @given(st.lists(st.sampled_from(["join", "buy", "late", "clock", "return", "ask"]), max_size=30))
    def test_paid_once_under_any_storm_of_retries(self, steps: list[str]) -> None:
        world = Referring()
        world.kim_joins()
        bought = world.kim_buys()
        does: dict[str, Callable[[], object]] = {
            "join": lambda: world.log.when(world.joins()),
            "buy": lambda: world.log.when(purchase(line(16_000), at=NOON, card="2001")),
            "late": lambda: world.log.when(purchase(line(17_000), at=NOON + HOUR, id="R-3", card="2001")),
            "clock": lambda: world.clock(30),
            "return": lambda: world.log.when(returned(bought, back(amount_minor=500), at=NOON + DAY)),
            "ask": lambda: world.log.when(world.asks()),
        }
        for step in steps:
            does[step]()
        world.clock(30)
        assert world.granted() == {ANN: 100, KIM: 50}
        assert (world.buckets(ANN, at=NOON + 40 * DAY).issued, world.clock(99)) == (100, [])

    def test_a_closed_account_on_either_side_rejects_it(self, world: Referring) -> None:
        world.kim_joins()
        world.kim_buys()
        closing = ClosureBody(reason="left", time=NOON + DAY)
        world.do(closure_command(closing, member_id=ANN, identity=world.identity()))
        (rejected,) = world.clock(20)
        assert isinstance(rejected, ReferralRejected)
        assert rejected.reason == "account-closed"
        assert world.granted() == {}

    def test_an_erased_member_on_either_side_rejects_it(self, world: Referring) -> None:
        world.kim_joins()
        world.kim_buys()
        world.do(erase_command(KIM, reason="request", identity=world.identity(), now=NOON + DAY))
        (rejected,) = world.clock(20)
        assert isinstance(rejected, ReferralRejected)
        assert rejected.reason == "member-erased"

    def test_a_side_that_gets_nothing_is_rewarded_with_nothing(self) -> None:
        world = Referring(rules(referee={"points": 0}))
        world.kim_joins()
        world.kim_buys()
        world.clock(20)
        assert world.granted() == {ANN: 100}


class TestCoupons:
    @pytest.fixture
    def world(self) -> Referring:
        """Kim, who bought R-1, is given a coupon."""
        world = Referring(rules(referee={"coupon": {"kind": "welcome", "valid_days": 30}}))
        world.kim_joins()
        world.kim_buys()
        world.clock(14)
        return world

    def coupon(self, world: Referring) -> Coupon:
        rewarded = world.referral().rewarded
        assert rewarded is not None
        found: Coupon = world.log.batch.get(Coupon, coupon_stream(rewarded.referee["coupon"]))
        return found

    def test_a_coupon_may_be_given_instead_of_points(self, world: Referring) -> None:
        issued = self.coupon(world).issued
        assert issued is not None
        assert (issued.member_id, issued.kind, issued.valid_from) == (KIM, "welcome", NOON + 14 * DAY)
        assert world.granted() == {ANN: 100}

    def test_it_is_void_once_the_referral_is_reversed(self, world: Referring) -> None:
        world.kim_returns(purchase_of("R-1"), day=20)
        assert self.coupon(world).void
        assert world.granted() == {ANN: 0}

    def test_one_that_was_used_by_then_stays_used(self, world: Referring) -> None:
        issued = self.coupon(world).issued
        assert issued is not None
        uses = [CouponUse(code=issued.code)]
        world.do(purchase(line(1_000), at=NOON + 15 * DAY, id="R-9", card="2001", coupons=uses))
        world.kim_returns(purchase_of("R-1"), day=20)
        assert self.coupon(world).used_by == purchase_of("R-9")
        assert world.referral().state == "reversed"


class TestReversing:
    @pytest.fixture
    def rewarded(self, world: Referring) -> tuple[Referring, UUID]:
        world.kim_joins()
        bought = world.kim_buys()
        world.clock(14)
        return world, bought

    def test_the_return_of_the_sale_takes_both_rewards_back(self, rewarded: tuple[Referring, UUID]) -> None:
        world, bought = rewarded
        facts = world.kim_returns(bought, 1_001, day=20)
        assert [fact.member_id for fact in facts if isinstance(fact, GrantRevoked)] == [ANN, KIM]
        assert world.referral().state == "reversed"
        assert world.granted() == {ANN: 0, KIM: 0}

    def test_a_void_does_so_too_and_once(self, rewarded: tuple[Referring, UUID]) -> None:
        world, bought = rewarded
        world.kim_returns(bought, 1_001, day=20)
        again = world.kim_returns(bought, day=21)
        assert not any(isinstance(fact, GrantRevoked) for fact in again)
        assert (world.points(ANN), world.points(KIM)) == (0, 0)

    def test_what_is_still_worth_the_minimum_stays(self, rewarded: tuple[Referring, UUID]) -> None:
        world, bought = rewarded
        world.kim_returns(bought, 1_000, day=20)
        assert world.granted() == {ANN: 100, KIM: 50}

    def test_the_return_of_another_purchase_changes_nothing(self, rewarded: tuple[Referring, UUID]) -> None:
        world, _ = rewarded
        other = world.kim_buys(day=3, id="R-2")
        world.kim_returns(other, day=20)
        assert world.referral().state == "rewarded"

    def test_a_return_that_came_late_leaves_it_to_the_purchase_that_had_counted(self, world: Referring) -> None:
        world.kim_joins()
        first, second = world.kim_buys(day=1), world.kim_buys(20_000, day=2, id="R-2")
        world.clock(16)
        world.kim_returns(first, 6_000, day=3)
        assert (world.referral().rests_on, world.granted()) == (second, {ANN: 100, KIM: 50})
        world.kim_returns(second, day=30)
        assert (world.referral().state, world.granted()) == ("reversed", {ANN: 0, KIM: 0})

    def test_what_was_spent_is_owed(self, rewarded: tuple[Referring, UUID]) -> None:
        world, bought = rewarded
        world.do(world.redeem(80, at=NOON + 15 * DAY))
        world.kim_returns(bought, day=20)
        assert world.buckets(ANN, at=NOON + 20 * DAY) == of(issued=100, spent=80, revoked=20, debt=80)

    def test_a_purchase_found_to_be_anothers_reverses_it(self, rewarded: tuple[Referring, UUID]) -> None:
        world, bought = rewarded
        world.do(reassign(bought, at=NOON + 20 * DAY, member=BOB))
        assert world.referral().state == "reversed"


class TestMerges:
    def test_the_rewards_follow_the_survivors(self, world: Referring) -> None:
        world.do(world.joins(LEE, card="2002", at=NOON, code=CODE))
        world.kim_joins()
        world.do(world.merge(ANN, BOB, at=NOON + DAY))
        world.kim_buys(day=2)
        world.clock(20)
        assert world.granted() == {BOB: 100, KIM: 50}

    def test_a_referral_follows_its_referee_into_the_survivor(self, world: Referring) -> None:
        world.kim_joins()
        world.do(world.merge(KIM, BOB, at=NOON + DAY))
        world.do(purchase(line(16_000), at=NOON + HOUR, id="R-0", card="1002"))
        assert world.referral().state == "joined", "what Bob had bought before is no recommendation's"
        bought = world.kim_buys(day=2)
        world.clock(20)
        assert world.granted() == {ANN: 100, BOB: 50}
        world.kim_returns(bought, day=21)
        assert world.granted() == {ANN: 0, BOB: 0}

    def test_a_merge_of_both_into_one_person_rejects_it(self, world: Referring) -> None:
        world.kim_joins()
        world.kim_buys()
        world.do(world.merge(KIM, ANN, at=NOON + DAY))
        assert world.referral().state == "rejected"
        assert world.clock(20) == []

    @pytest.mark.parametrize("over_bob", [False, True])
    def test_a_merge_of_both_into_one_person_takes_the_rewards_back(self, world: Referring, over_bob: bool) -> None:
        world.kim_joins()
        world.kim_buys()
        world.clock(14)
        if over_bob:
            world.do(world.merge(KIM, BOB, at=NOON + 20 * DAY))
            world.do(world.merge(ANN, BOB, at=NOON + 21 * DAY))
            assert world.buckets(BOB, at=NOON + 30 * DAY) == of(received=166, available=16, revoked=150)
        else:
            world.do(world.merge(ANN, KIM, at=NOON + 20 * DAY))
            assert world.buckets(KIM, at=NOON + 30 * DAY) == of(issued=66, received=100, available=16, revoked=150)
        assert world.referral().state == "reversed"

    def test_of_two_referrers_of_one_person_the_first_stays(self, world: Referring) -> None:
        world.do(world.asks(BOB, OTHER_CODE))
        world.kim_joins()
        world.do(world.joins(LEE, card="2002", code=OTHER_CODE, at=NOON + HOUR))
        world.do(world.merge(KIM, LEE, at=NOON + DAY))
        assert world.referral().state == "joined"
        assert world.referral(LEE, OTHER_CODE).state == "rejected"


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(100, 300), st.integers(0, 300), st.integers(0, 30)), max_size=6),
    st.randoms(),
)
def test_any_order_of_arrival_pays_for_the_same_purchase(sales: list[tuple[int, int, int, int]], random: Any) -> None:
    """(day, paid, returned, days until the return): the earliest of which the minimum was kept through its window."""
    expected = sorted(day for day, paid, gone, after in sales if paid - (min(gone, paid) if after <= 14 else 0) >= 150)
    for _ in range(2):
        world = Referring(rules())
        world.kim_joins()
        commands = [
            purchase(line(paid * 100), at=NOON + day * DAY, id=f"R-{n}", card="2001")
            for n, (day, paid, _, _) in enumerate(sales)
        ]
        backs = [
            returned(command.id, back(amount_minor=min(gone, paid) * 100), at=NOON + (day + after) * DAY, id=f"T-{n}")
            for n, (command, (day, paid, gone, after)) in enumerate(zip(commands, sales, strict=True))
            if gone
        ]
        story = [*commands, *backs]
        random.shuffle(story)
        for command in story:
            world.do(command)
        due = world.referral().pays_at
        assert due == (NOON + (expected[0] + 14) * DAY if expected else None)


def test_the_facts_tell_when_both_are_paid(world: Referring) -> None:
    world.kim_joins()
    first = world.kim_buys(day=2)
    world.kim_buys(day=4, id="R-2")
    world.kim_returns(first, day=3)
    told = [
        (type(f), f.pays_at) for f in world.log.batch.facts if isinstance(f, ReferralQualified | ReferralDisqualified)
    ]
    assert told == [
        (ReferralQualified, NOON + 16 * DAY), (ReferralQualified, NOON + 16 * DAY), (ReferralDisqualified, NOON + 18 * DAY),
    ]  # fmt: skip


def test_snapshots_know_who_was_referred(world: Referring) -> None:
    world.kim_joins()
    world.kim_buys()
    account = world.log.batch.get(PointsAccount, account_id(KIM))
    state = taken(account)
    assert state is not None
    assert restored(account.id, account.version, state).referred_by == referrer_stream(CODE)
