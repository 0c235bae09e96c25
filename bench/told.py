"""What the measurements of the facts topic stand on: real facts on it, and kafka-python's consumer merely reading them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kafka import TopicPartition
from psycopg import Connection

from bench.ground import INTAKE, RELAY, Ground, ground
from bench.pace import wait_for
from bench.watch import RECORDED, TAKEN_IN, TOLD, counter, records_on
from cli.demo.complete_journey import Basket
from consumers.projector import READING
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.kafka import consumer
from infra.settings import Settings
from infra.topics import FACTS


class Told(NamedTuple):
    """A ledger whose facts are all on the topic, and how many records that makes."""

    here: Ground
    settings: Settings
    database: Connection
    records: int


@contextmanager
def told(baskets: Sequence[Basket], *, servers: EmbeddedServices) -> Iterator[Told]:
    """Baskets taken in and told by real roles, which have ended by then."""
    with (
        ground(baskets, servers=servers) as here,
        here.database() as settings,
        connect(settings.database_url) as database,
    ):
        with here.roles(INTAKE, RELAY, settings=settings):
            wait_for(counter(database, TAKEN_IN), len(baskets))
            wait_for(counter(database, TOLD), counter(database, RECORDED)())
        yield Told(here, settings, database, records_on(FACTS, settings))


@contextmanager
def merely_reading(settings: Settings) -> Iterator[Callable[[], int]]:
    """Polls as the projector does, from the beginning, and does nothing with the records; answers how many came so far."""
    read = 0
    with consumer(settings, **READING) as reader:
        reader.assign([TopicPartition(FACTS, number) for number in range(settings.partitions)])
        reader.seek_to_beginning()

        def done() -> int:
            nonlocal read
            read += sum(map(len, reader.poll(timeout_ms=200).values()))
            return read

        yield done
