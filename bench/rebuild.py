"""A rebuild of balances: from the beginning of the topic to indexed rows, and to the switch."""

import time
from collections.abc import Sequence

from bench.figure import Figure, in_turns
from bench.pace import wait_for
from bench.projector import BALANCES
from bench.told import merely_reading, told
from bench.watch import READ, counter
from cli.demo.complete_journey import Basket
from consumers.rebuild import rebuilding
from infra.embedded.services import EmbeddedServices
from infra.settings import Settings


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """The work of `loyalty rebuild balances`, no projector at work, beside kafka-python's consumer merely reading."""
    with told(baskets, servers=servers) as (here, settings, database, total):
        with here.roles(BALANCES, settings=settings):
            wait_for(counter(database, READ), total)
        both = in_turns(
            {"rebuilt": lambda: _rebuild(settings, total), "bare": lambda: _merely_read(settings, total)},
            repeats=repeats,
        )
    goals = {"balances rebuilt, filled and indexed": "≥ 0.67 for a year", "balances rebuilt, compared as well": ""}
    return [
        Figure(
            name=name,
            unit="facts/s",
            values=[pace[number] for pace in both["rebuilt"]],
            reference="kafka-python's consumer, merely reading the same topic",
            reference_values=[bare for (bare,) in both["bare"]],
            goal=goal,
        )
        for number, (name, goal) in enumerate(goals.items())
    ]


def _rebuild(settings: Settings, total: int) -> tuple[float, ...]:
    """Facts a second until the comparison begins, and until it has ended."""
    began: dict[str, float] = {}

    def progress(step: str, _done: int, _total: int) -> None:
        began.setdefault(step, time.perf_counter())

    started = time.perf_counter()
    with rebuilding(settings, ["balances"], progress) as work:
        (rebuilt,) = work.fill(switch=False)
    assert rebuilt.comparison.equal, rebuilt
    return tuple(total / (at - started) for at in (began["comparing"], time.perf_counter()))


def _merely_read(settings: Settings, total: int) -> tuple[float]:
    """Facts a second, reading all of them."""
    started = time.perf_counter()
    with merely_reading(settings) as done:
        while done() < total:
            pass
    return (total / (time.perf_counter() - started),)
