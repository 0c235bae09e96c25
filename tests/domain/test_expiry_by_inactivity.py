"""Points that live as long as their member buys (rules 3), whatever order the purchases arrive in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as forall
from hypothesis import strategies

from domain.activity import KeepAlive, prolonged
from domain.commands.purchases import RecordPurchase
from domain.points_account import PointsAccount, account_id
from tests.builders import ANN, FAR_AHEAD, back, line, policy, published, purchase, returned
from tests.domain.story import ANN_IS_IN, JOINED_AT
from tests.spec_of_commands import GivenLog, given_log

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_A_YEAR = published(policy(expiry={"mode": "inactivity", "months": 6}))
SECOND = timedelta(seconds=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def bought(day: str, yuan: int = 100) -> RecordPurchase:
    return purchase(line(yuan * 100), at=local(day) + timedelta(hours=12), id=day)


def shop(*commands: Any) -> GivenLog:
    """A log under the rules of half a year of inactivity, whose clock is far ahead; the commands arrive in this order."""
    log = given_log(HALF_A_YEAR, *ANN_IS_IN[1:])
    log.batch.recorded_at = FAR_AHEAD
    for command in commands:
        assert log.when(command).refusal is None
    return log


def account(log: GivenLog) -> PointsAccount:
    return log.batch.get(PointsAccount, account_id(ANN))


def lapses(log: GivenLog) -> dict[UUID, datetime | None]:
    """By lot, when it lapses."""
    return {lot.id: lot.expires_at for lot in account(log).lots.values()}


def test_points_lapse_the_months_after_the_last_purchase_and_not_before() -> None:
    points = account(shop(bought("2024-01-31")))
    assert points.available(local("2024-08-01") - SECOND) == 10
    assert points.available(local("2024-08-01")) == 0
    assert points.buckets(local("2024-08-01")).expired == 10


def test_each_purchase_keeps_all_points_alive() -> None:
    log = shop(bought("2024-01-31"), bought("2024-05-02"), bought("2024-08-30"))
    assert set(lapses(log).values()) == {local("2025-03-01").astimezone(UTC)}
    assert account(log).available(local("2025-03-01") - SECOND) == 30
    assert account(log).available(local("2025-03-01")) == 0


def test_a_purchase_that_earns_nothing_keeps_points_alive_as_well() -> None:
    log = shop(bought("2024-01-31"), bought("2024-07-31", yuan=9))
    assert account(log).available(local("2025-02-01") - SECOND) == 10


@pytest.mark.parametrize(("after", "left"), [(-SECOND, 20), (timedelta(), 10)])
def test_expired_stays_expired(after: timedelta, left: int) -> None:
    last_moment = purchase(line(10_000), at=local("2024-08-01") + after, id="late")
    log = shop(bought("2024-01-31"), last_moment)
    assert account(log).available(local("2024-09-01")) == left


def test_a_shorter_life_never_cuts_a_longer_one() -> None:
    rules = policy(expiry={"mode": "inactivity", "months": 1, "minimum_days": 90})
    log = given_log(published(rules), *ANN_IS_IN[1:])
    log.batch.recorded_at = FAR_AHEAD
    for command in (bought("2024-01-01"), bought("2024-01-20")):
        log.when(command)
    assert sorted(filter(None, lapses(log).values())) == [local("2024-04-01"), local("2024-04-20")]


def test_a_late_purchase_closes_the_gap_for_those_that_arrived_before_it() -> None:
    early, between, last = bought("2024-01-31"), bought("2024-05-02"), bought("2024-10-01")
    log = shop(early, last)
    assert account(log).available(local("2024-10-02")) == 10
    log.when(between)
    assert account(log).available(local("2024-10-02")) == 30
    assert lapses(log) == lapses(shop(early, between, last))


def test_a_purchase_that_went_back_as_a_whole_has_kept_nothing_alive() -> None:
    first, second = bought("2024-01-31"), bought("2024-05-02")
    void = returned(second.id, at=local("2024-05-03"), id="void")
    log = shop(first, second, void)
    assert account(log).buckets(local("2024-08-01")).expired == 10
    assert lapses(log)[next(iter(lapses(shop(first))))] == local("2024-08-01")


def test_a_purchase_of_which_something_is_left_keeps_points_alive() -> None:
    first, second = bought("2024-01-31"), purchase(line(5_000), line(5_000), at=local("2024-05-02"), id="second")
    part = returned(second.id, back("2", quantity=1, amount_minor=5_000), at=local("2024-05-03"), id="part")
    assert account(shop(first, second, part)).available(local("2024-08-01")) == 15


DAYS = strategies.lists(strategies.integers(0, 1500), min_size=1, max_size=9, unique=True)


@forall(
    DAYS.flatmap(lambda days: strategies.tuples(strategies.just(days), strategies.permutations(days))),
    strategies.data(),
)
def test_the_order_of_arrival_changes_no_expiry(days: tuple[list[int], list[int]], data: strategies.DataObject) -> None:
    """Voids among them, each after its purchase."""
    gone = data.draw(strategies.sets(strategies.sampled_from(days[0])))

    def told(order: list[int]) -> dict[UUID, datetime | None]:
        log = shop()
        for day in order:
            one = purchase(line(10_000), at=JOINED_AT + timedelta(days=day), id=str(day))
            log.when(one)
            if day in gone:
                log.when(returned(one.id, at=FAR_AHEAD, id=f"void-{day}"))
        return lapses(log)

    assert told(sorted(days[0])) == told(days[1])


INSTANTS = strategies.integers(0, 400).map(lambda hours: JOINED_AT + timedelta(hours=hours))
KEPT = strategies.lists(strategies.tuples(INSTANTS, strategies.integers(1, 99)), max_size=12)


@forall(KEPT, INSTANTS, strategies.integers(1, 99))
def test_activity_prolongs_as_walking_through_it_does(
    kept: list[tuple[datetime, int]], since: datetime, hours: int
) -> None:
    activity = sorted(KeepAlive(at, at + timedelta(hours=lasts)) for at, lasts in kept)
    end = since + timedelta(hours=hours)
    walked = end
    for at, lasts in sorted(kept):
        if since <= at < walked:
            walked = max(walked, at + timedelta(hours=lasts))
    assert prolonged(end, activity, since=since) == walked
