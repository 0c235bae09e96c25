"""The shape of a generation's tables: kept with its schema, and compared with what this version of ours writes."""

import hashlib
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, LiteralString

from psycopg import Connection, sql

from projections.projection import Projection

INDEX = "CREATE INDEX"
UNKNOWN = "unknown"
"""What is kept of tables that an older release made, and that are not as ours would be."""

_KEPT = "SELECT to_regnamespace(%s)::oid, obj_description(to_regnamespace(%s)::oid, 'pg_namespace')"
_TABLES = """
SELECT relname::text, relkind::text, attname::text, format_type(atttypid, atttypmod), attnotnull
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = to_regnamespace(%(schema)s) AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'v')
UNION ALL
SELECT relname::text, contype::text, pg_get_constraintdef(pg_constraint.oid), '', false
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE relnamespace = to_regnamespace(%(schema)s) AND contype = 'p'
"""


class AnotherShape(RuntimeError):
    """A read model's tables are not those that this version of ours writes. It is told which, and what to do."""

    def __init__(self, projection: Projection) -> None:
        super().__init__(
            f"{projection.name}: generation {projection.generation} was made with other tables than this version writes; "
            f"it stays as it is until `loyalty rebuild {projection.name}` has made and filled the next one"
        )


def make(connection: Connection[Any], projection: Projection) -> None:
    """Make what is missing of a generation; one of another shape is left as it is.

    Where nothing is missing, no table is touched: whoever looks for an index locks writers out.
    """
    made, kept = _kept(connection, projection)
    if made and kept is None:
        kept = _mark(projection) if _as_ours(connection, projection) else UNKNOWN
        _keep(connection, projection, kept)
    if kept == _mark(projection) or (kept is not None and not _same_tables(kept, projection)):
        return
    with nullcontext() if made else connection.transaction():
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(projection.schema)))
        _run(connection, projection, projection.tables)
        _keep(connection, projection, _mark(projection))


def make_without_indexes(connection: Connection[Any], projection: Projection) -> None:
    """A new generation, to be filled: an index is made faster of all rows than row by row."""
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(projection.schema)))
    _run(connection, projection, [table for table in projection.tables if not _is_index(table)])
    _keep(connection, projection, _mark(projection))


def make_indexes(connection: Connection[Any], projection: Projection) -> None:
    """The rest of a generation that was filled; questions are planned by what is in its tables."""
    _run(connection, projection, [table for table in projection.tables if _is_index(table)])
    tables = connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' ORDER BY 1",
        (projection.schema,),
    ).fetchall()
    for (table,) in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(projection.schema, table)))


def fits(connection: Connection[Any], projection: Projection) -> bool:
    """Whether a generation's tables are those that this version writes and reads."""
    made, kept = _kept(connection, projection)
    return made and (kept is None or _same_tables(kept, projection))


def same_tables(kept: str | None, kind: type[Projection]) -> bool:
    """Whether what is kept with a schema speaks of the tables of this projection; what nothing is known of, passes."""
    return kept is None or kept.split(" ", 1)[0] == _digest(table for table in kind.tables if not _is_index(table))


def _same_tables(kept: str, projection: Projection) -> bool:
    return same_tables(kept, type(projection))


def _kept(connection: Connection[Any], projection: Projection) -> tuple[bool, str | None]:
    row = connection.execute(_KEPT, (projection.schema, projection.schema)).fetchone()
    assert row is not None, "it has no table to find nothing in"
    return row[0] is not None, row[1]


def _keep(connection: Connection[Any], projection: Projection, mark: str) -> None:
    statement = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(statement.format(sql.Identifier(projection.schema), sql.Literal(mark)))


def _mark(projection: Projection) -> str:
    """Tables and views, which only a rebuild may change; and all, as an index can be added at any time."""
    tables = [table for table in projection.tables if not _is_index(table)]
    return f"{_digest(tables)} {_digest(projection.tables)}"


def _digest(statements: Iterable[LiteralString]) -> str:
    words = "\n".join(" ".join(statement.split()) for statement in statements)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _is_index(statement: LiteralString) -> bool:
    return statement.lstrip().startswith(INDEX)


def _run(connection: Connection[Any], projection: Projection, statements: Iterable[LiteralString]) -> None:
    for statement in statements:
        connection.execute(sql.SQL(statement).format(schema=sql.Identifier(projection.schema)))


def _as_ours(connection: Connection[Any], projection: Projection) -> bool:
    """Whether tables of which nothing is kept, as older releases made them, are like those that we would make."""
    ours = type(projection)(generation=projection.generation, schema=f"like_{projection.schema}")
    with connection.transaction(force_rollback=True):
        make_without_indexes(connection, ours)
        found = [set(connection.execute(_TABLES, {"schema": one.schema}).fetchall()) for one in (projection, ours)]
    return found[0] == found[1]
