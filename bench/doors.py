"""HTTP: purchases a second and how long a till waits, with a few tills and with many."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.figure import Figure, in_turns
from bench.ground import Ground, ground
from cli.demo.complete_journey import Basket
from cli.roles import Role
from infra.embedded.ports import free_ports
from infra.keys import create_key
from infra.settings import Settings

CLIENTS = (1, 16, 64)
OURS = Role("command-api", ("serve", "command-api"))
VALIDATING = Role("validating", (), module="bench.validating")
ONE_SAVE = Role("one-save", (), module="bench.one_save")


class Load(NamedTuple):
    """What the load generator saw."""

    per_second: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"


def measure(baskets: Sequence[Basket], *, repeats: int) -> list[Figure]:
    """The Command API beside a route that only validates, and beside the same door with one save a request."""
    with (
        ground() as here,
        _served(here, OURS) as ours,
        _served(here, VALIDATING) as validating,
        _served(here, ONE_SAVE) as one_save,
    ):
        bodies = _Bodies(baskets, here.settings.data_dir / "bodies.ndjson")
        figures = []
        for clients in CLIENTS:
            wanted = min(len(baskets) // 8, 60 * clients + 400)
            sides = {
                f"ours, {clients} clients": lambda c=clients, n=wanted: _load(ours, bodies.take(n), c),
                f"validating, {clients} clients": lambda c=clients, n=wanted: _load(validating, bodies.take(n), c),
            }
            if clients == CLIENTS[-1]:
                sides["one save"] = lambda c=clients, n=wanted // 3: _load(one_save, bodies.take(n), c)
            found = in_turns(sides, repeats=repeats)
            figures += _figures(clients, *found.values())
        return figures


def _figures(
    clients: int, ours: list[Load], validating: list[Load], one_save: list[Load] | None = None
) -> list[Figure]:
    many = clients == CLIENTS[-1]
    name, beside = f"POST /purchases, {clients} clients", "a FastAPI route that only validates the body"

    def figure(field: str, unit: str, goal: str, reference: str, sides: list[Load]) -> Figure:
        return Figure(
            name=name if unit != "ms" else f"{name}, {field[:3]}",
            unit=unit,
            values=[getattr(load, field) for load in ours],
            reference=reference,
            reference_values=[getattr(load, field) for load in sides],
            goal=goal,
        )

    figures = [
        figure("per_second", "requests/s", "≥ 0.5, aim 0.63" if many else "", beside, validating),
        figure("p50_ms", "ms", "", beside, validating),
        figure("p99_ms", "ms", "under 50 ms" if many else "", beside, validating),
    ]
    if one_save:
        figures.append(figure("per_second", "requests/s", "≥ 4", "the same door, one save a request", one_save))
    return figures


class _Bodies:
    """Bodies of requests, each sent once; beginning anew, receipts get other numbers."""

    def __init__(self, baskets: Sequence[Basket], path: Path) -> None:
        self._baskets = baskets
        self._path = path
        self._next = count()

    def take(self, number: int) -> Path:
        """Write the next ones to the file."""
        with self._path.open("w") as file:
            for _ in range(number):
                turn, place = divmod(next(self._next), len(self._baskets))
                event = json.loads(self._baskets[place].value)
                identity = {"source": event["source"], "id": f"{event['id']}-{turn}", "time": event["time"]}
                file.write(json.dumps({**event["data"], **identity}) + "\n")
        return self._path


@contextmanager
def _served(here: Ground, role: Role) -> Iterator[tuple[int, str]]:
    """A server in a process of its own; its port, and a key that it accepts."""
    (port,) = free_ports(1)
    with here.database() as database:
        settings = database.model_copy(update={"command_port": port})
        key = create_key(settings, scope="till", owner="bench")
        with here.roles(role, settings=settings):
            _wait_for(settings)
            yield port, key


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


def _load(server: tuple[int, str], bodies: Path, clients: int) -> Load:
    """Let another process send the bodies, so that it has a processor of its own."""
    port, key = server
    command = [sys.executable, "-m", "bench.load_generator", str(port), str(clients), key, str(bodies)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    milliseconds = sorted(1_000 * seconds for seconds in told["latencies"])
    p99 = milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.99))]
    return Load(len(milliseconds) / told["seconds"], statistics.median(milliseconds), p99)
