"""Facts that a projection cannot digest: the member is parked, this and all that follows, and the rest goes on."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from psycopg import Connection, Cursor

from projections.projection import Projection
from projections.told import Told

log = logging.getLogger(__name__)

MOST_PARKED = 10
"""More parked keys than this are no accident of a few facts: the projector stops."""

DATA_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    psycopg.DataError,
    psycopg.IntegrityError,
)
"""What a fact itself can be blamed for. Anything else, an outage above all, ends the process."""

Parked = dict[str, set[bytes]]
"""The keys that are parked, by the schema of the generation that they are parked in."""


class TooManyParked(RuntimeError):
    """So many members are parked that the projection itself must be wrong. Mend it and rebuild."""


def parked_keys(connection: Connection[Any], projections: Iterable[Projection]) -> Parked:
    """Whose facts are not folded any more."""
    return {
        projection.schema: {
            bytes(row[0])
            for row in connection.execute(
                "SELECT DISTINCT key FROM parked_facts WHERE (projection, generation) = (%s, %s)",
                (projection.name, projection.generation),
            )
        }
        for projection in projections
    }


def park(cursor: Cursor[Any], projection: Projection, facts: Sequence[Told], error: str) -> None:
    """Keep facts aside, in the transaction of their batch."""
    cursor.executemany(
        "INSERT INTO parked_facts (projection, generation, position, key, name, value, error) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            (projection.name, projection.generation, fact.position, fact.key, fact.name, fact.value, error)
            for fact in facts
        ],
    )


def fold_or_park(cursor: Cursor[Any], projection: Projection, facts: Sequence[Told]) -> None:
    """Halve a batch that fails until one key is left to blame; park that key and fold all others."""
    try:
        with cursor.connection.transaction():
            projection.write(cursor, projection.fold(facts))
    except DATA_ERRORS as error:
        keys = sorted({fact.key for fact in facts})
        if len(keys) == 1:
            _blame(cursor, projection, facts, error)
            return
        former = set(keys[: len(keys) // 2])
        for half in (lambda fact: fact.key in former, lambda fact: fact.key not in former):
            fold_or_park(cursor, projection, list(filter(half, facts)))


def _blame(cursor: Cursor[Any], projection: Projection, facts: Sequence[Told], error: Exception) -> None:
    """The kind of the error is kept, not its text: that may quote the fact."""
    kind = type(error).__name__
    log.error("%s parks %s from position %d on: %s", projection.name, facts[0].key, facts[0].position, kind)
    park(cursor, projection, facts, kind)
    refuse_many(cursor, projection)


def refuse_many(asking: Connection[Any] | Cursor[Any], projection: Projection) -> None:
    """See that no more keys are parked than are an accident."""
    row = asking.execute(
        "SELECT count(DISTINCT key) FROM parked_facts WHERE (projection, generation) = (%s, %s)",
        (projection.name, projection.generation),
    ).fetchone()
    if row is not None and row[0] > MOST_PARKED:
        raise TooManyParked(f"{projection.name} has parked {row[0]} keys")


def apart(facts: Sequence[Told], keys: set[bytes]) -> tuple[list[Told], list[Told]]:
    """Facts to fold, and facts whose keys are parked."""
    is_parked: Callable[[Told], bool] = lambda fact: fact.key in keys  # noqa: E731
    return [fact for fact in facts if not is_parked(fact)], [fact for fact in facts if is_parked(fact)]
