"""Two generations of a projection, held against each other table by table: sums that no order of rows changes."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from pydantic import BaseModel, Field

from projections import parking
from projections.projection import Projection

Columns = tuple[tuple[str, str], ...]
"""Names and types, in the order of the names."""

_COLUMNS = """
SELECT relname::text, attname::text, format_type(atttypid, atttypmod)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2
"""
_SUM = sql.SQL("SELECT count(*), coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0) FROM {table}{kept}")
_DIFFERING = sql.SQL("""
WITH live AS (SELECT ROW({columns})::text AS kept, {key}::text AS key FROM {live}{kept}),
    other AS (SELECT ROW({columns})::text AS kept, {key}::text AS key FROM {other}{kept}),
    gone AS (SELECT * FROM live EXCEPT ALL SELECT * FROM other),
    come AS (SELECT * FROM other EXCEPT ALL SELECT * FROM live)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM come),
    (SELECT min(key) FROM (SELECT key FROM gone UNION ALL SELECT key FROM come) AS either)
""")


class TableDifference(BaseModel):
    """A table whose rows are not the same in both generations."""

    table: str
    rows_live: int = Field(description="Rows that are compared of the live generation")
    rows_replayed: int = Field(description="Rows that are compared of the replayed one")
    only_live: int = Field(description="Rows that the replay did not give")
    only_replayed: int = Field(description="Rows that the live generation lacks")
    key: str = Field(description="What the example is: `member_id`, or the table's first column")
    example: str | None = Field(description="One of those that differ")


class Comparison(BaseModel):
    """A generation held against a replay of the same facts."""

    projection: str
    live: int = Field(description="The generation that answers")
    replayed: int = Field(description="The generation that was filled from the first fact on")
    position: int = Field(description="All facts up to here are in both of them; some later ones as well")
    rows: int = Field(description="Rows that were compared")
    differences: list[TableDifference]
    other_tables: list[str] = Field(
        description="Tables that are not compared: only one generation has them, or other columns"
    )
    left_out: int = Field(description="Members that are parked in one of them, and therefore not compared")
    newly_parked: int = Field(description="Of these, members whose facts only the replay could not digest")

    @property
    def equal(self) -> bool:
        """Whether the one can answer for the other. Tables of another shape cannot tell."""
        return not self.differences and not self.newly_parked


def compare(
    connection: Connection[Any],
    live: Projection,
    other: Projection,
    *,
    position: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Comparison:
    """In one transaction that sees both of them at the same offsets. A table at a time is told as progress."""
    parked = parking.parked_keys(connection, [live, other])
    tables, others = _columns(connection, live), _columns(connection, other)
    common = [name for name, columns in tables.items() if others.get(name) == columns]
    keys = set().union(*parked.values())
    found = Comparison(
        projection=live.name, live=live.generation, replayed=other.generation, position=position, rows=0,
        differences=[], other_tables=sorted((tables.keys() | others.keys()) - set(common)), left_out=len(keys),
        newly_parked=len(parked[other.schema] - parked[live.schema]),
    )  # fmt: skip
    for number, table in enumerate(common):
        progress(number, len(common))
        rows, difference = _compare_table(connection, live, other, table, tables[table], keys)
        found.rows += rows
        found.differences += [difference] if difference else []
    return found


def _compare_table(
    connection: Connection[Any], live: Projection, other: Projection, table: str, columns: Columns, parked: set[bytes]
) -> tuple[int, TableDifference | None]:
    names = [name for name, _ in columns]
    asked = {"columns": sql.SQL(", ").join(map(sql.Identifier, names)), "kept": _without(columns, parked)}
    sides = [sql.Identifier(one.schema, table) for one in (live, other)]
    (rows, total), (others, other_total) = (_one(connection, _SUM.format(table=side, **asked)) for side in sides)
    if (rows, total) == (others, other_total):
        return rows, None
    key = "member_id" if "member_id" in names else _first_column(connection, live, table)
    differing = _DIFFERING.format(live=sides[0], other=sides[1], key=sql.Identifier(key), **asked)
    only_live, only_replayed, example = _one(connection, differing)
    return rows, TableDifference(
        table=table, rows_live=rows, rows_replayed=others, only_live=only_live, only_replayed=only_replayed,
        key=key, example=example,
    )  # fmt: skip


def _without(columns: Columns, parked: set[bytes]) -> sql.Composable:
    """Leaves the rows of parked members out, by whichever column they are named."""
    ids = sorted(UUID(key.decode()) for key in parked)
    named = [sql.Identifier(name) for name, kind in columns if kind == "uuid"]
    if not ids or not named:
        return sql.SQL("")
    tests = (sql.SQL("{} = ANY({})").format(name, sql.Literal(ids)) for name in named)
    return sql.SQL(" WHERE ({}) IS NOT TRUE").format(sql.SQL(" OR ").join(tests))


def _columns(connection: Connection[Any], projection: Projection) -> dict[str, Columns]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for table, *column in connection.execute(_COLUMNS, (projection.schema,)):
        found[table].append((column[0], column[1]))
    return {table: tuple(columns) for table, columns in found.items()}


def _first_column(connection: Connection[Any], projection: Projection, table: str) -> str:
    (name,) = _one(
        connection,
        sql.SQL(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum LIMIT 1"
        ).format(sql.Literal(f'{projection.schema}."{table}"')),
    )
    return str(name)


def _one(connection: Connection[Any], statement: sql.Composed) -> tuple[Any, ...]:
    row = connection.execute(statement).fetchone()
    assert row is not None, "an aggregate always has a row"
    return tuple(row)
