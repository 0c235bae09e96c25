"""Commands that spend: refusals in their order, what is remembered of them, and which streams they read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.command import Command, SpendingCommand
from domain.commands.redemptions import CaptureHold, HoldPoints, RedeemPoints, ReleaseHold, ReverseRedemption
from domain.fact import Fact, message_id
from domain.messages.corrections import ClosureBody, closure_command
from domain.movements import PointsHeld, PointsRedeemed
from domain.receipt import MessageAnswered, MessageRefused
from domain.refusals import (
    AboveShareOfBill,
    AccountIsClosed,
    BelowMinimum,
    CaptureAfterTimeout,
    ConflictingRepeat,
    HoldEndedBefore,
    IdOfAnotherKind,
    InsufficientPoints,
    MoreThanHeld,
    MoreThanRedeemed,
    NoProgrammeInForce,
    NotAStep,
    PointsAreNotCash,
    RedemptionReversedBefore,
    Refusal,
    TimeInTheFuture,
    UnknownHold,
    UnknownMember,
    UnknownRedemption,
)
from tests.builders import ANN, BOB, FAR_AHEAD, policy, published
from tests.domain.story import kinds
from tests.domain.world import DAY, NEVER, World
from tests.spec import NOON
from tests.spec_of_commands import given_log

CASH = {"points": 100, "amount_minor": 30, "minimum_points": 200, "step_points": 50, "largest_share": "1/2"}
RULES = policy(expiry=NEVER, points_as_cash=CASH)
NO_CASH = policy(expiry=NEVER, points_as_cash=None, effective_from="2024-01-01T00:00:00+08:00")
NOBODY = UUID(int=9)
BEFORE, AFTER = datetime(2022, 5, 2, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
CLOSED = datetime(2021, 5, 2, tzinfo=UTC)
AHEAD = FAR_AHEAD + 2 * DAY
ALL_WRONG: dict[str, Any] = {"points": 199, "bill_minor": 1}


def world() -> World:
    """Ann has 400 points, which pay by hundreds, from 200 on, half of a bill; Bob's account is closed."""
    made = World(RULES, published(NO_CASH, version=2))
    made.buys(400, at=NOON - DAY)
    closure = ClosureBody(time=CLOSED, reason="wishes to leave")
    made.do(closure_command(closure, member_id=BOB, identity=made.identity()))
    return made


def spending(world_: World, kind: type[Any], key: str = "k", **what: Any) -> Any:
    command = (world_.hold if kind is HoldPoints else world_.redeem)(1, key=key)
    return replace(command, fingerprint=str(sorted(map(str, what.items()))), **what)


SPENDING: list[tuple[dict[str, Any], Refusal]] = [
    ({"member_id": NOBODY, "occurred_at": AHEAD}, TimeInTheFuture(occurred_at=AHEAD, recorded_at=FAR_AHEAD)),
    ({"member_id": NOBODY, "occurred_at": BEFORE}, UnknownMember(member_id=NOBODY)),
    ({"member_id": BOB, "occurred_at": BEFORE}, AccountIsClosed(member_id=BOB, closed_at=CLOSED)),
    ({"occurred_at": BEFORE}, NoProgrammeInForce(programme="member_experience", occurred_at=BEFORE)),
    ({"occurred_at": AFTER}, PointsAreNotCash(programme="member_experience")),
    ({}, BelowMinimum(points=199, minimum_points=200)),
    ({"points": 401}, NotAStep(points=401, step_points=50)),
    ({"points": 450}, AboveShareOfBill(amount_minor=135, most_minor=0)),
    ({"points": 450, "bill_minor": 270}, InsufficientPoints(points=450, available=400, debt=0)),
    ({"points": None, "amount_minor": 61}, NotAStep(points=204, step_points=50)),
]
OFFLINE = [(what, refusal) for what, refusal in SPENDING if isinstance(
    refusal, TimeInTheFuture | UnknownMember | NoProgrammeInForce | PointsAreNotCash
)]  # fmt: skip


@pytest.mark.parametrize("kind", [HoldPoints, RedeemPoints])
@pytest.mark.parametrize(("what", "refusal"), SPENDING, ids=lambda one: getattr(one, "name", ""))
def test_the_refusals_of_a_spend_come_in_their_order(kind: type[Any], what: dict[str, Any], refusal: Refusal) -> None:
    made = world()
    made.log.when(spending(made, kind, **{**ALL_WRONG, **what})).then_refused(refusal)


@pytest.mark.parametrize(("what", "refusal"), OFFLINE, ids=lambda one: getattr(one, "name", ""))
def test_what_was_given_away_offline_is_refused_only_where_nobody_could_owe_it(
    what: dict[str, Any], refusal: Refusal
) -> None:
    made = world()
    made.log.when(spending(made, RedeemPoints, **{**ALL_WRONG, **what}, offline=True)).then_refused(refusal)


def test_else_it_is_owed_whatever_minimum_step_and_share_say_even_of_a_closed_account() -> None:
    made = world()
    made.do(spending(made, RedeemPoints, **ALL_WRONG, member_id=BOB, offline=True))
    assert made.buckets(BOB).debt == 199


HELD, SPENT = (message_id("/clients/tests", key) for key in ("held", "spent"))
UNTIL = NOON + timedelta(minutes=15)
OF_THEM: list[tuple[Callable[[World], Command], Refusal]] = [
    (lambda made: made.capture(NOBODY, 999, at=AHEAD), TimeInTheFuture(occurred_at=AHEAD, recorded_at=FAR_AHEAD)),
    (lambda made: made.capture(NOBODY, 999, at=UNTIL), UnknownHold(hold_id=NOBODY)),
    (lambda made: made.capture(ANN, 999, at=UNTIL), IdOfAnotherKind(id=ANN)),
    (lambda made: made.capture(SPENT, 999, at=UNTIL), UnknownHold(hold_id=SPENT)),
    (lambda made: made.capture(HELD, 999, at=UNTIL), CaptureAfterTimeout(hold_id=HELD, until=UNTIL)),
    (lambda made: made.capture(HELD, 999), MoreThanHeld(hold_id=HELD, points=999, held=200)),
    (lambda made: made.release(NOBODY, at=UNTIL), UnknownHold(hold_id=NOBODY)),
    (lambda made: made.release(HELD, at=UNTIL), HoldEndedBefore(hold_id=HELD, how="timed-out")),
    (lambda made: made.reverse(NOBODY, 999), UnknownRedemption(redemption_id=NOBODY)),
    (lambda made: made.reverse(HELD, 999), UnknownRedemption(redemption_id=HELD)),
    (lambda made: made.reverse(SPENT, 999), MoreThanRedeemed(redemption_id=SPENT, points=999, left=200)),
]


@pytest.mark.parametrize(("asked", "refusal"), OF_THEM)
def test_the_refusals_of_what_becomes_of_a_spend_come_in_their_order(
    asked: Callable[[World], Command], refusal: Refusal
) -> None:
    made = world()
    made.do(spending(made, HoldPoints, key="held", points=200))
    made.do(spending(made, RedeemPoints, key="spent", points=200))
    made.log.when(asked(made)).then_refused(refusal)


class TestWhatIsRememberedOfARefusal:
    @pytest.mark.parametrize(("what", "refusal"), SPENDING[1:], ids=lambda one: getattr(one, "name", ""))
    def test_it_is_refused_again_with_the_same_fields(self, what: dict[str, Any], refusal: Refusal) -> None:
        made = world()
        asked = spending(made, RedeemPoints, **{**ALL_WRONG, **what})
        made.log.when(asked).then_refused(refusal)
        (kept,) = made.log.batch.facts[-1:]
        assert isinstance(kept, MessageRefused)
        assert (kept.originator_id, kept.scope, kept.refusal) == (asked.id, "redemption", refusal.name)
        made.log.when(asked).then_refused(refusal)
        assert made.log.batch.facts[-1] is kept

    def test_though_there_would_be_enough_points_by_now(self) -> None:
        made = world()
        asked = spending(made, RedeemPoints, points=450)
        refusal = InsufficientPoints(points=450, available=400, debt=0)
        made.log.when(asked).then_refused(refusal)
        made.buys(1_000, at=NOON - DAY, id="R-2")
        made.log.when(asked).then_refused(refusal)
        other = replace(asked, fingerprint="other", points=400)
        made.log.when(other).then_refused(ConflictingRepeat(source="/clients/tests", external_id="k"))
        made.do(spending(made, RedeemPoints, key="a new one", points=450))

    def test_of_every_kind_of_command(self) -> None:
        made = world()
        made.do(spent := made.redeem(400, key="spent"))
        made.do(made.reverse(spent.id))
        for asked, refusal in (
            (made.capture(NOBODY, key="a"), UnknownHold(NOBODY)),
            (made.release(NOBODY, key="b"), UnknownHold(NOBODY)),
            (made.reverse(spent.id, key="c"), RedemptionReversedBefore(spent.id)),
        ):
            assert isinstance(asked, SpendingCommand)
            for _ in range(2):
                made.log.when(asked).then_refused(refusal)
            made.log.when(replace(asked, fingerprint="other")).then_refused(
                ConflictingRepeat(source="/clients/tests", external_id=asked.external_id)
            )

    def test_a_clock_that_ran_ahead_and_a_conflict_are_not_remembered(self) -> None:
        made = world()
        asked = spending(made, RedeemPoints, points=200, occurred_at=AHEAD)
        facts = list(made.log.batch.facts)
        made.log.when(asked).then_refused(TimeInTheFuture(occurred_at=AHEAD, recorded_at=FAR_AHEAD))
        assert made.log.batch.facts == facts
        made.do(replace(asked, occurred_at=NOON))

    def test_what_nobody_can_repeat_is_not_remembered(self) -> None:
        made = world()
        made.do(hold := spending(made, HoldPoints, points=200))
        facts = list(made.log.batch.facts)
        made.log.when(replace(made.capture(hold.id, 201), keyed=False)).then_refused(MoreThanHeld(hold.id, 201, 200))
        assert made.log.batch.facts == facts


def test_a_spend_is_claimed_before_anything_else_and_a_repeat_finds_it() -> None:
    made = world()
    asked = spending(made, HoldPoints, points=200)
    result = made.do(asked)
    assert kinds(result.facts) == [MessageAnswered, PointsHeld]
    assert (result.facts[0].originator_id, result.facts[0].target) == (asked.id, str(ANN))
    assert (result.facts[1].hold_id, result.facts[1].until) == (asked.id, NOON + timedelta(minutes=15))
    made.log.when(asked).then_repeats(asked.id)
    captured = made.capture(asked.id)
    assert kinds(made.do(captured).facts) == [MessageAnswered, PointsRedeemed]
    made.log.when(captured).then_repeats(captured.id)


def test_commands_name_all_streams_that_they_read() -> None:
    """What is not named costs a query of its own for each command."""
    made = world()
    made.do(held := spending(made, HoldPoints, key="held", points=200))
    made.do(spent := spending(made, RedeemPoints, key="spent", points=200))
    facts: list[Fact] = [published(RULES), published(NO_CASH, version=2), *made.log.batch.facts]
    commands = [
        made.hold(200), made.redeem(200), made.capture(held.id), made.release(held.id), made.reverse(spent.id),
        made.capture(NOBODY),
    ]  # fmt: skip
    assert {type(one) for one in commands} == {HoldPoints, RedeemPoints, CaptureHold, ReleaseHold, ReverseRedemption}
    for command in commands:
        fresh = given_log(*facts)
        fresh.batch.recorded_at = FAR_AHEAD
        fresh.batch.prefetch([command])
        before = set(fresh.batch.streams)
        fresh.when(command)
        assert set(fresh.batch.streams) == before
