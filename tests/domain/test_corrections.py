"""Adjustments, waivers, closing and opening balances (rules 15)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.messages.corrections import AdjustmentBody, ClosureBody, adjustment_command, closure_command
from domain.movements import OpeningBalanceImported, PointsAdjusted, PointsEarned
from domain.refusals import (
    AccountAlreadyClosed,
    AccountIsClosed,
    ConflictingRepeat,
    EarlierThanCause,
    InsufficientPoints,
    InvalidField,
    NoDebt,
    PointsWithoutBuyer,
    UnknownCard,
    UnknownMember,
    UnknownTier,
)
from domain.tier_moves import TierMoved
from tests.builders import ANN, line, policy, purchase, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY, World, of
from tests.spec import NOON


class TestAdjustments:
    def test_points_given_can_be_spent_and_lapse_as_those_of_a_purchase_would(self) -> None:
        world = World(policy())
        (given,) = world.do(world.adjust(30)).facts[1:]
        assert isinstance(given, PointsAdjusted)
        assert given.lot is not None
        assert given.lot["expires_at"] == datetime(2024, 3, 15, 16, tzinfo=UTC)
        assert (given.reason, given.actor) == ("goodwill", "/clients/tests")
        assert world.buckets() == of(issued=30, available=30)

    def test_points_given_lapse_when_they_were_told_to_or_never(self) -> None:
        world = World(policy())
        world.do(world.adjust(30, expires_at=NOON + DAY))
        world.do(world.adjust(5, never_expires=True))
        assert world.buckets(at=NOON + DAY) == of(issued=35, available=5, expired=30)
        assert world.buckets(at=NOON + 5_000 * DAY) == of(issued=35, available=5, expired=30)

    def test_points_taken_come_out_of_what_lapses_first(self) -> None:
        world = World()
        world.do(world.adjust(30, expires_at=NOON + 2 * DAY))
        world.do(world.adjust(30, expires_at=NOON + DAY))
        world.do(world.adjust(-40))
        assert world.buckets() == of(issued=60, available=20, revoked=40)
        assert world.buckets(at=NOON + DAY) == of(issued=60, available=20, revoked=40)

    def test_more_than_is_available_is_taken_only_where_debt_is_allowed(self) -> None:
        world = World()
        world.do(world.adjust(30))
        refused = world.log.when(world.adjust(-40, key="K"))
        refused.then_refused(InsufficientPoints(points=40, available=30, debt=0))
        world.do(world.adjust(-40, allow_debt=True))
        assert world.buckets() == of(issued=30, revoked=30, debt=10)

    def test_a_refusal_to_take_is_remembered_under_its_key(self) -> None:
        world = World()
        first = world.adjust(-40, key="K")
        world.log.when(first).then_refused(InsufficientPoints(points=40, available=0, debt=0))
        world.do(world.adjust(100))
        world.log.when(first).then_refused(InsufficientPoints(points=40, available=0, debt=0))
        world.log.when(world.adjust(-41, key="K")).then_refused(
            ConflictingRepeat(source="/clients/tests", external_id="K")
        )

    def test_points_that_qualify_move_the_tier_and_others_do_not(self) -> None:
        world = World()
        assert not any(isinstance(one, TierMoved) for one in world.do(world.adjust(10_000)).facts)
        moved = world.do(world.adjust(10_000, qualifying=True)).facts[-1]
        assert isinstance(moved, TierMoved)
        assert moved.to_tier == "Silver"
        back = world.do(world.adjust(-1, qualifying=True)).facts[-1]
        assert (back.from_tier, back.to_tier) == ("Silver", "Ordinary")

    @pytest.mark.parametrize(
        ("what", "field"),
        [
            ({"points": 0}, "points"),
            ({"points": 5, "expires_at": NOON}, "expires_at"),
            ({"points": 5, "expires_at": NOON + DAY, "never_expires": True}, "expires_at"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, what: dict[str, Any], field: str) -> None:
        body = AdjustmentBody(time=NOON, reason="goodwill", **what)
        with pytest.raises(InvalidField) as refused:
            adjustment_command(body, member_id=ANN, identity=World().identity())
        assert refused.value.field == field

    def test_nobody_is_unknown(self) -> None:
        world = World()
        stranger = UUID(int=5)
        world.log.when(world.adjust(1, member=stranger)).then_refused(UnknownMember(member_id=stranger))


class TestWaivers:
    def test_debt_is_waived_in_part_or_as_a_whole(self) -> None:
        world = World()
        world.do(world.adjust(-10, allow_debt=True))
        world.do(world.waive(4))
        assert world.buckets() == of(debt=6)
        world.do(world.waive())
        assert world.buckets() == of()

    def test_more_than_is_owed_is_not_waived(self) -> None:
        world = World()
        world.log.when(world.waive()).then_refused(NoDebt(points=0, debt=0))
        world.do(world.adjust(-10, allow_debt=True))
        world.log.when(world.waive(11)).then_refused(NoDebt(points=11, debt=10))

    def test_what_the_clock_has_settled_is_no_debt_any_more(self) -> None:
        world = World(policy(expiry={"mode": "never"}, earning={"points": 1, "per_minor": 1_000, "pending_days": 2}))
        world.buys(6, at=NOON)
        world.do(world.adjust(-10, at=NOON, allow_debt=True))
        assert world.buckets(at=NOON) == of(issued=6, pending=6, debt=10)
        assert world.buckets(at=NOON + 3 * DAY) == of(issued=6, settled=6, debt=4)
        world.log.when(world.waive(5, at=NOON + 3 * DAY)).then_refused(NoDebt(points=5, debt=4))
        world.do(world.waive(at=NOON + 3 * DAY))
        assert world.buckets(at=NOON + 3 * DAY) == of(issued=6, settled=6)


class TestClosing:
    def close(self, world: World, *, at: datetime = NOON) -> Any:
        return closure_command(ClosureBody(reason="asked", time=at), member_id=ANN, identity=world.identity())

    def test_a_closed_account_earns_and_gets_no_more_and_its_debt_stays(self) -> None:
        world = World()
        world.do(world.adjust(-10, allow_debt=True))
        world.do(self.close(world))
        bought = world.do(purchase(line(5_000), at=NOON + DAY))
        assert not any(isinstance(one, PointsEarned) for one in bought.facts)
        world.log.when(world.adjust(1, at=NOON + DAY)).then_refused(AccountIsClosed(member_id=ANN, closed_at=NOON))
        assert world.buckets(at=NOON + DAY) == of(debt=10)
        world.do(world.waive(at=NOON + DAY))
        assert world.buckets(at=NOON + DAY) == of()

    def test_a_purchase_from_before_the_closing_is_credited_and_its_return_counts(self) -> None:
        world = World()
        world.do(self.close(world))
        sold = world.buys(9, at=NOON - DAY)
        assert world.buckets() == of(issued=9, available=9)
        world.gives_back(sold, 4, at=NOON + DAY)
        assert world.buckets() == of(issued=9, available=5, revoked=4)

    def test_a_return_of_what_was_never_credited_takes_nothing(self) -> None:
        world = World()
        world.do(self.close(world))
        sold = world.buys(9, at=NOON + DAY)
        world.gives_back(sold, 9, at=NOON + 2 * DAY)
        assert world.buckets(at=NOON + 2 * DAY) == of()

    def test_it_is_closed_once(self) -> None:
        world = World()
        world.do(self.close(world))
        world.log.when(self.close(world)).then_refused(AccountAlreadyClosed(member_id=ANN))


class TestOpeningBalances:
    def test_lots_tier_and_qualifying_points_are_brought_in(self) -> None:
        world = World(policy())
        lots = [
            {"points": 40, "earned_at": NOON - 40 * DAY, "expires_at": NOON + DAY},
            {"points": 60, "earned_at": NOON - 30 * DAY},
            {"points": 5, "earned_at": NOON - 9 * DAY, "never_expires": True},
        ]
        done = world.do(
            world.opening(lots=lots, tier="Gold", tier_since=NOON - 90 * DAY, qualifying=[{"points": 700, "at": NOON}])
        )
        imported = next(one for one in done.facts if isinstance(one, OpeningBalanceImported))
        assert [lot.get("expires_at") for lot in imported.lots] == [
            NOON + DAY, datetime(2024, 3, 15, 16, tzinfo=UTC), None
        ]  # fmt: skip
        assert world.buckets() == of(issued=105, available=105)
        assert (world.account().tier, world.account().periods) == ("Gold", {0: 700})

    def test_debt_that_came_along_is_settled_by_the_points_that_came_along(self) -> None:
        world = World()
        world.do(world.opening(lots=[{"points": 40, "earned_at": NOON}], debt=55))
        assert world.buckets() == of(issued=40, settled=40, debt=15)

    def test_a_reference_is_brought_in_once(self) -> None:
        world = World()
        first = world.opening(lots=[{"points": 40, "earned_at": NOON}])
        world.do(first)
        assert world.log.when(first).repeat is not None
        other = world.opening(lots=[{"points": 41, "earned_at": NOON}])
        world.log.when(other).then_refused(ConflictingRepeat(source="/imports/opening-balances", external_id="A-1"))

    def test_a_card_that_nobody_holds_can_be_brought_in_once_somebody_does(self) -> None:
        world = World()
        early = world.opening(card="1003", lots=[{"points": 40, "earned_at": NOON}])
        world.log.when(early).then_refused(UnknownCard())

    def test_a_tier_that_the_programme_does_not_have_is_refused(self) -> None:
        world = World()
        world.log.when(world.opening(tier="Platinum")).then_refused(UnknownTier(tier="Platinum"))

    def test_a_tier_that_was_brought_in_holds_until_the_review(self) -> None:
        world = World(policy())
        world.do(world.opening(tier="Gold", at=NOON))
        world.buys(10, at=NOON + timedelta(days=30), id="R-2")
        assert world.account().tier == "Gold"
        world.buys(10, at=NOON + timedelta(days=400), id="R-3")
        assert world.account().tier == "Silver"


def test_nothing_is_given_to_a_member_before_the_joining() -> None:
    world = World()
    early = EarlierThanCause(occurred_at=JOINED_AT - DAY, cause_at=JOINED_AT)
    world.log.when(world.adjust(5, at=JOINED_AT - DAY)).then_refused(early)


def test_nothing_goes_back_over_http_before_it_was_sold() -> None:
    world = World()
    sold = world.buys(10)
    early = EarlierThanCause(occurred_at=NOON - DAY, cause_at=NOON)
    world.log.when(returned(sold, at=NOON - DAY, strictly=True)).then_refused(early)
    world.do(returned(sold, at=NOON - DAY))


def test_points_that_nobody_has_pay_for_nothing_over_http() -> None:
    world = World()
    bought = purchase(line(1_000), at=NOON, card=None, points_minor=100)
    world.log.when(bought).then_refused(PointsWithoutBuyer(amount_minor=100))
    world.do(purchase(line(1_000), at=NOON, card=None, points_minor=100, answered=False))
