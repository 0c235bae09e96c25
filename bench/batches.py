"""HTTP: purchases a second where a client sends a hundred at once, as a store does after its line was down."""

from collections.abc import Sequence
from pathlib import Path

from bench import proof
from bench.doors import Bodies
from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.serving import OURS, VALIDATING, Load, load, served
from cli.demo.complete_journey import Basket
from infra.embedded.services import EmbeddedServices

OF = 100
CLIENTS = 4
ALONE = 64
"""Clients that send one at a time: as many as HTTP by single purchases is measured with at most."""
PATH = "/purchases/batch"


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Beside a route that only validates such a batch, and beside the same door asked for one purchase at a time."""
    wanted = min(len(baskets) // (2 * repeats), 6_000) // OF * OF
    with ground(servers=servers) as here, served(here, OURS) as ours, served(here, VALIDATING) as validating:
        bodies = Bodies(baskets, here.settings.data_dir / "bodies.ndjson")
        batched, alone, nothing = f"batches of {OF}", "one at a time", "validating"
        found = in_turns(
            {
                batched: lambda: load(ours, _gathered(bodies.take(wanted)), CLIENTS, path=PATH),
                alone: lambda: load(ours, bodies.take(wanted // 2), ALONE),
                nothing: lambda: load(validating, _gathered(bodies.take(wanted)), CLIENTS, path=PATH),
            },
            repeats=repeats,
        )
        answered = sum(one.answers * OF for one in found[batched]) + sum(one.answers for one in found[alone])
        proof.of_door(here, ours.settings, purchases=answered)
    name, validates = f"POST {PATH} of {OF}, {CLIENTS} clients", "a FastAPI route that only validates the body"
    pace = [one.per_second * OF for one in found[batched]]
    figures = [
        (name, "purchases/s", pace, validates, [one.per_second * OF for one in found[nothing]]),
        (name, "purchases/s", pace, f"POST /purchases, {ALONE} clients", [one.per_second for one in found[alone]]),
        (f"{name}, p99", "ms", _p99(found[batched]), validates, _p99(found[nothing])),
    ]
    return [
        Figure(name=name, unit=unit, values=values, reference=reference, reference_values=reference_values)
        for name, unit, values, reference, reference_values in figures
    ]


def _p99(loads: Sequence[Load]) -> list[float]:
    return [one.p99_ms for one in loads]


def _gathered(file: Path) -> Path:
    """The bodies of a file, so many to a line."""
    lines = file.read_text().splitlines()
    batches = (",".join(lines[start : start + OF]) for start in range(0, len(lines), OF))
    file.write_text("".join(f'{{"items":[{items}]}}\n' for items in batches))
    return file
