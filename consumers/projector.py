"""From the facts topic to the read models: one process, one poll, all projections."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from psycopg import Connection

from infra import kafka
from infra.database import connect
from infra.groups import TopicUnknown, subscribe
from infra.process import quiet_gc
from infra.settings import Settings
from infra.topics import FACTS
from projections import generations, offsets, schema
from projections.offsets import Fenced
from projections.projection import Projection
from projections.read_models import ReadModels
from projections.shapes import AnotherShape

log = logging.getLogger(__name__)

GROUP = "loyalty.projector"
MOST_RECORDS = 6_000
"""A batch of this size is written in a fraction of a second, and the cost of its transaction is shared by thousands."""


READING = {"max_poll_records": MOST_RECORDS, "max_partition_fetch_bytes": 2 << 20, "fetch_max_wait_ms": 100}
LOOK_SECONDS = 0.5
"""So often it is looked at which generations are to be moved: a rebuild hands one over, or drops one."""


def run(settings: Settings, *, stop: threading.Event, names: Sequence[str] | None = None) -> None:
    """Fold facts until told to stop. Whatever cannot be mended here is raised, and a fresh process tries again."""
    with connect(settings.read_url) as connection, connect(settings.read_url) as looking:
        schema.ensure(connection)
        fed = Fed(looking, names, *facts_topic(settings))
        read_models = ReadModels(connection, fed.look())
        with closing(_consumer(settings, names)) as consumer, ThreadPoolExecutor(max_workers=1) as writer:
            subscribe(consumer, FACTS, Assignments(settings, consumer, read_models))
            quiet_gc()
            projector = Projector(consumer, read_models, writer)
            while not stop.is_set():
                projector.step()
                if fed.is_due():
                    projector.follow(fed.look())
            projector.settle()


class Fed:
    """Which generations this process is to move."""

    def __init__(
        self, connection: Connection[Any], names: Sequence[str] | None, topic_id: UUID, partitions: int
    ) -> None:
        self._connection = connection
        self._names = names
        self._topic_id = topic_id
        self._partitions = partitions
        self._begun: set[str] = set()
        self._told: set[str] = set()
        self._looked_at = 0.0

    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked_at > LOOK_SECONDS

    def look(self) -> list[Projection]:
        """Those that there are now. One with other tables than ours is told once and left alone."""
        self._looked_at = time.monotonic()
        fitting, others = generations.fed(self._connection, self._names)
        new = [projection for projection in fitting if projection.schema not in self._begun]
        offsets.begin(self._connection, new, topic_id=self._topic_id, partitions=self._partitions)
        self._begun.update(projection.schema for projection in new)
        if not fitting and others:
            raise AnotherShape(others[0])
        for projection in others:
            if projection.schema not in self._told:
                log.error("%s", AnotherShape(projection))
                self._told.add(projection.schema)
        return fitting


class Projector:
    """Reads and folds a batch while the one before it is written: PostgreSQL and we are both busy that way."""

    def __init__(self, consumer: KafkaConsumer, read_models: ReadModels, writer: Executor) -> None:
        self._consumer = consumer
        self._read_models = read_models
        self._writer = writer
        self._writing: Future[None] | None = None

    def step(self, *, timeout_ms: int = 200) -> None:
        """At most one batch is being written, and none is begun before the one before it is committed."""
        polled = self._consumer.poll(timeout_ms)
        batch = self._read_models.fold({place.partition: records for place, records in polled.items()})
        if self.settle() and batch.moves:
            self._writing = self._writer.submit(self._read_models.write, batch)

    def follow(self, projections: Sequence[Projection]) -> None:
        """Move other generations from now on, if they are others: what they lack is read again."""
        if [one.schema for one in projections] != [one.schema for one in self._read_models.projections]:
            self.settle()
            self._read_models.follow(projections)
            self._read_on()

    def settle(self) -> bool:
        """Wait for what is being written. If it was fenced, what was read since is dropped and read again."""
        writing, self._writing = self._writing, None
        try:
            if writing is not None:
                writing.result()
        except Fenced as fence:
            log.warning("left behind, reading again: %s", fence)
            self._read_on()
            return False
        return True

    def _read_on(self) -> None:
        """From where the offsets are that are stored."""
        _seek(self._consumer, self._read_models.assign, {place.partition for place in self._consumer.assignment()})


class Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # the library is untyped
    """Reads stored offsets where partitions come, on a connection of its own: this runs on the client's IO thread."""

    def __init__(self, settings: Settings, consumer: KafkaConsumer, read_models: ReadModels) -> None:
        self._url = settings.read_url
        self._consumer = consumer
        self._read_models = read_models

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        with connect(self._url) as connection:
            _seek(
                self._consumer,
                lambda partitions: self._read_models.assign(partitions, connection),
                {place.partition for place in assigned},
            )

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._read_models.revoke(place.partition for place in revoked)


def _seek(consumer: KafkaConsumer, assign: Callable[[Collection[int]], Any], partitions: Collection[int]) -> None:
    for partition, offset in assign(partitions).items():
        consumer.seek(TopicPartition(FACTS, partition), offset)


def facts_topic(settings: Settings) -> tuple[UUID, int]:
    """Its id, which another one of that name has not, and how many partitions it has."""
    with closing(kafka.admin(settings)) as admin:
        (topic,) = admin.describe_topics([FACTS])
    if not topic["partitions"]:
        raise TopicUnknown(FACTS)
    return UUID(str(topic["topic_id"])), len(topic["partitions"])


def _consumer(settings: Settings, names: Sequence[str] | None) -> KafkaConsumer:
    """Those who fold other projections read for themselves, in a group of their own."""
    return kafka.consumer(
        settings,
        group_id=".".join([GROUP, *sorted(names or ())]),
        **READING,
        # A killed process is missed after this time, and its partitions go to the one that was started instead.
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
    )
