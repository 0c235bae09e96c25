"""The projector: from the topic to committed rows."""

from collections.abc import Sequence

from kafka import TopicPartition

from bench.figure import Figure, in_turns
from bench.ground import INTAKE, PROJECTOR, RELAY, ground
from bench.pace import pace, wait_for
from bench.watch import READ, RECORDED, TAKEN_IN, TOLD, counter, records_on
from cli.demo.complete_journey import Basket
from cli.roles import Role
from consumers.projector import MOST_RECORDS
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.kafka import consumer
from infra.settings import Settings
from infra.topics import FACTS

BALANCES = Role("balances", ("project", "balances"))
FETCHING = {"max_poll_records": MOST_RECORDS, "max_partition_fetch_bytes": 2 << 20, "fetch_max_wait_ms": 100}
"""As the projector's own consumer."""


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """A real projector process, for balances and for all answers, beside kafka-python's consumer merely reading."""
    with (
        ground(baskets, servers=servers) as here,
        here.database() as settings,
        connect(settings.database_url) as database,
    ):
        with here.roles(INTAKE, RELAY, settings=settings):
            wait_for(counter(database, TAKEN_IN), len(baskets))
            wait_for(counter(database, TOLD), counter(database, RECORDED)())
        total = records_on(FACTS, settings)

        def project(role: Role) -> float:
            with here.database(prepared=False) as empty, connect(empty.database_url) as read_models:
                mine = settings.model_copy(update={"read_database_url": empty.database_url})
                with here.roles(role, settings=mine):
                    return pace(counter(read_models, READ), total=total)

        sides = {
            "projector, balances alone": lambda: project(BALANCES),
            "projector, all answers": lambda: project(PROJECTOR),
            "bare": lambda: _merely_read(settings, total),
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


def _merely_read(settings: Settings, total: int) -> float:
    """Records a second; nothing is done with them."""
    places = [TopicPartition(FACTS, number) for number in range(settings.partitions)]
    read = 0
    with consumer(settings, **FETCHING) as reader:
        reader.assign(places)
        reader.seek_to_beginning()

        def done() -> int:
            nonlocal read
            read += sum(map(len, reader.poll(timeout_ms=200).values()))
            return read

        return pace(done, total=total, pause=0)
