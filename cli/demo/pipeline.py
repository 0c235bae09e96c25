"""How far the demo's purchases have come, stage by stage, and how that is shown."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from psycopg import Connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.database import connect
from infra.kafka import consumer
from infra.settings import Settings
from infra.topics import PURCHASES

LOOK_EVERY_SECONDS = 0.5
TELL_EVERY_SECONDS = 5.0

_STAGES = """
SELECT
    (SELECT coalesce(sum(next_offset), 0)::bigint FROM intake_offsets),
    (SELECT coalesce(max(position), 0) FROM facts),
    (SELECT position FROM relay_state WHERE name = 'facts')
"""
_PROJECTED = """
SELECT coalesce(min(last_position), 0) FROM projection_offsets JOIN projections_live USING (projection, generation)
"""


class Stages(NamedTuple):
    """Messages taken in; facts in the log, told to Kafka, and in the read models; messages on the topic."""

    published: int
    taken_in: int
    recorded: int
    told: int
    projected: int

    @property
    def caught_up(self) -> bool:
        """Whether everything that tills published has reached the read models."""
        return self.taken_in >= self.published and self.projected >= self.recorded

    def lags(self) -> str:
        """What each stage still has before it."""
        return (
            f"waiting: {self.published - self.taken_in:,} messages for intake, "
            f"{self.recorded - self.told:,} facts for the relay, {self.told - self.projected:,} for the projector"
        )


@dataclass
class Watch:
    """Looks at every stage; one connection each to the databases and the brokers."""

    facts: Connection
    read_models: Connection
    topic: KafkaConsumer
    partitions: int

    def look(self) -> Stages:
        """Where each stage is now. Read from the last to the first, so that none seems to be ahead of its source."""
        (projected,) = self._one(self.read_models, _PROJECTED)
        taken_in, recorded, told = self._one(self.facts, _STAGES)
        places = [TopicPartition(PURCHASES, number) for number in range(self.partitions)]
        published = sum(self.topic.end_offsets(places).values())
        # The relay stores where it is once a page is acknowledged; by then the projector may have folded it.
        return Stages(published, taken_in, recorded, max(told, projected), projected)

    @staticmethod
    def _one(database: Connection, question: str) -> tuple[int, ...]:
        row = database.execute(question.encode()).fetchone()
        assert row is not None, "an aggregate always has a row"
        return row


@contextmanager
def watching(settings: Settings) -> Iterator[Watch]:
    """A watch, closed afterwards."""
    with connect(settings.database_url) as facts, connect(settings.read_url) as read_models:
        topic = consumer(settings)
        try:
            yield Watch(facts, read_models, topic, settings.partitions)
        finally:
            topic.close()


def follow(watch: Watch, *, total: int, until: Callable[[], bool], deadline_seconds: int) -> float:
    """Show the stages until all have caught up and `until` agrees; answers the seconds it took.

    `total` messages are expected from where the topic stands now.
    """
    console = Console()
    first, started = watch.look(), time.monotonic()
    show = _bars if console.is_terminal else _lines
    with show(console, total) as tell:
        while True:
            stages, seconds = watch.look(), time.monotonic() - started
            tell(stages, stages.taken_in - first.taken_in, seconds)
            if until() and stages.caught_up:
                return seconds
            if seconds > deadline_seconds:
                raise TimeoutError(f"not all has arrived after {deadline_seconds} s; {stages.lags()}")
            time.sleep(LOOK_EVERY_SECONDS)


Tell = Callable[[Stages, int, float], None]


@contextmanager
def _bars(console: Console, total: int) -> Iterator[Tell]:
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        names = ("published", "taken in", "told", "read models")
        published, taken_in, told, projected = (bars.add_task(name, total=total, note="") for name in names)

        def tell(stages: Stages, done: int, seconds: float) -> None:
            behind = stages.published - stages.taken_in
            bars.update(published, completed=done + behind)
            bars.update(
                taken_in, completed=done, note=f"{done / max(seconds, 0.1):,.0f} purchases/s, {behind:,} waiting"
            )
            bars.update(
                told,
                completed=stages.told,
                total=stages.recorded,
                note=f"{stages.recorded - stages.told:,} facts waiting",
            )
            bars.update(
                projected,
                completed=stages.projected,
                total=stages.recorded,
                note=f"{stages.told - stages.projected:,} facts waiting",
            )

        yield tell


@contextmanager
def _lines(console: Console, total: int) -> Iterator[Tell]:
    told_at = -TELL_EVERY_SECONDS

    def tell(stages: Stages, done: int, seconds: float) -> None:
        nonlocal told_at
        if seconds - told_at >= TELL_EVERY_SECONDS:
            told_at = seconds
            rate = done / max(seconds, 0.1)
            console.print(
                f"{done:,} of {total:,} purchases, {rate:,.0f}/s; {stages.lags()}", soft_wrap=True, highlight=False
            )

    yield tell
