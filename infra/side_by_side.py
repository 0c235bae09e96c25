"""Work that is parted among the processors: a process for each of them, and none where there is little to do."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from infra.process import log_to_stderr, quiet_gc

P = TypeVar("P")
T = TypeVar("T")

AFRESH = get_context("spawn")
"""Whoever asks may have threads and connections, which a forked process must not share."""
AHEAD = 2
"""Parts of each process that are made or waiting, where they are told in turn."""


def side_by_side(work: Callable[[P], T], parts: Sequence[P]) -> Iterator[T]:
    """What comes of each part, in no particular order; of a single one, in this process. What goes to and fro is pickled."""
    workers = min(os.cpu_count() or 1, len(parts))
    if workers <= 1:
        yield from map(work, parts)
        return
    with _pool(workers) as pool:
        for one in as_completed([pool.submit(work, part) for part in parts]):
            yield one.result()


def in_turn(work: Callable[[P], T], parts: Sequence[P]) -> Iterator[T]:
    """The same in the order of the parts. Few of them wait, so that what comes of all never is in memory at once."""
    workers = min(os.cpu_count() or 1, len(parts))
    if workers <= 1:
        yield from map(work, parts)
        return
    waiting: deque[Future[T]] = deque()
    with _pool(workers) as pool:
        for part in parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, AFRESH, start)


def start() -> None:
    """Ctrl-C is for whoever asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_to_stderr()
    quiet_gc()
