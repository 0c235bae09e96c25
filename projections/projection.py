"""The base of all projections: tables in a schema of their own, moved by facts, written set by set."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, LiteralString, TypeVar

from psycopg import Cursor, sql

from projections.told import SHAPES, Told

Handler = TypeVar("Handler", bound=Callable[..., None])
Rows = defaultdict[str, list[Sequence[Any]]]
"""New rows by table, each in the order of the table's columns."""


def moves(name: str) -> Callable[[Handler], Handler]:
    """Mark the method of a projection that folds facts of this stored name into rows. It may not refuse."""
    if name not in SHAPES:
        raise LookupError(f"what to read of {name} is not stated")

    def mark(method: Handler) -> Handler:
        method.moves = name  # type: ignore[attr-defined]
        return method

    return mark


class Projection:
    """One answer, its tables, and how facts move them.

    Rows hold neither log positions nor times of recording: the same input gives the same rows, whatever happened
    in between.
    """

    name: ClassVar[str]
    tables: ClassVar[tuple[LiteralString, ...]]
    """Idempotent statements; `{schema}` stands for the generation's schema."""
    handlers: ClassVar[dict[str, Callable[[Any, Any, Rows], None]]]

    def __init_subclass__(cls) -> None:
        own = {method.moves: method for method in vars(cls).values() if hasattr(method, "moves")}
        cls.handlers = {**getattr(cls, "handlers", {}), **own}

    def __init__(self, *, generation: int, schema: str) -> None:
        self.generation = generation
        self.schema = schema

    def fold(self, facts: Iterable[Told]) -> Rows:
        """The rows that a batch of facts adds."""
        rows: Rows = defaultdict(list)
        handlers = self.handlers
        for told in facts:
            handler = handlers.get(told.name)
            if handler is not None:
                handler(self, told.body, rows)
        return rows

    def write(self, cursor: Cursor, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """One statement a table, whatever the size of the batch."""
        for table, added in rows.items():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(self.schema, table))) as copy:
                for row in added:
                    copy.write_row(row)


@lru_cache(maxsize=1024)
def in_schema(statement: LiteralString, schema: str) -> bytes:
    """A statement for the tables of one generation."""
    return sql.SQL(statement).format(schema=sql.Identifier(schema)).as_bytes()
