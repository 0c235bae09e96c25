"""What can be exported by position: the facts as they are stored, and what is laid flat of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from projections.exports.flat import POINTS, PURCHASES, Row, flat, lines_of_purchase, movements_of

INSTANT = pl.Datetime("us", "UTC")
"""Told as microseconds since 1970, and cast."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows made of facts in the order of their positions. The first column is `position`, one is `recorded_at`."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    rows: Callable[[Iterable[Row]], list[Row]]
    """From facts as they are read: position, stream_id, version, name, state, subject, recorded_at."""
    names: tuple[str, ...] | None = None
    """The facts that it is made of; None for all."""

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

LINES = Table(
    "purchases",
    {
        "position": pl.Int64,
        "recorded_at": INSTANT,
        "purchase_id": pl.String,
        "occurred_at": INSTANT,
        "source": pl.String,
        "external_id": pl.String,
        "store": pl.String,
        "channel": pl.String,
        "member_id": pl.String,
        "card_id": pl.String,
        "programme_version": pl.Int64,
        "currency": pl.String,
        "line": pl.String,
        "sku": pl.String,
        "category": pl.String,
        "quantity": pl.String,
        "gross_minor": pl.Int64,
        "discount_minor": pl.Int64,
        "tax_minor": pl.Int64,
        "paid_minor": pl.Int64,
    },
    flat(lines_of_purchase),
    PURCHASES,
)

MOVEMENTS = Table(
    "points",
    {
        "position": pl.Int64,
        "recorded_at": INSTANT,
        "occurred_at": INSTANT,
        "name": pl.String,
        "member_id": pl.String,
        "kind": pl.String,
        "points": pl.Int64,
        "lot_id": pl.String,
        "part": pl.String,
        "purchase_id": pl.String,
        "cause": pl.String,
        "earned_at": INSTANT,
        "active_from": INSTANT,
        "expires_at": INSTANT,
    },
    flat(movements_of),
    POINTS,
)

TABLES = {table.name: table for table in (FACTS, LINES, MOVEMENTS)}
