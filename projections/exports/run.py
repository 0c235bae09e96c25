"""An export by position: pages of the log become files of a month, and the next run goes on where the last one ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import LiteralString, NamedTuple

import polars as pl
from psycopg import Connection

from infra.evidence.sources import ExportDamaged
from infra.evidence.tree import LEAF_DATA
from infra.merkle import leaf_hash
from projections.exports.directory import Directory, Exported, File, Manifest
from projections.exports.tables import TABLES, Table
from projections.known import known_position

PAGE = 20_000
"""Facts read at once."""
FILE = 100_000
"""Rows from which on a file is long enough: some 100 MB in memory."""

_FACTS: LiteralString = """
SELECT position, uuid_send(originator_id), originator_version, name, state, uuid_send(subject),
    (extract(epoch FROM recorded_at) * 1000000)::bigint
FROM facts WHERE position > %s AND position <= %s AND (%s::text[] IS NULL OR name = ANY(%s)) ORDER BY position LIMIT %s
"""
_ENDS = "SELECT min(position), max(position) FROM facts"
_LEAF: LiteralString = f"SELECT {LEAF_DATA} FROM facts WHERE position = %s"  # noqa: S608 - all of it is ours

Progress = Callable[[int, int], None]
"""How many positions the log was read, of how many."""


class AlreadyExported(RuntimeError):
    """A directory holds this export; only what is new may be added to it."""


class AnotherLedger(RuntimeError):
    """A directory holds what another ledger has recorded."""


class NothingToExport(RuntimeError):
    """Nothing is recorded yet."""


class Done(NamedTuple):
    """What a run has come to."""

    rows: int
    files: int
    position: int
    """Up to which the log is exported."""


class MoreExported(RuntimeError):
    """A directory holds more of an export than was known at the instant that is asked about."""


def export(
    log: Connection, name: str, to: Path, *, since_last: bool, known_at: datetime | None = None, progress: Progress
) -> Done:
    """Write a table to a directory; `log` only reads. With `since_last`, add what is new since the last time.

    What was recorded after `known_at` is left out. Raises `BeforeFirstFact`.
    """
    table = TABLES[name]
    with opened(log, to) as (directory, manifest):
        first, last = _ends(log)
        if known_at is not None:
            last = known_position(log, known_at)
        before = manifest.exports.get(name)
        if before is not None:
            _check_before(log, directory, table, before, since_last=since_last)
            if known_at is not None and before.last_position > last:
                raise MoreExported(
                    f"{to} holds {name} up to position {before.last_position:,}, and only {last:,} was known at"
                    f" {known_at.isoformat()}: name an empty directory"
                )
        start = before.last_position if before else first - 1
        with directory.writing():
            directory.tidy(name, manifest)
            files = [_write(directory, table, part) for part in _parts(_pages(log, table, start, last, progress))]
            if before is None or last > start:
                exported = Exported(
                    files=[*(before.files if before else ()), *files], columns=table.told(),
                    last_position=last, last_hash=_hash(log, last),
                )  # fmt: skip
                directory.commit(manifest.adding(name, exported))
    return Done(sum(file.rows for file in files), len(files), last)


@contextmanager
def opened(log: Connection, to: Path) -> Iterator[tuple[Directory, Manifest]]:
    """A directory for this ledger, empty or with exports of it, that nobody else writes to meanwhile."""
    directory, ledger = Directory(to), _hash(log, _ends(log)[0])
    with directory.locked():
        manifest = directory.manifest()
        if manifest is None:
            directory.check_free({*TABLES, "balances", "balances_known"})
            manifest = Manifest(ledger=ledger)
        if manifest.ledger != ledger:
            raise AnotherLedger(f"{to} holds an export of another ledger: name another directory")
        yield directory, manifest


def _ends(log: Connection) -> tuple[int, int]:
    first, last = log.execute(_ENDS).fetchone() or (None, None)
    if first is None or last is None:
        raise NothingToExport("nothing is recorded yet: there is nothing to export")
    return first, last


def _check_before(log: Connection, directory: Directory, table: Table, before: Exported, *, since_last: bool) -> None:
    if not since_last:
        raise AlreadyExported(
            f"{directory.path} holds {table.name} up to position {before.last_position:,}: add what is new with"
            " --since-last, or name an empty directory"
        )
    if before.columns != table.told():
        raise ExportDamaged(f"{table.name} was exported with other columns: export to an empty directory instead")
    if before.last_hash != _hash(log, before.last_position):
        raise AnotherLedger(
            f"{directory.path} was exported up to position {before.last_position:,}, where this ledger holds another fact"
            " or none: ask `loyalty audit verify`, and export to an empty directory"
        )
    directory.check(before)


def _hash(log: Connection, position: int) -> str:
    row = log.execute(_LEAF, (position,), binary=True).fetchone()
    return leaf_hash(row[0]).hex() if row else ""


def _pages(log: Connection, table: Table, start: int, last: int, progress: Progress) -> Iterator[pl.DataFrame]:
    at, names, rows_of = start, list(table.names) if table.names else None, table.reading(log, last)
    while facts := log.execute(_FACTS, (at, last, names, names, PAGE), binary=True).fetchall():
        yield table.frame(rows_of(facts))
        at = facts[-1][0]
        progress(at - start, last - start)


def _parts(pages: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Rows of one month that follow each other, a page or some at a time."""
    held: pl.DataFrame | None = None
    for page in pages:
        for run in _runs(page):
            if held is not None and (_month(held) != _month(run) or len(held) >= FILE):
                yield held
                held = None
            held = run if held is None else pl.concat([held, run])
    if held is not None:
        yield held


def _runs(page: pl.DataFrame) -> Iterator[pl.DataFrame]:
    start = 0
    for length in page["recorded_at"].dt.strftime("%Y-%m").rle().struct.field("len") if len(page) else ():
        yield page.slice(start, length)
        start += length


def _month(frame: pl.DataFrame) -> str:
    return f"{frame['recorded_at'][0]:%Y-%m}"


def _write(directory: Directory, table: Table, part: pl.DataFrame) -> File:
    first, last = part["position"][0], part["position"][-1]
    written = BytesIO()
    part.write_parquet(written, statistics=True)
    path = f"{table.name}/month={_month(part)}/{first}-{last}.parquet"
    return directory.write(path, written.getvalue(), rows=len(part), first=first, last=last)
