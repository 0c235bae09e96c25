"""Exports for analysts: the facts of a ledger as Parquet, beside PostgreSQL copying the same rows out to a file."""

import time
from collections.abc import Callable, Sequence
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

MEMBERS = 1_000
_ROWS = b"COPY (SELECT * FROM facts ORDER BY position) TO STDOUT (FORMAT BINARY)"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """`loyalty export facts` to an empty directory: compressed, hashed and synced. What is copied out is merely written."""
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets)))
        with connect(here.settings.database_url) as log, TemporaryDirectory(prefix="loyalty-bench-") as home:
            both = in_turns(
                {
                    "exported": lambda: _paced(_export, log, Path(home)),
                    "copied": lambda: _paced(_copy, log, Path(home)),
                },
                repeats=repeats,
            )
    return [
        Figure(
            name="facts exported",
            unit="facts/s",
            values=both["exported"],
            reference="PostgreSQL, copying the same rows out to a file",
            reference_values=both["copied"],
        )
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


def _copy(log: Connection, directory: Path) -> None:
    with (directory / "rows").open("wb") as file, log.cursor() as cursor, cursor.copy(_ROWS) as copy:
        for block in copy:
            file.write(block)
