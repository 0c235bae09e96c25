"""A whole ledger at work in a directory of its own, as an operator runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psycopg
from kafka.errors import KafkaError

from infra.embedded.ports import free_ports
from infra.keys import SCOPES, Scope, create_key
from infra.settings import Settings
from projections.status import Status, status

LOYALTY = str(Path(sys.executable).parent / "loyalty")
"""The command, as it is installed."""
START_SECONDS = 120
CAUGHT_UP_SECONDS = 240


class Ledger:
    """Commands, addresses and read models of one running ledger."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output = home / "up.txt"
        self.doors = dict(zip(("LOYALTY_COMMAND_PORT", "LOYALTY_QUERY_PORT"), map(str, free_ports(2)), strict=True))
        """Ports of its own: two ledgers that start at once could else both find the usual ones free."""

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "LOYALTY_DATA_DIR": str(self.home / ".loyalty"), "PATH": path, **SMALL, **self.doors}

    @property
    def run(self) -> dict[str, Any]:
        """`run.json`, as scripts find it."""
        found: dict[str, Any] = json.loads((self.home / ".loyalty" / "run.json").read_text())
        return found

    def loyalty(self, *arguments: str, check: bool = True, stdin: bytes | None = None) -> str:
        """Run a command to its end; answers what it printed."""
        done = subprocess.run(
            [LOYALTY, *arguments], cwd=self.home, env=self.environment, input=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=CAUGHT_UP_SECONDS + 60,
        )  # fmt: skip
        text = done.stdout.decode()
        assert done.returncode == 0 or not check, text
        return text

    @property
    def settings(self) -> Settings:
        """The settings of a process that works with what runs."""
        found = {name: self.run[name] for name in ("database_url", "kafka_bootstrap_servers")}
        return Settings(data_dir=self.home / ".loyalty", **found)

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """One of each scope, all made before a door asks for them: it does not look for new ones all the time."""
        return {scope: create_key(self.settings, scope=scope, owner=scope) for scope in SCOPES}  # type: ignore[arg-type]

    def client(self, door: str, scope: Scope) -> httpx.Client:
        """A client of one of the doors, with a key of that scope."""
        headers = {"Authorization": f"Bearer {self.keys[scope]}"}
        return httpx.Client(base_url=self.run[f"{door}_url"], headers=headers, timeout=60)

    def caught_up(self) -> Status:
        """Wait until everything has arrived, as `loyalty status --wait` does; answers the status."""
        found: list[Status] = []

        def arrived() -> bool:
            with suppress(psycopg.OperationalError, KafkaError):  # whoever was killed is on the way back
                found.append(status(self.settings))
            return bool(found) and found[-1].caught_up

        self.wait(arrived, seconds=CAUGHT_UP_SECONDS, every=0.2)
        return found[-1]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every read model, by table."""
        found = {}
        with psycopg.connect(self.run["database_url"]) as connection:
            tables = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_schema IN (SELECT schema_name FROM projections_live) ORDER BY 1, 2"
            ).fetchall()
            for schema, table in tables:
                rows = connection.execute(f'SELECT kept::text FROM {schema}."{table}" AS kept'.encode()).fetchall()
                found[f"{schema}.{table}"] = sorted(rows)
        return found

    def wait(self, done: Callable[[], bool], *, seconds: float = 60, every: float = 0.05) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(every)

    def taken_in(self) -> int:
        """How many messages intake has taken in, as far as the database can tell right now."""
        try:
            with psycopg.connect(self.run["database_url"]) as connection:
                row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM intake_offsets").fetchone()
        except psycopg.OperationalError:
            return 0
        return int(row[0]) if row else 0

    def kill(self, name: str) -> None:
        """`kill -9` a process of the ledger, by the id that `run.json` tells, and wait for its successor."""
        pid = self.run["pids"][name]
        os.kill(pid, signal.SIGKILL)
        self.wait(lambda: self.run["pids"].get(name, pid) != pid)


SMALL: Mapping[str, str] = {"LOYALTY_POSTGRES_SHARED_BUFFERS": "128MB"}


@contextmanager
def running(home: Path, *, keys: Path | None = None, clock: bool = False) -> Iterator[Ledger]:
    """`loyalty up` in a directory of its own; with another ledger's keys its cards have the same ids.

    Without the clock by default, as what most journeys buy has lapsed years ago.
    """
    ledger = Ledger(home)
    (home / ".loyalty").mkdir(parents=True)
    if keys is not None:
        kept = home / ".loyalty" / "keys.json"
        kept.touch(mode=0o600)
        kept.write_bytes(keys.read_bytes())
    with ledger.output.open("wb") as output:
        up = subprocess.Popen(
            [LOYALTY, "up", "--clock" if clock else "--no-clock"],
            cwd=home,
            env=ledger.environment,
            stdout=output,
            stderr=output,
        )
    try:
        ledger.wait(lambda: up.poll() is not None or _is_up(ledger), seconds=START_SECONDS)
        assert up.poll() is None, ledger.output.read_text()
        yield ledger
    finally:
        up.terminate()
        code = up.wait(timeout=120)
    assert code == 0, ledger.output.read_text()


def _is_up(ledger: Ledger) -> bool:
    try:
        return all(httpx.get(f"{ledger.run[door]}/ready").is_success for door in ("command_url", "query_url"))
    except (OSError, ValueError, KeyError, httpx.TransportError):
        return False
