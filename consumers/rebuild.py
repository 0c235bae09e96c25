"""Filling the next generation of projections beside the live ones, comparing, switching, and going back."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

import psycopg
from psycopg import Connection
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from consumers.filling import fill
from consumers.projector import facts_topic
from consumers.replay import Offsets, Replay
from infra.database import connect
from infra.settings import Settings
from projections import generations, offsets, parking, schema, shapes
from projections.comparison import Comparison, compare
from projections.offsets import Fenced, Standing
from projections.projection import Projection
from projections.proofs.slices import NothingProjected, looking

HANDOVER_SECONDS = 5
"""A projector that runs looks twice a second for generations that it is to move; after this time there is none."""
LOOK_AGAIN_SECONDS = 0.02

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""

# Projectors lock the same rows in an order of their own. Whoever of us is told of a deadlock begins again.
_again = retry(
    retry=retry_if_exception_type(psycopg.errors.DeadlockDetected), stop=stop_after_attempt(10), reraise=True
)


class Rebuilt(NamedTuple):
    """What came of one projection."""

    comparison: Comparison
    switched: bool
    is_fed: bool
    """Whether a projector moves the new generation."""
    dropped: Sequence[Projection]
    """Generations that were kept until now."""


@contextmanager
def rebuilding(settings: Settings, names: Sequence[str], progress: Progress) -> Iterator["Rebuild"]:
    """Nobody else rebuilds these projections meanwhile."""
    with connect(settings.read_url) as connection:
        schema.ensure(connection)
        chosen = [live.name for live in schema.live(connection, names)]
        with generations.alone(connection, chosen):
            yield Rebuild(settings, connection, chosen, progress)


def compare_with_replay(settings: Settings, names: Sequence[str], progress: Progress) -> list[Rebuilt]:
    """Whether read models are what a replay of all facts gives; of all of them, where none is named. Nothing changes."""
    with rebuilding(settings, names, progress) as work:
        return list(work.fill(switch=False))


class Rebuild:
    """At work on some projections."""

    def __init__(self, settings: Settings, connection: Connection, names: Sequence[str], progress: Progress) -> None:
        self._settings = settings
        self._connection = connection
        self._names = names
        self._progress = progress
        self._patience = HANDOVER_SECONDS

    def fill(self, *, switch: bool = True, accept: bool = False) -> Iterator[Rebuilt]:
        """Replay the topic once for all of them, then compare and switch one after the other.

        With `accept`, also one that differs is switched to. What is not to be switched to is dropped; what may not be,
        is kept until the next time, for whoever wants to look into it.
        """
        lives = self._live()
        topic_id, partitions = facts_topic(self._settings)
        offsets.begin(self._connection, lives, topic_id=topic_id, partitions=partitions)
        made = [generations.begin_next(self._connection, live) for live in lives]
        offsets.begin(self._connection, made, topic_id=topic_id, partitions=partitions)
        self._fill(made, _least(offsets.standing(self._connection, live) for live in lives))
        for live, new in zip(lives, made, strict=True):
            comparison = self._compare(live, new)
            if switch and (comparison.equal or accept):
                is_fed = self._hand_over(live, new)
                self._switch(live, new)
                older = generations.before(self._connection, new)[1:]
                generations.drop(self._connection, older)
                yield Rebuilt(comparison, switched=True, is_fed=is_fed, dropped=older)
            else:
                if not switch:
                    generations.drop(self._connection, [new])
                yield Rebuilt(comparison, switched=False, is_fed=False, dropped=[])

    def back(self) -> list[tuple[Projection, Projection]]:
        """Let the generations answer again that were live before; which were it until now, and which are it."""
        lives = self._live()
        befores = [generations.the_one_before(self._connection, live) for live in lives]
        for live, before in zip(lives, befores, strict=True):
            self._switch(live, before)
        return list(zip(lives, befores, strict=True))

    def drop(self) -> list[Projection]:
        """Forget all generations but the live ones."""
        dropped = [one for live in self._live() for one in generations.all_but(self._connection, live)]
        generations.drop(self._connection, dropped)
        return dropped

    def _live(self) -> list[Projection]:
        found = schema.live(self._connection, self._names)
        for live in found:
            if not offsets.standing(self._connection, live):
                raise NothingProjected(f"no projector has moved {live.name} yet: there is nothing to rebuild")
        return found

    def _fill(self, made: Sequence[Projection], targets: Offsets) -> None:
        fill(self._settings, made, targets, lambda done, total: self._progress("reading the facts", done, total))
        for number, new in enumerate(made):
            parking.refuse_many(self._connection, new)  # each process has counted those that it saw
            self._progress("making indexes", number, len(made))
            shapes.make_indexes(self._connection, new)

    def _compare(self, live: Projection, new: Projection) -> Comparison:
        with closing(Replay(self._settings, self._connection, [new])) as replay:
            replay.upto(_next(offsets.standing(self._connection, live)))
            with looking(self._settings.read_url or "") as look:
                position = self._bring_level(live, replay, look)
                return compare(
                    look, live, new, position=position, progress=lambda n, all_: self._progress("comparing", n, all_)
                )

    @_again
    def _bring_level(self, live: Projection, replay: Replay, look: Connection) -> int:
        """The live one is held while the new one comes to the same offsets; there, the look at both begins."""
        with connect(self._settings.read_url) as holding, holding.transaction():
            standing = offsets.hold(holding, live)[live.schema]
            replay.upto(_next(standing))
            look.execute("SELECT")
        return min(cursor.last_position for cursor in standing.values())

    def _hand_over(self, live: Projection, new: Projection) -> bool:
        """Move it on until a projector does. Whoever of the two is fenced then leaves it alone, or reads again."""
        generations.offer(self._connection, new)
        deadline = time.monotonic() + self._patience
        with closing(Replay(self._settings, self._connection, [new])) as replay:
            while not generations.is_taken(self._connection, new):
                if time.monotonic() > deadline:
                    self._patience = 0
                    return False
                with suppress(Fenced):
                    replay.upto(_next(offsets.standing(self._connection, live)))
                time.sleep(LOOK_AGAIN_SECONDS)
        return True

    def _switch(self, live: Projection, new: Projection) -> None:
        """Nobody is answered from before what they were answered already: the one is level with the other by then."""
        deadline = time.monotonic() + self._patience
        while not generations.is_level(self._connection, live, new) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_SECONDS)
        if not generations.is_level(self._connection, live, new):
            with suppress(Fenced), closing(Replay(self._settings, self._connection, [new])) as replay:
                replay.upto(_next(offsets.standing(self._connection, live)))
        self._switch_level(live, new)

    @_again
    def _switch_level(self, live: Projection, new: Projection) -> None:
        with connect(self._settings.read_url) as switching, switching.transaction():
            offsets.hold(switching, live, new)
            if not generations.is_level(switching, live, new):
                with closing(Replay(self._settings, switching, [new])) as replay:
                    replay.upto(_next(offsets.standing(switching, live)))
            generations.switch(switching, new)


def _next(standing: Standing) -> Offsets:
    return {partition: cursor.next_offset for partition, cursor in standing.items()}


def _least(standing: Iterable[Standing]) -> Offsets:
    """What all of them have folded."""
    found: dict[int, int] = {}
    for one in standing:
        for partition, offset in _next(one).items():
            found[partition] = min(offset, found.get(partition, offset))
    return found
