"""Tiers from the read model: thresholds, periods, the version in force."""

from datetime import UTC, datetime, timedelta

import pytest

from projections.tiers import NoProgrammeKnown, programmes, tier_of
from tests.builders import ANN, BOB, policy, published
from tests.read_spec import ReadSide, earns, joins

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


def test_without_rules_there_is_no_tier(read_side: ReadSide) -> None:
    read_side.given(published(RULES), *joins(ANN, card="1", at=JOINED))
    with pytest.raises(NoProgrammeKnown):
        ask(read_side, datetime(2022, 12, 31, tzinfo=UTC))
    with pytest.raises(NoProgrammeKnown):
        ask(read_side, JOINED, programme="corner_shop")


def test_a_stranger_is_unknown(read_side: ReadSide) -> None:
    assert read_side.ask("tiers", tier_of, member_id=BOB, programme="member_experience", as_of=JOINED) is None
