"""A member's lots: where points came from, what has become of each, page by page."""

from datetime import timedelta
from uuid import UUID

import pytest

from projections.lots import BUCKETS, MemberLot, MemberLots, lots_of
from projections.points import balance_of
from tests.builders import ANN, BOB, policy
from tests.domain.world import DAY, World
from tests.projections.histories import RULES, stories
from tests.read_spec import ReadSide
from tests.spec import NOON

CASH = {"points": 1, "amount_minor": 10}


def ask(
    read_side: ReadSide, member_id: UUID = ANN, *, after: str = "", limit: int = 1_000, days: int = 1
) -> MemberLots:
    found = read_side.ask("balances", lots_of, member_id=member_id, as_of=NOON + days * DAY, after=after, limit=limit)
    assert found is not None
    return found


def left(lot: MemberLot) -> dict[str, int]:
    return {bucket: points for bucket in BUCKETS if (points := getattr(lot, bucket))}


def test_each_lot_tells_its_origin_and_what_has_become_of_it(read_side: ReadSide) -> None:
    world = World(policy(points_as_cash=CASH, expiry={"mode": "rolling", "months": 1}))
    sold = world.buys(10, at=NOON)
    world.do(world.adjust(20, at=NOON + timedelta(hours=1)))
    world.do(world.opening(lots=[{"points": 30, "earned_at": NOON - 9 * DAY, "never_expires": True}], at=NOON))
    world.do(world.redeem(15, at=NOON + DAY))
    world.do(world.hold(4, at=NOON + DAY, minutes=60))
    world.do(world.transfer(30, at=NOON + 15 * DAY))
    read_side.given(*world.log.batch.facts)
    brought, earned, given = ask(read_side).items
    assert (earned.origin, earned.purchase_id, earned.part, left(earned)) == ("purchase", sold, "base", {"spent": 10})
    assert (given.origin, given.purchase_id, given.part) == ("adjustment", None, None)
    assert left(given) == {"available": 11, "held": 4, "spent": 5}
    assert (brought.origin, brought.earned_at, brought.came_at) == ("opening-balance", NOON - 9 * DAY, NOON)
    assert (brought.expires_at, left(brought)) == (None, {"available": 30})
    assert [left(lot) for lot in ask(read_side, days=60).items] == [
        {"available": 15, "sent": 15}, {"spent": 10}, {"sent": 15, "spent": 5},
    ]  # fmt: skip
    assert {(lot.origin, lot.points) for lot in ask(read_side, BOB, days=60).items} == {("transfer", 15)}


def test_pages_follow_each_other_and_what_arrives_meanwhile_moves_none(read_side: ReadSide) -> None:
    world = World()
    for number in range(5):
        world.buys(1, at=NOON + timedelta(hours=number), id=f"R-{number}")
    read_side.given(*world.log.batch.facts)
    first = ask(read_side, limit=2)
    told = len(world.log.batch.facts)
    world.buys(1, at=NOON - DAY, id="late")
    read_side.given(*world.log.batch.facts[told:])
    assert first.next is not None
    second = ask(read_side, limit=2, after=first.next)
    assert second.next is not None
    third = ask(read_side, limit=2, after=second.next)
    earned = [lot.earned_at - NOON for page in (first, second, third) for lot in page.items]
    assert earned == [timedelta(hours=number) for number in range(5)]
    assert third.next is None


def test_a_stranger_is_unknown(read_side: ReadSide) -> None:
    assert read_side.ask("balances", lots_of, member_id=BOB, as_of=NOON, after="", limit=1) is None


@pytest.mark.parametrize("rules", RULES)
def test_lots_add_up_to_the_balance(read_side: ReadSide, rules: str) -> None:
    told = stories(rules, late=True, number=10)
    read_side.given(*(fact for story in told for fact in story.facts))
    for story in told:
        for member in story.members:
            days = (story.latest() - NOON).days + 20
            lots = ask(read_side, member, days=days).items
            whole = read_side.ask("balances", balance_of, member_id=member, as_of=NOON + days * DAY)
            assert whole is not None
            assert {one: sum(getattr(lot, one) for lot in lots) for one in BUCKETS} == {
                one: getattr(whole, one) for one in BUCKETS
            }
            for lot in lots:
                assert lot.points == sum(left(lot).values())
                assert min(left(lot).values(), default=0) >= 0
