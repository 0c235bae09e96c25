"""The read side and the write side, given the same facts: the same buckets at any instant."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.fact import FACTS
from domain.lots import Buckets
from projections.points import balance_of
from projections.snapshot import Snapshot
from projections.standings import tier_of
from tests.builders import published
from tests.projections.histories import RULES, RULES_OF_TIERS, stories
from tests.read_spec import ReadSide

BUCKETS = ("pending", "available", "held", "spent", "settled", "expired", "revoked", "sent")


async def buckets(snapshot: Snapshot, *, asked: Sequence[tuple[UUID, datetime]]) -> list[Buckets]:
    """What is told of members at instants."""
    found = [await balance_of(snapshot, member_id=member_id, as_of=at) for member_id, at in asked]
    names = [field.name for field in fields(Buckets)]
    return [Buckets(**{name: getattr(one, name) for name in names}) for one in found]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_both_sides_tell_the_same_buckets(read_side: ReadSide, rules: str, late: bool) -> None:
    read_side.given(*(fact for story in stories(rules, late) for fact in story.facts))
    asked = [
        (story, member, story.latest() + timedelta(days=days))
        for story in stories(rules, late)
        for member in story.members
        for days in (0, 3, 20, 60, 400)
    ]
    found = read_side.ask("balances", buckets, asked=[(member, at) for _, member, at in asked])
    for (story, member, at), told in zip(asked, found, strict=True):
        assert told == story.buckets(member, at=at), (story.name, at)
        assert told.issued + told.received == sum(getattr(told, name) for name in BUCKETS)
        assert min(asdict(told).values()) >= 0


@pytest.mark.parametrize("name", ["climbing", *RULES_OF_TIERS])
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_both_sides_tell_the_same_tier(read_side: ReadSide, name: str, late: bool) -> None:
    rules = (RULES | RULES_OF_TIERS)[name]
    told = stories(name, late)
    read_side.given(published(rules), *(fact for story in told for fact in story.facts))
    seen = set()
    for story in told:
        for member in story.members:
            for days in (0, 400, 800):
                account, at = story.account(member), story.latest() + timedelta(days=days)
                decided = account.standing_at(rules, at)
                found = read_side.ask("tiers", tier_of, member_id=member, programme=rules.name, as_of=at)
                assert found is not None
                assert (found.tier, found.qualifying_points, found.projected_tier, found.grace_until) == (
                    decided.tier, decided.qualifying_points, decided.projected_tier, decided.grace_until,
                ), (story.name, at)  # fmt: skip
                seen.add(found.tier)
    assert seen == {level.name for level in rules.tiers.levels}


def test_the_stories_leave_no_movement_out() -> None:
    told = [story for rules in RULES for late in (False, True) for story in stories(rules, late)]
    kinds = {name for name, kind in FACTS.items() if kind.__module__ == "domain.movements"}
    assert kinds - {fact.stored_name for story in told for fact in story.facts} == {
        "AccountClosed.v1",
    }  # fmt: skip
