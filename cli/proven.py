"""Facts that were proven, as people read them: a line where they stand, and one for each thing that they say."""

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from infra.evidence.proofs import FactProven

_ALREADY_TOLD = frozenset({"originator_id", "originator_version", "recorded_at"})


def shown(fact: FactProven) -> Iterator[str]:
    """The lines of a fact. All that it says is there; `--json` has it byte for byte."""
    yield f"position {fact.position:,}  {fact.name}  recorded {fact.recorded_at.astimezone(UTC):%F %T} UTC"
    yield f"    stream {fact.stream_id}, version {fact.version:,}"
    try:
        state = json.loads(fact.state)
    except ValueError:
        state = fact.state
    if not isinstance(state, dict):
        yield f"    {_plain(state)}"
        return
    for name, value in state.items():
        if name not in _ALREADY_TOLD:
            yield f"    {_plain(name)}: {_plain(value)}"


def _plain(value: Any) -> str:
    """In one line; what a terminal would obey instead of printing it is left out."""
    if isinstance(value, dict):
        return ", ".join(f"{_plain(name)} {_inner(one)}" for name, one in value.items()) or "nothing"
    if isinstance(value, list):
        return "; ".join(map(_inner, value)) or "nothing"
    if isinstance(value, str):
        return "".join(letter if letter.isprintable() else " " for letter in value)
    return json.dumps(value)


def _inner(value: Any) -> str:
    return f"({_plain(value)})" if isinstance(value, dict | list) else _plain(value)
