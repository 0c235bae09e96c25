"""How far each stage is, asked of the database often and cheaply."""

import time
from collections.abc import Callable, Sequence
from typing import LiteralString

import psycopg
from kafka import TopicPartition
from psycopg import Connection

from bench.pace import Stalled
from cli.roles import RoleProcess
from infra.kafka import consumer
from infra.settings import Settings

Counter = Callable[[], int]

TAKEN_IN: LiteralString = "SELECT coalesce(sum(next_offset), 0)::bigint FROM intake_offsets"
TOLD: LiteralString = "SELECT position FROM relay_state WHERE name = 'facts'"
RECORDED: LiteralString = "SELECT coalesce(max(position), 0) FROM facts"
READ: LiteralString = """
SELECT coalesce(min(read), 0)::bigint
FROM (SELECT sum(next_offset) AS read FROM projection_offsets GROUP BY projection) AS projections
"""
NOTED: LiteralString = "SELECT position FROM clock_state WHERE name = 'agenda'"
"""By the clock."""
RESTING: LiteralString = "SELECT (NOT EXISTS (SELECT FROM agenda WHERE due_at <= now()))::int"
"""Whether the clock has looked at all that is due."""
SIGNED: LiteralString = "SELECT coalesce(max(size), 0) FROM checkpoints"
"""How many facts the last checkpoint vouches for."""
FOLDED: LiteralString = "SELECT coalesce(min(last_position), 0) FROM projection_offsets"


def counter(database: Connection, statement: LiteralString) -> Counter:
    """Ask; a table that a role has yet to make counts as nothing done."""

    def count() -> int:
        try:
            row = database.execute(statement).fetchone()
        except psycopg.errors.UndefinedTable:
            return 0
        return int(row[0]) if row else 0

    return count


def records_on(topic: str, settings: Settings) -> int:
    """How many records a topic holds."""
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    with consumer(settings) as reader:
        return int(sum(reader.end_offsets(places).values()))


class Pipeline:
    """Roles at work, among them relay and projector: whether what was published is in every read model."""

    def __init__(self, database: Connection, roles: Sequence[RoleProcess]) -> None:
        self.database = database
        self.roles = roles
        self._taken_in, self._recorded, self._folded = (counter(database, one) for one in (TAKEN_IN, RECORDED, FOLDED))

    def done(self, purchases: int) -> bool:
        """Whether all is taken in, and all that was recorded is folded."""
        return self._taken_in() >= purchases and self._folded() >= self._recorded()

    def wait_for(self, purchases: int, *, patience: float = 300) -> None:
        """Until so many messages in all have gone through."""
        deadline = time.monotonic() + patience
        while not self.done(purchases):
            if time.monotonic() > deadline:
                raise Stalled(
                    f"{self._taken_in():,} of {purchases:,} taken in, {self._folded():,} of {self._recorded():,} folded"
                )
            time.sleep(0.02)
