"""What it takes to explain a member's balance, beside merely reading and checking the same facts."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from random import Random
from uuid import UUID

from psycopg import Connection

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import Town, member_of
from cli.demo.complete_journey import Basket
from domain.fact import FACTS
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.log_tables import last_position
from infra.settings import Settings
from projections.explaining.balance import explain_balance
from projections.explaining.case import Case

MEMBERS = 400
ASKED = 200

_OF_MEMBER = "SELECT name, state FROM facts WHERE subject = %s ORDER BY position"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Sixty purchases of each member, as in the demo's year: every one decided once more. The p99 of single questions."""
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets)))
        members = [member_of(number) for number in Random(1).sample(range(MEMBERS), ASKED)]
        with connect(here.settings.database_url) as log:
            found = in_turns(
                {
                    "explained": lambda: _p99(members, lambda one: _explain(log, one, here.settings)),
                    "read": lambda: _p99(members, lambda one: _read(log, one)),
                },
                repeats=repeats,
            )
    return [
        Figure(
            name="a member's balance explained, p99",
            unit="ms",
            values=found["explained"],
            reference="the member's facts read from the log, with all that is checked of them",
            reference_values=found["read"],
            goal="< 200 ms",
        )
    ]


def _p99(members: Sequence[UUID], ask: Callable[[UUID], None]) -> float:
    """Milliseconds, of one question after the other."""
    took = []
    for member_id in members:
        started = time.perf_counter()
        ask(member_id)
        took.append(1_000 * (time.perf_counter() - started))
    return sorted(took)[len(took) * 99 // 100]


def _explain(log: Connection, member_id: UUID, settings: Settings) -> None:
    case = Case(log, member_id, programme=settings.programme, language="en", position=last_position(log))
    told = explain_balance(case, datetime.now(UTC))
    assert told.reproduced, told.differences


def _read(log: Connection, member_id: UUID) -> None:
    for name, state in log.execute(_OF_MEMBER, (member_id,), binary=True):
        FACTS[name].__pydantic_validator__.validate_json(state)
