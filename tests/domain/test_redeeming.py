"""Holds, captures, redemptions and reversals, with their numbers (rules 2, 3, 6)."""

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from domain import redeeming
from domain.correcting import expire
from domain.movements import (
    DebtSettled,
    HoldReleased,
    HoldTimedOut,
    PointsHeld,
    PointsRedeemed,
    RedemptionReversed,
)
from domain.policy.points import PointsAsCash
from domain.refusals import (
    AboveShareOfBill,
    BelowMinimum,
    CaptureAfterTimeout,
    HoldEndedBefore,
    InsufficientPoints,
    MoreThanHeld,
    MoreThanRedeemed,
    NotAStep,
    RedemptionReversedBefore,
    Refusal,
    UnknownHold,
    UnknownRedemption,
)
from tests.builders import ANN
from tests.domain.spending import DAY, HOLD, HOUR, MIDNIGHT, MINUTE, NOON, OTHER_HOLD, REDEMPTION, Life, lot, taken
from tests.spec import fact, meaning

SECOND = timedelta(seconds=1)
UNTIL = NOON + 15 * MINUTE


def held(life: Life, points: int, *, at: datetime = NOON, until: datetime = UNTIL, hold_id: UUID = HOLD) -> list[Any]:
    return life.do(redeeming.hold, at=at, hold_id=hold_id, points=points, until=until, amount_minor=None)


def captured(life: Life, points: int | None = None, *, at: datetime = NOON + MINUTE) -> list[Any]:
    return life.do(redeeming.capture, at=at, hold_id=HOLD, points=points)


def redeemed(
    life: Life, points: int, *, at: datetime = NOON, redemption_id: UUID = REDEMPTION, offline: bool = False
) -> list[Any]:
    return life.do(redeeming.redeem, at=at, redemption_id=redemption_id, points=points, offline=offline)


def reversed_(
    life: Life, points: int | None = None, *, at: datetime = NOON + HOUR, redemption_id: UUID = REDEMPTION
) -> list[Any]:
    return life.do(redeeming.reverse, at=at, redemption_id=redemption_id, points=points, reason=None)


class TestTheOrderOfSpending:
    LOTS = (
        lot("never", 1),
        lot("late", 1, ends=MIDNIGHT + DAY),
        lot("soon, younger", 1, ends=MIDNIGHT, earned=NOON - DAY),
        lot("soon, older", 1, ends=MIDNIGHT, earned=NOON - 2 * DAY),
    )
    EXPECTED = taken(**{"soon, older": 1, "soon, younger": 1, "late": 1, "never": 1})

    def test_is_the_earliest_expiry_first_then_the_earlier_time_and_what_never_lapses_last(self) -> None:
        for arrived in permutations(self.LOTS):
            (spent,) = redeemed(Life(*arrived), 4)
            assert spent.parts == self.EXPECTED

    def test_is_in_the_end_that_of_the_lot_ids_and_never_that_of_arrival(self) -> None:
        names = ["a", "b", "c", "d"]
        orders = [redeemed(Life(*(lot(name, 1) for name in arrived)), 4)[0].parts for arrived in permutations(names)]
        assert all(parts == orders[0] for parts in orders)
        assert [part["lot_id"] for part in orders[0]] == sorted(part["lot_id"] for part in orders[0])

    def test_a_lot_is_spent_in_part_and_the_allocation_is_stored(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        (spent,) = redeemed(life, 7)
        assert meaning(spent) == meaning(
            fact(PointsRedeemed, member_id=ANN, redemption_id=REDEMPTION, points=7, parts=taken(A=6, B=1))
        )
        assert life.buckets(NOON) == {"issued": 10, "spent": 7, "available": 3}

    def test_what_is_pending_is_not_spent_until_its_time_which_needs_no_fact(self) -> None:
        life = Life(lot("A", 5), lot("B", 5, active=NOON))
        assert life.buckets(NOON - SECOND) == {"issued": 10, "available": 5, "pending": 5}
        life.refuses(
            InsufficientPoints(points=6, available=5, debt=0),
            redeeming.redeem, at=NOON - SECOND, redemption_id=REDEMPTION, points=6,
        )  # fmt: skip
        assert redeemed(life, 6)[0].parts


class TestExpiry:
    def test_a_lot_is_spent_until_the_second_before_its_expiry_whoever_recorded_what(self) -> None:
        life = Life(lot("A", 5, ends=MIDNIGHT))
        life.refuses(
            InsufficientPoints(points=1, available=0, debt=0),
            redeeming.redeem, at=MIDNIGHT, redemption_id=REDEMPTION, points=1,
        )  # fmt: skip
        assert redeemed(life, 1, at=MIDNIGHT - SECOND)[0].parts == taken(A=1)
        assert life.buckets(MIDNIGHT) == {"issued": 5, "spent": 1, "expired": 4}

    def test_a_spend_from_before_the_expiry_that_arrives_after_it_takes_the_lot_as_it_was(self) -> None:
        """A recorded expiry yields to it."""
        life = Life(lot("A", 5, ends=MIDNIGHT), lot("B", 5))
        life.record(expire, at=MIDNIGHT + HOUR)
        assert life.buckets(MIDNIGHT + HOUR) == {"issued": 10, "expired": 5, "available": 5}
        assert redeemed(life, 3, at=MIDNIGHT - HOUR)[0].parts == taken(A=3)
        assert life.buckets(MIDNIGHT + HOUR) == {"issued": 10, "spent": 3, "expired": 2, "available": 5}
        assert expire(life.account, MIDNIGHT + HOUR) == [], "what has lapsed is recorded once"

    def test_what_comes_back_after_its_expiry_has_lapsed(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        redeemed(life, 8)
        (back,) = reversed_(life, at=MIDNIGHT)
        assert (back.parts, back.lapsed) == (taken(B=2, A=6), 6)
        assert life.buckets(MIDNIGHT) == {"issued": 10, "expired": 6, "available": 4}


class TestAHold:
    def test_sets_points_aside_in_the_order_of_spending(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        (hold,) = held(life, 8)
        assert meaning(hold) == meaning(
            fact(PointsHeld, member_id=ANN, hold_id=HOLD, points=8, until=UNTIL, parts=taken(A=6, B=2))
        )
        assert life.buckets(NOON) == {"issued": 10, "held": 8, "available": 2}

    def test_is_not_spent_or_held_by_anybody_else(self) -> None:
        life = Life(lot("A", 6))
        held(life, 5)
        refusal = InsufficientPoints(points=2, available=1, debt=0)
        life.refuses(refusal, redeeming.redeem, at=NOON, redemption_id=REDEMPTION, points=2)
        what = {"points": 2, "until": UNTIL, "amount_minor": None}
        life.refuses(refusal, redeeming.hold, at=NOON, hold_id=OTHER_HOLD, **what)

    def test_times_out_by_itself_and_needs_no_fact_for_it(self) -> None:
        life = Life(lot("A", 6))
        held(life, 5)
        assert life.buckets(UNTIL - SECOND) == {"issued": 6, "held": 5, "available": 1}
        assert life.buckets(UNTIL) == {"issued": 6, "available": 6}
        assert redeemed(life, 6, at=UNTIL)[0].parts == taken(A=6)

    def test_6_of_a_that_ends_tonight_and_4_of_b_of_which_4_are_captured_tomorrow(self) -> None:
        """A4 spent, A2 lapses, B4 free."""
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        held(life, 10, until=NOON + 2 * DAY)
        assert life.buckets(NOON + DAY) == {"issued": 10, "held": 10}, "held overrides expired"
        (spent,) = captured(life, 4, at=NOON + DAY)
        assert (spent.parts, spent.debt) == (taken(A=4), 0)
        assert life.buckets(NOON + DAY) == {"issued": 10, "spent": 4, "expired": 2, "available": 4}

    def test_that_is_released_after_the_expiry_of_its_lot_has_lapsed(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        held(life, 10, until=NOON + 2 * DAY)
        (released,) = life.do(redeeming.release, at=NOON + DAY, hold_id=HOLD)
        assert meaning(released) == meaning(fact(HoldReleased, member_id=ANN, hold_id=HOLD, parts=taken(A=6, B=4)))
        assert life.buckets(NOON + DAY) == {"issued": 10, "expired": 6, "available": 4}

    def test_until_12_15_captured_at_12_10_and_arriving_at_12_20_is_good(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        life.record(redeeming.time_out, at=NOON + 20 * MINUTE)
        (spent,) = captured(life, at=NOON + 10 * MINUTE)
        assert (spent.parts, spent.debt, spent.redemption_id) == (taken(A=6), 0, HOLD)

    def test_and_what_was_spent_meanwhile_is_owed(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        redeemed(life, 5, at=NOON + 16 * MINUTE)
        (spent,) = captured(life, at=NOON + 10 * MINUTE)
        assert (spent.points, spent.parts, spent.debt) == (6, taken(A=1), 5)
        assert life.buckets(NOON + HOUR) == {"issued": 6, "spent": 6, "debt": 5}

    def test_what_another_holds_meanwhile_is_owed_until_that_one_ends(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        held(life, 4, at=NOON + 16 * MINUTE, until=NOON + HOUR, hold_id=OTHER_HOLD)
        (spent,) = captured(life, at=NOON + 10 * MINUTE)
        assert (spent.parts, spent.debt) == (taken(A=2), 4)
        assert life.buckets(NOON + HOUR - SECOND) == {"issued": 6, "spent": 2, "held": 4, "debt": 4}
        assert life.buckets(NOON + HOUR) == {"issued": 6, "spent": 2, "settled": 4}

    def test_captured_after_its_time_out_by_business_time_is_refused(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        life.refuses(
            CaptureAfterTimeout(hold_id=HOLD, until=UNTIL), redeeming.capture, at=UNTIL, hold_id=HOLD, points=None
        )
        assert captured(life, at=UNTIL - SECOND)[0].debt == 0

    def test_captured_in_part_ends_and_frees_the_rest(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        captured(life, 4)
        assert life.buckets(NOON + MINUTE) == {"issued": 6, "spent": 4, "available": 2}
        ended = HoldEndedBefore(hold_id=HOLD, how="captured")
        life.refuses(ended, redeeming.capture, at=NOON, hold_id=HOLD, points=2)
        life.refuses(ended, redeeming.release, at=NOON, hold_id=HOLD)

    def test_that_ended_cannot_end_again(self) -> None:
        life = Life(lot("A", 6))
        held(life, 3)
        held(life, 3, hold_id=OTHER_HOLD)
        life.do(redeeming.release, at=NOON, hold_id=HOLD)
        released = HoldEndedBefore(hold_id=HOLD, how="released")
        life.refuses(released, redeeming.capture, at=UNTIL, hold_id=HOLD, points=9)
        life.refuses(released, redeeming.release, at=UNTIL, hold_id=HOLD)
        life.refuses(
            HoldEndedBefore(hold_id=OTHER_HOLD, how="timed-out"), redeeming.release, at=UNTIL, hold_id=OTHER_HOLD
        )

    def test_the_refusals_of_a_capture_come_in_their_order(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        life.refuses(UnknownHold(hold_id=REDEMPTION), redeeming.capture, at=UNTIL, hold_id=REDEMPTION, points=9)
        life.refuses(UnknownHold(hold_id=REDEMPTION), redeeming.release, at=UNTIL, hold_id=REDEMPTION)
        timed_out = CaptureAfterTimeout(hold_id=HOLD, until=UNTIL)
        life.refuses(timed_out, redeeming.capture, at=UNTIL, hold_id=HOLD, points=9)
        more = MoreThanHeld(hold_id=HOLD, points=9, held=6)
        life.refuses(more, redeeming.capture, at=NOON, hold_id=HOLD, points=9)

    def test_its_time_out_is_recorded_once_and_at_its_time(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        assert redeeming.time_out(life.account, UNTIL - SECOND) == []
        (ended,) = life.record(redeeming.time_out, at=UNTIL + HOUR)
        assert (type(ended), ended.occurred_at, ended.parts) == (HoldTimedOut, UNTIL, taken(A=6))
        assert redeeming.time_out(life.account, UNTIL + HOUR) == []

    def test_a_timed_out_one_frees_what_then_pays_debt(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        redeemed(life, 4, offline=True)
        assert life.buckets(UNTIL - SECOND) == {"issued": 6, "held": 6, "debt": 4}
        assert life.buckets(UNTIL) == {"issued": 6, "settled": 4, "available": 2}
        (settled, _) = redeemed(life, 2, at=UNTIL + HOUR, redemption_id=OTHER_HOLD)
        assert (type(settled), settled.occurred_at) == (DebtSettled, UNTIL)


class TestAReversal:
    def test_brings_all_back_to_the_lots_it_came_from(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        redeemed(life, 8)
        (back,) = reversed_(life)
        assert meaning(back) == meaning(
            fact(RedemptionReversed, member_id=ANN, redemption_id=REDEMPTION, points=8, parts=taken(B=2, A=6))
        )
        assert life.buckets(NOON + HOUR) == {"issued": 10, "available": 10}

    def test_in_parts_goes_backward_through_the_allocation(self) -> None:
        life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
        redeemed(life, 8)
        assert [reversed_(life, points)[0].parts for points in (1, 3, 4)] == [taken(B=1), taken(B=1, A=2), taken(A=4)]
        life.refuses(
            RedemptionReversedBefore(redemption_id=REDEMPTION),
            redeeming.reverse, at=NOON, redemption_id=REDEMPTION, points=1, reason=None,
        )  # fmt: skip

    def test_of_a_captured_hold_goes_by_the_id_of_the_hold(self) -> None:
        life = Life(lot("A", 6))
        held(life, 6)
        captured(life, 4)
        assert reversed_(life, redemption_id=HOLD)[0].parts == taken(A=4)

    def test_of_what_is_not_there_is_refused(self) -> None:
        life = Life(lot("A", 6))
        redeemed(life, 4)
        what = {"points": 5, "reason": None}
        life.refuses(UnknownRedemption(redemption_id=HOLD), redeeming.reverse, at=NOON, redemption_id=HOLD, **what)
        more = MoreThanRedeemed(redemption_id=REDEMPTION, points=5, left=4)
        life.refuses(more, redeeming.reverse, at=NOON, redemption_id=REDEMPTION, **what)


class TestPointsAsCash:
    CASH = PointsAsCash(points=100, amount_minor=30, minimum_points=200, step_points=50, largest_share=Fraction(1, 2))

    @pytest.mark.parametrize(
        ("amount", "points"), [(30, 100), (31, 104), (1, 4), (59, 197), (60, 200), (2**53 - 1, 30_023_997_515_803_304)]
    )
    def test_a_fraction_of_a_point_is_a_whole_one(self, amount: int, points: int) -> None:
        assert redeeming.points_for(self.CASH, amount) == points
        assert redeeming.worth(self.CASH, points) >= amount > redeeming.worth(self.CASH, points - 1)

    @pytest.mark.parametrize(
        ("points", "bill", "refusal"),
        [
            (200, 120, None),
            (250, 150, None),
            (200, None, None),
            (199, 1, BelowMinimum(points=199, minimum_points=200)),
            (201, 1, NotAStep(points=201, step_points=50)),
            (200, 119, AboveShareOfBill(amount_minor=60, most_minor=59)),
            (250, 149, AboveShareOfBill(amount_minor=75, most_minor=74)),
        ],
    )
    def test_any_number_of_points_within_minimum_step_and_share_of_the_bill(
        self, points: int, bill: int | None, refusal: Refusal | None
    ) -> None:
        found = None
        try:
            worth = redeeming.worth(self.CASH, points)
            redeeming.check_as_cash(self.CASH, points, amount_minor=worth, bill_minor=bill)
        except Refusal as one:
            found = one
        assert found == refusal
