"""What was known, over HTTP: every question takes `known_at`; what cannot be answered is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.fact import Fact
from tests.builders import ANN, BOB, campaign_created, defined, policy, published
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.read_spec import JANUARY, earns, joins

AS_OF = (JANUARY + timedelta(days=100)).isoformat()
BEGAN = datetime(2024, 3, 1, tzinfo=UTC)
QUESTIONS = (
    f"/members/{ANN}/balance", f"/members/{ANN}/lots", f"/members/{ANN}/expiries", f"/members/{ANN}/statement",
    f"/members/{ANN}/tier", f"/members/{ANN}/entitlements", f"/members/{ANN}/segments", f"/members/{ANN}/rewards",
    f"/members/{ANN}/coupons", f"/members/{ANN}/referrals", "/expiries", "/campaigns", "/rewards", "/referrals",
    "/segments/regulars/members",
)  # fmt: skip


@pytest.fixture
def year(door: Door) -> Door:
    """Ann joins on the first day and buys on the second and the fourth; Bob joins on the third."""
    days: list[list[Fact]] = [
        [
            published(policy("member_experience")),
            campaign_created("spring", multiplier="2"),
            defined("regulars", {"behaviour": {"visits_at_least": 1}}),
            *joins(ANN, card="1"),
        ],
        [earns(ANN, 7, at=JANUARY, paid_minor=700)],
        [*joins(BOB, card="2")],
        [earns(ANN, 5, at=JANUARY, paid_minor=500)],
    ]
    recorded = [
        fact.model_copy(update={"recorded_at": BEGAN + timedelta(days=number)})
        for number, facts in enumerate(days)
        for fact in facts
    ]
    door.recorded(*recorded)
    door.read_side.given(*recorded)
    door.read_side.models.take_in(door.read_side.teller.watermark())
    return door


def day(number: int) -> str:
    return (BEGAN + timedelta(days=number)).isoformat()


def test_points_are_those_that_were_known(year: Door) -> None:
    told = [year.ask(f"/members/{ANN}/balance", as_of=AS_OF, known_at=day(number)).json() for number in range(4)]
    assert [one["issued"] for one in told] == [0, 7, 7, 12]
    assert [one["position"] for one in told] == [6, 7, 10, 11]
    assert told[3] == year.ask(f"/members/{ANN}/balance", as_of=AS_OF).json()


def test_without_as_of_the_answer_is_about_the_instant_of_knowing(year: Door) -> None:
    told = year.ask(f"/members/{ANN}/balance", known_at=day(1)).json()
    assert datetime.fromisoformat(told["as_of"]) == BEGAN + timedelta(days=1)


@pytest.mark.parametrize("path", QUESTIONS)
def test_known_last_is_as_known_now(year: Door, path: str) -> None:
    now = year.ask(path, as_of=AS_OF)
    assert (now.status_code, year.ask(path, as_of=AS_OF, known_at=day(3)).json()) == (200, now.json())


def test_who_was_not_known_yet_is_unknown_and_campaigns_tell_what_they_had_brought(year: Door) -> None:
    problem(year.ask(f"/members/{BOB}/balance", known_at=day(1)), 404, "unknown-member")
    assert year.ask("/members", card="2", known_at=day(2)).json()["member_id"] == str(BOB)
    problem(year.ask("/members", card="2", known_at=day(1)), 404, "unknown-member")
    members = [
        year.ask("/segments/regulars/members", as_of=AS_OF, known_at=day(number)).json()["items"]
        for number in (2, 0, 1)
    ]
    assert members == [[str(ANN)], [], [str(ANN)]]
    assert year.ask("/campaigns/spring/analytics", known_at=day(1)).json()["position"] == 7


@pytest.mark.parametrize(
    ("known_at", "status", "name"),
    [(day(-1), 404, "before-first-fact"), ("2199-01-01T00:00:00Z", 422, "known-at-in-future")],
)
def test_before_the_first_fact_and_in_the_future_there_is_no_answer(
    year: Door, known_at: str, status: int, name: str
) -> None:
    told: dict[str, Any] = problem(year.ask(f"/members/{ANN}/balance", known_at=known_at), status, name)
    if status == 404:
        assert datetime.fromisoformat(told["first_recorded_at"]) == BEGAN


@pytest.mark.parametrize("what", ["balance", "coupons", "referrals"])
def test_who_was_not_known_then_is_no_member(year: Door, what: str) -> None:
    problem(year.ask(f"/members/{BOB}/{what}", known_at=day(1)), 404, "unknown-member")
    assert year.ask(f"/members/{BOB}/{what}", known_at=day(2)).status_code == 200


def test_no_row_is_changed(year: Door) -> None:
    before = year.read_side.all_rows()
    for path in QUESTIONS:
        assert year.ask(path, as_of=AS_OF, known_at=day(1)).status_code == 200
    assert year.read_side.all_rows() == before
