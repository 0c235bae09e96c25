"""Pressure: a burst of messages while PostgreSQL, then Kafka, hardly get on; nothing may be lost, nor memory grow."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from threading import Event, Thread

import psutil

from bench import proof
from bench.figure import Figure
from bench.ground import Ground, ground
from bench.spent import process_of
from bench.town import Town
from cli.demo.complete_journey import Basket
from cli.roles import RoleProcess
from infra.embedded.service import EmbeddedService
from infra.embedded.services import EmbeddedServices

BURST = 20_000
MEMBERS = 2_000
AT_ONCE = 20_000
STOPPED, GOING = 0.9, 0.1
"""Seconds: a slow server is one that stands still nine tenths of the time."""
SLOW = 20.0
"""Seconds for which each of them is slow."""
PATIENCE = 1_800
Peaks = dict[str, float]


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int, burst: int = BURST) -> list[Figure]:  # noqa: ARG001 - once is long
    """The highest memory of each role while a burst is worked off, beside that of a calm tenth of it before."""
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=())
        with here.pipeline() as pipeline:
            calmly = max(burst // 10, MEMBERS)
            calm = _peaks(pipeline.roles, lambda: _sell(here, town, calmly, lambda: pipeline.wait_for(calmly)))

            def under_pressure() -> None:
                for server in (here.services.postgres, here.services.kafka):
                    assert server is not None
                    with _slow(server):
                        time.sleep(SLOW)
                    print(f"  {server.name} was slow for {SLOW:g} s", flush=True)
                pipeline.wait_for(calmly + burst, patience=PATIENCE)

            pressed = _peaks(pipeline.roles, lambda: _sell(here, town, burst, under_pressure))
            proof.conservation(pipeline.database, here.settings, purchases=calmly + burst)
    return [
        Figure(
            name=f"memory of {role} at most, a burst of {burst:,} with PostgreSQL and Kafka slow",
            unit="MiB",
            values=[pressed[role]],
            reference=f"{calmly:,} calmly",
            reference_values=[calm[role]],
            goal="bounded",
        )
        for role in calm
    ]


def _sell(here: Ground, town: Town, purchases: int, then: Callable[[], None]) -> None:
    """All of them wait on the topic, as after an outage, before anything else is done."""
    buyers = islice(cycle(range(MEMBERS)), purchases)
    while some := list(islice(town.sell(buyers), AT_ONCE)):
        here.publish(some)
    then()


@contextmanager
def _slow(server: EmbeddedService) -> Iterator[None]:
    """The server with all of its processes stands still most of the time."""
    assert server.pid is not None, "it runs"
    over, main = Event(), psutil.Process(server.pid)

    def hinder() -> None:
        while not over.is_set():
            stopped = [main, *main.children(recursive=True)]
            _each(stopped, psutil.Process.suspend)
            over.wait(STOPPED)
            _each(stopped, psutil.Process.resume)
            over.wait(GOING)

    thread = Thread(target=hinder)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _each(processes: Sequence[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for one in processes:
        try:
            act(one)
        except psutil.NoSuchProcess:
            continue


def _peaks(roles: Sequence[RoleProcess], work: Callable[[], None]) -> Peaks:
    """The most memory that each role holds meanwhile, in MiB, looked at twenty times a second."""
    over, peaks = Event(), dict.fromkeys((role.name for role in roles), 0.0)
    processes = {role.name: process_of(role) for role in roles}

    def look() -> None:
        while not over.wait(0.05):
            for name, process in processes.items():
                peaks[name] = max(peaks[name], process.memory_info().rss / 2**20)

    thread = Thread(target=look)
    thread.start()
    try:
        work()
    finally:
        over.set()
        thread.join()
    return peaks
