"""Differences that a self-test finds, told so that they can be read: the places of a field that differ, and what stands there."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from itertools import islice
from typing import Any

from projections.whatif.history import Difference

MOST_PLACES = 3
"""Places of a field that are told one by one."""
LONGEST = 240
"""Characters of a value that are told."""

ABSENT = object()
"""What stands where one side has nothing: a lot, say, that only the other side came to."""


def told(one: Difference) -> dict[str, Any]:
    """The first places that differ, by name, and how many more there are."""
    found = [*places(one.recorded, one.replayed, one.field)]
    return {
        "member_id": str(one.member_id),
        "field": one.field,
        "places": [
            {"place": place, "recorded": in_words(recorded), "replayed": in_words(replayed)}
            for place, recorded, replayed in islice(found, MOST_PLACES)
        ],
        "more": max(0, len(found) - MOST_PLACES),
    }


def places(recorded: Any, replayed: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Down to what differs: entries by key, lists by number, and the fields of what has some."""
    if recorded == replayed:
        return
    ours, theirs = _parts(recorded), _parts(replayed)
    if ours is None or theirs is None or type(recorded) is not type(replayed):
        yield name, recorded, replayed
        return
    for key in (*ours, *(one for one in theirs if one not in ours)):
        yield from places(ours.get(key, ABSENT), theirs.get(key, ABSENT), f"{name}.{key}")


def in_words(value: Any) -> str | None:
    """A value in a line; null where there is none. Of a lot what is not as it is by default: id, points, dates."""
    if value is None or value is ABSENT:
        return None
    parts = _parts(value)
    if parts is None:
        return _short(value.isoformat() if isinstance(value, date) else str(value))
    return _short(", ".join(f"{key} {in_words(part)}" for key, part in parts.items() if part != _default(value, key)))


def _parts(value: Any) -> dict[str, Any] | None:
    """What a value is made of, by name; None where it is one piece."""
    if isinstance(value, Mapping):
        return {_name(key): part for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if isinstance(value, AbstractSet):
        return {_name(part): "there" for part in sorted(value, key=str)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {str(number): part for number, part in enumerate(value, 1)}
    return None


def _default(value: Any, name: str) -> Any:
    """What stands in a field unless something else is said."""
    if not is_dataclass(value):
        return ABSENT
    return next((field.default for field in fields(value) if field.name == name), MISSING)


def _name(key: Any) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
