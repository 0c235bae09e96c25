"""The tier that decisions see is the one that is told, whatever is counted over whatever period (rules 9)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import settings, strategies

from domain.due import all_brought_about, all_next_due
from domain.programme import Policy, Programme, programme_id
from domain.tally import Credit, Grant
from domain.tier_moves import TierMoved, TierWarned
from domain.tiers import Standing, standing
from tests.builders import ANN, back, line, policy, purchase, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY, World
from tests.spec import NOON

LEVELS = [
    {"name": name, "title": {"en": name, "zh": name}, "promote_at": reached, "retain_at": kept}
    for name, reached, kept in (("Ordinary", 0, 0), ("Silver", 30, 20), ("Gold", 90, 60), ("Diamond", 200, 120))
]
PERIODS: list[dict[str, Any]] = [
    {"period": "membership_year"}, {"period": "calendar_year"}, {"period": "rolling", "months": 3},
    {"period": "rolling", "months": 12}, {"period": "tier_start", "months": 3}, {"period": "tier_start", "months": 12},
    {"period": "lifetime"},
]  # fmt: skip
METRICS: list[Any] = [
    "points", {"points": 1}, {"spend": "1/1000"}, {"visits": 20}, {"points": "1/2", "spend": "1/3000", "visits": "7/2"},
]  # fmt: skip


def rules(**tiers: Any) -> Policy:
    return policy(expiry={"mode": "never"}, tiers={"levels": LEVELS, **tiers})


def told(world: World, scheme: Policy, at: datetime) -> Standing:
    """By the facts alone, as somebody else would read them."""
    credits_: list[Credit] = []
    grants: list[Grant] = []
    stores = {}
    for fact in (one.model_dump() | {"name": one.stored_name} for one in world.log.batch.facts if one.subject == ANN):
        when = fact["occurred_at"]
        match fact["name"]:
            case "PointsEarned.v1":
                stores[fact["purchase_id"]] = fact["store"]
                points = sum(part["points"] for part in fact["parts"] if part["qualifies"])
                money = fact["paid_minor"] - sum((fact["paid_by_points"] or {}).values())
                credits_.append(Credit(when, points, money, fact["store"], 1))
            case "PointsRevoked.v1" if fact["counts"]:
                points = sum(part["points"] for part in fact["parts"] if part["qualifies"])
                money = fact["paid_minor"] if fact["spend_minor"] is None else fact["spend_minor"]
                store, gone = stores[fact["purchase_id"]], -int(fact["nothing_left"])
                credits_.append(Credit(fact["purchased_at"], -points, -money, store, gone, when))
            case "PointsAdjusted.v1" if fact["qualifies"]:
                credits_.append(Credit(when, fact["points"]))
            case "TierGranted.v1":
                grants.append(Grant(fact["since"], fact["tier"], when))
    known = [one for one in credits_ if one.at <= at]
    return standing(
        known, policy=scheme, registered_at=JOINED_AT, as_of=at, grants=[one for one in grants if one.at <= at]
    )


EVENTS = strategies.lists(
    strategies.tuples(
        strategies.integers(0, 500),
        strategies.sampled_from(["buy", "buy", "buy", "return", "void", "adjust", "grant"]),
        strategies.integers(1, 120),
        strategies.sampled_from(["1", "2"]),
    ),
    min_size=1,
    max_size=14,
)


def live(world: World, events: Sequence[tuple[int, str, int, str]]) -> None:
    """Days since joining, in no order: a purchase may arrive late, a return comes after its purchase."""
    bought: list[tuple[Any, datetime, int]] = []
    for number, (day, what, points, store) in enumerate(events):
        at = NOON + day * DAY
        if what == "buy":
            command = purchase(line(points * 1_000), at=at, id=f"R-{number}", store=store)
            world.do(command)
            bought.append((command.id, at, points))
        elif what == "adjust":
            world.do(world.adjust(points, at=at, qualifying=True))
        elif what == "grant":
            world.do(world.opening(f"O-{number}", at=at, tier=LEVELS[points % 4]["name"], tier_since=at - points * DAY))
        elif bought:
            of, since, worth = bought.pop(points % len(bought))
            lines = [] if what == "void" else [back(amount_minor=min(points, worth) * 1_000)]
            world.do(returned(of, *lines, at=since + (day % 150) * DAY, id=f"T-{number}"))


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("period", PERIODS, ids=lambda one: "-".join(map(str, one.values())))
@settings(max_examples=25)
@forall(events=EVENTS, grace=strategies.sampled_from([0, 0, 20]), days=strategies.integers(0, 900))
def test_both_sides_see_the_same_tier(
    period: dict[str, Any], metric: Any, events: list[tuple[int, str, int, str]], grace: int, days: int
) -> None:
    scheme = rules(**period, metric=metric, grace_days=0 if period["period"] == "lifetime" else grace)
    world = World(scheme)
    live(world, events)
    account = world.account()
    for at in (NOON + days * DAY, account.latest or NOON, (account.latest or NOON) + days * DAY):
        found = told(world, scheme, at)
        assert scheme.tiers.levels[account.rank_at(scheme, at)].name == found.tier
        if at >= (account.latest or at):
            mine = account.standing_at(scheme, at)
            assert (mine.qualifying_points, mine.points_to_keep, mine.projected_tier, mine.review_on) == (
                found.qualifying_points, found.points_to_keep, found.projected_tier, found.review_on,
            )  # fmt: skip


@pytest.mark.parametrize("period", PERIODS, ids=lambda one: "-".join(map(str, one.values())))
@settings(max_examples=25)
@forall(events=EVENTS, pause=strategies.integers(1, 400), warned=strategies.sampled_from([None, 14]))
def test_what_the_clock_records_is_the_tier_that_is_told(
    period: dict[str, Any], events: list[tuple[int, str, int, str]], pause: int, warned: int | None
) -> None:
    """However seldom it looks, as long as nothing changes, and whatever arrived late before."""
    scheme = rules(**period, warning_days=None if period["period"] == "lifetime" else warned)
    world = World(scheme)
    live(world, events)
    account = world.account()
    programme = Programme(programme_id(scheme.name))
    programme.versions.append(scheme)
    begin = account.latest or NOON
    moves: list[Any] = []
    for step in range(1, 6):
        now = begin + step * pause * DAY
        drafts = all_brought_about(account, programme, now)
        for draft in drafts:
            fact = draft.kind(
                **world.log.batch.facts[-1].model_dump(include={"recorded_at", "actor", "source", "external_id", "correlation_id"}),
                **{"occurred_at": now, **draft.what}, originator_id=account.id, originator_version=account.version + 1,
            )  # fmt: skip
            account.evolve(fact)
            moves.append(fact)
        assert all_brought_about(account, programme, now) == [], "once is enough"
        assert (account.tier or "Ordinary") == scheme.tiers.levels[account.rank_at(scheme, now)].name
        due = all_next_due(account, programme, now)
        assert due is None or due > now
    for move in moves:
        assert isinstance(move, TierMoved | TierWarned)
        assert begin <= move.occurred_at or isinstance(move, TierWarned) or move.reviewed
