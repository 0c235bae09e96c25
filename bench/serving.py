"""Servers in processes of their own, and the load that another process puts on them."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.ground import Ground
from cli.roles import Role
from infra.embedded.ports import free_ports
from infra.keys import create_key
from infra.settings import Settings

OURS = Role("command-api", ("serve", "command-api"))
VALIDATING = Role("validating", (), module="bench.validating")


class Load(NamedTuple):
    """What the load generator saw."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answers: int

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"


class Server(NamedTuple):
    """Where a server is asked, a key that it accepts, and the database that it works on."""

    port: int
    key: str
    settings: Settings


@contextmanager
def served(here: Ground, role: Role) -> Iterator[Server]:
    """A server in a process of its own."""
    (port,) = free_ports(1)
    with here.database() as database:
        settings = database.model_copy(update={"command_port": port})
        key = create_key(settings, scope="till", owner="bench")
        with here.roles(role, settings=settings):
            _wait_for(settings)
            yield Server(port, key, settings)


def _wait_for(settings: Settings) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{settings.command_port}/health", trust_env=False).raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def load(server: Server, bodies: Path, clients: int, *, path: str = "/purchases") -> Load:
    """Let another process send the bodies, so that it has a processor of its own."""
    arguments = (str(server.port), str(clients), server.key, path, str(bodies))
    command = [sys.executable, "-m", "bench.load_generator", *arguments]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    milliseconds = sorted(1_000 * seconds for seconds in told["latencies"])
    p99 = milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.99))]
    return Load(len(milliseconds) / told["seconds"], statistics.median(milliseconds), p99, len(milliseconds))
