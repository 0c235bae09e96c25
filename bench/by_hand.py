"""The rows of the log, prepared beforehand and inserted by hand: what PostgreSQL itself can take."""

import time
from typing import NamedTuple

from psycopg import Connection

from infra import event_store
from infra.database import connect, make_tables
from infra.log_tables import last_position
from infra.settings import Settings

BATCH = 2_000
"""Facts in a transaction: those of a thousand purchases."""

_COLUMNS = "position, originator_id, originator_version, name, state, subject, recorded_at"
_UNNEST = (
    f"INSERT INTO facts ({_COLUMNS}) SELECT * FROM unnest("
    "%b::bigint[], %b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::uuid[], %b::timestamptz[])"
).encode()


class Prepared(NamedTuple):
    """The facts of many purchases, ready to be sent: as columns, and in the binary form of COPY."""

    columns: list[list[list[object]]]
    blocks: list[bytes]


def prepare(database: Connection, *, after: int) -> Prepared:
    """Read back what intake has recorded after a position."""
    last = last_position(database)
    ranges = [(start, min(start + BATCH, last)) for start in range(after, last, BATCH)]
    columns, blocks = [], []
    for place in ranges:
        where = f"FROM facts WHERE position > {place[0]} AND position <= {place[1]} ORDER BY position"
        rows = database.execute(f"SELECT {_COLUMNS} {where}".encode(), binary=True).fetchall()
        columns.append([list(column) for column in zip(*rows, strict=True)])
        with database.cursor() as cursor:
            copying = f"COPY (SELECT {_COLUMNS} {where}) TO STDOUT (FORMAT BINARY)"
            with cursor.copy(copying.encode()) as copy:
                blocks.append(b"".join(bytes(part) for part in copy))
    return Prepared(columns, blocks)


def by_unnest(settings: Settings, prepared: Prepared) -> float:
    """Seconds for all of it, a statement and a transaction a batch."""
    with connect(settings.database_url) as database:
        make_tables(database, event_store.TABLES)
        started = time.perf_counter()
        for columns in prepared.columns:
            database.execute(_UNNEST, columns)
        return time.perf_counter() - started


def by_copy(settings: Settings, prepared: Prepared) -> float:
    """Seconds for all of it, a COPY and a transaction a batch."""
    with connect(settings.database_url) as database:
        make_tables(database, event_store.TABLES)
        started = time.perf_counter()
        for block in prepared.blocks:
            with (
                database.cursor() as cursor,
                cursor.copy(f"COPY facts ({_COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()) as copy,
            ):
                copy.write(block)
        return time.perf_counter() - started
