"""What it costs to count purchases by till and day, so that they are held against closings, beside merely reading the same facts."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from zoneinfo import ZoneInfo

import orjson

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import Town
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.log_tables import last_position
from infra.settings import Settings
from projections.completeness.counting import NAMES, Look, count

MEMBERS = 400


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """A small town, read by one process; CPU of this process."""
    with ground(members=False, servers=servers) as here:
        Town(here.settings, here.keys, baskets).fill(
            members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets))
        )
        now = datetime.now(UTC)
        first, last = ((now + timedelta(days=days)).date() for days in (-40, 1))
        look = Look(here.settings.database_url or "", [(now, ZoneInfo("UTC"))], first, last, till=None)
        with connect(look.url) as log:
            position = last_position(log)

        def counted() -> None:
            found = count(look, (0, position))
            assert sum(day.receipts for day in found.values()) == len(baskets), found.keys()

        sides = {
            "counted": lambda: _cost(counted) / len(baskets),
            "read": lambda: _cost(lambda: _read(here.settings)) / len(baskets),
        }
        found = in_turns(sides, repeats=repeats)
    return [
        Figure(
            name="completeness: a purchase counted by till and day", unit="µs of CPU", values=found["counted"],
            reference="the same facts merely read and parsed", reference_values=found["read"],
        )
    ]  # fmt: skip


def _cost(work: Callable[[], object]) -> float:
    """Microseconds of CPU."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1_000_000


def _read(settings: Settings) -> None:
    with connect(settings.database_url) as log:
        for (state,) in log.execute("SELECT state FROM facts WHERE name = ANY(%s)", (NAMES,), binary=True):
            orjson.loads(state)
