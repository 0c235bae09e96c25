"""Fixtures that several rooms share: real PostgreSQL and Kafka, started once and only for tests that ask for them.

- `database_url`: an empty database of the test's own; `module_database_url`: one for a module.
- `kafka`: the brokers' addresses, as in `bootstrap_servers`; take fresh topic names, for example from `unique`.
- `settings`: settings that name both, with a data directory of the test's own.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from infra.embedded.services import EmbeddedServices
from infra.settings import Settings


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
