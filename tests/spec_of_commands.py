"""Given a log, when a command, then facts, a refusal or a repeat: for decisions that look at several streams."""

from collections.abc import Sequence
from uuid import UUID

from domain.batch import Batch, StreamCache
from domain.command import Command, Repeat
from domain.fact import FACTS, Fact
from domain.stream import Stream
from infra.stored_facts import FactMapper
from tests.spec import NOON, Result, numbered


class GivenLog:
    """A log of several streams, each fact under its `originator_id`; a command may touch them all."""

    def __init__(self, facts: Sequence[Fact], programme: str) -> None:
        def load(missing: dict[UUID, type[Stream]]) -> list[Stream]:
            return [numbered([f for f in facts if f.originator_id == i], kind(i)) for i, kind in missing.items()]

        encode = FactMapper(FACTS).to_stored_event
        cache = StreamCache(most=0)
        self.batch = Batch(programme=programme, recorded_at=NOON, cache=cache, load=load, encode=encode)

    def when(self, command: Command) -> Result:
        self.batch.prefetch([command])

        def decide() -> Sequence[Fact] | Repeat:
            decided = self.batch.carry_out(command)
            return decided if isinstance(decided, Repeat) else self.batch.facts[slice(*decided)]

        return Result(decide)


def given_log(*facts: Fact, programme: str = "member_experience") -> GivenLog:
    return GivenLog(facts, programme)
