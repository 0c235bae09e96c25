"""The relay: from the log to acknowledged records."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from kafka import KafkaProducer
from psycopg import Connection

from bench.figure import Figure, in_turns
from bench.ground import INTAKE, RELAY, ground
from bench.pace import pace, wait_for
from bench.watch import RECORDED, TAKEN_IN, TOLD, counter
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.kafka import partition_of, producer

TUNED = {"linger_ms": 5, "batch_size": 256 * 1024, "max_request_size": 4 << 20}
"""As the relay's own producer."""


class Message(NamedTuple):
    """A fact as the relay tells it."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    partition: int


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """A real relay process beside kafka-python's producer, sending the same bytes and headers."""
    with (
        ground(baskets, servers=servers) as here,
        here.database() as settings,
        connect(settings.database_url) as database,
    ):
        with here.roles(INTAKE, settings=settings):
            wait_for(counter(database, TAKEN_IN), len(baskets))
        last, topic = counter(database, RECORDED)(), here.make_topic()
        messages = _messages(database, settings.partitions)

        def relay() -> float:
            database.execute(
                "UPDATE relay_state SET position = 0, prevs = array_fill(0, ARRAY[%s]) WHERE name = 'facts'",
                (settings.partitions,),
            )
            with here.roles(RELAY, settings=settings):
                return pace(counter(database, TOLD), total=last)

        def as_it_comes() -> float:
            servers = (settings.kafka_bootstrap_servers or "").split(",")
            return _sent(KafkaProducer(bootstrap_servers=servers), topic, messages, lambda _: None)

        def tuned() -> float:
            return _sent(producer(settings, **TUNED), topic, messages, lambda message: message.partition)

        found = in_turns({"relay": relay, "as it comes": as_it_comes, "tuned": tuned}, repeats=repeats)
    compared = [("as it comes", "≥ 1.0"), ("tuned", "aim 0.9")]
    return [
        Figure(
            name="relay",
            unit="facts/s",
            values=found["relay"],
            reference=f"kafka-python's producer, {side}, same bytes and headers",
            reference_values=found[side],
            goal=goal,
        )
        for side, goal in compared
    ]


def _messages(database: Connection, partitions: int) -> list[Message]:
    """Every fact as the relay would tell it, prepared beforehand."""
    rows = database.execute(
        "SELECT position, originator_id, originator_version, name, state, subject FROM facts ORDER BY position",
        binary=True,
    )
    messages = []
    for position, stream_id, version, name, state, subject in rows:
        key = str(subject).encode()
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_source", b"/loyalty-ledger"),
            ("ce_type", f"loyalty.{name}".encode()),
            ("ce_id", f"{stream_id}:{version}".encode()),
            ("ce_chain", f"01234567/{position}/{position - 1}".encode()),
        ]
        messages.append(Message(key, state, headers, partition_of(key, partitions)))
    return messages


def _sent(
    sender: KafkaProducer, topic: str, messages: Sequence[Message], partition: Callable[[Message], int | None]
) -> float:
    """Messages a second, from the first to the last acknowledgement."""
    with closing(sender):
        sender.partitions_for(topic)
        started = time.perf_counter()
        futures = [
            sender.send(topic, value=one.value, key=one.key, headers=one.headers, partition=partition(one))
            for one in messages
        ]
        for future in futures:
            future.get(timeout=60)
        return len(messages) / (time.perf_counter() - started)
