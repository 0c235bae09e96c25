"""Debt: how it is raised, what settles it and when, how it goes again, and the policies of claws (rules 4, 5)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import crediting, redeeming
from domain.basket import Line
from domain.movements import DebtSettled, DebtWaived, PointsRedeemed, PointsRevoked, RedemptionReversed
from domain.points_account import PointsAccount
from domain.refusals import InsufficientPoints, NoDebt
from tests.builders import ANN, line, policy, sale
from tests.domain.spending import DAY, HOLD, HOUR, MIDNIGHT, NOON, OTHER_HOLD, REDEMPTION, Life, lot, taken
from tests.domain.test_points_account import PURCHASE
from tests.spec import fact, meaning

RULES = policy(expiry={"mode": "rolling", "months": 12})
TENTH = timedelta(minutes=6)


def offline(life: Life, points: int, *, at: datetime = NOON) -> list[Any]:
    return life.do(redeeming.redeem, at=at, redemption_id=REDEMPTION, points=points, offline=True, reason="no network")


def reversed_(life: Life, points: int | None = None, *, at: datetime = NOON + 5 * HOUR) -> Any:
    return life.do(redeeming.reverse, at=at, redemption_id=REDEMPTION, points=points, reason=None)[-1]


class TestAnOfflineRedemption:
    def test_that_the_account_cannot_cover_becomes_debt_with_its_reason(self) -> None:
        life = Life(lot("A", 6))
        (spent,) = offline(life, 10)
        assert meaning(spent) == meaning(
            fact(
                PointsRedeemed, member_id=ANN, redemption_id=REDEMPTION, points=10, parts=taken(A=6), debt=4,
                reason="no network",
            )
        )  # fmt: skip
        assert life.buckets(NOON) == {"issued": 6, "spent": 6, "debt": 4}

    def test_leaves_nothing_to_spend_while_it_is_owed(self) -> None:
        life = Life(lot("A", 6))
        offline(life, 10)
        asked = {"redemption_id": HOLD, "points": 1}
        life.refuses(InsufficientPoints(points=1, available=0, debt=4), redeeming.redeem, at=NOON, **asked)
        life.do(redeeming.redeem, at=NOON, offline=True, **asked)
        assert life.buckets(NOON) == {"issued": 6, "spent": 6, "debt": 5}

    def test_does_not_touch_what_is_held(self) -> None:
        life = Life(lot("A", 6))
        life.do(redeeming.hold, at=NOON, hold_id=HOLD, points=6, until=NOON + HOUR, amount_minor=None)
        assert offline(life, 2)[0].debt == 2


class TestSettlement:
    def test_comes_with_the_activation_by_the_clock_in_spend_order_and_needs_no_fact(self) -> None:
        """B ends first; A becomes active with it; C an hour later."""
        soon, later = NOON + HOUR, NOON + 2 * HOUR
        life = Life(lot("A", 3, active=soon), lot("B", 3, active=soon, ends=MIDNIGHT), lot("C", 3, active=later))
        offline(life, 5)
        assert life.buckets(soon - TENTH) == {"issued": 9, "pending": 9, "debt": 5}
        assert life.buckets(soon) == {"issued": 9, "settled": 5, "available": 1, "pending": 3}
        facts = life.do(redeeming.redeem, at=later, redemption_id=HOLD, points=4)
        assert [type(one) for one in facts] == [DebtSettled, PointsRedeemed]
        assert (facts[0].occurred_at, facts[0].parts) == (soon, taken(B=3, A=2))
        assert facts[1].parts == taken(A=1, C=3)

    def test_is_dated_one_by_one(self) -> None:
        life = Life(lot("A", 3, active=NOON + HOUR), lot("B", 3, active=NOON + 2 * HOUR))
        offline(life, 5)
        settled = life.record(PointsAccount.settle, at=NOON + DAY)
        assert [(one.occurred_at, one.parts) for one in settled] == [
            (NOON + HOUR, taken(A=3)),
            (NOON + 2 * HOUR, taken(B=2)),
        ]
        assert life.buckets(NOON + DAY) == {"issued": 6, "settled": 5, "available": 1}

    def test_is_not_by_what_has_lapsed_before_it_could_pay(self) -> None:
        life = Life(lot("A", 3, active=NOON + HOUR, ends=NOON + HOUR), lot("B", 3, ends=NOON))
        offline(life, 2)
        assert life.buckets(NOON + DAY) == {"issued": 6, "expired": 6, "debt": 2}

    def test_is_by_what_was_alive_then_though_it_has_lapsed_by_the_time_somebody_looks(self) -> None:
        life = Life(lot("A", 3, active=NOON + HOUR, ends=NOON + 2 * HOUR))
        offline(life, 2)
        assert life.buckets(NOON + DAY) == {"issued": 3, "settled": 2, "expired": 1}

    def test_is_of_what_an_opening_balance_owed_too(self) -> None:
        assert Life(lot("A", 3), debt=5).buckets(NOON) == {"issued": 3, "settled": 3, "debt": 2}


class TestReversingARedemptionThatHadBecomeDebt:
    def test_cancels_open_debt_first(self) -> None:
        life = Life(lot("A", 6))
        offline(life, 10)
        back = reversed_(life, 5)
        assert (back.cancelled, back.parts, back.unsettled) == (4, taken(A=1), ())
        assert life.buckets(NOON + DAY) == {"issued": 6, "spent": 5, "available": 1}

    def test_then_unsettles_the_lots_that_paid_the_latest_first(self) -> None:
        life = Life(lot("A", 3, active=NOON + HOUR), lot("B", 3, active=NOON + 2 * HOUR))
        offline(life, 8)
        assert life.buckets(NOON + 5 * HOUR) == {"issued": 6, "settled": 6, "debt": 2}
        back = reversed_(life, 6)
        assert (back.cancelled, list(back.unsettled)) == (2, taken(B=3, A=1))
        assert life.buckets(NOON + DAY) == {"issued": 6, "settled": 2, "available": 4}
        assert list(reversed_(life).unsettled) == taken(A=2)
        assert life.buckets(NOON + DAY) == {"issued": 6, "available": 6}

    def test_gives_back_to_a_lot_what_has_lapsed_meanwhile_as_lapsed(self) -> None:
        life = Life(lot("A", 3, active=NOON + HOUR, ends=MIDNIGHT))
        offline(life, 2)
        back = reversed_(life, at=MIDNIGHT)
        assert (list(back.unsettled), back.lapsed) == (taken(A=2), 2)
        assert life.buckets(MIDNIGHT) == {"issued": 3, "expired": 3}

    def test_brings_nothing_back_for_what_was_waived(self) -> None:
        life = Life(lot("A", 6))
        offline(life, 10)
        life.do(redeeming.waive, at=NOON, points=3, reason="goodwill")
        back = reversed_(life)
        assert meaning(back) == meaning(
            fact(
                RedemptionReversed, member_id=ANN, redemption_id=REDEMPTION, points=10, parts=taken(A=6), cancelled=1,
                waived=3,
            )
        )  # fmt: skip
        assert life.buckets(NOON + DAY) == {"issued": 6, "available": 6}


class TestAWaiver:
    def test_lets_debt_go_all_of_it_or_part(self) -> None:
        life = Life(debt=5)
        (waived,) = life.do(redeeming.waive, at=NOON, points=2, reason="goodwill")
        assert meaning(waived) == meaning(fact(DebtWaived, member_id=ANN, points=2, reason="goodwill"))
        assert life.do(redeeming.waive, at=NOON, points=None, reason="goodwill")[0].points == 3
        assert life.buckets(NOON) == {}

    def test_is_of_what_is_open_by_then(self) -> None:
        """What the clock has settled is recorded before."""
        life = Life(lot("A", 2, active=NOON), debt=5)
        settled, waived = life.do(redeeming.waive, at=NOON + HOUR, points=None, reason="goodwill")
        assert (type(settled), settled.occurred_at, waived.points) == (DebtSettled, NOON, 3)

    @pytest.mark.parametrize("points", [None, 1])
    def test_of_nothing_is_refused(self, points: int | None) -> None:
        refusal = NoDebt(points=points or 0, debt=0)
        Life(lot("A", 5), debt=5).refuses(refusal, redeeming.waive, at=NOON, points=points, reason="")

    def test_of_more_than_is_owed_is_refused(self) -> None:
        Life(debt=5).refuses(NoDebt(points=6, debt=5), redeeming.waive, at=NOON, points=6, reason="")


def bought(life: Life, *lines: Line, at: datetime = NOON, purchase_id: UUID = PURCHASE) -> None:
    one = sale(*lines, at=at, purchase_id=purchase_id)
    life.do(lambda account, at: crediting.earn(account, one, policy=RULES, version=1, campaigns=[]), at=at)


def returned(life: Life, kept: int, *, of: int = 9_500, at: datetime = NOON + HOUR, **policy_: Any) -> list[Any]:
    """So much of the only line stays."""
    rules = policy(expiry={"mode": "rolling", "months": 12}, **policy_)
    rest = sale(*([line(kept)] if kept else []), at=NOON, purchase_id=PURCHASE)
    return life.do(
        lambda account, at: crediting.revoke(
            account, rest, sold=[line(of)], gone=not kept, at=at, policy=rules, campaigns=[], judge=(1, rules)
        ),
        at=at,
    )


class TestAClaw:
    """A purchase of ¥95 has earned 9, of which some are spent, held or lapsed; the other lot is G."""

    def spent(self, points: int, *others: Any) -> Life:
        life = Life(*others)
        bought(life, line(9_500))
        life.do(redeeming.redeem, at=NOON, redemption_id=REDEMPTION, points=points)
        return life

    def part(self, facts: list[Any]) -> dict[str, Any]:
        (revoked,) = [one for one in facts if isinstance(one, PointsRevoked)]
        (part,) = revoked.parts
        return {name: part[name] for name in ("points", "debt", "forgiven", "others") if name in part}

    def test_takes_the_lots_own_points_first_and_the_rest_is_owed_and_settled_at_once(self) -> None:
        life = self.spent(7, lot("G", 5))
        facts = returned(life, 0)
        assert self.part(facts) == {"points": 9, "debt": 7}
        assert (type(facts[-1]), facts[-1].parts) == (DebtSettled, taken(G=5))
        assert life.buckets(NOON + HOUR) == {"issued": 14, "spent": 7, "revoked": 2, "settled": 5, "debt": 2}

    def test_takes_lapsed_points_of_the_lot_without_debt(self) -> None:
        life = Life()
        bought(life, line(9_500))
        year = NOON + 400 * DAY
        assert life.buckets(year) == {"issued": 9, "expired": 9}
        assert self.part(returned(life, 0, at=year)) == {"points": 9}
        assert life.buckets(year) == {"issued": 9, "revoked": 9}

    def test_leaves_what_is_held_to_whom_it_is_held_for(self) -> None:
        life = Life()
        bought(life, line(9_500))
        life.do(redeeming.hold, at=NOON, hold_id=HOLD, points=8, until=NOON + DAY, amount_minor=None)
        assert self.part(returned(life, 0)) == {"points": 9, "debt": 8}
        assert life.buckets(NOON + HOUR) == {"issued": 9, "held": 8, "revoked": 1, "debt": 8}
        life.do(redeeming.release, at=NOON + 2 * HOUR, hold_id=HOLD)
        assert life.buckets(NOON + 2 * HOUR) == {"issued": 9, "revoked": 1, "settled": 8}

    def test_next_lots_then_debt_takes_other_lots_in_spend_order_before_it_is_owed(self) -> None:
        life = self.spent(8, lot("G", 3), lot("F", 2, ends=MIDNIGHT, active=NOON + TENTH))
        facts = returned(life, 0, returns="next_lots_then_debt")
        assert self.part(facts) == {"points": 9, "debt": 3, "others": taken(F=2, G=3)}
        assert life.buckets(NOON + HOUR) == {"issued": 14, "spent": 8, "revoked": 6, "debt": 3}

    def test_clamp_to_zero_forgives_the_rest_which_counts_as_clawed(self) -> None:
        life = self.spent(8, lot("G", 3))
        assert self.part(returned(life, 4_000, returns="clamp_to_zero")) == {"points": 5, "forgiven": 4}
        assert life.buckets(NOON + HOUR) == {"issued": 12, "spent": 8, "revoked": 1, "available": 3}
        assert self.part(returned(life, 0, returns="clamp_to_zero")) == {"points": 4, "forgiven": 4}

    @pytest.mark.parametrize("returns", ["original_then_debt", "next_lots_then_debt", "clamp_to_zero"])
    def test_of_any_policy_sums_up_to_that_of_one_return(self, returns: str) -> None:
        for kept in (8_900, 5_000, 1_000, 999):
            life = self.spent(6, lot("G", 2))
            facts = [*returned(life, kept, returns=returns), *returned(life, 0, returns=returns)]
            parts = [part for one in facts if isinstance(one, PointsRevoked) for part in one.parts]
            assert sum(part["points"] for part in parts) == 9

    def test_a_loop_of_buying_spending_returning_and_buying_again_nets_nothing(self) -> None:
        life = Life()
        bought(life, line(10_000))
        life.do(redeeming.redeem, at=NOON, redemption_id=REDEMPTION, points=10)
        returned(life, 0, of=10_000)
        assert life.buckets(NOON + HOUR) == {"issued": 10, "spent": 10, "debt": 10}
        bought(life, line(10_000), at=NOON + 2 * HOUR, purchase_id=OTHER_HOLD)
        assert life.buckets(NOON + DAY) == {"issued": 20, "spent": 10, "settled": 10}


def test_debt_is_never_open_beside_points_that_could_pay_it() -> None:
    """Whatever made them available: the end of a hold, a reversal, a purchase, or the clock."""
    life = Life(lot("A", 4), lot("B", 3, active=NOON + 3 * HOUR))
    life.do(redeeming.redeem, at=NOON, redemption_id=OTHER_HOLD, points=2)
    life.do(redeeming.hold, at=NOON, hold_id=HOLD, points=2, until=NOON + 2 * HOUR, amount_minor=None)
    offline(life, 9)
    life.do(redeeming.reverse, at=NOON + HOUR, redemption_id=OTHER_HOLD, points=None, reason=None)
    for hours, settled in ((1, 2), (2, 4), (3, 7)):
        found = life.account.buckets(NOON + hours * HOUR)
        assert (found.settled, found.available, found.debt) == (settled, 0, 9 - settled)
