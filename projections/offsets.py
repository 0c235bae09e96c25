"""How far each projection has come in each partition: read when a partition is assigned, moved by compare-and-set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg import Cursor as DbCursor

from projections.chain import Cursor
from projections.projection import Projection

Standing = dict[int, Cursor]
"""By partition."""
Cursors = dict[int, dict[str, Cursor]]
"""By partition and generation, which its schema names."""


class Fenced(RuntimeError):
    """Another process has moved these partitions on. Whoever was left behind drops its batch and reads again."""


class TopicRecreated(RuntimeError):
    """The facts topic is another one than the read models were made from. Rebuild them, or bring the old one back."""


class Move(NamedTuple):
    """One projection comes further in one partition."""

    projection: Projection
    partition: int
    before: Cursor
    after: Cursor


def begin(connection: Connection[Any], projections: Iterable[Projection], *, topic_id: UUID, partitions: int) -> None:
    """Give every partition a place to start from, and refuse a topic that was made anew."""
    numbers = list(range(partitions))
    for projection in projections:
        generation = (projection.name, projection.generation)
        connection.execute(
            "INSERT INTO projection_offsets (projection, generation, partition, topic_id, next_offset, last_position)"
            " SELECT %s, %s, partition, %s, 0, 0 FROM unnest(%s::int[]) AS partition ON CONFLICT DO NOTHING",
            (*generation, topic_id, numbers),
        )
        kept = connection.execute(
            "SELECT DISTINCT topic_id FROM projection_offsets WHERE (projection, generation) = (%s, %s)", generation
        ).fetchall()
        if kept != [(topic_id,)]:
            raise TopicRecreated(f"{projection.name} follows topic {kept[0][0]}; the facts topic is now {topic_id}")


def read(connection: Connection[Any], projections: Sequence[Projection], partitions: Iterable[int]) -> Cursors:
    """Where each generation stands in these partitions."""
    rows = connection.execute(
        "SELECT partition, schema_name, epoch, next_offset, last_position, gap_until FROM projection_offsets"
        " JOIN unnest(%s::text[], %s::int[], %s::text[]) AS fed (projection, generation, schema_name)"
        " USING (projection, generation) WHERE partition = ANY(%s)",
        (*_generations(projections), [p.schema for p in projections], list(partitions)),
    )
    cursors: Cursors = {}
    for partition, schema, *cursor in rows:
        cursors.setdefault(partition, {})[schema] = Cursor(*cursor)
    return cursors


_STANDING = """
SELECT schema_name, partition, epoch, next_offset, last_position, gap_until FROM projection_offsets AS kept
JOIN unnest(%s::text[], %s::int[], %s::text[]) AS asked (projection, generation, schema_name)
USING (projection, generation) ORDER BY projection, generation, partition
"""
_HOLD = f"{_STANDING} FOR UPDATE OF kept"


def standing(connection: Connection[Any], projection: Projection) -> Standing:
    """Where one generation stands in all partitions."""
    return _standing(connection, _STANDING, [projection])[projection.schema]


def hold(connection: Connection[Any], *projections: Projection) -> Mapping[str, Standing]:
    """Where these generations stand, by schema; nobody moves them on before this transaction ends."""
    return _standing(connection, _HOLD, projections)


def _standing(connection: Connection[Any], question: str, projections: Sequence[Projection]) -> dict[str, Standing]:
    places = [projection.schema for projection in projections]
    found: dict[str, Standing] = {place: {} for place in places}
    for place, partition, *cursor in connection.execute(question.encode(), (*_generations(projections), places)):
        found[place][partition] = Cursor(*cursor)
    return found


def _generations(projections: Sequence[Projection]) -> tuple[list[str], list[int]]:
    return [p.name for p in projections], [p.generation for p in projections]


def move(cursor: DbCursor[Any], moved: Sequence[Move]) -> None:
    """Compare and set: whoever read from elsewhere than the stored offset is fenced, and nothing of its batch stays."""
    columns = zip(
        *((m.projection.name, m.projection.generation, m.partition, m.before.next_offset, *m.after) for m in moved),
        strict=True,
    )
    try:
        cursor.execute(
            "UPDATE projection_offsets AS kept SET epoch = moved.epoch, next_offset = moved.next_offset,"
            " last_position = moved.last_position, gap_until = moved.gap_until"
            " FROM unnest(%s::text[], %s::int[], %s::int[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[],"
            " %s::bigint[]) AS moved (projection, generation, partition, expected, epoch, next_offset, last_position,"
            " gap_until) WHERE (kept.projection, kept.generation, kept.partition) ="
            " (moved.projection, moved.generation, moved.partition) AND kept.next_offset = moved.expected",
            [list(column) for column in columns],
        )
    except psycopg.errors.DeadlockDetected as error:
        raise Fenced("another process moves the same partitions at this moment") from error
    if cursor.rowcount != len(moved):
        raise Fenced(f"{len(moved) - cursor.rowcount} of {len(moved)} cursors stand elsewhere")
