"""Segments: what their criteria ask, by the history of purchases net of returns, and which version decides when."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.books import InClosedBooks
from domain.criteria import Definition
from domain.member import Member
from domain.points_account import account_id
from domain.refusals import EffectiveDateNotAfterPublished
from domain.segment import Segment, SegmentDefined
from tests.builders import ANN, BOB, defined, policy, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY, NEVER, World
from tests.spec import NOON, given

RULES = policy(expiry=NEVER)
OFTEN = {"behaviour": {"visits_at_least": 2, "within_days": 30}}


def holds(world: World, *versions: SegmentDefined, at: datetime, member: UUID = ANN) -> bool:
    batch = world.log.batch
    one = batch.get(Member, member)
    brought = [world.account(absorbed) for absorbed in one.brought]
    segment = given(Segment, *versions).stream
    return segment.holds_for(world.account(member), one, RULES, at=at, brought=brought)


@pytest.fixture
def world() -> World:
    return World(RULES)


@pytest.mark.parametrize(
    ("definition", "belongs"),
    [
        ({"behaviour": {"visits_at_least": 3}}, True),
        ({"behaviour": {"visits_at_least": 4}}, False),
        ({"behaviour": {"visits_below": 4}}, True),
        ({"behaviour": {"visits_below": 3}}, False),
        ({"behaviour": {"visits_at_least": 2, "within_days": 11}}, True),
        ({"behaviour": {"visits_at_least": 2, "within_days": 10}}, False),
        ({"behaviour": {"visits_at_least": 2, "stores": ["1"]}}, True),
        ({"behaviour": {"visits_at_least": 3, "stores": ["1"]}}, False),
        ({"value": {"spend_minor_at_least": 60_000}}, True),
        ({"value": {"spend_minor_at_least": 60_001}}, False),
        ({"value": {"spend_minor_below": 60_001, "spend_minor_at_least": 60_000}}, True),
        ({"value": {"spend_minor_below": 60_000}}, False),
        ({"value": {"spend_minor_at_least": 50_000, "within_days": 11}}, True),
        ({"value": {"spend_minor_at_least": 50_000, "within_days": 10}}, False),
        ({"loyalty": {"last_purchase_within_days": 1}}, True),
        ({"loyalty": {"inactive_for_days": 1}}, False),
        ({"all_of": [OFTEN, {"value": {"spend_minor_below": 1}}]}, False),
        ({"any_of": [OFTEN, {"value": {"spend_minor_below": 1}}]}, True),
    ],
)
def test_a_criterion_counts_visits_and_money_of_whole_local_days(
    world: World, definition: dict[str, Any], belongs: bool
) -> None:
    """¥100 thirty days ago, ¥200 ten days ago in another store, and today ¥200 and ¥100 in one visit."""
    for number, (points, days, store) in enumerate([(10, 30, "1"), (20, 10, "2"), (20, 0, "1"), (10, 0, "1")]):
        world.buys(points, at=NOON - days * DAY, id=f"R-{number}", store=store)
    assert holds(world, defined("class", definition), at=NOON) is belongs


@pytest.mark.parametrize(
    ("asked", "days", "belongs"),
    [
        ("member_for_days_at_least", 40, True), ("member_for_days_at_least", 41, False),
        ("inactive_for_days", 40, True), ("inactive_for_days", 41, False), ("last_purchase_within_days", 400, False),
    ],
)  # fmt: skip
def test_who_never_bought_is_inactive_since_joining(world: World, asked: str, days: int, belongs: bool) -> None:
    assert holds(world, defined("class", {"loyalty": {asked: days}}), at=JOINED_AT + 40 * DAY) is belongs


def test_a_local_day_begins_at_midnight_in_the_programmes_zone(world: World) -> None:
    """Bought at 23:59 in Shanghai: a minute later a day has passed, and for all of that day no second one."""
    bought = datetime.fromisoformat("2023-05-02T23:59:00+08:00")
    world.buys(1, at=bought)
    idle = defined("class", {"loyalty": {"inactive_for_days": 1}})
    assert not holds(world, idle, at=bought)
    assert holds(world, idle, at=bought + timedelta(minutes=1))
    recent = defined("class", {"loyalty": {"last_purchase_within_days": 2}})
    assert holds(world, recent, at=bought + DAY)
    assert not holds(world, recent, at=bought + DAY + timedelta(minutes=1))


def test_the_tier_is_the_one_held_then(world: World) -> None:
    gold = defined("class", {"loyalty": {"tier_at_least": "Silver"}})
    world.buys(10_000, at=NOON)
    assert RULES.tiers.levels[world.account().rank_at(RULES, NOON)].name in {"Silver", "Gold"}
    assert holds(world, gold, at=NOON)
    assert not holds(world, gold, at=NOON, member=BOB)
    assert not holds(world, defined("class", {"loyalty": {"tier_at_least": "Platinum"}}), at=NOON)


def test_what_went_back_was_never_bought(world: World) -> None:
    regular, rich = (
        defined("class", {"behaviour": {"visits_at_least": 1}}),
        defined("class", {"value": {"spend_minor_at_least": 6_000}}),
    )
    bought = world.buys(10, at=NOON)
    world.gives_back(bought, 4, at=NOON + 5 * DAY)
    assert holds(world, regular, at=NOON)
    assert holds(world, rich, at=NOON)
    world.gives_back(bought, 1, at=NOON + 6 * DAY)
    assert not holds(world, rich, at=NOON)
    world.do(returned(bought, at=NOON + 7 * DAY, id="T-all"))
    assert not holds(world, regular, at=NOON)
    assert not holds(world, defined("class", {"loyalty": {"last_purchase_within_days": 1}}), at=NOON)


def test_a_late_purchase_counts_at_its_own_time(world: World) -> None:
    once = defined("class", {"behaviour": {"visits_at_least": 1, "within_days": 7}})
    world.buys(1, at=NOON + 30 * DAY, id="R-2")
    assert not holds(world, once, at=NOON + 6 * DAY)
    world.buys(1, at=NOON, id="R-1")
    assert holds(world, once, at=NOON + 6 * DAY)
    assert not holds(world, once, at=NOON + 7 * DAY)
    assert not holds(world, once, at=NOON - timedelta(seconds=1))


def test_business_time_decides_the_version(world: World) -> None:
    everybody = defined("class", {"behaviour": {"visits_below": 1}}, effective_from=NOON)
    nobody = defined("class", {"behaviour": {"visits_at_least": 1}}, version=2, effective_from=NOON + DAY)
    second = timedelta(seconds=1)
    asked = [NOON - second, NOON, NOON + DAY - second, NOON + DAY]
    assert [holds(world, everybody, nobody, at=at) for at in asked] == [False, True, True, False]


def test_a_version_is_later_than_the_one_before() -> None:
    one = given(Segment, defined("class", OFTEN, effective_from=NOON))
    again: dict[str, Any] = {
        "segment_id": "class",
        "title": "class",
        "definition": Definition.model_validate(OFTEN),
        "fingerprint": "f",
    }
    one.when(lambda segment: segment.define(effective_from=NOON, **again)).then_refused(
        EffectiveDateNotAfterPublished(effective_from=NOON, published_until=NOON)
    )
    later = defined("class", OFTEN, version=2, effective_from=NOON + DAY)
    one.when(lambda segment: segment.define(effective_from=NOON + DAY, **again)).then(later)


def test_who_was_merged_brings_the_history_along_and_belongs_no_more(world: World) -> None:
    once = defined("class", {"behaviour": {"visits_at_least": 1}})
    world.buys(1, at=NOON)
    world.do(world.merge(ANN, BOB, at=NOON + DAY))
    assert holds(world, once, at=NOON + DAY, member=BOB)
    assert not holds(world, once, at=NOON + DAY)


def test_a_closed_account_belongs_to_nothing(world: World) -> None:
    once = defined("class", {"behaviour": {"visits_at_least": 1}})
    world.buys(1, at=NOON)
    world.account().closed_at = NOON + DAY
    assert holds(world, once, at=NOON)
    assert not holds(world, once, at=NOON + DAY)


def test_whoever_looks_into_closed_books_asks_for_the_whole_account(world: World) -> None:
    world.buys(1, at=NOON)
    world.account().open_since = NOON - 40 * DAY
    assert holds(world, defined("class", {"behaviour": {"visits_at_least": 1, "within_days": 38}}), at=NOON)
    for asked in ({"visits_at_least": 1, "within_days": 41}, {"visits_at_least": 1}):
        with pytest.raises(InClosedBooks, match=str(account_id(ANN))):
            holds(world, defined("class", {"behaviour": asked}), at=NOON)


def nested(levels: int) -> dict[str, Any]:
    return {"all_of": [nested(levels - 1)]} if levels else OFTEN


@pytest.mark.parametrize(
    "definition",
    [
        {}, {"all_of": []}, {"any_of": [{}]}, {**OFTEN, "value": {"spend_minor_below": 1}}, {"behaviour": {}},
        {"behaviour": {"within_days": 30}}, {"behaviour": {"visits_at_least": 0}}, {"behaviour": {"visits_at_least": 1.0}},
        {"behaviour": {"visits_at_least": 1, "within_days": 0}}, {"value": {"spend_minor_at_least": "1"}},
        {"loyalty": {"colour": "red"}}, nested(5), {"any_of": [OFTEN] * 51},
    ],
)  # fmt: skip
def test_a_definition_asks_exactly_one_thing_or_joins_what_others_ask(definition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Definition.model_validate(definition)


def test_definitions_stand_in_one_another_to_a_depth() -> None:
    assert Definition.model_validate(nested(4)).depth == 4
