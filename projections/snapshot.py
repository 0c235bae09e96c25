"""One consistent look at a read model: its rows, and the position that they are complete up to."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection, Connection

from projections.projection import Rows, in_schema

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A transaction that sees one state of the live generation of a projection; or temporary tables that hold a former one.

    These are on a connection that waits, as what filled them does: it is asked in a thread.
    """

    connection: AsyncConnection | Connection
    schema: str
    position: int
    rows: Rows | None = None
    """What the tables hold, where that was just folded and is few."""
    fill: Callable[[], None] | None = None
    """Lets the tables hold it; called before the first of them is asked."""

    async def one(self, statement: LiteralString, **values: Any) -> Row | None:
        """The first row. `{schema}` stands before the tables of the projection."""
        rows = await self._rows(statement, values)
        return rows[0] if rows else None

    async def all(self, statement: LiteralString, **values: Any) -> list[Row]:
        return await self._rows(statement, values)

    async def _rows(self, statement: LiteralString, values: Mapping[str, Any]) -> list[Row]:
        query = in_schema(statement, self.schema)
        if isinstance(self.connection, AsyncConnection):
            return await (await self.connection.execute(query, values)).fetchall()
        return await asyncio.to_thread(self._waited_for, self.connection, query, values)

    def _waited_for(self, connection: Connection, query: bytes, values: Mapping[str, Any]) -> list[Row]:
        if self.fill is not None:
            self.fill()
        return connection.execute(query, values).fetchall()
