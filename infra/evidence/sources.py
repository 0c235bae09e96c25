"""Where the facts to be verified come from: an export, offline, or the log itself. Both tell leaf data, in stored order."""

import json
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from pathlib import Path
from typing import Any, Protocol

from psycopg import Connection

from infra.evidence.tree import facts_between, position_of
from infra.merkle import leaf_data_of
from infra.parquet import check_parquet

PAGE = 5_000

_COLUMNS = ("position", "stream_id", "version", "subject", "recorded_at", "name", "state")
"""As `leaf_data_of` takes them."""


class ExportDamaged(RuntimeError):
    """An export is not whole, or not as it was written."""


class Source(Protocol):
    """Facts in the order in which they are stored."""

    facts: int
    """How many there are."""

    def read(self, after: int) -> Iterator[list[bytes]]:
        """Leaf data, page by page, of all but the first `after` facts, whose positions are known to be 1, 2, 3 …"""
        ...


class Live:
    """The log, by pages on a connection that only reads."""

    def __init__(self, log: Connection) -> None:
        self._log = log
        row = log.execute("SELECT count(*) FROM facts").fetchone()
        assert row is not None, "an aggregate always has a row"
        self.facts: int = row[0]

    def read(self, after: int) -> Iterator[list[bytes]]:
        with ThreadPoolExecutor(max_workers=1) as ahead:  # PostgreSQL reads a page while the one before is hashed
            coming = ahead.submit(self._page, after or -(1 << 63))  # one may have been put before the first
            while page := coming.result():
                coming = ahead.submit(self._page, position_of(page[-1]))
                yield page

    def _page(self, position: int) -> list[bytes]:
        """The next facts after a position; none, if there are none."""
        page = facts_between(self._log, position, min(position + PAGE, (1 << 63) - 1))
        if page:
            return page
        row = self._log.execute("SELECT min(position) FROM facts WHERE position > %s", (position,)).fetchone()
        return self._page(row[0] - 1) if row and row[0] is not None else []


class Export:
    """What `loyalty export facts` has written: Parquet files, and the manifest that tells them whole."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            told = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
            facts = told["exports"]["facts"]
            self._files = [(one["path"], one["rows"], one["first"], one["sha256"]) for one in facts["files"]]
        except FileNotFoundError:
            raise ExportDamaged(
                f"{directory} holds no manifest.json: it is no export, or one that was broken off. Export again"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise ExportDamaged(
                f"{directory}/manifest.json is not readable, or tells of no facts: export again"
            ) from error
        if told.get("format") != 1:
            raise ExportDamaged(
                f"{directory} has the format {told.get('format')}: verify it with the release that wrote it"
            )
        self._files.sort(key=lambda one: one[2])
        self.facts = sum(rows for _, rows, _, _ in self._files)
        for path, _, _, digest in self._files:
            self._check(path, digest)

    def _check(self, path: str, digest: str) -> None:
        try:
            with (self._directory / path).open("rb") as file:
                found = file_digest(file, "sha256").hexdigest()
        except OSError:
            raise ExportDamaged(f"{path} is missing from the export: copy all of it, or export again") from None
        if found != digest:
            raise ExportDamaged(f"{path} is not what the manifest tells (SHA-256): copy it again, or export again")

    def read(self, after: int) -> Iterator[list[bytes]]:
        for path, rows, _, _ in self._files:
            if after < rows:
                yield from self._pages(path, rows, after)
            after = max(0, after - rows)

    def _pages(self, path: str, rows: int, skipped: int) -> Iterator[list[bytes]]:
        frame = self._frame(path)
        if len(frame) != rows:
            raise ExportDamaged(f"{path} holds {len(frame)} rows, the manifest tells {rows}: export again")
        for start in range(skipped, rows, PAGE):
            try:
                yield [leaf_data_of(*row) for row in frame.slice(start, PAGE).iter_rows()]
            except (struct.error, TypeError, AttributeError) as error:
                raise ExportDamaged(f"{path} holds a row that is no fact ({error}): export again") from error

    def _frame(self, path: str) -> Any:
        check_parquet()
        import polars as pl  # noqa: PLC0415 - only who reads an export needs it

        try:
            frame = pl.read_parquet(self._directory / path, columns=list(_COLUMNS)).select(_COLUMNS)
            frame = frame.with_columns(pl.col("recorded_at").dt.epoch("us"))
            ids = frame.select(pl.col("stream_id", "subject").bin.size() == 16)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise ExportDamaged(
                f"{path} is no readable Parquet file of facts ({type(error).__name__}): export again"
            ) from error
        if not all(ids[name].all() for name in ids.columns):
            raise ExportDamaged(f"{path} holds an id that is not of 16 bytes: export again")
        return frame
