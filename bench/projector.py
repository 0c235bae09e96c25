"""The projector: from the topic to committed rows."""

from collections.abc import Sequence

from bench.figure import Figure, in_turns
from bench.ground import PROJECTOR
from bench.pace import pace
from bench.told import merely_reading, told
from bench.watch import READ, counter
from cli.demo.complete_journey import Basket
from cli.roles import Role
from infra.database import connect
from infra.embedded.services import EmbeddedServices

BALANCES = Role("balances", ("project", "balances"))


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """A real projector process, for balances and for all answers, beside kafka-python's consumer merely reading."""
    with told(baskets, servers=servers) as (here, settings, _, total):

        def project(role: Role) -> float:
            with here.database(prepared=False) as empty, connect(empty.database_url) as read_models:
                mine = settings.model_copy(update={"read_database_url": empty.database_url})
                with here.roles(role, settings=mine):
                    return pace(counter(read_models, READ), total=total)

        def bare() -> float:
            with merely_reading(settings) as done:
                return pace(done, total=total, pause=0)

        sides = {
            "projector, balances alone": lambda: project(BALANCES),
            "projector, all answers": lambda: project(PROJECTOR),
            "bare": bare,
        }
        found = in_turns(sides, repeats=repeats)
    goals = {"projector, balances alone": "≥ 0.65, aim 0.75", "projector, all answers": "≥ 0.5, aim 0.6"}
    return [
        Figure(
            name=name,
            unit="facts/s",
            values=found[name],
            reference="kafka-python's consumer, merely reading the same topic",
            reference_values=found["bare"],
            goal=goal,
        )
        for name, goal in goals.items()
    ]
