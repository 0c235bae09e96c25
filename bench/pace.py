"""How fast something proceeds that is watched from outside."""

import time
from collections.abc import Callable


class Stalled(RuntimeError):
    """What is watched does not proceed."""


def pace(
    done: Callable[[], int], *, total: int, begin: int = 0, warm: float = 0.2, pause: float = 0.02, patience: float = 60
) -> float:
    """How much is done a second, from when a part of it (`warm`) is done to the end: starting up does not count."""
    base = seen = _until(done, begin + (total - begin) * warm, pause=pause, patience=patience)
    started = time.perf_counter()
    if seen < total:
        seen = _until(done, total, pause=pause, patience=patience)
    return (seen - base) / (time.perf_counter() - started)


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
