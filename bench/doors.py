"""HTTP: purchases a second and how long a till waits, with a few tills and with many."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from bench import proof
from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.serving import OURS, VALIDATING, Load, load, served
from cli.demo.complete_journey import Basket
from cli.roles import Role
from infra.embedded.services import EmbeddedServices

CLIENTS = (1, 16, 64)
ONE_SAVE = Role("one-save", (), module="bench.one_save")


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """The Command API beside a route that only validates, and beside the same door with one save a request."""
    with (
        ground(servers=servers) as here,
        served(here, OURS) as ours,
        served(here, VALIDATING) as validating,
        served(here, ONE_SAVE) as one_save,
    ):
        bodies = Bodies(baskets, here.settings.data_dir / "bodies.ndjson")
        figures, answered = [], 0
        for clients in CLIENTS:
            wanted = min(len(baskets) // 8, 60 * clients + 400)
            sides = {
                f"ours, {clients} clients": lambda c=clients, n=wanted: load(ours, bodies.take(n), c),
                f"validating, {clients} clients": lambda c=clients, n=wanted: load(validating, bodies.take(n), c),
            }
            if clients == CLIENTS[-1]:
                sides["one save"] = lambda c=clients, n=wanted // 3: load(one_save, bodies.take(n), c)
            found = in_turns(sides, repeats=repeats)
            figures += _figures(clients, *found.values())
            answered += sum(one.answers for one in found[f"ours, {clients} clients"])
        proof.of_door(here, ours.settings, purchases=answered)
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


class Bodies:
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
