"""What every role makes sure of first: the tables of the log and the topics, made once by whoever comes first."""

import logging
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError, RequestTimedOutError, TopicAlreadyExistsError
from psycopg import Connection

from infra import keys, letters, log_tables, personal_data, relay
from infra.append_only import make_log
from infra.database import connection, make_tables
from infra.kafka import admin, consumer
from infra.settings import Settings
from infra.topics import CHECKPOINTS, DEAD, FACTS, PURCHASES

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120
"""A broker makes topics within a second; one that has just begun, on a machine that does everything at once, takes longer."""
_TELL_EVERY_SECONDS = 5
WEEK_MS = 7 * 24 * 3600 * 1000

TOPICS: dict[str, dict[str, str]] = {
    PURCHASES: {"retention.ms": str(WEEK_MS)},
    FACTS: {"retention.ms": "-1", "retention.bytes": "-1"},
    CHECKPOINTS: {"retention.ms": "-1", "retention.bytes": "-1"},
    DEAD: {"retention.ms": "-1", "max.message.bytes": str(4 << 20)},  # a sealed letter is larger than its message
}


class TopicMismatch(RuntimeError):
    """A topic is not as this ledger left it; going on would break the order or lose messages."""


class TopicsNotReady(RuntimeError):
    """The brokers have topics still to make, or partitions without a leader."""


def bootstrap(settings: Settings) -> None:
    """Make tables and topics, and check that the topics are those that the stored offsets speak of."""
    make_log(settings)
    with connection(settings) as database:
        make_tables(
            database,
            (*log_tables.BESIDE, *keys.TABLES, *letters.TABLES, *personal_data.TABLES, *relay.TABLES),
        )
        _make_topics(settings)
        topic_ids = _checked_topics(settings)
        _begin_offsets(database, settings, topic_ids[PURCHASES])
        relay.begin(database, partitions=settings.partitions, epoch=uuid4().hex[:8])


def _make_topics(settings: Settings) -> None:
    with admin(settings) as client:
        for name in TOPICS.keys() - set(client.list_topics()):
            wanted = {
                "num_partitions": settings.partitions,
                "replication_factor": settings.replication_factor,
                "configs": TOPICS[name],
            }
            try:
                client.create_topics({name: wanted})
            except (TopicAlreadyExistsError, RequestTimedOutError):
                continue  # another role was first; or the broker goes on with it, and we wait for it below


def _checked_topics(settings: Settings) -> dict[str, UUID]:
    with admin(settings) as client:
        wait_for_topics(client, list(TOPICS), patience=PATIENCE_SECONDS)
        found = {topic["name"]: topic for topic in client.describe_topics(list(TOPICS))}
    for name, topic in found.items():
        if len(topic["partitions"]) != settings.partitions:
            raise TopicMismatch(
                f"{name} has {len(topic['partitions'])} partitions, LOYALTY_PARTITIONS is {settings.partitions}: "
                "set it to what the topic has; the number is fixed once the topic exists"
            )
    return {name: UUID(str(topic["topic_id"])) for name, topic in found.items()}


def wait_for_topics(client: KafkaAdminClient, names: Sequence[str], *, patience: float) -> None:
    """Return once each partition has a leader: a topic that was just made has none for a moment. `patience` in seconds."""
    deadline = time.monotonic() + patience
    while True:
        left = deadline - time.monotonic()
        try:
            client.wait_for_topics(names, timeout_ms=1_000 * max(0, min(left, _TELL_EVERY_SECONDS)))
        except KafkaTimeoutError as error:
            if left <= _TELL_EVERY_SECONDS:
                raise TopicsNotReady(
                    f"the brokers did not make the topics within {patience:g} s: see that they run and have a leader "
                    f"for each partition, then start again ({error})"
                ) from None
            log.warning(
                "waiting for the brokers to make the topics, for %.0f s more at most: %s",
                deadline - time.monotonic(),
                error,
            )
        else:
            return


def _begin_offsets(database: Connection, settings: Settings, topic_id: UUID) -> None:
    """Intake starts where the topic starts; a topic that was made anew needs an operator's decision."""
    rows = database.execute("SELECT partition, topic_id FROM intake_offsets WHERE topic = %s", (PURCHASES,)).fetchall()
    known: dict[int, UUID] = dict(rows)
    if any(kept != topic_id for kept in known.values()):
        raise TopicMismatch(
            f"{PURCHASES} was made anew, so its offsets begin again: point LOYALTY_KAFKA_BOOTSTRAP_SERVERS at the "
            "brokers that hold the old topic, or, if that is lost, clear its rows in the table intake_offsets"
        )
    if len(known) == settings.partitions:
        return
    with consumer(settings) as client:
        for place, offset in _beginnings(client, settings.partitions).items():
            database.execute(
                "INSERT INTO intake_offsets VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (PURCHASES, topic_id, place.partition, offset),
            )


def _beginnings(client: KafkaConsumer, partitions: int) -> dict[TopicPartition, int]:
    beginnings: dict[TopicPartition, int] = client.beginning_offsets(
        [TopicPartition(PURCHASES, partition) for partition in range(partitions)]
    )
    return beginnings
