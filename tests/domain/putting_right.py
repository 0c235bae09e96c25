"""Ann and Bob, each with a card, and receipts that went to the wrong one, or to nobody."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.command import Command
from domain.fact import Fact
from domain.lots import Buckets
from domain.points_account import PointsAccount, account_id
from tests.builders import ANN, BOB, FAR_AHEAD, join
from tests.domain.story import JOINED_AT, RULES
from tests.spec import NOON
from tests.spec_of_commands import GivenLog, given_log

LATER = NOON + timedelta(days=3)


def shop(*given: Fact, rules: Fact = RULES) -> GivenLog:
    """A log in which Ann, with card 1001, and Bob, with card 1002, have joined."""
    log = given_log(rules, *given)
    log.batch.recorded_at = FAR_AHEAD
    done(log, join(ANN, at=JOINED_AT), join(BOB, at=JOINED_AT, card="1002"))
    return log


def done(log: GivenLog, *commands: Command) -> list[Any]:
    """What the commands lead to; none of them is refused or a repeat."""
    facts: list[Any] = []
    for command in commands:
        result = log.when(command)
        assert (result.refusal, result.repeat) == (None, None)
        facts += result.facts
    return facts


def account(log: GivenLog, member: UUID = ANN) -> PointsAccount:
    return log.batch.get(PointsAccount, account_id(member))


def points(log: GivenLog, *, at: datetime = LATER) -> tuple[int, int]:
    """What Ann and Bob can spend."""
    return account(log, ANN).available(at), account(log, BOB).available(at)


def buckets(log: GivenLog, member: UUID = ANN, *, at: datetime = LATER) -> Buckets:
    return account(log, member).buckets(at)


def of_kind(facts: Sequence[Any], *kinds: type[Fact]) -> list[Any]:
    return [one for one in facts if isinstance(one, kinds)]
