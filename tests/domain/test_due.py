"""What time brings about is recorded at its instant, once, and changes no balance."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given as forall
from hypothesis import strategies

from domain import correcting, redeeming
from domain.due import brought_about, next_due
from domain.movements import DebtSettled, HoldTimedOut, PointsExpired
from domain.refusals import Refusal
from tests.builders import policy
from tests.domain.spending import DAY, HOLD, HOUR, MIDNIGHT, MINUTE, NOON, OTHER_HOLD, REDEMPTION, Life, lot, taken

SECOND = timedelta(seconds=1)


def recorded(life: Life, now: datetime) -> list[tuple[type[Any], datetime, list[Any]]]:
    """What the clock records: kind, instant and points, by lot."""
    facts = life.record(brought_about, at=now)
    assert brought_about(life.account, now) == [], "once is enough"
    return [(type(one), one.occurred_at, one.parts) for one in facts]


def hold(life: Life, points: int, *, until: datetime, hold_id: Any = HOLD) -> None:
    life.do(redeeming.hold, at=NOON, hold_id=hold_id, points=points, until=until, amount_minor=None)


def test_nothing_is_recorded_ahead_of_time() -> None:
    life = Life(lot("A", 5, ends=MIDNIGHT))
    hold(life, 2, until=NOON + 15 * MINUTE)
    assert brought_about(life.account, NOON + 15 * MINUTE - SECOND) == []
    assert next_due(life.account, NOON) == NOON + 15 * MINUTE
    assert recorded(life, NOON + 15 * MINUTE) == [(HoldTimedOut, NOON + 15 * MINUTE, taken(A=2))]
    assert next_due(life.account, NOON + 15 * MINUTE) == MIDNIGHT


def test_after_a_pause_everything_is_recorded_at_its_own_instant() -> None:
    life = Life(lot("A", 5, ends=MIDNIGHT), lot("B", 3, ends=MIDNIGHT), lot("C", 2, ends=NOON + 2 * DAY), lot("D", 1))
    assert recorded(life, NOON + 9 * DAY) == [
        (PointsExpired, MIDNIGHT, taken(A=5, B=3)),
        (PointsExpired, NOON + 2 * DAY, taken(C=2)),
    ]
    assert next_due(life.account, NOON + 9 * DAY) is None


def test_what_pays_debt_in_time_does_not_lapse() -> None:
    life = Life(lot("A", 5, active=NOON + HOUR, ends=MIDNIGHT), debt=3)
    assert next_due(life.account, NOON) == NOON + HOUR
    assert recorded(life, NOON + DAY) == [
        (DebtSettled, NOON + HOUR, taken(A=3)),
        (PointsExpired, MIDNIGHT, taken(A=2)),
    ]
    assert life.buckets(NOON + DAY) == {"issued": 5, "settled": 3, "expired": 2}


def test_what_a_hold_kept_good_lapses_when_the_hold_times_out_and_the_rest_in_time() -> None:
    life = Life(lot("A", 10, ends=MIDNIGHT))
    hold(life, 4, until=MIDNIGHT + HOUR)
    hold(life, 1, until=MIDNIGHT + 2 * HOUR, hold_id=OTHER_HOLD)
    assert recorded(life, MIDNIGHT) == [(PointsExpired, MIDNIGHT, taken(A=5))]
    assert next_due(life.account, MIDNIGHT) == MIDNIGHT + HOUR
    assert recorded(life, MIDNIGHT + 3 * HOUR) == [
        (HoldTimedOut, MIDNIGHT + HOUR, taken(A=4)),
        (PointsExpired, MIDNIGHT + HOUR, taken(A=4)),
        (HoldTimedOut, MIDNIGHT + 2 * HOUR, taken(A=1)),
        (PointsExpired, MIDNIGHT + 2 * HOUR, taken(A=1)),
    ]


def test_tomorrow_four_of_ten_held_are_captured_and_two_of_the_lot_that_ended_tonight_have_lapsed() -> None:
    life = Life(lot("A", 6, ends=MIDNIGHT), lot("B", 4))
    hold(life, 10, until=MIDNIGHT + DAY)
    assert brought_about(life.account, MIDNIGHT + HOUR) == [], "held overrides expired"
    captured_at = MIDNIGHT + 2 * HOUR
    life.do(redeeming.capture, at=captured_at, hold_id=HOLD, points=4)
    assert recorded(life, MIDNIGHT + DAY) == [(PointsExpired, captured_at, taken(A=2))]
    assert life.buckets(MIDNIGHT + DAY) == {"issued": 10, "spent": 4, "expired": 2, "available": 4}


def test_what_comes_back_after_its_expiry_lapses_as_it_comes() -> None:
    life = Life(lot("A", 6, ends=MIDNIGHT))
    life.do(redeeming.redeem, at=NOON, redemption_id=REDEMPTION, points=4)
    assert recorded(life, MIDNIGHT) == [(PointsExpired, MIDNIGHT, taken(A=2))]
    life.do(redeeming.reverse, at=MIDNIGHT + HOUR, redemption_id=REDEMPTION, points=None, reason=None)
    assert recorded(life, MIDNIGHT + DAY) == [(PointsExpired, MIDNIGHT + HOUR, taken(A=4))]


def test_the_lots_of_a_whole_year_lapse_at_one_instant_in_facts_that_are_not_too_long() -> None:
    life = Life(*(lot(str(number), 1, ends=MIDNIGHT) for number in range(2_001)))
    facts = brought_about(life.account, MIDNIGHT)
    assert [len(one.what["parts"]) for one in facts] == [1_000, 1_000, 1]
    assert {one.what["occurred_at"] for one in facts} == {MIDNIGHT}


HOURS = strategies.integers(0, 60).map(lambda hours: NOON + hours * HOUR)
LOTS = strategies.lists(
    strategies.tuples(strategies.integers(1, 9), HOURS, strategies.one_of(strategies.none(), HOURS)), min_size=1, max_size=4
)  # fmt: skip
STEPS = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["hold", "redeem", "offline", "capture", "release", "reverse", "take", "clock"]),
        HOURS, strategies.integers(1, 9),
    ),
    max_size=12,
)  # fmt: skip
Step = tuple[str, datetime, int]


def carry_out(life: Life, steps: list[Step], *, clock: bool) -> None:
    """In the order of their arrival, whatever their business times; what is refused is left out."""
    for number, (kind, at, points) in enumerate(steps):
        if kind == "clock" and clock:
            life.record(brought_about, at=at)
        elif kind != "clock":
            try:
                life.do(DECISIONS[kind], at=at, number=number, points=points)
            except Refusal:
                continue


RULES = policy()


def _latest(names: Any) -> Any:
    return next(reversed(list(names)), HOLD)


DECISIONS: dict[str, Callable[..., Any]] = {
    "hold": lambda account, *, at, number, points: redeeming.hold(
        account, hold_id=_id(number), points=points, at=at, until=at + points * HOUR, amount_minor=None
    ),
    "redeem": lambda account, *, at, number, points: redeeming.redeem(
        account, redemption_id=_id(number), points=points, at=at
    ),
    "offline": lambda account, *, at, number, points: redeeming.redeem(
        account, redemption_id=_id(number), points=points, at=at, offline=True
    ),
    "capture": lambda account, *, at, number, points: redeeming.capture(
        account, hold_id=_latest(account.holds), points=points, at=at
    ),
    "release": lambda account, *, at, number, points: redeeming.release(account, hold_id=_latest(account.holds), at=at),
    "reverse": lambda account, *, at, number, points: redeeming.reverse(
        account, redemption_id=_latest(account.redemptions), points=None, at=at, reason=None
    ),
    "take": lambda account, *, at, number, points: correcting.take(
        account, points=points, at=at, allow_debt=True, qualifies=False, reason="", policy=RULES, version=1
    ),
}


def _id(number: int) -> Any:
    return type(HOLD)(int=0x1000 + number)


def lots_of(given: list[tuple[int, datetime, datetime | None]]) -> list[Any]:
    return [lot(str(number), points, active=active, ends=ends) for number, (points, active, ends) in enumerate(given)]


@forall(LOTS, STEPS)
def test_recording_changes_no_balance(given: list[tuple[int, datetime, datetime | None]], steps: list[Step]) -> None:
    """∀ histories that arrive in order: with the clock or without it, the same buckets ever after."""
    steps = sorted(steps, key=lambda step: step[1])
    with_clock, without = Life(*lots_of(given)), Life(*lots_of(given))
    carry_out(with_clock, steps, clock=True)
    carry_out(without, steps, clock=False)
    last = max((at for _, at, _ in steps), default=NOON)
    for hours in (0, 1, 7, 30, 99):
        assert with_clock.buckets(last + hours * HOUR) == without.buckets(last + hours * HOUR)


@forall(LOTS, STEPS, strategies.lists(HOURS, min_size=2, max_size=9))
def test_nothing_comes_about_before_the_account_says_that_it_is_due(
    given: list[tuple[int, datetime, datetime | None]], steps: list[Step], looks: list[datetime]
) -> None:
    life = Life(*lots_of(given))
    carry_out(life, steps, clock=False)
    looks.sort()
    life.record(brought_about, at=looks[0])
    for before, now in pairwise(looks):
        due = next_due(life.account, before)
        if brought_about(life.account, now):
            assert due is not None
            assert before < due <= now
        for one in life.record(brought_about, at=now):
            assert before < one.occurred_at <= now
