"""Connections to PostgreSQL, and how tables are made once by whoever comes first."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import Connection

from infra.settings import Settings

WRITERS_LOCK = 0x6C6F79616C7479
"""The advisory lock that writers of the log take, one after the other."""
TABLES_LOCK = WRITERS_LOCK + 1
RELAY_LOCK = WRITERS_LOCK + 2
CLOCK_LOCK = WRITERS_LOCK + 3
CHECKPOINTS_LOCK = WRITERS_LOCK + 4

UNCOMPRESSED: LiteralString = """
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'state' AND attstorage = 'e'
    ) THEN
        ALTER TABLE {table} ALTER COLUMN state SET STORAGE EXTERNAL;
    END IF;
END $$
"""
"""Keeps the states of a table as they are. It looks first: to alter a table locks everybody out, with each role that starts."""


class DatabaseNotConfigured(RuntimeError):
    """No database is named in the settings, and none was started for us."""


def connect(url: str | None) -> Connection:
    """An autocommit connection; transactions are opened where they are meant."""
    if not url:
        raise DatabaseNotConfigured("set LOYALTY_DATABASE_URL, or start everything with `loyalty up`")
    opened = psycopg.connect(url, autocommit=True, application_name="loyalty")
    # Our arrays hold one id or a thousand: a plan made for neither reads the whole log for the one.
    opened.execute("SET plan_cache_mode = force_custom_plan")
    return opened


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection to the database of the facts, closed afterwards."""
    with connect(settings.database_url) as opened:
        yield opened


def make_tables(opened: Connection, statements: Iterable[LiteralString]) -> None:
    """Run idempotent statements that make tables."""
    with making_tables(opened):
        for statement in statements:
            opened.execute(statement)


@contextmanager
def alone(opened: Connection, lock: int, *, wait: bool) -> Iterator[bool]:
    """Hold an advisory lock, if nobody does or, with `wait`, once nobody does any more; tells whether it is held."""
    take = "SELECT pg_advisory_lock(%s), true" if wait else "SELECT NULL, pg_try_advisory_lock(%s)"
    row = opened.execute(take, (lock,)).fetchone()
    held = bool(row and row[1])
    try:
        yield held
    finally:
        if held and not opened.closed:
            opened.execute("SELECT pg_advisory_unlock(%s)", (lock,))


@contextmanager
def making_tables(opened: Connection) -> Iterator[None]:
    """One process at a time makes tables, on an autocommit connection.

    Each statement is a transaction of its own: one that waits for a table in use must not hold another one meanwhile,
    or it and those at work would wait for each other.
    """
    opened.execute("SELECT pg_advisory_lock(%s)", (TABLES_LOCK,))
    try:
        yield
    finally:
        opened.execute("SELECT pg_advisory_unlock(%s)", (TABLES_LOCK,))
