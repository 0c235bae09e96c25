"""Fixtures that several rooms share: real PostgreSQL and Kafka, started once and only for tests that ask for them.

- `database_url`: an empty database of the test's own; `module_database_url`: one for a module.
- `emptied_database_url`: a database that tests have in turn: there may be tables, but no rows, and everything is counted
  from 1. To make all tables of the read side takes ten times as long as to empty them.
- `kafka`: the brokers' addresses, as in `bootstrap_servers`; take fresh topic names, for example from `unique`.
- `settings`: settings that name both, with a data directory of the test's own.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from infra.embedded.services import EmbeddedServices
from infra.settings import Settings

LONGEST = (
    "tests/journeys/", "tests/projections/proofs/", "tests/infra/embedded/", "tests/test_bench.py", "tests/domain/test_snapshots.py",
    "tests/domain/test_machine.py", "tests/domain/test_resending.py", "tests/cli/", "tests/consumers/", "tests/infra/", "tests/projections/",
)  # fmt: skip
"""Where the files are that take long, those that take longest first."""

EMPTY = """
DO $$
DECLARE one record;
BEGIN
    PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
    FOR one IN
        SELECT relkind AS kind, pg_class.oid::regclass AS name, pg_relation_size(pg_class.oid) AS size
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'S') AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
    LOOP
        IF one.kind = 'r' THEN -- what guards the log, until it is made sure of again
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one.name);
        END IF;
        IF one.kind = 'S' THEN
            EXECUTE format('ALTER SEQUENCE %s RESTART', one.name);
        ELSIF one.size > 100000 THEN -- or else what is dead piles up
            EXECUTE format('TRUNCATE %s', one.name);
        ELSIF one.size > 0 THEN
            EXECUTE format('DELETE FROM %s', one.name);
        END IF;
    END LOOP;
END $$
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the files, what takes long begins first, so that they end at about the same time."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    place = {
        id(item): next((n for n, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))
        for item in items
    }
    items.sort(key=lambda item: place[id(item)])


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings() -> Iterator[None]:
    """A database or broker that somebody works with is never the one that tests write to."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            if name != "cache_dir":  # downloads may stay where somebody wants them
                patch.delenv(f"LOYALTY_{name.upper()}", raising=False)
        yield


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory, _nobodys_settings: None) -> Iterator[EmbeddedServices]:
    """Real PostgreSQL and Kafka in a directory of their own, for the whole run."""
    home = tmp_path_factory.mktemp("services")
    with EmbeddedServices(Settings(data_dir=home, postgres_shared_buffers="128MB")) as running:
        yield running


@pytest.fixture
def unique() -> str:
    """A word that nothing else is called by, fit for topics and databases."""
    return f"t_{secrets.token_hex(6)}"


@pytest.fixture
def database_url(services: EmbeddedServices) -> Iterator[str]:
    """An empty database of the test's own."""
    with _fresh_database(services) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(services: EmbeddedServices) -> Iterator[str]:
    """An empty database that the tests of a module share."""
    with _fresh_database(services) as url:
        yield url


@pytest.fixture(scope="session")
def _database_in_turn(services: EmbeddedServices) -> Iterator[str]:
    with _fresh_database(services) as url:
        yield url


@pytest.fixture
def emptied_database_url(_database_in_turn: str) -> str:
    """A database without rows; whoever still holds a connection to it loses it."""
    _execute(_database_in_turn, EMPTY)
    return _database_in_turn


@pytest.fixture(scope="session")
def kafka(services: EmbeddedServices) -> str:
    """The brokers' addresses; topics are shared by the whole run, so take fresh names."""
    assert services.kafka is not None
    return services.kafka.bootstrap_servers


@pytest.fixture
def settings(database_url: str, kafka: str, tmp_path: Path) -> Settings:
    """Settings of a process that finds real services."""
    return Settings(database_url=database_url, kafka_bootstrap_servers=kafka, data_dir=tmp_path)


@contextmanager
def _fresh_database(services: EmbeddedServices) -> Iterator[str]:
    assert services.postgres is not None
    name = f"t_{secrets.token_hex(6)}"
    _execute(services.postgres.url, f"CREATE DATABASE {name}")
    try:
        yield services.postgres.url_of(name)
    finally:
        _execute(services.postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
