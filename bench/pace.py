"""How fast something proceeds that is watched from outside."""

import time
from collections.abc import Callable


class Stalled(RuntimeError):
    """What is watched does not proceed."""


def pace(
    done: Callable[[], int],
    *,
    total: int,
    within: tuple[float, float] = (0.2, 0.9),
    pause: float = 0.02,
    patience: float = 60,
) -> float:
    """How much is done a second, between two parts of the whole: starting up does not count.

    Nor does the end: who works on the next batch while one is being saved has less to do once there is no next one.
    """
    first, last = (total * part for part in within)
    base = _until(done, first, pause=pause, patience=patience)
    started = time.perf_counter()
    seen = base if base >= last else _until(done, last, pause=pause, patience=patience)
    return (seen - base) / (time.perf_counter() - started)


def wait_for(done: Callable[[], int], total: int, *, pause: float = 0.02, patience: float = 60) -> None:
    """Until all of it is done."""
    _until(done, total, pause=pause, patience=patience)


def _until(done: Callable[[], int], enough: float, *, pause: float, patience: float) -> int:
    last, at = -1, time.perf_counter()
    while (seen := done()) < enough or seen == 0:
        now = time.perf_counter()
        if seen != last:
            last, at = seen, now
        elif now - at > patience:
            raise Stalled(f"nothing happened for {patience:g} s at {seen:,} of {enough:,.0f}")
        if pause:
            time.sleep(pause)
    return seen
