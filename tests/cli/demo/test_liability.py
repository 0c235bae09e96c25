"""The check of what is owed: that a right roll-forward passes, and that no planted error escapes it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from cli.demo import liability
from cli.demo.answers import ProductAnswers
from cli.demo.liability import LINES, ROLL, Added, Roll
from domain.fact import Fact
from domain.movements import PointsHeld, PointsRedeemed
from domain.parts import Taken
from domain.points_account import account_id
from infra.database import connect
from tests.builders import ANN, BOB, policy, published
from tests.query_api.conftest import Door, door
from tests.read_spec import JANUARY, earns, joins, revokes
from tests.spec import fact

__all__ = ["door"]

FIRST, SECOND = uuid4(), uuid4()
MIDNIGHT = datetime(2024, 1, 31, 16, tzinfo=UTC)
"""February begins where the shops are."""
MARCH, APRIL, MAY = (JANUARY.replace(month=month) for month in (3, 4, 5))

BOUGHT = earns(ANN, 1_000, at=JANUARY, paid_minor=100_000, purchase_id=FIRST, expires_at=APRIL)


def redeems(points: int, *, at: datetime) -> Fact:
    return fact(
        PointsRedeemed, originator_id=account_id(ANN), occurred_at=at, member_id=ANN, redemption_id=uuid4(),
        points=points, parts=[Taken(lot_id=BOUGHT.parts[0]["lot_id"], points=points)], debt=0,  # type: ignore[attr-defined]
    )  # fmt: skip


YEAR = [
    published(policy()),
    *joins(ANN, card="1"),
    *joins(BOB, card="2"),
    BOUGHT,
    earns(BOB, 70, at=MIDNIGHT - timedelta(microseconds=1), paid_minor=7_100, expires_at=MAY),
    earns(BOB, 30, at=MIDNIGHT + timedelta(microseconds=1), paid_minor=3_200, campaign="spring", bonus=30),
    earns(BOB, 0, at=MARCH, paid_minor=90),
    redeems(400, at=MARCH),
    revokes(ANN, FIRST, 100, bought_at=JANUARY, at=MAY),
    earns(ANN, 500, at=MARCH, paid_minor=50_000, purchase_id=SECOND, expires_at=MAY),
]


@dataclass
class Answered:
    """What a product answered, to be altered."""

    rolled: list[dict[str, Any]]
    held: dict[datetime, int] = field(default_factory=dict)

    def liability(self, *, share: str, until: str) -> Sequence[Roll]:
        assert (share, until) == ("4/5", self.rolled[-1]["month"])
        return self.rolled

    def outstanding(self, at: datetime) -> int:
        return self.held[at]


@pytest.fixture
def year(door: Door) -> tuple[Added, Answered]:
    """What the facts add up to, and what the product answers."""
    door.recorded(*YEAR)
    door.read_side.given(*YEAR)
    door.client.headers["Authorization"] = f"Bearer {door.keys['analyst']}"
    answers, added = ProductAnswers(http=door.client, read_database_url=""), _added_up(door)
    rolled = answers.liability(share=liability.SHARE, until=max(added.months))
    held = {over: answers.outstanding(over) for over in added.months.values()}
    return added, Answered([dict(one) for one in rolled], held)


def _added_up(door: Door) -> Added:
    with connect(door.settings.database_url) as log:
        return liability.added_up(log)


def test_a_right_roll_forward_passes_and_no_planted_error_escapes(year: tuple[Added, Answered]) -> None:
    added, answered = year
    assert [one["month"] for one in answered.rolled] == [f"2024-0{month}" for month in range(1, 7)]
    assert [one["points"]["issued"] for one in answered.rolled] == [1_070, 60, 500, 0, 0, 0]
    assert [one["points"]["expired"] for one in answered.rolled] == [0, 0, 0, 600, 470, 0]
    right = liability.check(added, answered)
    assert list(right.differences) == []
    assert str(right) == (
        "liability: 6 months roll forward, 1,230 points owed at most, 60 in the end: 0 differences from the facts and"
        " the read model"
    )
    for number, unit, line in product(range(6), ("points", "money"), ROLL):
        wrong = copy.deepcopy(answered)
        wrong.rolled[number][unit][line] += 1
        assert f"liability of 2024-0{number + 1}" in _subjects(added, wrong)
    for number, line in product(range(5), LINES):
        wrong = _a_month_too_early(answered, number, line)
        assert {f"liability of 2024-0{number + 1}", f"liability of 2024-0{number + 2}"} == _subjects(added, wrong)
    wrong = copy.deepcopy(answered)
    wrong.held[max(wrong.held)] -= 1
    assert [str(one) for one in liability.check(added, wrong).differences] == [
        "read model as 2024-06 ends: outstanding should be 60, is 59"
    ]
    del answered.rolled[0]
    assert "liability" in _subjects(added, answered)


def _subjects(added: Added, answered: Answered) -> set[str]:
    return {one.subject for one in liability.check(added, answered).differences}


def _a_month_too_early(answered: Answered, number: int, line: str) -> Answered:
    """A point that went, or came, in the month before: all lines add up."""
    wrong = copy.deepcopy(answered)
    sign = 1 if line == "issued" else -1
    early, late = (wrong.rolled[at]["points"] for at in (number, number + 1))
    early[line], early["closing"] = early[line] + 1, early["closing"] + sign
    late[line], late["opening"] = late[line] - 1, late["opening"] + sign
    return wrong


def test_facts_that_nobody_told_of_are_found(year: tuple[Added, Answered], door: Door) -> None:
    held = fact(
        PointsHeld, originator_id=account_id(BOB), occurred_at=MAY, member_id=BOB, hold_id=uuid4(), points=1, until=MAY,
        parts=[Taken(lot_id=uuid4(), points=1)],
    )  # fmt: skip
    door.recorded(held, earns(BOB, 9, at=MAY, paid_minor=900))
    found = {str(one) for one in liability.check(_added_up(door), year[1]).differences}
    assert "facts that are not added up: PointsHeld.v1 should be 0, is 1" in found
    assert "liability of 2024-05: issued in points should be 9, is 0" in found
