"""What can be exported by position: the facts as they are stored, and what is laid flat of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from psycopg import Connection

from projections.exports.flat import (
    CREDITED,
    POINTS,
    PURCHASES,
    Row,
    flat,
    lines_of_purchase,
    movements_of,
    parts_of_campaigns,
)
from projections.exports.tier_moves import MOVES, TierMoves

INSTANT = pl.Datetime("us", "UTC")
"""Told as microseconds since 1970, and cast."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows made of facts in the order of their positions. The first column is `position`, one is `recorded_at`."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    reading: Callable[[Connection, int], Callable[[Iterable[Row]], list[Row]]]
    """For one run on a log up to a position, what makes rows of its pages in order. Facts are told as they are read: position, stream_id,
    version, name, state, subject, recorded_at."""
    names: tuple[str, ...] | None = None
    """The facts that it is made of; None for all."""

    def frame(self, rows: Sequence[Row]) -> pl.DataFrame:
        """Rows, by column."""
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


def _each_page(
    rows: Callable[[Iterable[Row]], list[Row]],
) -> Callable[[Connection, int], Callable[[Iterable[Row]], list[Row]]]:
    """Where a page tells all that its rows need."""
    return lambda _, __: rows


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
    _each_page(list),
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
    _each_page(flat(lines_of_purchase)),
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
    _each_page(flat(movements_of)),
    POINTS,
)

TIERS = Table(
    "tiers",
    {
        "position": pl.Int64,
        "recorded_at": INSTANT,
        "occurred_at": INSTANT,
        "member_id": pl.String,
        "programme": pl.String,
        "programme_version": pl.Int64,
        "from_tier": pl.String,
        "to_tier": pl.String,
        "steps": pl.Int64,
        "why": pl.String,
        "cause": pl.String,
        "period": pl.Int64,
        "qualifying_points": pl.Int64,
    },
    TierMoves,
    MOVES,
)

CAMPAIGNS = Table(
    "campaigns",
    {
        "position": pl.Int64,
        "recorded_at": INSTANT,
        "occurred_at": INSTANT,
        "campaign_id": pl.String,
        "member_id": pl.String,
        "purchase_id": pl.String,
        "purchased_at": INSTANT,
        "kind": pl.String,
        "points": pl.Int64,
        "discount_minor": pl.Int64,
        "coupon": pl.String,
        "uncapped": pl.Int64,
    },
    _each_page(flat(parts_of_campaigns)),
    CREDITED,
)

TABLES = {table.name: table for table in (FACTS, LINES, MOVEMENTS, TIERS, CAMPAIGNS)}
