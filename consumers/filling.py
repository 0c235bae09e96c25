"""New generations filled from the facts topic, by this process and as many others as pay, each reading its partitions.

A projector's partitions are others' as soon as a second one starts, so no projection relies on an order among them: a
member's facts are all in one, and so is whatever else rows are told apart by. Offsets move with rows, partition by
partition; whoever ends early has left a generation that is whole up to its offsets, and that nobody is answered from.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from kafka import TopicPartition

from consumers.replay import Offsets, Replay, places
from infra.database import connect
from infra.settings import Settings
from infra.workers import received, tell, workers
from projections.projection import Projection

HEAD_START = 40_000
"""Records that this process folds while another one starts up: about a second's. What is less, it folds alone."""

Progress = Callable[[int, int], None]
"""Told (records folded, records in all)."""
Targets = Mapping[TopicPartition, int]
"""The offsets up to which partitions are read, all from their beginning."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process reads, and what it fills."""

    settings: Settings
    made: Sequence[Projection]
    targets: Targets

    def fill(self, progress: Progress) -> None:
        """Should the machine stop meanwhile, the next rebuild begins anew; so nothing waits for the disk."""
        with (
            connect(self.settings.read_url) as writing,
            closing(Replay(self.settings, writing, self.made, list(self.targets))) as replay,
        ):
            writing.execute("SET synchronous_commit = off")
            replay.upto({place.partition: target for place, target in self.targets.items()}, progress)


def fill(settings: Settings, made: Sequence[Projection], targets: Offsets, progress: Progress) -> None:
    """Bring empty generations to these offsets. If one process fails, the others end, and what it failed with is raised."""
    wanted = dict(zip(places(targets), targets.values(), strict=True))
    total = sum(wanted.values())
    ours, *theirs = (Share(settings, made, part) for part in parted(wanted, processes=os.cpu_count() or 1))
    with workers(_fill_share, len(theirs)) as pipes:
        helpers = Helpers(pipes, theirs)
        ours.fill(lambda done, _: progress(done + helpers.look(), total))
        while helpers.are_at_work:
            progress(sum(ours.targets.values()) + helpers.look(seconds=None), total)


def parted(targets: Targets, *, processes: int) -> list[Targets]:
    """Parts that are done at about the same time, the first being of who has not to be started; none of them empty."""
    parts: list[dict[TopicPartition, int]] = [{} for _ in range(processes)]
    sizes = [0] + [HEAD_START] * (processes - 1)
    for place, size in sorted(targets.items(), key=lambda one: -one[1]):
        least = sizes.index(min(sizes)) if size else 0
        parts[least][place] = size
        sizes[least] += size
    return [part for part in parts if part]


class Helpers:
    """Other processes at work on shares."""

    def __init__(self, pipes: Sequence[Connection], shares: Sequence[Share]) -> None:
        self._folded = dict.fromkeys(pipes, 0)
        self._at_work = set(pipes)
        for pipe, share in zip(pipes, shares, strict=True):
            tell(pipe, share)

    @property
    def are_at_work(self) -> bool:
        """Whether any of them is."""
        return bool(self._at_work)

    def look(self, *, seconds: float | None = 0) -> int:
        """How many records they have folded; waits for news of them, without end where no time is named."""
        for pipe in wait(list(self._at_work), seconds):
            assert isinstance(pipe, Connection), "it is one of those that were waited for"
            folded = received(pipe)
            if folded is None:
                self._at_work.remove(pipe)
            else:
                self._folded[pipe] = folded
        return sum(self._folded.values())


def _fill_share(pipe: Connection) -> None:
    """What a helper does: it is told its share, and tells how far it is, and at last that it is done."""
    share: Share = pipe.recv()
    share.fill(lambda folded, _: pipe.send(folded))
    pipe.send(None)
