"""What a fact came with, what it refers to, and what refers to it: by the ids that facts name."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

IDS = frozenset({
    "purchase_id", "hold_id", "redemption_id", "lot_id", "from_lot", "grant_id", "transfer_id", "return_id", "corrects",
    "quote_id",
})  # fmt: skip
"""Fields that name a thing which one fact brings about and others change."""
MEMBERS = frozenset({"to_member_id", "from_member_id", "survivor_id", "absorbed_id", "referrer_id"})
"""Fields that name another member, whose facts belong to the same matter."""


class Placed(Protocol):
    """What we use of a fact."""

    position: int
    stream_id: UUID
    body: dict[str, Any]


F = TypeVar("F", bound=Placed)


def ids_of(fact: Placed) -> set[str]:
    """The things that it names; its stream, too, as that of a purchase goes by the purchase's id."""
    return {str(fact.stream_id), *_named(fact.body, IDS)}


def members_of(fact: Placed) -> list[UUID]:
    """The other members that it names."""
    return [UUID(one) for one in _named(fact.body, MEMBERS)]


def related(fact: F, others: Sequence[F]) -> tuple[list[F], list[F], list[F]]:
    """Of others, by position: those of the same message; earlier ones of the messages in which the things that it names came
    up first; and later ones that name a thing which it names, too, and which came up first in its message.
    """
    message = _message(fact)
    ours = {*_named(fact.body, IDS), *({str(fact.stream_id)} & _things(others))}
    first: dict[str, str] = {}
    for one in sorted([fact, *others], key=lambda one: one.position):
        for named in ids_of(one):
            first.setdefault(named, _message(one))
    apart = [(one, ours & ids_of(one)) for one in others if _message(one) != message]
    return (
        [one for one in others if _message(one) == message],
        [
            one
            for one, both in apart
            if one.position < fact.position and any(first[id_] == _message(one) for id_ in both)
        ],
        [one for one, both in apart if one.position > fact.position and any(first[id_] == message for id_ in both)],
    )


def _message(fact: Placed) -> str:
    cause: str = fact.body["correlation_id"]
    return cause


def _things(facts: Sequence[Placed]) -> set[str]:
    return {named for one in facts for named in _named(one.body, IDS)}


def _named(value: Any, fields: frozenset[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for field, inner in value.items():
            if field in fields and isinstance(inner, str):
                yield inner
            else:
                yield from _named(inner, fields)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, fields)
