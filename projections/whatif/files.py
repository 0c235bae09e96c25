"""The answer of a what-if as files: Parquet for tools, a page for people. A file is there whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

Told = dict[str, Any]
Row = tuple[str, str, str, str, str, int | None]

COLUMNS = ("side", "by", "name", "to", "measure", "value")


class NotWritten(RuntimeError):
    """A file could not be written; nothing of it was left."""


def write_parquet(told: Told, path: Path) -> None:
    """One row for each figure: `side` is `history` or a proposal; `by` and `name` say what it is about."""
    import polars as pl  # noqa: PLC0415 - heavy, and not everybody has it

    types = {name: pl.Int64 if name == "value" else pl.String for name in COLUMNS}
    table = pl.DataFrame(list(rows(told)), schema=types, orient="row")
    _whole(path, lambda beside: table.write_parquet(beside, statistics=True))


def write_text(text: str, path: Path) -> None:
    """A page."""
    _whole(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def rows(told: Told) -> Iterator[Row]:
    """Every figure of every side; `to` is the tier that was reached, where moves are told."""
    for side, figures in sides(told).items():
        for measure, value in figures["all"].items():
            yield side, "all", "", "", measure, value
        for by, names in (("tier", "tiers"), ("segment", "segments"), ("month", "months")):
            for name, measures in figures[names].items():
                for measure, value in measures.items():
                    yield side, by, name, "", measure, value
        for one in figures["tier_moves"]:
            yield side, "tier_moves", f"{one['month']} {one['from']}", one["to"], "moves", one["moves"]
        for one in figures.get("members_by_tier", ()):
            yield side, "members_by_tier", one["from"], one["to"], "members", one["members"]
        for measure, value in figures.get("redemptions_not_covered", {}).items():
            yield side, "redemptions_not_covered", "", "", measure, value
        for refusal, value in figures.get("not_carried_out", {}).items():
            yield side, "not_carried_out", refusal, "", "times", value


def sides(told: Told) -> dict[str, Told]:
    """History and the proposals by what they are called; one that is tried twice is numbered."""
    named = {"history": told["history"]}
    for number, one in enumerate(told["proposals"], 1):
        name = one["source"] if one["source"] not in named else f"{one['source']} ({number})"
        named[name] = one
    return named


def _whole(path: Path, write: Any) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise NotWritten(f"{path} was not written: {error}") from error
