"""Conservation throughout: referrals rewarded, reversed and merged add up in the log, the read model and the write side."""

from collections.abc import Callable
from random import Random

import pytest

from domain.lots import Buckets
from projections.proofs.conservation import prove
from projections.proofs.slices import add
from tests.builders import ANN, BOB, policy
from tests.domain.referring import KIM, TERMS, Referring
from tests.domain.world import DAY, NEVER
from tests.projections.proofs.ledger import Ledger
from tests.spec import NOON

LATER = NOON + 60 * DAY


@pytest.mark.parametrize("returns", ["original_then_debt", "next_lots_then_debt", "clamp_to_zero"])
@pytest.mark.parametrize("order", range(2))
def test_conservation_holds_whatever_becomes_of_a_referral(ledger: Ledger, returns: str, order: int) -> None:
    world = Referring(policy(expiry=NEVER, returns=returns, referral=TERMS))
    world.kim_joins()
    bought = world.kim_buys()
    world.clock(14)
    steps: list[Callable[[], object]] = [
        lambda: world.log.when(world.redeem(80, at=NOON + 15 * DAY)),
        lambda: world.log.when(world.redeem(40, member=KIM, at=NOON + 15 * DAY)),
        lambda: world.kim_returns(bought, day=16),
        lambda: world.log.when(world.merge(BOB, ANN, at=NOON + 16 * DAY)),
        lambda: world.log.when(world.merge(KIM, ANN, at=NOON + 17 * DAY)),
    ]
    for step in Random(order).sample(steps, len(steps)):
        step()
    assert world.referral().state == "reversed"
    proof = prove(ledger.given(*world.log.batch.facts).settings, as_of=LATER)
    assert proof.first_difference is None
    expected = Buckets()
    for member in (ANN, BOB, KIM):
        add(expected, world.buckets(member, at=LATER))
    assert proof.log == proof.read_model == expected
