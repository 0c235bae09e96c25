"""Whatever is sent twice, or cut off and sent again, leaves the same facts (rules 7); any order, the same points (8)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings, strategies

from domain.command import Command
from domain.loyalty import Recorded, Refused, Repeated
from domain.points_account import PointsAccount, account_id
from domain.purchase import Purchase
from tests.builders import ANN, BOB, FAR_AHEAD
from tests.domain.histories import CAT, HISTORY, people, receipts, what_follows
from tests.domain.story import RULES
from tests.ledger import Ledger, execute
from tests.spec import NOON
from tests.spec_of_commands import GivenLog, given_log

FACTS = "SELECT originator_id, originator_version, name, convert_from(state, 'UTF8')::jsonb - 'recorded_at' FROM facts WHERE name <> 'ProgrammePublished.v1' ORDER BY position"


def delivered(url: str, batches: Sequence[Sequence[Command]]) -> list[Any]:
    """What the log holds after these batches, each taken in by a process that knows nothing of the one before.

    Who was refused has got an answer, and does not ask again.
    """
    with Ledger(url) as ledger:
        refused: set[UUID] = set()
        for batch in batches:
            asked = [command for command in batch if command.id not in refused]
            for command, outcome in zip(asked, execute(ledger.writer(), *asked), strict=True):
                assert isinstance(outcome, Recorded | Repeated | Refused), outcome
                if isinstance(outcome, Refused):
                    refused.add(command.id)
        return ledger.rows(FACTS)


def history(story: Any) -> list[Command]:
    sold, events = story
    bought = receipts(sold)
    ann, bob, cat = people()
    return [ann, bob, *bought, *what_follows(bought, events), cat]


@forall(HISTORY)
@settings(max_examples=15)
def test_all_that_is_delivered_twice_leaves_the_same_facts(module_database_url: str, story: Any) -> None:
    commands = history(story)
    once = delivered(module_database_url, [commands])
    assert delivered(module_database_url, [[twice for one in commands for twice in (one, one)]]) == once
    assert delivered(module_database_url, [commands, commands]) == once


@forall(HISTORY, strategies.lists(strategies.tuples(strategies.integers(1, 6), strategies.integers(0, 6)), max_size=8))
@settings(max_examples=15)
def test_all_that_is_cut_anywhere_and_sent_again_in_order_leaves_the_same_facts(
    module_database_url: str, story: Any, cuts: list[tuple[int, int]]
) -> None:
    """Each cut takes so many messages in, and goes back by so many before it goes on."""
    commands, batches, place = history(story), [], 0
    for forward, backward in cuts:
        batches.append(commands[place : place + forward])
        place = max(0, min(place + forward, len(commands)) - backward)
    assert delivered(module_database_url, [*batches, commands[place:]]) == delivered(module_database_url, [commands])


def ends(commands: Sequence[Command]) -> dict[str, Any]:
    """Everything that the order of arrival must not change: lots by origin, qualifying points, tiers, what is left of each receipt."""
    log = given_log(RULES)
    log.batch.recorded_at = FAR_AHEAD
    for command in commands:
        assert log.when(command).refusal is None
    return {"accounts": [_account(log, member) for member in (ANN, BOB, CAT)], "left": _left(log)}


def _account(log: GivenLog, member: UUID) -> Any:
    account = log.batch.get(PointsAccount, account_id(member))
    lots = {lot.id: (lot.points, lot.revoked) for lot in account.lots.values()}
    periods = {period: points for period, points in account.periods.items() if points}
    return lots, periods, account.tier, account.debt, account.buckets(NOON)


def _left(log: GivenLog) -> dict[UUID, Any]:
    purchases = [one for one in log.batch.streams.values() if isinstance(one, Purchase) and one.recorded is not None]
    return {one.id: (one.left_minor, one.nothing_left, one.member_id, len(one.waiting)) for one in purchases}


@forall(HISTORY, strategies.randoms(use_true_random=False))
def test_all_orders_of_arrival_end_in_the_same_points(story: Any, random: Any) -> None:
    """Of what tills tell: who puts a receipt right must know of it, and comes after it."""
    sold, events = story
    bought = receipts(sold)
    arrived = [*bought, *what_follows(bought, [one for one in events if one[0] not in {"claim", "reassign"}])]
    in_order = ends([*people(), *arrived])
    shuffled = [*people(), *arrived, *random.choices(arrived, k=3)]
    random.shuffle(shuffled)
    assert ends(shuffled) == in_order
