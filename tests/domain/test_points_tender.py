"""Receipts that points pay in part: what is spent, what is earned on the rest, and what comes back (rules 1, 4, 6)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import given as forall
from hypothesis import strategies

from domain.basket import Line, Tender
from domain.commands.purchases import RecordPurchase
from domain.messages.corrections import ClosureBody, closure_command
from domain.movements import DebtSettled, HoldReleased, PointsEarned, PointsRedeemed, PointsRevoked, RedemptionReversed
from domain.purchase import PurchaseRecorded, PurchaseReturned
from domain.receipt import MessageAnswered
from domain.refusals import PaidForPurchase, PointsAreNotCash
from tests.builders import ANN, BOB, back, campaign_created, join, line, listed, policy, purchase, returned
from tests.domain.story import JOINED_AT, kinds
from tests.domain.world import DAY, NEVER, World, of
from tests.spec import NOON

MINUTE = timedelta(minutes=1)
TWICE = [campaign_created("twice", multiplier="2", categories=["DAIRY"]), listed("twice")]


def rich(points: int = 1_000, *campaigns: Any, **changes: Any) -> World:
    """Ann has points; each pays ¥0.10."""
    world = World(policy(**{"expiry": NEVER, **changes}), *campaigns)
    world.buys(points, at=NOON - 30 * DAY, id="R-0")
    return world


def paid(
    *lines: Line, by_points: int, holds: Sequence[UUID] = (), at: datetime = NOON, id: str = "R-1", **what: Any # noqa: A002
) -> RecordPurchase:  # fmt: skip
    """A receipt of which `by_points`, in minor units, were paid by points."""
    return purchase(*lines, at=at, id=id, points_minor=by_points, holds=holds, **what)


def spent(facts: Sequence[Any]) -> list[tuple[int, int | None, int]]:
    """Points, what they paid, and how many of them are owed."""
    return [(one.points, one.amount_minor, one.debt) for one in facts if isinstance(one, PointsRedeemed)]


def earned(facts: Sequence[Any]) -> dict[str, int]:
    (one,) = (fact for fact in facts if isinstance(fact, PointsEarned))
    return {part["part"]: part["points"] for part in one.parts}


def came_back(facts: Sequence[Any]) -> list[RedemptionReversed]:
    return [one for one in facts if isinstance(one, RedemptionReversed)]


def restored(facts: Sequence[Any]) -> list[tuple[int, int]]:
    """Points that came back, and those that were paid back as money instead."""
    return [(one.points, one.refused_in_cash) for one in came_back(facts)]


def clawed(facts: Sequence[Any]) -> int:
    return sum(part["points"] for one in facts if isinstance(one, PointsRevoked) for part in one.parts)


class TestPaying:
    def test_points_are_spent_before_the_rest_of_the_receipt_earns_its_own(self) -> None:
        facts = rich(5).do(paid(line(10_000), by_points=100)).facts
        assert kinds(facts) == [PurchaseRecorded, PointsRedeemed, PointsEarned, DebtSettled]
        assert spent(facts) == [(10, 100, 5)], "what this very receipt earns cannot pay it"
        assert facts[1].purchase_id == facts[0].originator_id

    def test_a_fraction_of_a_point_is_a_whole_one(self) -> None:
        assert spent(rich().do(paid(line(10_000), by_points=101)).facts) == [(11, 101, 0)]

    def test_the_hold_that_it_names_is_captured_and_the_rest_is_redeemed(self) -> None:
        world = rich()
        world.do(hold := world.hold(30))
        facts = world.do(paid(line(10_000), by_points=500, holds=[hold.id])).facts
        assert spent(facts) == [(30, 300, 0), (20, 200, 0)]
        assert [one.hold_id for one in facts if isinstance(one, PointsRedeemed)] == [hold.id, None]
        assert world.buckets() == of(issued=1_009, spent=50, available=959)

    def test_what_is_held_beyond_it_is_free_again(self) -> None:
        world = rich()
        world.do(hold := world.hold(30))
        assert spent(world.do(paid(line(10_000), by_points=200, holds=[hold.id])).facts) == [(20, 200, 0)]
        assert world.buckets() == of(issued=1_009, spent=20, available=989)

    def test_holds_that_are_not_needed_are_released(self) -> None:
        world = rich()
        holds = [world.hold(10), world.hold(20), world.hold(30)]
        for hold in holds:
            world.do(hold)
        facts = world.do(paid(line(10_000), by_points=150, holds=[hold.id for hold in holds])).facts
        assert spent(facts) == [(10, 100, 0), (5, 50, 0)]
        assert [one.hold_id for one in facts if isinstance(one, HoldReleased)] == [holds[2].id]
        assert world.buckets() == of(issued=1_009, spent=15, available=994)

    def test_without_a_points_tender_the_holds_that_it_names_are_released(self) -> None:
        world = rich()
        world.do(hold := world.hold(30))
        world.do(paid(line(10_000), by_points=0, holds=[hold.id]))
        assert world.buckets() == of(issued=1_010, available=1_010)

    def test_holds_that_ended_timed_out_or_are_somebody_elses_are_passed_over(self) -> None:
        world = rich()
        world.buys(50, id="R-B", card="1002", at=NOON - DAY)
        over, late, bobs = world.hold(10), world.hold(10, minutes=1), world.hold(10, member=BOB)
        for hold in (over, late, bobs):
            world.do(hold)
        world.do(world.release(over.id))
        named = [over.id, late.id, bobs.id, UUID(int=9)]
        facts = world.do(paid(line(10_000), by_points=400, holds=named, at=NOON + MINUTE)).facts
        assert spent(facts) == [(40, 400, 0)]
        assert world.buckets(BOB).held == 10

    def test_business_time_judges_the_hold_and_what_was_spent_meanwhile_is_owed(self) -> None:
        """Held until 12:15; paid at 12:10, which arrives after others have spent nearly all."""
        world = rich(30)
        world.do(hold := world.hold(30))
        world.do(world.redeem(25, at=NOON + 16 * MINUTE))
        facts = world.do(paid(line(10_000), by_points=300, holds=[hold.id], at=NOON + 10 * MINUTE)).facts
        assert spent(facts) == [(30, 300, 25)]
        assert world.buckets(at=NOON + DAY) == of(issued=39, spent=30, settled=9, debt=16)

    def test_it_is_never_refused_for_its_points_and_what_is_missing_is_owed(self) -> None:
        world = World()
        assert spent(world.do(paid(line(1_000), by_points=1_000)).facts) == [(100, 1_000, 100)]
        assert world.buckets() == of(debt=100)

    def test_however_many_holds_it_names_a_fraction_is_rounded_up_once(self) -> None:
        """3 points pay ¥0.10: ¥0.31 are 10 points, and not 3 and 3 and 4 and one more."""
        world = rich(points_as_cash={"points": 3, "amount_minor": 10})
        holds = [world.hold(1), world.hold(1), world.hold(2)]
        for hold in holds:
            world.do(hold)
        found = spent(world.do(paid(line(1_000), by_points=31, holds=[hold.id for hold in holds])).facts)
        assert [points for points, _, _ in found] == [1, 1, 2, 6]
        assert sum(amount or 0 for _, amount, _ in found) == 31

    def test_without_a_rate_points_do_not_pay(self) -> None:
        world = World(policy(expiry=NEVER, points_as_cash=None))
        refused = world.log.when(paid(line(1_000), by_points=100))
        refused.then_refused(PointsAreNotCash(programme="member_experience"))

    def test_before_its_card_joins_it_waits_and_is_paid_then(self) -> None:
        world = World()
        world.do(bought := paid(line(10_000), by_points=300, card="1003"))
        facts = world.do(join(UUID(int=7), at=JOINED_AT, card="1003")).facts
        assert (spent(facts), earned(facts)) == ([(30, 300, 30)], {"base": 9})
        world.do(returned(bought.id, at=NOON + DAY))
        assert world.buckets(UUID(int=7), at=NOON + DAY) == of(issued=9, revoked=9)


class TestEarning:
    def test_what_points_paid_earns_nothing(self) -> None:
        assert earned(rich().do(paid(line(10_000), by_points=4_001)).facts) == {"base": 5}

    def test_points_are_set_against_the_lines_that_earn_least_first(self) -> None:
        """Gift cards earn nothing, bread ×1, dairy ×2: ¥50 of points pay the gift card and ¥20 of the bread."""
        lines = [line(5_000, category="DAIRY"), line(5_000, category="BREAD"), line(3_000, category="GIFT")]
        earning = {"points": 1, "per_minor": 1_000, "excluded_categories": ["GIFT"]}
        for by_points, parts, against in (
            (5_000, {"base": 8, "twice": 5}, {"3": 3_000, "2": 2_000}),
            (9_000, {"base": 4, "twice": 4}, {"3": 3_000, "2": 5_000, "1": 1_000}),
        ):
            facts = rich(1_000, *TWICE, earning=earning).do(paid(*lines, by_points=by_points)).facts
            assert earned(facts) == parts
            assert facts[-1].paid_by_points == against

    def test_the_minimum_of_a_basket_is_tested_before_points_pay(self) -> None:
        gift = [campaign_created("gift", bonus_points=50, minimum_paid_minor=10_000), listed("gift")]
        assert earned(rich(1_000, *gift).do(paid(line(10_000), by_points=9_000)).facts) == {"base": 1, "gift": 50}


class TestReturns:
    def test_bring_back_the_part_that_points_had_paid(self) -> None:
        """¥100, ¥40 of it by 400 points, earned 6. ¥25 back: 100 points, and ¥15 of money earn no more."""
        world = rich()
        world.do(bought := paid(line(10_000), by_points=4_000))
        facts = world.do(returned(bought.id, back(amount_minor=2_500), at=NOON + DAY)).facts
        assert kinds(facts) == [MessageAnswered, PurchaseReturned, RedemptionReversed, PointsRevoked]
        assert restored(facts) == [(100, 0)]
        assert world.buckets(at=NOON + DAY) == of(issued=1_006, revoked=2, spent=300, available=704)

    def test_round_down_once_over_all_lines_and_returns(self) -> None:
        """100 points on three lines of ¥10: each third gives 33⅓."""
        world = rich()
        world.do(bought := paid(line(1_000), line(1_000), line(1_000), by_points=1_000))
        (one,) = restored(world.do(returned(bought.id, back("1", amount_minor=333), at=NOON, id="T-1")).facts)
        (two,) = restored(world.do(returned(bought.id, back("1", amount_minor=667), at=NOON, id="T-2")).facts)
        assert (one, two) == ((33, 0), (67, 0)), "the points were set against the first line alone"

    def test_bring_back_the_latest_redemption_first_and_its_debt_before_its_lots(self) -> None:
        world = rich(30)
        world.do(hold := world.hold(20))
        world.do(bought := paid(line(1_000), by_points=600, holds=[hold.id]))
        assert world.buckets() == of(issued=30, spent=30, debt=30)
        (first,) = came_back(world.do(returned(bought.id, back(amount_minor=500), at=NOON, id="T-1")).facts)
        assert (first.points, first.cancelled, first.parts) == (30, 30, [])
        others = came_back(world.do(returned(bought.id, at=NOON, id="V-1")).facts)
        assert [one.points for one in others] == [10, 20]
        assert others[-1].redemption_id == hold.id
        assert world.buckets() == of(issued=30, available=30)

    def test_do_not_bring_back_points_that_are_paid_back_as_money(self) -> None:
        world = rich()
        world.do(bought := paid(line(10_000), by_points=4_000))
        cash = [Tender(kind="cash", amount_minor=5_000)]
        facts = world.do(returned(bought.id, back(amount_minor=5_000), at=NOON, tenders=cash)).facts
        assert restored(facts) == [(0, 200)]
        assert restored(world.do(returned(bought.id, at=NOON, id="V-1")).facts) == [(200, 0)]
        assert world.buckets() == of(issued=1_006, revoked=6, spent=200, available=800)

    def test_bring_back_as_many_points_as_the_till_says_that_it_paid_back_and_no_more_than_are_due(self) -> None:
        for points_minor, expected in ((1_500, (150, 50)), (1_501, (151, 49)), (2_000, (200, 0)), (5_000, (200, 0))):
            world = rich()
            world.do(bought := paid(line(10_000), by_points=4_000))
            tenders = [
                Tender(kind="points", amount_minor=points_minor),
                Tender(kind="cash", amount_minor=5_000 - points_minor),
            ]
            facts = world.do(returned(bought.id, back(amount_minor=5_000), at=NOON, tenders=tenders)).facts
            assert restored(facts) == [expected]

    def test_are_the_only_way_for_its_points_to_come_back(self) -> None:
        """Else the goods would be kept and their points as well."""
        world = rich()
        world.do(hold := world.hold(40))
        world.do(bought := paid(line(1_000), by_points=400, holds=[hold.id]))
        refused = PaidForPurchase(redemption_id=hold.id, purchase_id=bought.id)
        world.log.when(world.reverse(hold.id, 30)).then_refused(refused)
        assert restored(world.do(returned(bought.id, at=NOON)).facts) == [(40, 0)]

    def test_bring_points_back_to_an_account_that_was_closed_when_they_paid(self) -> None:
        world = rich()
        closing = ClosureBody(reason="asked", time=NOON)
        world.do(closure_command(closing, member_id=ANN, identity=world.identity()))
        world.do(bought := paid(line(1_000), by_points=400))
        assert world.buckets() == of(issued=1_000, spent=40, available=960)
        world.do(returned(bought.id, at=NOON))
        assert world.buckets() == of(issued=1_000, available=1_000)

    def test_leave_expired_what_has_expired(self) -> None:
        world = rich(expiry={"mode": "rolling", "months": 1})
        world.do(bought := paid(line(1_000), by_points=400))
        (one,) = came_back(world.do(returned(bought.id, at=NOON + 60 * DAY)).facts)
        assert (one.points, one.lapsed) == (40, 40)
        assert world.buckets(at=NOON + 60 * DAY) == of(issued=1_000, expired=1_000)

    def test_come_first_so_that_what_the_receipt_had_earned_is_found_where_it_had_paid_debt(self) -> None:
        """Else it would be forgiven, and the member keep 9 points for nothing."""
        world = World(policy(expiry=NEVER, returns="clamp_to_zero"))
        world.do(bought := paid(line(10_000), by_points=300))
        assert world.buckets() == of(issued=9, settled=9, debt=21)
        world.do(returned(bought.id, at=NOON))
        assert world.buckets() == of(issued=9, revoked=9)


AMOUNTS = strategies.integers(0, 30_000)
LINES = strategies.lists(
    strategies.tuples(strategies.sampled_from([1, 100, 999, 4_000, 9_500]), strategies.sampled_from(["DAIRY", "BREAD"])),
    min_size=1, max_size=4,
)  # fmt: skip
BACKS = strategies.lists(
    strategies.lists(strategies.tuples(strategies.integers(1, 4), strategies.integers(1, 5_000)), max_size=3),
    max_size=5,
)


POLICIES = strategies.sampled_from(["original_then_debt", "next_lots_then_debt", "clamp_to_zero"])


@forall(LINES, strategies.fractions(0, 1, max_denominator=50), BACKS, strategies.sampled_from([10_000, 50]), POLICIES)
def test_any_split_of_the_returns_brings_back_and_claws_as_many_points_as_one_return(
    sold: list[tuple[int, str]], share: Fraction, backs: list[list[tuple[int, int]]], has: int, claws: str
) -> None:
    """And those that come back are those of the definition; also where the account could not cover them."""
    lines = [line(amount, category=category) for amount, category in sold]
    by_points = int(sum(amount for amount, _ in sold) * share)
    split, whole = (rich(has, *TWICE, returns=claws) for _ in range(2))
    bought = paid(*lines, by_points=by_points)
    together = [one for part in backs for one in part]
    for world, returns in ((split, backs), (whole, [together])):
        world.do(bought)
        for number, part in enumerate(returns):
            asked = [back(str(name), amount_minor=amount) for name, amount in part]
            if asked:
                world.do(returned(bought.id, *asked, at=NOON, id=f"T-{number}"))
    ours, theirs = split.log.batch.facts, whole.log.batch.facts
    back_ = [sum(points for points, _ in restored(facts)) for facts in (ours, theirs)]
    assert back_ == [expected(bought, split, together)] * 2
    assert clawed(ours) == clawed(theirs)
    one, other = split.buckets(), whole.buckets()
    assert claws == "clamp_to_zero" or one.available - one.debt == other.available - other.debt


def expected(bought: RecordPurchase, world: World, together: list[tuple[int, int]]) -> int:
    """⌊Σ over the lines of their points part × returned / paid⌋, in points."""
    against = world.account().credited[bought.id].paid_by_points or {}
    back_ = {str(name): 0 for name in range(1, 5)}
    for name, amount in together:
        back_[str(name)] += amount
    prices = {one["line"]: one["gross_minor"] for one in bought.lines}
    minor = sum(Fraction(minor * min(back_[name], prices[name]), prices[name]) for name, minor in against.items())
    points = sum(one.points for one in world.log.batch.facts if isinstance(one, PointsRedeemed))
    return int(points * minor / sum(against.values())) if against else 0


@forall(AMOUNTS, AMOUNTS, strategies.fractions(0, 1, max_denominator=9), strategies.fractions(0, 1, max_denominator=9))
def test_two_sales_earn_at_most_as_much_as_one_though_points_pay_for_some(
    a: int, b: int, share_of_a: Fraction, share_of_b: Fraction
) -> None:
    """By part, for the base and for a multiplier; bread earns less than dairy, so that points are set against it first."""
    pa, pb = int(2 * a * share_of_a), int(2 * b * share_of_b)

    def earn(amount: int, by_points: int) -> dict[str, int]:
        lines = [line(amount, category="DAIRY"), line(amount, category="BREAD")]
        return earned(rich(0, *TWICE).do(paid(*lines, by_points=by_points)).facts)

    one, other, both = earn(a, pa), earn(b, pb), earn(a + b, pa + pb)
    assert one.keys() == other.keys() == both.keys()
    for part in both:
        assert one[part] + other[part] <= both[part]
        assert pa or pb or both[part] <= one[part] + other[part] + 1


@forall(AMOUNTS, strategies.integers(0, 3_000))
def test_no_receipt_earns_on_what_points_paid(amount: int, points: int) -> None:
    """It earns what its money alone would, so that no loop of earning and burning wins."""
    by_points = min(amount, 10 * points)
    world = rich(points)
    facts = world.do(paid(line(amount), by_points=by_points)).facts
    assert earned(facts) == {"base": (amount - by_points) // 1_000}
    assert world.account(ANN).buckets(NOON).debt == 0
