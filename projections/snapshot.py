"""One consistent look at a read model: its rows, and the position that they are complete up to."""

from collections.abc import Mapping
from typing import Any, LiteralString, NamedTuple

from psycopg import AsyncConnection, AsyncCursor

from projections.projection import in_schema

Row = tuple[Any, ...]


class Snapshot(NamedTuple):
    """A transaction that sees one state of the live generation of a projection."""

    connection: AsyncConnection
    schema: str
    position: int

    async def one(self, statement: LiteralString, **values: Any) -> Row | None:
        """The first row. `{schema}` stands before the tables of the projection."""
        return await (await self._execute(statement, values)).fetchone()

    async def all(self, statement: LiteralString, **values: Any) -> list[Row]:
        return await (await self._execute(statement, values)).fetchall()

    async def _execute(self, statement: LiteralString, values: Mapping[str, Any]) -> AsyncCursor[Row]:
        return await self.connection.execute(in_schema(statement, self.schema), values)
