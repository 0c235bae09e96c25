"""Days of grace: what comes back after it had lapsed lives on, where the programme says so (rules 3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import redeeming
from domain.expiry import grace_ends
from domain.fact import MAX_FACT_BYTES, Fact
from domain.movements import PointsProlonged, PointsRevoked
from tests.builders import ANN, BOB, back, line, policy, publish, purchase, returned
from tests.domain.spending import MIDNIGHT, REDEMPTION, Life, lot
from tests.domain.spending import NOON as SPENT_AT
from tests.domain.world import DAY, World, of, purchase_of
from tests.spec import NOON
from tests.spec_of_commands import CommandResult

MONTH = {"mode": "rolling", "months": 1}
LATE = NOON + 60 * DAY
"""Noon in Shanghai, as `NOON` is; what was bought then has lapsed."""
LAST_MOMENT = LATE + 30 * DAY + timedelta(hours=12) - timedelta(microseconds=1)


def world(days: int = 30, **changes: Any) -> World:
    """Ann has 100 points that lapse after a month, and spent 60 of them."""
    made = World(policy(**{"expiry": MONTH, "restore_grace_days": days, **changes}))
    made.buys(100)
    made.do(made.redeem(60, at=NOON + DAY, key="spent"))
    return made


def bring_back(world: World, points: int | None = None, *, at: datetime = LATE) -> CommandResult:
    return world.do(world.reverse(world.redeem(60, key="spent").id, points, at=at))


def prolonged(facts: list[Any]) -> list[tuple[int, datetime]]:
    """What lives on, and until when."""
    return [(lot["points"], lot["expires_at"]) for one in facts if isinstance(one, PointsProlonged) for lot in one.lots]


class TestOfAReversal:
    def test_without_grace_what_has_lapsed_stays_lapsed(self) -> None:
        told = world(0)
        assert prolonged(bring_back(told).facts) == []
        assert told.buckets(at=LATE) == of(issued=100, expired=100)

    def test_with_grace_it_lives_through_the_last_of_its_days(self) -> None:
        told = world()
        ends = datetime(2023, 7, 31, 16, tzinfo=UTC)
        assert prolonged(bring_back(told).facts) == [(60, ends)]
        assert told.buckets(at=LAST_MOMENT) == of(issued=100, received=60, available=60, expired=40, sent=60)
        assert told.buckets(at=ends) == of(issued=100, received=60, expired=100, sent=60)
        told.do(told.redeem(60, at=LAST_MOMENT))
        assert told.buckets(at=ends) == of(issued=100, received=60, spent=60, expired=40, sent=60)

    def test_what_has_not_lapsed_by_its_business_time_needs_none(self) -> None:
        """However late the reversal is told."""
        told = world()
        told.do(told.adjust(1, at=LATE))
        assert prolonged(bring_back(told, at=NOON + 2 * DAY).facts) == []
        assert told.buckets(at=NOON + 2 * DAY).available == 100

    def test_of_several_lots_only_those_that_have_lapsed_live_on(self) -> None:
        told = World(policy(expiry=MONTH, restore_grace_days=30))
        told.buys(10)
        told.buys(10, at=NOON + 20 * DAY, id="R-2")
        told.do(spent := told.redeem(15, at=NOON + 21 * DAY))
        facts = told.do(told.reverse(spent.id, at=NOON + 40 * DAY)).facts
        assert [points for points, _ in prolonged(facts)] == [10]
        assert told.buckets(at=NOON + 40 * DAY) == of(issued=20, received=10, available=20, sent=10)

    def test_in_parts_each_lives_from_its_own_day(self) -> None:
        told = world()
        (first,) = prolonged(bring_back(told, 20).facts)
        (second,) = prolonged(bring_back(told, at=LATE + DAY).facts)
        assert (first[0], second) == (20, (40, first[1] + DAY))
        assert told.buckets(at=first[1]) == of(issued=100, received=60, available=40, expired=60, sent=60)

    def test_it_keeps_when_it_was_earned_and_can_be_used_at_once(self) -> None:
        told = world()
        (fact,) = (one for one in bring_back(told).facts if isinstance(one, PointsProlonged))
        (given,) = fact.lots
        assert (given["earned_at"], given["active_from"], given["purchased"]) == (NOON, LATE, True)

    def test_it_can_come_back_late_again(self) -> None:
        told = world()
        bring_back(told)
        told.do(spent := told.redeem(60, at=LATE + DAY))
        later = LATE + 90 * DAY
        told.do(told.reverse(spent.id, at=later))
        assert told.buckets(at=later) == of(issued=100, received=120, available=60, expired=40, sent=120)

    def test_it_pays_what_is_owed(self) -> None:
        told = world()
        told.do(told.redeem(25, at=LATE - DAY, offline=True))
        bring_back(told)
        assert told.buckets(at=LATE) == of(issued=100, received=60, available=35, settled=25, expired=40, sent=60)

    def test_what_had_paid_debt_lives_on_as_well(self) -> None:
        life = Life(lot("A", 10, ends=MIDNIGHT, active=SPENT_AT))
        life.do(redeeming.redeem, redemption_id=REDEMPTION, points=10, at=SPENT_AT - DAY, offline=True)
        life.do(lambda account, at: account.settle(at), at=SPENT_AT)
        until = MIDNIGHT + 9 * DAY
        life.do(
            redeeming.reverse, redemption_id=REDEMPTION, points=None, at=MIDNIGHT, reason=None, grace_until=until
        )  # fmt: skip
        assert life.buckets(until - DAY) == {"issued": 10, "received": 10, "sent": 10, "available": 10}

    def test_of_a_member_who_was_merged_it_goes_to_the_survivor(self) -> None:
        told = world()
        told.do(told.merge(at=NOON + 2 * DAY))
        bring_back(told)
        assert told.buckets(ANN, at=LATE) == of(issued=100, received=60, sent=160)
        assert told.buckets(BOB, at=LATE) == of(received=100, available=60, expired=40)

    def test_the_version_in_force_when_it_comes_back_decides(self) -> None:
        told = world(0)
        again = policy(expiry=MONTH, restore_grace_days=5, effective_from=LATE - DAY)
        told.do(publish(again, at=LATE - DAY))
        ((_, ends),) = prolonged(bring_back(told).facts)
        assert ends == grace_ends(again, LATE)

    def test_thousands_of_lots_come_in_facts_that_are_not_too_long(self) -> None:
        life = Life(*(lot(str(number), 1, ends=MIDNIGHT) for number in range(1_200)))
        life.do(redeeming.redeem, redemption_id=REDEMPTION, points=1_200, at=SPENT_AT)
        until = MIDNIGHT + DAY
        facts: list[Fact] = life.do(
            redeeming.reverse, redemption_id=REDEMPTION, points=None, at=MIDNIGHT, reason=None, grace_until=until
        )  # fmt: skip
        assert [len(one.lots) for one in facts if isinstance(one, PointsProlonged)] == [500, 500, 200]
        assert max(len(one.model_dump_json()) for one in facts) < MAX_FACT_BYTES
        assert life.account.available(MIDNIGHT) == 1_200


class TestOfAReturn:
    def test_what_had_paid_for_the_goods_lives_on(self) -> None:
        told = World(policy(expiry=MONTH, restore_grace_days=30))
        told.buys(100)
        told.do(bought := purchase(line(10_000), at=NOON + DAY, id="R-2", points_minor=600))
        some = told.do(returned(bought.id, back(amount_minor=5_000), at=LATE, id="T-1"))
        assert [points for points, _ in prolonged(some.facts)] == [30]
        rest = told.do(returned(bought.id, at=LATE + DAY, id="V-1"))
        assert [points for points, _ in prolonged(rest.facts)] == [30]
        assert told.buckets(at=LATE + DAY) == of(issued=109, revoked=9, received=60, available=60, expired=40, sent=60)

    def test_two_redemptions_from_one_lot_come_back_in_lots_of_their_own(self) -> None:
        told = World(policy(expiry=MONTH, restore_grace_days=30))
        told.buys(100)
        told.do(hold := told.hold(20, at=NOON + DAY))
        told.do(bought := purchase(line(10_000), at=NOON + DAY, id="R-2", points_minor=600, holds=[hold.id]))
        facts = told.do(returned(bought.id, at=LATE)).facts
        assert sorted(points for points, _ in prolonged(facts)) == [20, 40]
        assert told.buckets(at=LATE).available == 60

    @pytest.mark.parametrize("rule", ["original_then_debt", "next_lots_then_debt", "clamp_to_zero"])
    def test_of_what_earned_the_points_finds_them_where_they_live_on(self, rule: str) -> None:
        told = world(returns=rule)
        bring_back(told)
        told.do(spent := told.redeem(10, at=LATE + DAY))
        told.do(told.reverse(spent.id, at=LATE + 80 * DAY))
        at = LATE + 81 * DAY
        facts = told.gives_back(purchase_of("R-1"), 100, at=at).facts
        (revoked,) = (one for one in facts if isinstance(one, PointsRevoked))
        assert [part["points"] for part in revoked.parts[0]["others"]] == [50, 10]
        assert told.buckets(at=at) == of(issued=100, received=70, sent=70, revoked=100)

    def test_from_before_it_came_there_is_owed_and_it_pays_then(self) -> None:
        told = world()
        bring_back(told)
        told.gives_back(purchase_of("R-1"), 100, at=LATE - DAY)
        assert told.buckets(at=LATE) == of(issued=100, received=60, sent=60, revoked=40, settled=60)


def test_days_of_grace_are_local_ones_however_long_they_last() -> None:
    """New York turns its clocks back on 5 November 2023, and on again on 10 March 2024."""
    new_york = policy(time_zone="America/New_York", restore_grace_days=1)
    for at, ends in (
        (datetime(2023, 11, 4, 3, 59, tzinfo=UTC), datetime(2023, 11, 5, 4, tzinfo=UTC)),
        (datetime(2023, 11, 4, 4, 0, tzinfo=UTC), datetime(2023, 11, 6, 5, tzinfo=UTC)),
        (datetime(2024, 3, 10, 4, 59, tzinfo=UTC), datetime(2024, 3, 11, 4, tzinfo=UTC)),
    ):
        assert grace_ends(new_york, at) == ends
    assert grace_ends(policy(), NOON) is None
