"""The balance of every member at an instant, from the read model: what the Query API tells of one, for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import polars as pl
from psycopg import AsyncConnection, Connection, IsolationLevel

from projections.balances import Balances
from projections.exports.directory import Directory, Exported, File
from projections.exports.flat import Row
from projections.exports.run import FILE, Done, NothingToExport, Progress, opened
from projections.exports.tables import INSTANT
from projections.held import Holdings
from projections.holdings import holdings
from projections.past import Past
from projections.proofs.slices import known_by, looking
from projections.snapshot import Snapshot

NAME = "balances"
AS_KNOWN = "balances_known"
"""The export of those that were known at an instant: in a folder of its own, so that nobody adds up both."""
SLICE = 1_000
"""Members asked about at once."""
BUCKETS = (
    "issued", "received", "pending", "available", "held", "spent", "settled", "expired", "revoked", "sent", "debt",
)  # fmt: skip
COLUMNS: dict[str, Any] = {
    "member_id": pl.String, **dict.fromkeys(BUCKETS, pl.Int64), "next_expiry_points": pl.Int64,
    "next_expiry_at": INSTANT, "as_of": INSTANT, "position": pl.Int64,
}  # fmt: skip

_POSITION = """
SELECT schema_name, min(last_position) FROM projections_live JOIN projection_offsets USING (projection, generation)
WHERE projection = 'balances' GROUP BY schema_name
"""
_PARKED = """
SELECT count(*) FROM parked_facts JOIN projections_live USING (projection, generation) WHERE projection = 'balances'
"""
_BEGINNING = "SELECT (SELECT min(at) FROM {schema}.lots), count(*) FROM {schema}.accounts"
_MEMBERS = "SELECT member_id FROM {schema}.accounts WHERE member_id > %(after)s ORDER BY member_id LIMIT %(slice)s"


class FactsParked(RuntimeError):
    """Some facts are not in the read model: what it tells of their members would be wrong."""


def export_balances(
    log: Connection, url: str, to: Path, *, as_of: datetime, known_at: datetime | None, progress: Progress
) -> Done:
    """Write everybody's balance; that of the same instant, by another position, makes room for it.

    What was known is kept by both instants, apart from what is known.

    `url` is that of the read model; where it is asked what was known, that of the log. Raises `BeforeFirstFact`.
    """
    if known_at is None:
        with looking(url) as read_model:
            known_by(read_model)  # or tell what is wrong with it
    name, folder, columns = NAME, f"{NAME}/as_of={_written(as_of)}", COLUMNS
    if known_at is not None:
        name, columns = AS_KNOWN, {**COLUMNS, "known_at": INSTANT}
        folder = f"{AS_KNOWN}/as_of={_written(as_of)}/known_at={_written(known_at)}"
    with opened(log, to) as (directory, manifest):
        before = manifest.exports.get(name)
        if before is not None:
            directory.check(before)
        with directory.writing():
            directory.tidy(name, manifest)
            there = before.files if before else []
            look = _look(url) if known_at is None else _past(url, known_at)
            writes = Files(directory, folder, columns, known_at)
            position, files = asyncio.run(_files(look, writes, as_of.astimezone(UTC), there, progress))
            if files:
                kept = [file for file in there if str(Path(file.path).parent) != folder]
                told = manifest.adding(
                    name,
                    Exported(
                        files=[*kept, *files], columns={column: str(kind) for column, kind in columns.items()},
                        last_position=max(file.last for file in (*kept, *files)), last_hash="",
                    ),
                )  # fmt: skip
                directory.commit(told)
                directory.tidy(name, told)
    return Done(sum(file.rows for file in files), len(files), position)


class Files(NamedTuple):
    """Where files go, and what is in them."""

    directory: Directory
    folder: str
    columns: dict[str, Any]
    known_at: datetime | None

    def write(self, rows: list[Row], *, number: int, position: int) -> File:
        frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
        if self.known_at is not None:
            frame = frame.with_columns(known_at=pl.lit(self.known_at.astimezone(UTC), self.columns["known_at"]))
        written = BytesIO()
        frame.write_parquet(written, statistics=True)
        path = f"{self.folder}/{position}-{number}.parquet"
        return self.directory.write(path, written.getvalue(), rows=len(rows), first=position, last=position)


def _written(at: datetime) -> str:
    """An instant as the name of a folder."""
    at = at.astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond:06}Z"


async def _files(
    look: AbstractAsyncContextManager[Snapshot], to: Files, as_of: datetime, there: list[File], progress: Progress
) -> tuple[int, list[File]]:
    """None where the directory holds this instant by this very position."""
    async with look as snapshot:
        first, members = await snapshot.one(_BEGINNING) or (None, 0)
        if first is None or as_of < first:
            raise NothingToExport(
                f"nobody had points at {as_of:%FT%TZ}: the first ones came "
                + ("not at all yet" if first is None else f"at {first.astimezone(UTC):%FT%TZ}")
            )
        if any(file.path.startswith(f"{to.folder}/{snapshot.position}-") for file in there):
            return snapshot.position, []
        files: list[File] = []
        rows: list[Row] = []
        done, after = 0, UUID(int=0)
        while asked := [row[0] for row in await snapshot.all(_MEMBERS, after=after, slice=SLICE)]:
            found = await holdings(snapshot, asked, as_of=as_of)
            rows += [_row(member, found[member], snapshot.position) for member in asked]
            after, done = asked[-1], done + len(asked)
            progress(done, members)
            if len(rows) >= FILE or done == members:
                files.append(to.write(rows, number=len(files) + 1, position=snapshot.position))
                rows = []
        return snapshot.position, files


@asynccontextmanager
async def _look(url: str) -> AsyncIterator[Snapshot]:
    """One state of the read model, in a transaction that only reads."""
    async with await AsyncConnection.connect(url) as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        row = await (await connection.execute(_POSITION)).fetchone()
        parked = await (await connection.execute(_PARKED)).fetchone()
        assert row is not None, "it was looked up before"
        if parked and parked[0]:
            raise FactsParked(
                f"{parked[0]:,} facts could not be folded into the read model, so balances would be wrong: see"
                " `loyalty status`, and rebuild balances once the cause is gone"
            )
        yield Snapshot(connection, row[0], row[1])


@asynccontextmanager
async def _past(url: str, known_at: datetime) -> AsyncIterator[Snapshot]:
    """The read model as of what was known, folded anew from the log."""
    past = Past(url, Balances)
    try:
        yield past.as_known(known_at, ())
    finally:
        past.close()


def _row(member_id: UUID, held: Holdings, position: int) -> Row:
    buckets, lapsing = asdict(held.buckets()), held.lapsing()
    next_at = min(lapsing) if lapsing else None
    told = (buckets[name] for name in BUCKETS)
    return (str(member_id), *told, lapsing[next_at] if next_at else None, next_at, held.at, position)
