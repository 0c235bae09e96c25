"""HTTP: quotes a second and how long a till waits for one."""

import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.serving import OURS, VALIDATING, Load, load, served
from cli.demo.complete_journey import Basket
from infra.embedded.services import EmbeddedServices

CLIENTS = 16
BOUGHT = 6_000
"""Purchases before the first quote, so that members have points and accounts some length."""


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """The Command API beside a route that only parses and answers; each quote is for another basket."""
    wanted = min(len(baskets), 4_000)
    with ground(servers=servers) as here, served(here, OURS) as ours, served(here, VALIDATING) as validating:
        file = here.settings.data_dir / "bodies.ndjson"
        bought = baskets[: min(BOUGHT, len(baskets) // 2)]
        load(ours, _written(file, map(_purchase, bought)), CLIENTS)
        asked = cycle(map(_question, baskets[len(bought) :]))

        def bodies() -> Path:
            return _written(file, (next(asked) for _ in range(wanted)))

        found = in_turns(
            {
                f"ours, {CLIENTS} clients": lambda: load(ours, bodies(), CLIENTS, path="/quotes"),
                f"validating, {CLIENTS} clients": lambda: load(validating, bodies(), CLIENTS, path="/quotes"),
            },
            repeats=repeats,
        )
        return _figures(*found.values())


def _figures(ours: list[Load], validating: list[Load]) -> list[Figure]:
    goals = {"per_second": ("requests/s", "≥ 1,500/s"), "p50_ms": ("ms", ""), "p99_ms": ("ms", "under 25 ms")}
    return [
        Figure(
            name=f"POST /quotes, {CLIENTS} clients" + (f", {field[:3]}" if unit == "ms" else ""),
            unit=unit,
            values=[getattr(one, field) for one in ours],
            reference="a FastAPI route that only parses and answers",
            reference_values=[getattr(one, field) for one in validating],
            goal=goal,
        )
        for field, (unit, goal) in goals.items()
    ]


def _written(file: Path, bodies: Iterator[dict[str, object]]) -> Path:
    file.write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
    return file


def _purchase(basket: Basket) -> dict[str, object]:
    event = json.loads(basket.value)
    return {**event["data"], "source": event["source"], "id": event["id"], "time": event["time"]}


def _question(basket: Basket) -> dict[str, object]:
    event = json.loads(basket.value)
    kept = ("currency", "store", "channel", "card", "lines", "coupons")
    return {**{name: event["data"][name] for name in kept}, "time": event["time"]}
