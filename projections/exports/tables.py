"""What can be exported by position: the facts as they are stored."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

Row = tuple[Any, ...]

INSTANT = pl.Datetime("us", "UTC")
"""Told as microseconds since 1970, and cast."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows made of facts in the order of their positions. The first column is `position`, one is `recorded_at`."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    rows: Callable[[Iterable[Row]], list[Row]]
    """From facts as they are read: position, stream_id, version, name, state, subject, recorded_at."""

    def frame(self, facts: Iterable[Row]) -> pl.DataFrame:
        """The rows of a page."""
        rows = self.rows(facts)
        found = {
            name: pl.Series(name, values, dtype=_read_as(kind), strict=True).cast(kind)
            for (name, kind), values in zip(
                self.columns.items(), zip(*rows, strict=True) if rows else [()] * len(self.columns), strict=True
            )
        }
        return pl.DataFrame(found)

    def told(self) -> dict[str, str]:
        """The columns as a manifest tells them."""
        return {name: str(kind) for name, kind in self.columns.items()}


def _read_as(kind: Any) -> Any:
    return pl.Int64 if kind == INSTANT else kind


FACTS = Table(
    "facts",
    {
        "position": pl.Int64,
        "stream_id": pl.Binary,
        "version": pl.Int64,
        "name": pl.String,
        "state": pl.Binary,
        "subject": pl.Binary,
        "recorded_at": INSTANT,
    },
    list,
)

TABLES = {table.name: table for table in (FACTS,)}
