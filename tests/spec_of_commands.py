"""Given a log, when a command, then facts, a refusal or a repeat: for decisions that look at several streams."""

from collections.abc import Sequence
from uuid import UUID

from domain.batch import Batch, StreamCache
from domain.command import Command, Repeat
from domain.fact import FACTS, Fact
from domain.messages.codes import new_code
from domain.stream import Stream
from infra.stored_facts import FactMapper
from tests.spec import NOON, Result, numbered


class GivenLog:
    """A log of several streams, each fact under its `originator_id`; a command may touch them all."""

    def __init__(self, facts: Sequence[Fact], programme: str) -> None:
        def load(missing: dict[UUID, type[Stream]]) -> list[Stream]:
            return [numbered([f for f in facts if f.originator_id == i], kind(i)) for i, kind in missing.items()]

        encode = FactMapper(FACTS).to_stored_event
        cache = StreamCache(most_facts=0)
        self.batch = Batch(
            programme=programme, recorded_at=NOON, cache=cache, load=load, encode=encode, new_code=new_code
        )

    def when(self, command: Command) -> "CommandResult":
        self.batch.prefetch([command])
        return CommandResult(self.batch, command)


class CommandResult(Result):
    """What came of a command, which may have been carried out before."""

    def __init__(self, batch: Batch, command: Command) -> None:
        self.repeat: Repeat | None = None

        def decide() -> Sequence[Fact]:
            decided = batch.carry_out(command)
            if not isinstance(decided, Repeat):
                return batch.facts[slice(*decided)]
            self.repeat = decided
            return ()

        super().__init__(decide)

    def then(self, *expected: Fact) -> None:
        assert self.repeat is None
        super().then(*expected)

    def then_repeats(self, stream_id: UUID, version: int = 1) -> None:
        assert self.repeat == Repeat(stream_id, version)


def given_log(*facts: Fact, programme: str = "member_experience") -> GivenLog:
    return GivenLog(facts, programme)
