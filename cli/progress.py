"""How long work shows how far it is: a bar on a terminal, plain lines elsewhere; never on stdout."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

TELL_EVERY_SECONDS = 2.0

Tell = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""


@contextmanager
def steps() -> Iterator[Tell]:
    """For work of several steps. The bar begins with what is told first, as does its thread: until then work may fork."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    if console.is_terminal:
        bars = Progress(*columns, console=console, transient=True)
        bar = bars.add_task("beginning", total=None)

        def tell(step: str, done: int, total: int) -> None:
            bars.start()
            bars.update(bar, description=step, completed=done, total=total)

        try:
            yield tell
        finally:
            bars.stop()
    else:
        yield _Lines()


@contextmanager
def one_step(step: str) -> Iterator[Callable[[int, int], None]]:
    """For work of one: told how much is done, and how much there is."""
    with steps() as tell:
        yield lambda done, total: tell(step, done, total)


class _Lines:
    """A line for each step, and every other second one for how far it is."""

    def __init__(self) -> None:
        self._step, self._told_at = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step or time.monotonic() - self._told_at > TELL_EVERY_SECONDS:
            self._step, self._told_at = step, time.monotonic()
            sys.stderr.write(f"{step}: {done:,} of {total:,}\n")
