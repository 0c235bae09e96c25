"""Everything at once: tills publishing, intake, relay and projector, from the topic to the read models."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count

from bench import proof, tills
from bench.figure import Figure, in_turns
from bench.ground import Ground, ground
from cli.demo.complete_journey import Basket
from infra.embedded.services import EmbeddedServices
from infra.topics import PURCHASES


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Each turn publishes the next part of the baskets; beside it, tills alone to a topic that nobody reads."""
    part = len(baskets) // repeats
    with ground(servers=servers) as here, here.pipeline() as pipeline:
        parts, nobody = iter(range(0, part * repeats, part)), here.make_topic()
        taken = count(part, part)

        def everything() -> float:
            start, purchases = next(parts), next(taken)
            with _tills(here, baskets[start : start + part], PURCHASES) as publishing:
                started = _begin(publishing)
                pipeline.wait_for(purchases)
                return part / (time.perf_counter() - started)

        def alone() -> float:
            with _tills(here, baskets[:part], nobody) as publishing:
                started = _begin(publishing)
                assert publishing.stdout is not None
                publishing.stdout.readline()
                return part / (time.perf_counter() - started)

        found = in_turns({"everything": everything, "tills alone": alone}, repeats=repeats)
        proof.conservation(pipeline.database, here.settings, purchases=part * repeats)
    return [
        Figure(
            name="everything at once, topic to read models",
            unit="purchases/s",
            values=found["everything"],
            reference="tills alone, publishing to a topic that nobody reads",
            reference_values=found["tills alone"],
            goal="≥ 5,000/s, aim 7,000/s",
        )
    ]


def _tills(here: Ground, baskets: Sequence[Basket], topic: str) -> "subprocess.Popen[str]":
    path = here.settings.data_dir / "tills"
    tills.write(list(baskets), path)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.tills", topic, str(path)],
        env={**os.environ, **here.settings.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", "the tills did not start"
    return process


def _begin(publishing: "subprocess.Popen[str]") -> float:
    assert publishing.stdin is not None
    publishing.stdin.write("\n")
    publishing.stdin.flush()
    return time.perf_counter()
