"""Replayed under its own rules, history comes out as it was recorded; under others, what these make of it."""

import pytest

from domain.points_account import PointsAccount, account_id
from projections.whatif.history import differences
from projections.whatif.replay import Replay
from tests.builders import ANN, policy
from tests.domain.world import NEVER, World
from tests.projections.histories import RULES, RULES_OF_TIERS
from tests.projections.whatif.recorded import Town
from tests.projections.whatif.replaying import PROGRAMME, all_facts, in_force, life, transactions, under
from tests.spec import NOON


@pytest.mark.parametrize("rules", [*RULES, *RULES_OF_TIERS])
@pytest.mark.parametrize("late", [False, True])
def test_what_is_replayed_by_its_own_rules_is_what_was_recorded(rules: str, late: bool) -> None:
    for number in range(3):
        lived = life(rules, number, late=late)
        replay, found = in_force(all_facts(lived.rules, lived))
        assert (found, replay.not_carried_out, replay.not_covered) == ([], {}, [])


def test_campaigns_with_a_budget_and_merges_come_out_as_recorded() -> None:
    replay, found = in_force(Town().lives().facts)
    assert (found, replay.not_carried_out, replay.not_covered) == ([], {}, [])


def test_other_rules_come_to_something_else() -> None:
    """Else the comparison would compare nothing."""
    town = Town().lives()
    recorded, _ = in_force(town.facts)
    doubled = under(policy(earning={"points": 2, "per_minor": 1_000}), town.facts)
    fields = {one.field for one in differences(recorded.world, doubled.world)}
    assert {"lots", "credited", "periods", "redemptions"} <= fields


def test_what_a_proposal_does_not_cover_is_owed_and_told() -> None:
    """Ann had 100 points and spent 70 of them; of half as many there are 50."""
    world = World(policy(expiry=NEVER))
    world.buys(100)
    world.do(world.redeem(70))
    replay = under(
        policy(expiry=NEVER, earning={"points": 1, "per_minor": 2_000}), all_facts(policy(expiry=NEVER), world)
    )
    account = replay.world.get(PointsAccount, account_id(ANN))
    found = account.buckets(NOON)
    assert (found.issued, found.spent, found.debt, replay.not_covered) == (50, 50, 20, [20])


def test_what_a_proposal_cannot_hold_is_owed_once_it_is_captured() -> None:
    world = World(policy(expiry=NEVER))
    world.buys(100)
    held = world.hold(70)
    world.do(held)
    world.do(world.capture(held.id, 60))
    replay = under(
        policy(expiry=NEVER, earning={"points": 1, "per_minor": 2_000}), all_facts(policy(expiry=NEVER), world)
    )
    found = replay.world.get(PointsAccount, account_id(ANN)).buckets(NOON)
    assert (found.spent, found.debt, replay.not_covered) == (50, 10, [10])
    assert replay.not_carried_out == {"insufficient-points": 1}


def test_a_transfer_sends_what_there_is() -> None:
    rules = policy(expiry=NEVER, return_window_days=0)
    world = World(rules)
    world.buys(100)
    world.do(world.transfer(80, at=NOON))
    fewer = policy(expiry=NEVER, return_window_days=0, earning={"points": 1, "per_minor": 2_000})
    replay = under(fewer, all_facts(rules, world))
    assert replay.world.get(PointsAccount, account_id(ANN)).buckets(NOON).sent == 50
    assert replay.not_carried_out == {"insufficient-points": 1}


def test_without_a_proposal_versions_come_into_force_as_they_were_published() -> None:
    replay = Replay(PROGRAMME, lambda *_: None)
    assert not replay.world.programme.versions
    for one in transactions(all_facts(policy(), World(policy()))):
        replay.tell(one)
    assert len(replay.world.programme.versions) == 1
