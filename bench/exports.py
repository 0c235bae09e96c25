"""Exports for analysts: the facts of a ledger as Parquet, and laid flat, beside copying them to a file and merely reading them."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import Connection

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import Town
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from projections.exports import run
from projections.exports.tables import TABLES

MEMBERS = 1_000
_PAGE = "SELECT position, name, state FROM facts WHERE position > %s ORDER BY position LIMIT %s"
_ROWS = b"COPY (SELECT * FROM facts ORDER BY position) TO STDOUT (FORMAT BINARY)"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Exports to an empty directory: compressed, hashed and synced. What is copied out is merely written.

    Laid flat are purchases, points, tiers and campaigns, one after the other; all of them together are counted as one.
    """
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets)))
        with connect(here.settings.database_url) as log, TemporaryDirectory(prefix="loyalty-bench-") as home:
            found = in_turns(
                {
                    name: partial(_paced, write, log, Path(home))
                    for name, write in {"exported": _export, "copied": _copy, "flat": _lay_flat, "read": _read}.items()
                },
                repeats=repeats,
            )
    return [
        Figure(
            name="facts exported",
            unit="facts/s",
            values=found["exported"],
            reference="PostgreSQL, copying the same rows out to a file",
            reference_values=found["copied"],
        ),
        Figure(
            name="facts laid flat, as all four tables",
            unit="facts/s",
            values=found["flat"],
            reference="the same facts merely read, page by page",
            reference_values=found["read"],
        ),
    ]


def _paced(write: Callable[[Connection, Path], None], log: Connection, home: Path) -> float:
    """Facts a second."""
    row = log.execute("SELECT count(*) FROM facts").fetchone()
    assert row is not None
    with TemporaryDirectory(dir=home) as directory:
        started = time.perf_counter()
        write(log, Path(directory))
        return float(row[0] / (time.perf_counter() - started))


def _export(log: Connection, directory: Path) -> None:
    run.export(log, "facts", directory, since_last=False, progress=lambda _, __: None)


def _lay_flat(log: Connection, directory: Path) -> None:
    for name in TABLES.keys() - {"facts"}:
        run.export(log, name, directory, since_last=False, progress=lambda _, __: None)


def _read(log: Connection, directory: Path) -> None:  # noqa: ARG001 - nothing is written
    last = 0
    while page := log.execute(_PAGE, (last, run.PAGE), binary=True).fetchall():
        last = page[-1][0]


def _copy(log: Connection, directory: Path) -> None:
    with (directory / "rows").open("wb") as file, log.cursor() as cursor, cursor.copy(_ROWS) as copy:
        for block in copy:
            file.write(block)
