"""The base of all streams: state folded from facts by plain methods, decided upon without being changed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self, TypeVar
from uuid import UUID

from domain.fact import Fact

Evolver = TypeVar("Evolver", bound=Callable[..., None])


class Draft(NamedTuple):
    """A fact that was decided and not yet numbered."""

    stream: "Stream"
    kind: type[Fact]
    what: dict[str, Any]


def evolves(*kinds: type[Fact]) -> Callable[[Evolver], Evolver]:
    """Mark the method of a stream that folds these kinds of facts. It may not refuse."""

    def mark(method: Evolver) -> Evolver:
        method.evolves = kinds  # type: ignore[attr-defined]
        return method

    return mark


class Stream:
    """State folded from the facts of one stream. A decision returns drafts and changes nothing."""

    evolvers: ClassVar[dict[type[Fact], Callable[[Any, Any], None]]] = {}
    cached: ClassVar[bool] = True
    """Whether it pays to keep the stream in memory after the batch that used it."""
    leads_on: ClassVar[bool] = False
    """Whether what it holds names other streams that a command will need."""

    def __init_subclass__(cls) -> None:
        own = {kind: method for method in vars(cls).values() for kind in getattr(method, "evolves", ())}
        cls.evolvers = {**cls.evolvers, **own}

    def __init__(self, stream_id: UUID) -> None:
        self.id = stream_id
        self.version = 0

    @property
    def exists(self) -> bool:
        return self.version > 0

    def is_open(self, at: datetime) -> bool:  # noqa: ARG002 - most streams are never closed
        """Whether all that matters at an instant is in memory."""
        return True

    def draft(self, kind: type[Fact], **what: Any) -> Draft:
        return Draft(self, kind, what)

    def evolve(self, fact: Fact) -> Self:
        """Fold one fact; facts come in the order of their versions, without holes."""
        version = fact.originator_version
        if version != self.version + 1:
            raise ValueError(f"stream {self.id} is at version {self.version}, was given {version}")
        self.evolvers[type(fact)](self, fact)
        self.version = version
        return self


class OtherStream(Stream):
    """Stands in where the id that a caller gave turns out to be that of another kind of stream."""

    cached = False

    def evolve(self, fact: Fact) -> Self:  # noqa: ARG002 - whatever it is, it is not what was asked for
        return self
