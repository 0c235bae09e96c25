"""Parts of the log told side by side: by a process each, or by this one where there is but one part."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from multiprocessing.connection import Connection, wait

from infra.process import uncollected
from infra.workers import received, tell
from projections.whatif.telling import NOTHING, Found, Seen, Told


class NothingHappened(RuntimeError):
    """By the end of what was asked for, nothing had happened."""


def side_by_side(
    parts: Sequence[Told], pipes: Sequence[Connection], *, progress: Callable[[int], None]
) -> tuple[datetime, int, list[Found]]:
    """The instant that figures are as of, the purchases that were told, and what each part came to."""
    if len(parts) == 1:
        with uncollected():
            return _alone(parts[0], progress)
    for pipe, part in zip(pipes, parts, strict=True):
        tell(pipe, part)
    seen = _listen(pipes, progress)
    as_of = _as_of(seen, parts[0])
    for pipe in pipes:
        tell(pipe, as_of)
    return as_of, sum(one.purchases for one in seen), [received(pipe) for pipe in pipes]


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


def tell_part(pipe: Connection) -> None:
    """What a worker does: it waits to be told its part, tells what it saw, waits for the instant, and tells the rest."""
    part: Told = pipe.recv()
    with uncollected():
        telling = part.tell()
        for step in telling:
            pipe.send(step)
            if isinstance(step, Seen):
                pipe.send(telling.send(pipe.recv()))
                return


def _listen(pipes: Sequence[Connection], progress: Callable[[int], None]) -> list[Seen]:
    """Until all have told what they have seen."""
    read = dict.fromkeys(pipes, 0)
    seen: dict[Connection, Seen] = {}
    while len(seen) < len(pipes):
        for pipe in wait([one for one in pipes if one not in seen]):
            assert isinstance(pipe, Connection), "it is one of those that were waited for"
            step = received(pipe)
            if isinstance(step, Seen):
                seen[pipe] = step
            else:
                read[pipe] = step
                progress(sum(read.values()))
    return [seen[pipe] for pipe in pipes]


def _as_of(seen: Sequence[Seen], part: Told) -> datetime:
    """What was asked for, or when the latest happened."""
    latest = reduce(max, (one.last for one in seen), NOTHING.last)
    until = part.question.until
    if latest == NOTHING.last:
        raise NothingHappened(
            "nothing is recorded" if until is None else f"nothing had happened by {until.isoformat()}"
        )
    return until or latest
