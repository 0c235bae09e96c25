"""Given facts, when a decision, then facts or a refusal: the envelope is left out, so that tests speak of meaning."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from domain.fact import Fact
from domain.refusals import Refusal
from domain.stream import Draft, Stream

S = TypeVar("S", bound=Stream)
NOON = datetime(2023, 5, 2, 4, tzinfo=UTC)
STREAM = UUID(int=1)
ENVELOPE: dict[str, Any] = {
    "originator_id": STREAM, "originator_version": 0, "recorded_at": NOON, "occurred_at": NOON, "actor": "/stores/1",
    "source": "/stores/1", "external_id": "R-1", "correlation_id": UUID(int=2), "programme_version": 1,
}  # fmt: skip


def fact(kind: type[Fact], **what: Any) -> Fact:
    """A fact with everything filled in that the test does not care about."""
    return kind(**{**ENVELOPE, **what})


def meaning(one: Fact) -> tuple[str, dict[str, Any]]:
    return one.stored_name, one.model_dump(exclude=set(ENVELOPE), exclude_none=True)


def numbered(facts: Iterable[Fact], stream: Stream) -> Stream:
    for one in facts:
        stream.evolve(one.model_copy(update={"originator_version": stream.version + 1}))
    return stream


class Result:
    """What came of it."""

    def __init__(self, decide: Callable[[], Iterable[Fact]]) -> None:
        self.facts: list[Any] = []
        self.refusal: Refusal | None = None
        try:
            self.facts = list(decide())
        except Refusal as refusal:
            self.refusal = refusal

    def then(self, *expected: Fact) -> None:
        assert self.refusal is None
        assert [meaning(one) for one in self.facts] == [meaning(one) for one in expected]

    def then_refused(self, refusal: Refusal) -> None:
        assert self.refusal == refusal


class Given(Generic[S]):
    """One stream and what happened to it."""

    def __init__(self, stream: S, facts: Sequence[Fact]) -> None:
        self.stream = stream
        numbered(facts, stream)

    def when(self, decision: Callable[[S], list[Draft]]) -> Result:
        return Result(lambda: [fact(draft.kind, **draft.what) for draft in decision(self.stream)])


def given(kind: type[S], *facts: Fact) -> Given[S]:
    return Given(kind(STREAM), facts)
