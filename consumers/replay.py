"""The facts topic read from its beginning: generations that nobody else moves, brought to given offsets."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from psycopg import Connection

from consumers.projector import READING
from infra import kafka
from infra.settings import Settings
from infra.topics import FACTS
from projections.projection import Projection
from projections.read_models import ReadModels

Offsets = Mapping[int, int]
"""The next offset, by partition."""
SILENCE_SECONDS = 30


class TopicTooShort(RuntimeError):
    """The facts topic lacks records that the live read model has folded. Tell the facts again, or restore the topic."""


def places(numbers: Iterable[int]) -> list[TopicPartition]:
    """Partitions of the facts topic."""
    return [TopicPartition(FACTS, number) for number in numbers]


class Replay:
    """Reads without a group, and not one record further than it is told."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection[Any],
        projections: Sequence[Projection],
        some: Sequence[TopicPartition] | None = None,
    ) -> None:
        """Of all partitions, where only some are not named."""
        self._models = ReadModels(connection, projections)
        self._consumer: KafkaConsumer = kafka.consumer(settings, **READING)
        self._next: dict[int, int] = {}
        self._places = places(range(settings.partitions)) if some is None else some
        self._consumer.assign(self._places)
        self.begin()

    def begin(self) -> None:
        """Go on from the offsets that are stored."""
        self._next = dict(self._models.assign([place.partition for place in self._places]))
        for place in self._places:
            self._consumer.seek(place, self._next[place.partition])

    def close(self) -> None:
        self._consumer.close()

    def upto(self, targets: Offsets, progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Fold what lies before these offsets. While one batch is written, the next one is read and folded."""
        total = self._left(targets)
        if not total:
            return
        self._check(targets)
        writing: Future[None] | None = None
        with ThreadPoolExecutor(max_workers=1) as writer:
            while left := self._left(targets):
                progress(total - left, total)
                batch = self._models.fold(self._poll(targets))
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._models.write, batch)
            if writing is not None:
                writing.result()
        progress(total, total)

    def _left(self, targets: Offsets) -> int:
        return sum(max(0, target - self._next[partition]) for partition, target in targets.items())

    def _poll(self, targets: Offsets) -> dict[int, Any]:
        """Records that lie before the targets. A partition that has reached its own is not read meanwhile."""
        reached = [place for place in self._places if self._next[place.partition] >= targets.get(place.partition, 0)]
        self._consumer.resume(*(place for place in self._places if place not in reached))
        self._consumer.pause(*reached)
        deadline = time.monotonic() + SILENCE_SECONDS
        while not (polled := self._consumer.poll(200)):
            if time.monotonic() > deadline:
                raise TopicTooShort(
                    f"nothing came for {SILENCE_SECONDS} s, and {self._left(targets):,} records are missing"
                )
        found = {}
        for place, records in polled.items():
            target, end = targets[place.partition], records[-1].offset + 1
            found[place.partition] = records
            if end > target:
                found[place.partition] = [record for record in records if record.offset < target]
                self._consumer.seek(place, target)
            self._next[place.partition] = min(end, target)
        return {partition: records for partition, records in found.items() if records}

    def _check(self, targets: Offsets) -> None:
        """Where the topic begins later, or ends earlier, no waiting helps."""
        begins = self._consumer.beginning_offsets(self._places)
        ends = self._consumer.end_offsets(self._places)
        for place in self._places:
            wanted, target = self._next[place.partition], targets.get(place.partition, 0)
            if wanted < target and (begins[place] > wanted or ends[place] < target):
                raise TopicTooShort(
                    f"{FACTS} holds offsets {begins[place]:,} to {ends[place]:,} of partition {place.partition}; "
                    f"{wanted:,} to {target:,} are needed"
                )
