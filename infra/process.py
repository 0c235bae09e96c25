"""How a long-running process treats its memory."""

import gc


def quiet_gc() -> None:
    """Call once after start: what lives by then lives for ever, and the collector need not look at it again.

    Facts and records form no cycles, so the counting of references frees them; the collector's frequent rounds
    over a large batch cost as much as the work itself. It still runs, only a hundred times more rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
