"""How a process of ours treats its memory, and where it tells what it does."""

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def quiet_gc() -> None:
    """Call once after start: what lives by then lives for ever, and the collector need not look at it again.

    Facts and records form no cycles, so the counting of references frees them; the collector's frequent rounds
    over a large batch cost as much as the work itself. It still runs, only a hundred times more rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


@contextmanager
def uncollected() -> Iterator[None]:
    """For bounded work that keeps what it makes, such as importing: the collector would look at all of it for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def log_to_stderr() -> None:
    """Call once at start. The clients of Kafka tell each try; what matters is raised to us."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
