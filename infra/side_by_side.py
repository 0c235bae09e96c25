"""Work that is parted among the processors: a process for each of them, and none where there is little to do."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from infra.process import quiet_gc

P = TypeVar("P")
T = TypeVar("T")


def side_by_side(work: Callable[[P], T], parts: Sequence[P]) -> Iterator[T]:
    """What comes of each part, in no particular order; of a single one, in this process. What goes to and fro is pickled."""
    workers = min(os.cpu_count() or 1, len(parts))
    if workers <= 1:
        yield from map(work, parts)
        return
    # Started afresh: whoever asks may have threads and connections, which a forked process must not share.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start) as pool:
        for one in as_completed([pool.submit(work, part) for part in parts]):
            yield one.result()


def _start() -> None:
    """Ctrl-C is for whoever asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet_gc()
