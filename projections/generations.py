"""The generations of a projection: the live one, the one before it, and the one that is being filled."""

import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg import Connection, sql

from projections import offsets, schema, shapes
from projections.projection import Projection
from projections.shapes import AnotherShape

LOCKS = 0x6C6F79
"""The first half of the advisory locks that rebuilds take; the second one stands for the projection."""
PATIENCE_SECONDS = 30
LOOK_AGAIN_MS = 50


class RebuildUnderWay(RuntimeError):
    """Somebody else rebuilds the same projection at this moment. Wait for them, or end them."""


class NoGenerationBefore(RuntimeError):
    """There is no generation before the live one: it was dropped, or there never was another."""


@contextmanager
def alone(connection: Connection[Any], names: Sequence[str]) -> Iterator[None]:
    """Nobody else makes, switches or drops generations of these projections meanwhile."""
    held: list[int] = []
    try:
        for name in names:
            number = zlib.crc32(name.encode()) & 0x7FFFFFFF
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, number)).fetchone()
            if row != (True,):
                raise RebuildUnderWay(f"{name} is being rebuilt by another process: wait until it is done, or end it")
            held.append(number)
        yield
    finally:
        for number in held:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, number))


def fed(connection: Connection[Any], names: Sequence[str] | None = None) -> tuple[list[Projection], list[Projection]]:
    """What a projector is to move: the live generations, those before them, and what a rebuild hands over.

    Those of another shape are left alone, and told besides.
    """
    fitting: list[Projection] = []
    others: list[Projection] = []
    for projection, state, fits in _moved(connection, names):
        (fitting if fits else others).append(projection)
        if fits and state == "offered":
            _set_state(connection, projection, "fed")
    return fitting, others


def outdated(connection: Connection[Any]) -> list[Projection]:
    """The live generations whose tables are others than this version's."""
    moved = {projection.schema: fits for projection, _, fits in _moved(connection, None)}
    return [live for live in schema.live(connection) if not moved.get(live.schema, True)]


def _moved(connection: Connection[Any], names: Sequence[str] | None) -> list[tuple[Projection, str, bool]]:
    """What is fed or offered, and whether it has our tables."""
    rows = connection.execute(
        "SELECT projection, generation, schema_name, state, obj_description(to_regnamespace(schema_name)::oid, 'pg_namespace')"
        " FROM projection_generations WHERE state IN ('offered', 'fed') AND projection = ANY(%s) ORDER BY 1, 2",
        ([projection.name for projection in schema.live(connection, names)],),
    )
    return [
        (schema.KINDS[name](generation=generation, schema=place), state, shapes.same_tables(kept, schema.KINDS[name]))
        for name, generation, place, state, kept in rows.fetchall()
    ]


def begin_next(connection: Connection[Any], live: Projection) -> Projection:
    """An empty generation beside the live one; what an earlier rebuild left unfinished is cleared away."""
    drop(connection, unfinished(connection, live))
    row = connection.execute(
        "SELECT max(generation) + 1 FROM projection_generations WHERE projection = %s", (live.name,)
    ).fetchone()
    assert row is not None, "an aggregate always has a row"
    made = type(live)(generation=row[0], schema=f"{live.name}_{row[0]}")
    with connection.transaction():
        # Tables that no row speaks of are left from read models that an operator has forgotten.
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(made.schema)))
        connection.execute(
            "INSERT INTO projection_generations VALUES (%s, %s, %s, 'filling')",
            (made.name, made.generation, made.schema),
        )
        shapes.make_without_indexes(connection, made)
    return made


def offer(connection: Connection[Any], projection: Projection) -> None:
    """A projector takes it over with its next look."""
    _set_state(connection, projection, "offered")


def is_taken(connection: Connection[Any], projection: Projection) -> bool:
    """Whether a projector has taken it over."""
    return connection.execute(
        "SELECT 1 FROM projection_generations WHERE schema_name = %s AND state = 'fed'", (projection.schema,)
    ).fetchone() is not None  # fmt: skip


def switch(connection: Connection[Any], projection: Projection) -> None:
    """Let questions be answered from this generation, from the end of the transaction on."""
    _set_state(connection, projection, "fed")
    connection.execute(
        "UPDATE projection_generations SET live_since = clock_timestamp() WHERE schema_name = %s", (projection.schema,)
    )
    connection.execute(
        "UPDATE projections_live SET generation = %s, schema_name = %s WHERE projection = %s",
        (projection.generation, projection.schema, projection.name),
    )


def before(connection: Connection[Any], live: Projection) -> list[Projection]:
    """The generations that were live before, the last one first."""
    return [projection for projection, since in _others(connection, live) if since is not None]


def the_one_before(connection: Connection[Any], live: Projection) -> Projection:
    """The generation that was live before this one, if our version can move it."""
    found = before(connection, live)
    if not found:
        raise NoGenerationBefore(f"{live.name} has no generation but the live one, {live.generation}")
    if not shapes.fits(connection, found[0]):
        raise AnotherShape(found[0])
    return found[0]


def unfinished(connection: Connection[Any], live: Projection) -> list[Projection]:
    """What rebuilds left that were broken off, or that found a difference."""
    return [projection for projection, since in _others(connection, live) if since is None]


def all_but(connection: Connection[Any], live: Projection) -> list[Projection]:
    """What the live one could be spared, finished or not."""
    return [projection for projection, _ in _others(connection, live)]


def drop(connection: Connection[Any], dropped: Sequence[Projection]) -> None:
    """Whoever still moves these generations finds their offsets gone, and leaves them alone from then on."""
    for projection in dropped:
        _wait_for_readers(connection, projection)
        generation = (projection.name, projection.generation)
        with connection.transaction():
            for table in ("projection_offsets", "parked_facts", "projection_generations"):
                statement = sql.SQL("DELETE FROM {} WHERE (projection, generation) = (%s, %s)")
                connection.execute(statement.format(sql.Identifier(table)), generation)
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(projection.schema)))


def is_level(connection: Connection[Any], live: Projection, other: Projection) -> bool:
    """Whether the other generation is nowhere behind the live one at this moment."""
    ahead, behind = (offsets.standing(connection, projection) for projection in (live, other))
    return all(behind[partition].next_offset >= cursor.next_offset for partition, cursor in ahead.items())


def _others(connection: Connection[Any], live: Projection) -> list[tuple[Projection, datetime | None]]:
    """All but the live one, and since when each was live the last time."""
    rows = connection.execute(
        "SELECT generation, schema_name, live_since FROM projection_generations"
        " WHERE projection = %s AND generation <> %s ORDER BY live_since DESC, generation",
        (live.name, live.generation),
    )
    return [(type(live)(generation=generation, schema=place), since) for generation, place, since in rows.fetchall()]


def _set_state(connection: Connection[Any], projection: Projection, state: str) -> None:
    connection.execute(
        "UPDATE projection_generations SET state = %s WHERE schema_name = %s", (state, projection.schema)
    )


def _wait_for_readers(connection: Connection[Any], projection: Projection) -> None:
    """A question that began before the switch reads from the generation that was live then, and ends in milliseconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    reading = (
        "SELECT 1 FROM pg_stat_activity, projection_generations AS live JOIN projections_live USING (projection, generation)"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
        " AND projection = %s AND xact_start < live_since AND EXISTS (SELECT 1 FROM projection_generations AS dropped"
        " WHERE dropped.schema_name = %s AND dropped.live_since IS NOT NULL)"
    )
    while connection.execute(reading, (projection.name, projection.schema)).fetchone() and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_MS / 1000)
