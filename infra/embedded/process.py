"""Processes by their id: remembered in a file, recognised later, ended in order."""

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_KILL_PATIENCE = 10.0


def remember(file: Path, pid: int) -> None:
    """Write down a process so that it is recognised after we were killed ourselves."""
    with suppress(psutil.NoSuchProcess):
        file.write_text(f"{pid} {psutil.Process(pid).create_time()}\n")


def leftover(file: Path) -> int | None:
    """The process remembered in a file, if the very same one still runs: ids are used again, hence the time."""
    if not file.exists():
        return None
    try:
        pid, created = file.read_text().split()
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.NoSuchProcess):
        return None
    return process.pid if same else None


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Ask it to end, each time with so much patience in seconds; kill it if it does not."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for number, patience in (*signals, (signal.SIGKILL, _KILL_PATIENCE)):
            process.send_signal(number)
            with suppress(psutil.TimeoutExpired):
                process.wait(patience)
                return
