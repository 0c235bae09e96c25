"""What will lapse, by local day: of one member, and of all."""

from datetime import UTC, date, datetime, timedelta

import pytest

from projections.expiries import expiries, expiries_of
from projections.points import balance_of
from projections.standings import NoProgrammeKnown
from tests.builders import ANN, BOB, policy, published
from tests.domain.world import DAY, World
from tests.projections.histories import RULES, stories
from tests.read_spec import ReadSide
from tests.spec import NOON

ONE_MONTH = policy(points_as_cash={"points": 1, "amount_minor": 10}, expiry={"mode": "rolling", "months": 1})
LAST = datetime(2199, 1, 1, tzinfo=UTC)


def test_points_are_told_with_the_last_local_day_on_which_they_can_be_spent(read_side: ReadSide) -> None:
    world = World(ONE_MONTH)
    world.buys(10, at=datetime.fromisoformat("2023-05-02T23:30:00+08:00"), id="R-1")
    world.buys(5, at=datetime.fromisoformat("2023-05-03T00:30:00+08:00"), id="R-2")
    world.buys(7, at=NOON, id="R-3", card="1002")
    world.do(world.redeem(2, at=NOON + DAY))
    world.do(world.hold(1, at=NOON + DAY, minutes=60))
    read_side.given(published(ONE_MONTH), *world.log.batch.facts)
    as_of = NOON + DAY
    mine = read_side.ask("balances", expiries_of, member_id=ANN, programme="member_experience", as_of=as_of, until=LAST)
    assert mine is not None
    assert mine.time_zone == "Asia/Shanghai"
    assert [(one.day, one.points) for one in mine.days] == [(date(2023, 6, 2), 7), (date(2023, 6, 3), 5)]
    assert mine.points == 12
    everybody = read_side.ask("balances", expiries, programme="member_experience", as_of=as_of, until=LAST)
    assert [(one.day, one.points) for one in everybody.days] == [(date(2023, 6, 2), 14), (date(2023, 6, 3), 5)]
    until = datetime.fromisoformat("2023-06-03T00:00:00+08:00")
    some = read_side.ask("balances", expiries, programme="member_experience", as_of=as_of, until=until)
    assert [one.day for one in some.days] == [date(2023, 6, 2)]


def test_strangers_and_programmes_that_are_not_known(read_side: ReadSide) -> None:
    what = {"programme": "member_experience", "as_of": NOON, "until": LAST}
    assert read_side.ask("balances", expiries_of, member_id=BOB, **what) is None
    with pytest.raises(NoProgrammeKnown):
        read_side.ask("balances", expiries, **what)


@pytest.mark.parametrize("rules", RULES)
def test_the_forecast_of_all_is_the_sum_of_the_forecasts_and_comes_true(read_side: ReadSide, rules: str) -> None:
    told = stories(rules, late=True, number=10)
    read_side.given(published(RULES[rules]), *(fact for story in told for fact in story.facts))
    members = [member for story in told for member in story.members]
    as_of = max(story.latest() for story in told) - timedelta(days=30)
    what = {"programme": "member_experience", "as_of": as_of, "until": LAST}
    everybody = {one.day: one.points for one in read_side.ask("balances", expiries, **what).days}
    summed: dict[date, int] = {}
    for member in members:
        mine = read_side.ask("balances", expiries_of, member_id=member, **what)
        assert mine is not None
        for one in mine.days:
            summed[one.day] = summed.get(one.day, 0) + one.points
    assert everybody == summed


@pytest.mark.parametrize("rules", ["short", "next", "clamped"])
def test_what_is_forecast_lapses_where_nothing_happens(read_side: ReadSide, rules: str) -> None:
    told = stories(rules, late=True, number=15)
    read_side.given(published(RULES[rules]), *(fact for story in told for fact in story.facts))
    compared = 0
    for story in told:
        for member in story.members:
            at, then = story.latest() + DAY, story.latest() + timedelta(days=40)
            now, later = (read_side.ask("balances", balance_of, member_id=member, as_of=when) for when in (at, then))
            assert now is not None
            assert later is not None
            if now.debt or now.held:
                continue
            compared += 1
            mine = read_side.ask(
                "balances", expiries_of, member_id=member, programme="member_experience", as_of=at, until=then
            )
            assert mine is not None
            assert mine.points == later.expired - now.expired
            assert bool(mine.days) == (now.next_expiry is not None and now.next_expiry.at <= then)
    assert compared > 5
