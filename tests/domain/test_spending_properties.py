"""What holds of all histories of spending, in order or late: nothing is lost, and nothing is owed and had at once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings, strategies

from domain import correcting, redeeming
from domain.points_account import PointsAccount
from domain.refusals import Refusal
from tests.domain.spending import DAY, HOUR, NOON, Life, lot

LOTS = strategies.lists(
    strategies.tuples(strategies.integers(1, 20), strategies.integers(-3, 24), strategies.none() | strategies.integers(-6, 48)),
    max_size=5,
)  # fmt: skip
"""Points, and the hours after noon at which they become active and lapse."""
POINTS = strategies.none() | strategies.integers(1, 25)


class Step(NamedTuple):
    """Something asked for, at some hour, of one of the holds or redemptions so far."""

    what: str
    points: int
    some: bool
    hour: int
    which: int


STEPS = strategies.lists(
    strategies.builds(
        Step,
        strategies.sampled_from(
            ["hold", "capture", "release", "redeem", "offline", "offline", "reverse", "waive", "clock"]
        ),
        strategies.integers(1, 25),
        strategies.booleans(),
        strategies.integers(0, 36),
        strategies.integers(0, 3),
    ),
    max_size=14,
)


def decision(step: Step, number: int, life: Life) -> Callable[[], Any]:
    """A step as a decision on the account."""
    at = NOON + step.hour * HOUR + timedelta(seconds=number)
    some = step.points if step.some else None
    hold = [*life.account.holds, UUID(int=1)][min(step.which, len(life.account.holds))]
    redemption = [*life.account.redemptions, UUID(int=1)][min(step.which, len(life.account.redemptions))]
    new: dict[str, Any] = {"points": step.points, "at": at}
    steps: dict[str, Callable[[], Any]] = {
        "hold": lambda: life.do(
            redeeming.hold, hold_id=UUID(int=100 + number), until=at + step.which * 2 * HOUR + HOUR, amount_minor=None, **new
        ),
        "capture": lambda: life.do(redeeming.capture, hold_id=hold, points=some, at=at),
        "release": lambda: life.do(redeeming.release, hold_id=hold, at=at),
        "redeem": lambda: life.do(redeeming.redeem, redemption_id=UUID(int=100 + number), **new),
        "offline": lambda: life.do(redeeming.redeem, redemption_id=UUID(int=100 + number), offline=True, **new),
        "reverse": lambda: life.do(redeeming.reverse, redemption_id=redemption, points=some, at=at, reason=None),
        "waive": lambda: life.do(redeeming.waive, points=some, at=at, reason=""),
        "clock": lambda: [
            life.record(what, at=at) for what in (redeeming.time_out, PointsAccount.settle, correcting.expire)
        ],
    }  # fmt: skip
    return steps[step.what]


@settings(max_examples=300)
@forall(LOTS, STEPS)
def test_no_history_loses_points_or_lets_debt_stand_beside_points_that_could_pay_it(
    lots: list[tuple[int, int, int | None]], steps: list[Step]
) -> None:
    """Checked after every step by `Life`, and by the clock afterwards; steps may come late."""
    life = Life(
        *(
            lot(str(number), points, active=NOON + active * HOUR, ends=None if ends is None else NOON + ends * HOUR)
            for number, (points, active, ends) in enumerate(lots)
        )
    )
    for number, step in enumerate(steps):
        with suppress(Refusal):
            decision(step, number, life)()
    for hours in range(0, 60, 3):
        life.check(max(life.account.latest or NOON, NOON + hours * HOUR))
    for one in life.account.redemptions.values():
        if one.reversed < one.points:
            life.do(redeeming.reverse, redemption_id=one.id, points=None, at=NOON + 3 * DAY, reason=None)
    assert life.account.buckets(NOON + 3 * DAY).spent == 0
