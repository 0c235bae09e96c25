"""Processes that work for this one, and talk with it by a pipe each."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from infra.side_by_side import AFRESH, start


class ProcessDied(RuntimeError):
    """A process ended before it had done its part."""

    def __init__(self) -> None:
        super().__init__(
            "a process that worked for this one ended before it had done its part: was it killed, or is memory short?"
        )


@contextmanager
def workers(
    work: Callable[[Connection], None], count: int, *, inheriting: bool = False
) -> Iterator[Sequence[Connection]]:
    """Processes that talk with us by a pipe each. They start up at once, and those that are still at work end with us.

    `inheriting`: they may have what we have in memory, instead of importing all of it once more. No connection may be open.
    """
    forked = inheriting and _has_one_thread()
    context = get_context("fork") if forked else AFRESH
    pipes: list[Connection] = []
    processes = []
    if not forked:
        resource_tracker.ensure_running()  # or else the first start of a process does that, and hears Ctrl-C again
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            not_theirs = [*pipes] if forked else []
            process = context.Process(target=_work, args=(work, theirs, not_theirs), daemon=True)
            with _deaf_to_ctrl_c():
                process.start()
            theirs.close()
            processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def tell(pipe: Connection, what: Any) -> None:
    """Send something to a worker."""
    try:
        pipe.send(what)
    except ConnectionError:
        raise ProcessDied from None


def received(pipe: Connection) -> Any:
    """What a worker says next. What it failed with is raised here."""
    try:
        said = pipe.recv()
    except (EOFError, ConnectionError):
        raise ProcessDied from None
    if isinstance(said, Exception):
        raise said
    return said


def _work(work: Callable[[Connection], None], pipe: Connection, not_ours: Sequence[Connection]) -> None:
    for one in not_ours:
        one.close()  # or else nobody would notice that whoever asked has gone
    start()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever was inherited
    try:
        work(pipe)
    except (EOFError, ConnectionError):
        pass  # nobody asks any more
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
        pipe.send(error)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started meanwhile does not hear it, not even while it starts up; we hear it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_one_thread() -> bool:
    """Whether nothing can be lost by forking: a thread may hold a lock that nobody in the new process lets go of."""
    try:
        return len([*Path("/proc/self/task").iterdir()]) == 1
    except OSError:  # where it cannot be told
        return False
