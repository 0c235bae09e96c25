"""The naive model in any history, told in any order: no point is lost, doubled or invented, and none is owed and had at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as some

from tests.naive import Answer, Ledger, Rules
from tests.naive.story import on

MEMBERS = ("ann", "ben", "cat")
Step = tuple[str, str, str, int, int, int]  # what, who, to whom, how much, which of those before, on which day
LIKELY = {
    "buy": 3, "pay": 2, "give_back": 2, "void": 1, "hold": 3, "capture": 3, "release": 1, "redeem": 3, "offline": 1, "reverse": 2,
    "give": 1, "take": 1, "waive": 1, "transfer": 2, "merge": 1, "unmerge": 1, "close": 1,
}  # fmt: skip

STEPS = some.lists(
    some.tuples(
        some.sampled_from([what for what, times in LIKELY.items() for _ in range(times)]),
        some.sampled_from(MEMBERS),
        some.sampled_from(MEMBERS),
        some.integers(1, 60),
        some.integers(0, 9),
        some.integers(0, 60),
    ),
    max_size=25,
)
PROGRAMMES = some.builds(
    Rules,
    pending_days=some.sampled_from((0, 14)),
    expiry=some.sampled_from(("rolling", "registration_anniversary", "never")),
    rolling_months=some.just(1),
    claw=some.sampled_from(("original_then_debt", "next_lots_then_debt", "clamp_to_zero")),
)


def tell(ledger: Ledger, number: int, step: Step) -> Answer | None:
    """One step of a history; `which` points at a purchase, hold or redemption, in any state."""
    what, who, whom, much, which, day = step
    at, name = on(4, 1) + timedelta(days=day, minutes=number), str(number)
    lines = [("1", much * 170, "BREAD"), ("2", much * 90, "DAIRY")]
    known = (list(ledger.purchases), list(ledger.holds), list(ledger.redemptions))
    purchase, hold, redemption = (names[which % len(names)] if names else "none" for names in known)
    steps: dict[str, Callable[[], Any]] = {
        "buy": lambda: ledger.purchase(name, who, at, lines, store=str(which)),
        "pay": lambda: ledger.purchase(name, who, at, lines, points_minor=much * 70, holds=[hold]),
        "give_back": lambda: ledger.give_back(purchase, at, [("1", 0, much * 40), ("2", 0, much * 9)], which % 3 == 0),
        "void": lambda: ledger.void(purchase, at),
        "hold": lambda: ledger.hold(name, who, 2 * much, at, at + timedelta(days=3 * which)),
        "capture": lambda: ledger.capture(hold, much, at),
        "release": lambda: ledger.release(hold, at),
        "redeem": lambda: ledger.redeem(name, who, much, at),
        "offline": lambda: ledger.redeem(name, who, much, at, offline=True),
        "reverse": lambda: ledger.reverse(redemption, None if which % 2 else much, at),
        "give": lambda: ledger.adjust(who, much, at, expires_at=at + timedelta(days=which * 5)),
        "take": lambda: ledger.adjust(who, -much, at, allow_debt=which % 2 == 0),
        "waive": lambda: ledger.waive(who, much, at),
        "transfer": lambda: ledger.transfer(UUID(int=number), who, whom, much, at),
        "merge": lambda: ledger.merge(who, whom, at),
        "unmerge": lambda: ledger.unmerge(who, whom, at),
        "close": lambda: ledger.close(who, at),
    }
    answer: Answer | None = steps[what]()
    return answer


def balances(ledger: Ledger, as_of: datetime) -> list[dict[str, int]]:
    return [ledger.balance(member, as_of) for member in MEMBERS]


@settings(max_examples=150)
@given(rules=PROGRAMMES, steps=STEPS)
def test_no_history_loses_doubles_or_invents_a_point(rules: Rules, steps: list[Step]) -> None:
    ledger = Ledger(rules)
    for member in MEMBERS:
        ledger.join(member, on(1, 15))
        ledger.opening(member, on(1, 16), [(60, on(4, 20)), (60, None)])
    end = on(4, 1) + timedelta(days=70)
    for number, step in enumerate(steps):
        before = balances(ledger, end)
        refused = isinstance(tell(ledger, number, step), str)
        ledger.check()
        ledger.check(end)
        assert not refused or balances(ledger, end) == before
    for purchase in ledger.purchases:
        ledger.void(purchase, end)
    ledger.check(on(4, 1, year=2025))
    assert [ledger.qualifying(member) for member in MEMBERS] == [0, 0, 0]
