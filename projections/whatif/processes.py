"""Parts of the log told side by side: by a process each, or by this one where there is but one part."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import reduce
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from infra.process import quiet_gc
from projections.whatif.telling import NOTHING, Found, Seen, Told


class NothingHappened(RuntimeError):
    """By the end of what was asked for, nothing had happened."""


class ProcessDied(RuntimeError):
    """A process ended before it had told its part."""


@contextmanager
def workers(parts: int) -> Iterator[Sequence[Connection]]:
    """Processes that wait to be told their parts; none, where there is but one."""
    # Started afresh: whoever asks may have threads and connections, which a forked process must not share.
    context = get_context("spawn")
    pipes, processes = [], []
    try:
        for _ in range(parts if parts > 1 else 0):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
            process.join()


def side_by_side(
    parts: Sequence[Told], pipes: Sequence[Connection], *, progress: Callable[[int], None]
) -> tuple[datetime, int, list[Found]]:
    """The instant that figures are as of, the purchases that were told, and what each part came to."""
    if len(parts) == 1:
        return _alone(parts[0], progress)
    for pipe, part in zip(pipes, parts, strict=True):
        pipe.send(part)
    seen = _listen(pipes, progress)
    as_of = _as_of(seen, parts[0])
    for pipe in pipes:
        pipe.send(as_of)
    return as_of, sum(one.purchases for one in seen), [_received(pipe) for pipe in pipes]


def _alone(part: Told, progress: Callable[[int], None]) -> tuple[datetime, int, list[Found]]:
    telling, seen = part.tell(), NOTHING
    for step in telling:
        if isinstance(step, Seen):
            seen = step
            break
        assert isinstance(step, int), "it reads, and then it has seen"
        progress(step)
    as_of = _as_of([seen], part)
    found = telling.send(as_of)
    assert isinstance(found, Found), "it was sent the instant that it waited for"
    return as_of, seen.purchases, [found]


def _work(pipe: Connection) -> None:
    """Ctrl-C is for whoever asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet_gc()
    with suppress(EOFError):  # nobody asks any more
        _tell(pipe, pipe.recv())


def _tell(pipe: Connection, part: Told) -> None:
    telling = part.tell()
    try:
        for step in telling:
            pipe.send(step)
            if isinstance(step, Seen):
                pipe.send(telling.send(pipe.recv()))
                return
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
        pipe.send(error)


def _listen(pipes: Sequence[Connection], progress: Callable[[int], None]) -> list[Seen]:
    """Until all have told what they have seen."""
    read = dict.fromkeys(pipes, 0)
    seen: dict[Connection, Seen] = {}
    while len(seen) < len(pipes):
        for pipe in wait([one for one in pipes if one not in seen]):
            assert isinstance(pipe, Connection), "it is one of those that were waited for"
            step = _received(pipe)
            if isinstance(step, Seen):
                seen[pipe] = step
            else:
                read[pipe] = step
                progress(sum(read.values()))
    return [seen[pipe] for pipe in pipes]


def _received(pipe: Connection) -> Any:
    try:
        step = pipe.recv()
    except EOFError:
        raise ProcessDied("a process ended before it had told its part; is there memory enough?") from None
    if isinstance(step, Exception):
        raise step
    return step


def _as_of(seen: Sequence[Seen], part: Told) -> datetime:
    """What was asked for, or when the latest happened."""
    latest = reduce(max, (one.last for one in seen), NOTHING.last)
    until = part.question.until
    if latest == NOTHING.last:
        raise NothingHappened(
            "nothing is recorded" if until is None else f"nothing had happened by {until.isoformat()}"
        )
    return until or latest
