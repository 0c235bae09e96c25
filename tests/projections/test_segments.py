"""Who belongs to a segment: the read side agrees with the write side, whatever happened in whatever order."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.criteria import Definition
from domain.member import Member
from domain.movements import AccountClosed
from domain.points_account import account_id
from domain.segment import Segment
from projections.segment_members import SegmentMembers, members_of, segment_list, segments_of
from tests.builders import ANN, BOB, defined, published
from tests.projections.histories import RULES, History, stories
from tests.read_spec import ReadSide, earns, erases, joins
from tests.spec import NOON, fact, given

DAY = timedelta(days=1)
PROGRAMME = "member_experience"
REGULARS = {"behaviour": {"visits_at_least": 2}}


def members(read_side: ReadSide, name: str, *, at: datetime, **page: Any) -> SegmentMembers:
    what = {"after": None, "limit": 1_000, **page}
    found = read_side.ask("segments", members_of, segment_id=name, programme=PROGRAMME, as_of=at, **what)
    assert found is not None
    return found


def of(read_side: ReadSide, member: UUID, *, at: datetime) -> list[str]:
    found = read_side.ask("segments", segments_of, member_id=member, programme=PROGRAMME, as_of=at)
    assert found is not None
    return [one.segment_id for one in found.items]


def criterion(chance: Random, *, tiers: bool) -> dict[str, Any]:
    days = chance.choice([{}, {"within_days": chance.randint(1, 120)}])
    stores = chance.choice([{}, {}, {"stores": ["1", "2"]}, {"stores": ["2"]}])
    asked: list[dict[str, Any]] = [
        {"behaviour": {"visits_at_least": chance.randint(1, 6), **days, **stores}},
        {"behaviour": {"visits_below": chance.randint(1, 6), **days, **stores}},
        {"value": {"spend_minor_at_least": chance.randrange(0, 200_000, 500), **days}},
        {"value": {"spend_minor_below": chance.randrange(0, 200_000, 500), **days}},
        {"loyalty": {"last_purchase_within_days": chance.randint(1, 60)}},
        {"loyalty": {"inactive_for_days": chance.randint(1, 60), "member_for_days_at_least": chance.randint(1, 120)}},
    ]
    tier: dict[str, Any] = {"loyalty": {"tier_at_least": chance.choice(["Silver", "Gold"])}}
    return tier if tiers and chance.random() < 0.5 else chance.choice(asked)


def definition(chance: Random, *, tiers: bool) -> dict[str, Any]:
    if chance.random() < 0.4:
        return criterion(chance, tiers=tiers)
    return {chance.choice(["all_of", "any_of"]): [criterion(chance, tiers=tiers) for _ in range(chance.randint(2, 3))]}


def expected(history: History, segment: Segment, at: datetime) -> set[UUID]:
    """Who belongs to it as the write side decides."""
    batch = history.log.batch
    rules = batch.programme.versions[0]
    found = set()
    for member_id in history.members:
        one = batch.get(Member, member_id)
        brought = [history.account(absorbed) for absorbed in one.brought]
        if segment.holds_for(history.account(member_id), one, rules, at=at, brought=brought):
            found.add(member_id)
    return found


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("rules", ["lasting", "climbing"])
def test_both_sides_agree_on_random_histories_with_returns_merges_and_late_arrivals(
    read_side: ReadSide, rules: str, late: bool
) -> None:
    """Tiers are asked for once all has happened, as the write side knows no earlier ones."""
    chance, told = Random(f"{rules}{late}"), stories(rules, late)
    after_all = max(history.latest() for history in told)
    asked = [
        (defined(f"s-{number}", definition(chance, tiers=number % 3 == 0)), at)
        for number in range(18)
        for at in [after_all if number % 3 == 0 else NOON + chance.randrange(300 * 24) * DAY / 24]
    ]
    read_side.given(published(RULES[rules]), *(one for one, _ in asked))
    for history in told:
        read_side.given(*history.facts)
    some = 0
    for version, at in asked:
        segment = given(Segment, version).stream
        by_deciding = set().union(*(expected(history, segment, at) for history in told))
        assert set(members(read_side, version.segment_id, at=at).items) == by_deciding, version.definition
        some += bool(by_deciding)
        one = chance.choice(told[0].members)
        assert (version.segment_id in of(read_side, one, at=at)) == (one in by_deciding)
    assert some > 6


def known(read_side: ReadSide) -> ReadSide:
    """Ann came twice, Bob once, and Ann's second receipt of a day is no visit."""
    return read_side.given(
        published(RULES["lasting"]), defined("regulars", REGULARS),
        *joins(ANN, card="1", at=NOON), *joins(BOB, card="2", at=NOON),
        *(earns(ANN, 1, at=NOON + days * DAY) for days in (1, 1, 2)), earns(BOB, 1, at=NOON + DAY),
    )  # fmt: skip


def test_membership_is_told_as_of_any_instant(read_side: ReadSide) -> None:
    known(read_side)
    assert members(read_side, "regulars", at=NOON + DAY).items == []
    assert members(read_side, "regulars", at=NOON + 2 * DAY).items == [ANN]
    assert of(read_side, ANN, at=NOON + 2 * DAY) == ["regulars"]
    assert of(read_side, BOB, at=NOON + 2 * DAY) == []


def test_business_time_decides_which_version_is_told(read_side: ReadSide) -> None:
    known(read_side).given(
        defined("regulars", {"behaviour": {"visits_below": 2}}, version=2, effective_from=NOON + 5 * DAY)
    )
    before, since = (members(read_side, "regulars", at=NOON + days * DAY) for days in (4, 5))
    assert (before.version, before.items) == (1, [ANN])
    assert (since.version, since.items) == (2, [BOB])


def test_members_come_in_pages_with_the_count_of_all(read_side: ReadSide) -> None:
    known(read_side).given(defined("all", {"value": {"spend_minor_at_least": 0}}))
    first = members(read_side, "all", at=NOON + DAY, limit=1)
    assert (first.count, first.items, first.next) == (2, [ANN], ANN)
    second = members(read_side, "all", at=NOON + DAY, limit=1, after=first.next)
    assert (second.count, second.items, second.next) == (2, [BOB], None)


def test_nobody_belongs_before_joining_nor_once_closed_or_erased(read_side: ReadSide) -> None:
    known(read_side).given(defined("all", {"value": {"spend_minor_at_least": 0}}))
    assert members(read_side, "all", at=NOON - timedelta(seconds=1)).items == []
    read_side.given(
        fact(
            AccountClosed,
            originator_id=account_id(ANN),
            occurred_at=NOON + 3 * DAY,
            member_id=ANN,
            debt=0,
            reason="moved",
        )
    )
    assert members(read_side, "all", at=NOON + 2 * DAY).items == [ANN, BOB]
    assert members(read_side, "all", at=NOON + 3 * DAY).items == [BOB]
    read_side.given(*erases(BOB, cards=["2"], at=NOON + 3 * DAY))
    assert members(read_side, "all", at=NOON + 3 * DAY).items == []
    assert of(read_side, BOB, at=NOON + DAY) == []


def test_segments_are_listed_with_all_their_versions(read_side: ReadSide) -> None:
    known(read_side).given(defined("all", REGULARS), defined("all", REGULARS, version=2, effective_from=NOON))
    first = read_side.ask("segments", segment_list, after="", limit=1)
    assert [(one.segment_id, [v.version for v in one.versions]) for one in first.items] == [("all", [1, 2])]
    assert first.next == "all"
    rest = read_side.ask("segments", segment_list, after="all", limit=1)
    assert [one.segment_id for one in rest.items] == ["regulars"]
    assert rest.next is None
    assert rest.items[0].versions[0].definition == Definition.model_validate(REGULARS)


def test_what_nobody_defined_and_who_never_joined_is_unknown(read_side: ReadSide) -> None:
    known(read_side)
    page = {"after": None, "limit": 1}
    assert read_side.ask("segments", members_of, segment_id="s", programme=PROGRAMME, as_of=NOON, **page) is None
    nobody = UUID(int=9)
    assert read_side.ask("segments", segments_of, member_id=nobody, programme=PROGRAMME, as_of=NOON) is None
