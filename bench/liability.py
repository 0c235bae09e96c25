"""What is owed in points, rolled forward from the log, beside merely reading the same facts."""

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import cycle, islice

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import Town
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.log_tables import last_position
from infra.settings import Settings
from projections.liability.run import Question, liability
from projections.proofs.tally import TELLERS

MEMBERS = 400
YEAR = 321_000
"""Facts of the demo's year."""


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Real baskets of a small town; on all processors, where there is enough to part."""
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets)))
        question = Question({"": Fraction(4, 5)}, 24, Fraction(1))
        facts = _facts(here.settings)
        found = in_turns(
            {
                "rolled forward": lambda: _year(lambda: liability(here.settings, question), facts),
                "read": lambda: _year(lambda: _read(here.settings), facts),
            },
            repeats=repeats,
        )
    return [
        Figure(
            name="liability rolled forward from the log",
            unit="s a year's facts",
            values=found["rolled forward"],
            reference="what moved points merely read, by one process",
            reference_values=found["read"],
        )
    ]


def _year(work: Callable[[], object], facts: int) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / facts * YEAR


def _facts(settings: Settings) -> int:
    with connect(settings.database_url) as log:
        return last_position(log)


def _read(settings: Settings) -> None:
    with connect(settings.database_url) as log:
        log.execute(
            "SELECT subject, position, name, state FROM facts WHERE name = ANY(%s)", (list(TELLERS),), binary=True
        ).fetchall()
