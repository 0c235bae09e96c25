"""Tiers from the read model: thresholds, periods, the version in force."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.movements import AccountClosed
from domain.points_account import account_id
from projections.standings import NoProgrammeKnown, programmes, tier_of
from tests.builders import ANN, BOB, policy, published
from tests.domain.world import DAY, World
from tests.read_spec import ReadSide, earns, joins
from tests.spec import NOON, fact

JOINED = datetime(2023, 3, 15, tzinfo=UTC)
RULES = policy("member_experience")


def ask(read_side: ReadSide, as_of: datetime, programme: str = "member_experience") -> tuple[str, int, int | None, int]:
    found = read_side.ask("tiers", tier_of, member_id=ANN, programme=programme, as_of=as_of)
    assert found is not None
    return found.tier, found.qualifying_points, found.points_to_next, found.programme_version


@pytest.mark.parametrize(
    ("points", "tier", "missing"), [(9_999, "Ordinary", 1), (10_000, "Silver", 90_000), (10_001, "Silver", 89_999)]
)
def test_a_tier_is_reached_exactly_at_its_threshold(read_side: ReadSide, points: int, tier: str, missing: int) -> None:
    at = JOINED + timedelta(days=30)
    read_side.given(published(RULES), *joins(ANN, card="1", at=JOINED), earns(ANN, points, at=at))
    assert ask(read_side, at) == (tier, points, missing, 1)
    assert ask(read_side, at - timedelta(microseconds=1)) == ("Ordinary", 0, 10_000, 1)


def test_points_of_campaigns_do_not_qualify(read_side: ReadSide) -> None:
    told = earns(ANN, 10, at=JOINED, campaign="double", bonus=50_000)
    read_side.given(published(RULES), *joins(ANN, card="1", at=JOINED), told)
    assert ask(read_side, JOINED)[:2] == ("Ordinary", 10)


def test_purchases_count_whatever_the_order_in_which_they_arrive(read_side: ReadSide) -> None:
    early, late = JOINED + timedelta(days=10), JOINED + timedelta(days=500)
    facts = [earns(ANN, 100_000, at=late), earns(ANN, 9_000, at=early), earns(ANN, 3_000, at=early)]
    read_side.given(*joins(ANN, card="1", at=JOINED), *facts, published(RULES))
    assert ask(read_side, early)[:2] == ("Silver", 12_000)
    assert ask(read_side, late)[:2] == ("Gold", 100_000)


def test_the_version_in_force_at_the_instant_is_applied(read_side: ReadSide) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    levels = [{"name": "Friend", "title": {"en": "Friend", "zh": "朋友"}, "promote_at": 0, "retain_at": 0}]
    second = policy(effective_from=since, tiers={"period": "lifetime", "metric": "points", "levels": levels})
    read_side.given(published(RULES), published(second, 2), *joins(ANN, card="1", at=JOINED))
    assert ask(read_side, since - timedelta(microseconds=1)) == ("Ordinary", 0, 10_000, 1)
    assert ask(read_side, since) == ("Friend", 0, None, 2)
    assert [one.version for one in read_side.ask("tiers", programmes).items] == [1, 2]


class TestWithoutAPurchase:
    """Whatever else qualifies: given by staff, brought in, merged; and tiers that were granted."""

    def told(self, read_side: ReadSide, tell: Callable[[World], Any]) -> ReadSide:
        world = World()
        tell(world)
        return read_side.given(published(RULES), *(one for one in world.log.batch.facts if one.subject in {ANN, BOB}))

    def test_an_adjustment_counts_only_where_it_says_so(self, read_side: ReadSide) -> None:
        def tell(world: World) -> None:
            world.do(world.adjust(10_000, at=NOON, qualifying=True))
            world.do(world.adjust(10_000, at=NOON))
            world.do(world.adjust(-1, at=NOON + DAY, qualifying=True))

        self.told(read_side, tell)
        assert ask(read_side, NOON)[:2] == ("Silver", 10_000)
        assert ask(read_side, NOON + DAY)[:2] == ("Ordinary", 9_999)

    def test_an_opening_balance_brings_dated_credits_and_a_tier_from_when_it_was_brought_in(
        self, read_side: ReadSide
    ) -> None:
        credits_ = [{"at": JOINED, "points": 400}]
        since = datetime(2020, 1, 1, tzinfo=UTC)
        self.told(read_side, lambda world: world.do(world.opening(qualifying=credits_, tier="Gold", tier_since=since)))
        assert ask(read_side, NOON - DAY)[:2] == ("Ordinary", 0)
        assert ask(read_side, NOON)[:2] == ("Gold", 400)
        found = read_side.ask("tiers", tier_of, member_id=ANN, programme="member_experience", as_of=NOON)
        assert found is not None
        assert found.since == since
        assert ask(read_side, datetime(2024, 6, 1, tzinfo=UTC))[:2] == ("Silver", 0)

    def test_a_merge_brings_credits_and_the_higher_tier_and_its_undoing_takes_them(self, read_side: ReadSide) -> None:
        def tell(world: World) -> None:
            world.buys(9_000)
            world.do(world.opening(reference="B-1", card="1002", tier="Gold", at=NOON))
            world.do(world.merge(BOB, ANN, at=NOON + DAY))
            world.do(world.unmerge(BOB, ANN, at=NOON + 2 * DAY))

        self.told(read_side, tell)
        assert ask(read_side, NOON)[:2] == ("Ordinary", 9_000)
        assert ask(read_side, NOON + DAY)[:2] == ("Gold", 9_000)
        assert ask(read_side, NOON + 2 * DAY)[:2] == ("Ordinary", 9_000)

    def test_a_closed_account_is_told(self, read_side: ReadSide) -> None:
        at = NOON + DAY
        read_side.given(
            published(RULES), *joins(ANN, card="1", at=JOINED),
            fact(AccountClosed, originator_id=account_id(ANN), member_id=ANN, occurred_at=at, reason="moved away"),
        )  # fmt: skip
        for as_of, closed_at in ((NOON, None), (at, at)):
            found = read_side.ask("tiers", tier_of, member_id=ANN, programme="member_experience", as_of=as_of)
            assert found is not None
            assert found.closed_at == closed_at


def test_without_rules_there_is_no_tier(read_side: ReadSide) -> None:
    read_side.given(published(RULES), *joins(ANN, card="1", at=JOINED))
    with pytest.raises(NoProgrammeKnown):
        ask(read_side, datetime(2022, 12, 31, tzinfo=UTC))
    with pytest.raises(NoProgrammeKnown):
        ask(read_side, JOINED, programme="corner_shop")


def test_a_stranger_is_unknown(read_side: ReadSide) -> None:
    assert read_side.ask("tiers", tier_of, member_id=BOB, programme="member_experience", as_of=JOINED) is None
