"""One look at a read model per request: waited for where asked, consistent, and told with its position."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from select import POLLIN, poll
from typing import Annotated, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from fastapi import Query, Request
from psycopg import AsyncConnection, IsolationLevel
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import AwareDatetime, Field

from infra.kafka import partition_of
from infra.settings import Settings
from infra.web import Problem
from projections import schema
from projections.shapes import same_tables
from projections.snapshot import Snapshot
from query_api.past import Pasts, member_parked

LOOK_AGAIN_SECONDS = 0.01

FIRST_INSTANT, LAST_INSTANT = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond these no calendar of a programme reaches."""

Instant = Annotated[AwareDatetime, Field(ge=FIRST_INSTANT, le=LAST_INSTANT)]

_PLACE = """
SELECT schema_name, min(last_position), EXISTS (
    SELECT FROM parked_facts WHERE parked_facts.projection = live.projection AND parked_facts.generation = live.generation
    AND (key = ANY(%(keys)s) OR %(whole)s)
)
FROM projections_live AS live JOIN projection_offsets USING (projection, generation)
WHERE projection = %(projection)s AND partition = ANY(%(partitions)s) GROUP BY schema_name, projection, generation
"""

_SHAPE = "SELECT obj_description(to_regnamespace(%s)::oid, 'pg_namespace')"

AtLeast = Annotated[
    int, Query(ge=0, description="Wait until the answer is complete up to this position, as a command answered it.")
]
TimeoutSeconds = Annotated[int, Query(ge=0, le=30, description="How long to wait for `at_least`.")]


KnownAt = Annotated[
    Instant | None,
    Query(
        description="Answer by what had been recorded at this instant, with its offset from UTC, whatever was recorded later;"
        " by all that is known, if left out."
    ),
]


class Wait(NamedTuple):
    """What a question waits for, and by what knowledge it is answered."""

    at_least: int
    timeout_seconds: int
    known_at: datetime | None = None


async def waiting(at_least: AtLeast = 0, timeout_seconds: TimeoutSeconds = 5, known_at: KnownAt = None) -> Wait:
    """The wait that the question asks for; a coroutine, as FastAPI takes others to a thread."""
    return Wait(at_least, timeout_seconds, known_at)


class Reader:
    """Connections to the read models."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = settings.partitions
        self._readable: dict[str, bool] = {}
        self.pasts = Pasts(settings)
        # An index leads to what is known of one member, so that their questions need no plans of their own: planning
        # took thrice as long as answering. And they do not wait while others are answered about everybody.
        self._of_members = _pool(settings, most=8, plans="force_generic_plan")
        self._of_all = _pool(settings, most=4, plans="auto")

    async def open(self) -> None:
        await self._of_members.open()
        await self._of_all.open()

    async def close(self) -> None:
        await self._of_members.close()
        await self._of_all.close()
        self.pasts.close()

    @asynccontextmanager
    async def look(
        self, projection: str, wait: Wait | None = None, *, subjects: Sequence[UUID] = (), whole: bool = False
    ) -> AsyncIterator[Snapshot]:
        """A snapshot of a projection's live generation.

        Its position is the least of the partitions of those subjects that the answer draws on; of all partitions,
        where none is named. Where it is asked what was known, it is that of the last fact that was.
        What is to be `whole` has no answer while any facts are parked.
        """
        if wait and wait.known_at:
            async with self.pasts.look(projection, wait.known_at, subjects) as past:
                yield past
            return
        at_least, patience = (wait.at_least, wait.timeout_seconds) if wait else (0, 0)
        deadline = time.monotonic() + patience
        keys = [str(subject).encode() for subject in subjects]
        pool = self._of_members if subjects else self._of_all
        while True:
            try:
                async with pool.connection() as connection, connection.transaction():
                    snapshot = await self._snapshot(connection, projection, keys, whole=whole)
                    if snapshot.position >= at_least:
                        yield snapshot
                        return
            except (psycopg.OperationalError, PoolTimeout) as error:
                raise Problem(
                    "store-unavailable",
                    503,
                    "The read models do not answer. Repeat the request.",
                    headers={"Retry-After": "1"},
                ) from error
            if time.monotonic() >= deadline:
                raise Problem(
                    "not-yet", 425, "The answer is not complete up to `at_least` yet. Repeat the request.",
                    headers={"Retry-After": "1"}, position=snapshot.position, at_least=at_least,
                )  # fmt: skip
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _snapshot(
        self, connection: AsyncConnection, projection: str, keys: list[bytes], *, whole: bool
    ) -> Snapshot:
        partitions = [partition_of(key, self._partitions) for key in keys] or list(range(self._partitions))
        values = {"projection": projection, "partitions": partitions, "keys": keys, "whole": whole}
        row = await (await connection.execute(_PLACE, values)).fetchone()
        if row is None:
            raise Problem("not-yet", 425, "No projector has run yet. Start one, then repeat the request.", position=0)
        schema_name, position, parked = row
        if parked:
            raise member_parked("A fact of this member" if keys else "A fact")
        if not await self._is_readable(connection, projection, schema_name):
            raise Problem(
                "read-model-outdated",
                503,
                "This version reads other tables than the read model has; an operator must rebuild it.",
                headers={"Retry-After": "10"},
            )
        return Snapshot(connection, schema_name, position)

    async def _is_readable(self, connection: AsyncConnection, projection: str, schema_name: str) -> bool:
        """Looked up once: a generation keeps the tables that it was made with."""
        if schema_name not in self._readable:
            row = await (await connection.execute(_SHAPE, (schema_name,))).fetchone()
            kept = row[0] if row else None
            self._readable[schema_name] = same_tables(kept, schema.KINDS[projection])
        return self._readable[schema_name]


async def reader(request: Request) -> Reader:
    found: Reader = request.app.state.reader
    return found


def _pool(settings: Settings, *, most: int, plans: LiteralString) -> AsyncConnectionPool:
    async def configure(connection: AsyncConnection) -> None:
        """Rows and position of an answer come from one state of the database."""
        await connection.execute(f"SET plan_cache_mode = {plans}")
        await connection.commit()
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)

    return AsyncConnectionPool(
        settings.read_url or "",
        open=False,
        min_size=1,
        max_size=most,
        timeout=5,
        check=_still_there,
        configure=configure,
    )


async def _still_there(connection: AsyncConnection) -> None:
    """Ask only a server that said something unasked: it may have said that it goes. To ask each time costs as much as a question."""
    said = poll()
    said.register(connection.fileno(), POLLIN)
    if said.poll(0):
        await AsyncConnectionPool.check_connection(connection)
