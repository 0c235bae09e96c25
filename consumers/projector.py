"""From the facts topic to the read models: one process, one poll, all projections."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from infra import kafka
from infra.database import connect
from infra.groups import TopicUnknown, subscribe
from infra.process import quiet_gc
from infra.settings import Settings
from infra.topics import FACTS
from projections import offsets, schema
from projections.offsets import Fenced
from projections.read_models import ReadModels

log = logging.getLogger(__name__)

GROUP = "loyalty.projector"
MOST_RECORDS = 6_000
"""A batch of this size is written in a fraction of a second, and the cost of its transaction is shared by thousands."""


def run(settings: Settings, *, stop: threading.Event, names: Sequence[str] | None = None) -> None:
    """Fold facts until told to stop. Whatever cannot be mended here is raised, and a fresh process tries again."""
    with connect(settings.read_url) as connection:
        schema.ensure(connection)
        projections = schema.live(connection, names)
        topic_id, partitions = _topic(settings)
        offsets.begin(connection, projections, topic_id=topic_id, partitions=partitions)
        read_models = ReadModels(connection, projections)
        with closing(_consumer(settings, names)) as consumer, ThreadPoolExecutor(max_workers=1) as writer:
            subscribe(consumer, FACTS, Assignments(settings, consumer, read_models))
            quiet_gc()
            projector = Projector(consumer, read_models, writer)
            while not stop.is_set():
                projector.step()
            projector.settle()


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

    def settle(self) -> bool:
        """Wait for what is being written. If it was fenced, what was read since is dropped and read again."""
        writing, self._writing = self._writing, None
        try:
            if writing is not None:
                writing.result()
        except Fenced as fence:
            log.warning("left behind, reading again: %s", fence)
            _seek(self._consumer, self._read_models.assign, {place.partition for place in self._consumer.assignment()})
            return False
        return True


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


def _topic(settings: Settings) -> tuple[UUID, int]:
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
        max_poll_records=MOST_RECORDS,
        max_partition_fetch_bytes=2 << 20,
        fetch_max_wait_ms=100,
        # A killed process is missed after this time, and its partitions go to the one that was started instead.
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
    )
