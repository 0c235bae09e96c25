"""The embedded PostgreSQL: its data outlives stops, kills and its owner."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.embedded import postgres as module
from infra.embedded.postgres import EmbeddedPostgres, PostgresBinariesMissing
from infra.embedded.service import ServiceFailed
from infra.embedded.services import EmbeddedServices
from infra.file_lock import LockHeld

_OWNER = """
import sys, time
from pathlib import Path
from infra.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), shared_buffers="32MB")
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(_home(tmp_path), shared_buffers="32MB") as running:
        yield running


def _home(tmp_path: Path) -> Path:
    return tmp_path / "a folder, with spaces: and ümlauts" / ("long " * 30) / "postgres"


def _note(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (number int)")
        connection.execute("INSERT INTO notes VALUES (%s)", (number,))


def _notes(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM notes ORDER BY number").fetchall()]


def test_data_outlives_a_stop(server: EmbeddedPostgres) -> None:
    _note(server.url, 1)
    server.stop()
    assert not server.alive()
    with EmbeddedPostgres(server.directory) as again:
        assert _notes(again.url) == [1]


def test_a_killed_server_comes_back_where_it_was_with_all_that_was_committed(server: EmbeddedPostgres) -> None:
    _note(server.url, 1)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.restart()
    _note(server.url, 2)
    assert _notes(server.url) == [1, 2]


def test_a_server_whose_owner_was_killed_is_ended_before_the_next_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path / "postgres")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        with pytest.raises(LockHeld, match=str(owner.pid)):
            EmbeddedPostgres(tmp_path / "postgres").start()
        owner.kill()
    assert psutil.pid_exists(orphan)
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        assert server.pid != orphan
        with suppress(psutil.NoSuchProcess):
            assert psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
        _note(server.url, 1)


def test_two_run_side_by_side(server: EmbeddedPostgres, services: EmbeddedServices) -> None:
    assert services.postgres is not None
    assert server.ports != services.postgres.ports
    _note(server.url, 1)
    with psycopg.connect(services.postgres.url) as other:
        assert other.execute("SELECT to_regclass('notes')").fetchone() == (None,)


def test_it_is_durable_and_listens_on_loopback_only(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url) as connection:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "127.0.0.1",
            "shared_buffers": "32MB",
            "max_wal_size": "6GB",
            "wal_compression": "off",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", (setting,)).fetchone() == (value,)


def test_nobody_comes_in_without_the_password(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url, password="wrong", connect_timeout=5)
    assert (server.directory / "password").stat().st_mode & 0o077 == 0


def test_a_start_that_fails_ends_with_the_server_s_own_words(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    monkeypatch.setattr(server, "_shared_buffers", "nonsense")
    monkeypatch.setattr(server._stopping, "wait", lambda _seconds: False)
    with pytest.raises(ServiceFailed, match='invalid value for parameter "shared_buffers"'):
        server.start()
    assert not server.alive()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(PostgresBinariesMissing, match="LOYALTY_DATABASE_URL"):
        module.binaries()
