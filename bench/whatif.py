"""What a replay under other rules costs, beside merely reading the same facts."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import carry_out
from cli.demo.complete_journey import Basket
from cli.wiring import open_ledger
from consumers.cloud_events import event_of
from consumers.purchases import command_of
from domain.fact import FACTS
from domain.messages.programmes import shipped
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.settings import Settings
from projections.whatif.run import what_if
from projections.whatif.telling import Proposal, Question

PROPOSAL = "corner_shop"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Real baskets of their own buyers, with their campaigns, replayed by one process under one policy; CPU of this process."""
    with ground(servers=servers) as here:
        with open_ledger(here.settings) as loyalty:
            carry_out(loyalty, (command_of(event_of(one.value, []), here.keys.card_id) for one in baskets))
        question = Question(here.settings.programme, [Proposal(PROPOSAL, shipped(PROPOSAL))], check=False)
        sold = float(len(baskets))

        def replayed() -> float:
            return _cost(lambda: what_if(here.settings, question, processes=1)) / sold

        def read() -> float:
            return _cost(lambda: _read(here.settings)) / sold

        found = in_turns({"replayed": replayed, "read": read}, repeats=repeats)
    return [
        Figure(
            name="what-if: a purchase replayed under one policy, beside history",
            unit="µs of CPU",
            values=found["replayed"],
            reference="its facts read from the log, with all that is checked of them",
            reference_values=found["read"],
            goal="64 µs: a year in 5 s on two cores",
        )
    ]


def _cost(work: Callable[[], object]) -> float:
    """Microseconds of CPU."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1_000_000


def _read(settings: Settings) -> Counter[str]:
    names: Counter[str] = Counter()
    with connect(settings.database_url) as log:
        for name, state in log.execute("SELECT name, state FROM facts ORDER BY position", binary=True):
            FACTS[name].__pydantic_validator__.validate_json(state)
            names[name] += 1
    return names
