"""From the facts topic to the read models: one process, one poll, all projections."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
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
        with closing(_consumer(settings, names)) as consumer:
            subscribe(consumer, FACTS, Assignments(settings, consumer, read_models))
            quiet_gc()
            while not stop.is_set():
                step(consumer, read_models)


def step(consumer: KafkaConsumer, read_models: ReadModels, *, timeout_ms: int = 200) -> None:
    """Take in one polled batch; only then is the next one read."""
    polled = consumer.poll(timeout_ms)
    try:
        read_models.take_in({place.partition: records for place, records in polled.items()})
    except Fenced as fence:
        log.warning("left behind, reading again: %s", fence)
        _seek(consumer, read_models.assign, {place.partition for place in consumer.assignment()})


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
