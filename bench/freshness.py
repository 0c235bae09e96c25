"""Freshness: how long after a till's message its points are in the balance, while purchases come at a steady pace."""

import os
import statistics
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple
from uuid import UUID

from kafka import TopicPartition
from psycopg import Connection

from bench import proof, tills
from bench.figure import Figure, in_turns
from bench.ground import Ground, ground
from bench.pace import Stalled
from bench.watch import Pipeline
from cli.demo.complete_journey import Basket
from domain.fact import message_id
from infra.embedded.services import EmbeddedServices
from infra.kafka import consumer, partition_of
from infra.topics import PURCHASES

A_SECOND = 1_000
LONGEST = 6_000
"""Messages of a turn: six seconds."""
SETTLING = 0.2
"""The first part of a turn counts for nothing: caches fill, and clients meet their broker."""
LOOK_EVERY_SECONDS = 0.004
PATIENCE = 60
_CURSORS = "SELECT partition, last_position FROM projection_offsets WHERE projection = 'balances'"


class Waited(NamedTuple):
    """How long, in milliseconds."""

    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """All roles of the pipeline, watched through the cursors that are committed with the balances.

    Beside it the broker alone: the same messages at the same pace, until a consumer that does nothing else has them.
    """
    part = min(LONGEST, len(baskets) // repeats)
    with ground(servers=servers) as here, here.pipeline() as pipeline:
        parts, nobody = iter(range(0, part * repeats, part)), here.make_topic()

        def ours() -> Waited:
            start = next(parts)
            sold = baskets[start : start + part]
            with _publishing(here, sold, PURCHASES) as started:
                seen = _watched(pipeline, purchases=start + part)
            return waited(
                started, [seen.at(place) for place in _places(pipeline.database, sold, here.settings.partitions)]
            )

        def broker() -> Waited:
            with _publishing(here, baskets[:part], nobody) as started:
                return waited(started, _received(here, nobody, baskets[:part]))

        found = in_turns({"message to balance": ours, "broker alone": broker}, repeats=repeats)
        proof.conservation(pipeline.database, here.settings, purchases=part * repeats)
    goals = {"p50_ms": "aim 30 ms", "p99_ms": "aim 110 ms"}
    return [
        Figure(
            name=f"from a till's message to the balance, {A_SECOND:,} purchases/s, {field[:3]}",
            unit="ms",
            values=[getattr(one, field) for one in found["message to balance"]],
            reference="kafka-python alone, a message to a consumer that does nothing else",
            reference_values=[getattr(one, field) for one in found["broker alone"]],
            goal=goal,
        )
        for field, goal in goals.items()
    ]


class Place(NamedTuple):
    """Where the fact that credits a purchase stands."""

    partition: int
    position: int


class Seen:
    """When each partition's cursor was first seen at, or past, a position."""

    def __init__(self) -> None:
        self._positions: dict[int, list[int]] = {}
        self._times: dict[int, list[float]] = {}

    def note(self, partition: int, position: int, now: float) -> None:
        positions = self._positions.setdefault(partition, [])
        if not positions or position > positions[-1]:
            positions.append(position)
            self._times.setdefault(partition, []).append(now)

    def at(self, place: Place) -> float:
        return self._times[place.partition][bisect_left(self._positions[place.partition], place.position)]


@contextmanager
def _publishing(here: Ground, sold: Sequence[Basket], topic: str) -> Iterator[float]:
    """When the first message is due; leaving waits for the last acknowledgement."""
    path = here.settings.data_dir / "tills"
    tills.write(list(sold), path)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.steady_tills", topic, str(path), str(A_SECOND)],
        env={**os.environ, **here.settings.environment()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield float(process.stdout.readline())
        assert process.wait(PATIENCE) == 0, "the tills broke off"
    finally:
        process.kill()
        process.wait()


def _watched(pipeline: Pipeline, *, purchases: int) -> Seen:
    """Look until all is folded, and remember when each cursor moved."""
    seen, deadline = Seen(), time.monotonic() + PATIENCE
    for look in count():
        rows = pipeline.database.execute(_CURSORS).fetchall()
        now = time.monotonic()
        for partition, position in rows:
            seen.note(partition, position, now)
        if look % 50 == 0 and pipeline.done(purchases):
            return seen
        if now > deadline:
            raise Stalled(f"not all of {purchases:,} purchases have arrived")
        time.sleep(LOOK_EVERY_SECONDS)
    raise AssertionError


def _places(database: Connection, sold: Sequence[Basket], partitions: int) -> list[Place]:
    """Where each purchase was credited, in the order in which they were sold."""
    rows = database.execute(
        "SELECT convert_from(state, 'UTF8')::json ->> 'purchase_id', subject, position FROM facts"
        " WHERE name = 'PointsEarned.v1'"
    )
    places = {UUID(bought): Place(partition_of(str(subject).encode(), partitions), at) for bought, subject, at in rows}
    return [places[message_id(one.source, one.external_id)] for one in sold]


def _received(here: Ground, topic: str, sent: Sequence[Basket]) -> list[float]:
    """When each message reached a consumer, in the order in which they were sent."""
    expected = {basket.value for basket in sent}
    received: dict[bytes, float] = {}
    with consumer(here.settings, fetch_max_wait_ms=50) as reader:
        places = [TopicPartition(topic, number) for number in range(here.settings.partitions)]
        reader.assign(places)
        reader.seek_to_end()
        while expected - received.keys():
            for records in reader.poll(timeout_ms=200).values():
                received |= dict.fromkeys((record.value for record in records), time.monotonic())
    return [received[basket.value] for basket in sent]


def waited(started: float, arrived: Sequence[float]) -> Waited:
    """Counted from when each message was due."""
    waits = [1_000 * (at - started - number / A_SECOND) for number, at in enumerate(arrived)]
    counted = sorted(waits[int(len(waits) * SETTLING) :])
    return Waited(statistics.median(counted), counted[int(len(counted) * 0.99)])
