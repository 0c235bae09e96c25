"""What keeps a file from being read as a policy: unknown and missing keys, wrong types, numbers that cannot be meant."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.document import Key
from domain.lint.draft import Draft
from domain.lint.finding import Found, rule
from domain.programme import Policy

SHAPE = "no-policy"
RANGE_OF_TIER = frozenset(("from", "to"))
"""Keys by which plans tell tiers; rules of the linter look at them, no policy has them."""


class Wrong(NamedTuple):
    """Something that a policy cannot hold; `unsaid` if it is only missing, `null`, or told in a form of drafts."""

    place: str
    message: str
    unsaid: bool


@rule("error")
def no_policy(_: Draft) -> Iterator[Found]:
    """The file cannot be read as a policy: an unknown or missing key, a wrong type, a number that cannot be meant."""
    yield from ()  # told by what reads the policy


def shape_errors(data: Any) -> list[Wrong]:
    """Everything in the way of reading the data as a policy."""
    try:
        Policy.model_validate(data)
    except ValidationError as error:
        return list(dict.fromkeys(_wrong(problem, data) for problem in _nearest(error, data)))
    return []


def _nearest(error: ValidationError, data: Any) -> Iterator[ErrorDetails]:
    """The errors; where a value may be one thing or another, those of the thing that it comes nearest to."""
    branches: dict[tuple[Key, ...], dict[Key | None, list[ErrorDetails]]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        if problem["type"] == "too_short" and problem["input"]:
            continue  # what is in the list is wrong, and is told
        place, branch = _place(problem["loc"], data, missing=problem["type"] == "missing")
        around = place if branch is None else place[: branch[0]]
        branches.setdefault(around, {}).setdefault(branch and branch[1], []).append(problem)
    for by_branch in branches.values():
        yield from by_branch.pop(None, [])
        yield from min(by_branch.values(), key=_farness, default=[])


def _farness(problems: list[ErrorDetails]) -> tuple[bool, int]:
    """A mapping is farther from a word than from another mapping, however many its faults."""
    another = any(problem["type"] == "literal_error" and isinstance(problem["input"], dict) for problem in problems)
    return another, len(problems)


def _place(loc: tuple[Key, ...], data: Any, *, missing: bool) -> tuple[tuple[Key, ...], tuple[int, Key] | None]:
    """The place in the file, and the first branch of a union that stands in the location: how deep, and its name."""
    place: list[Key] = []
    branch, node = None, data
    for number, key in enumerate(loc):
        if (isinstance(node, dict) and key in node) or (isinstance(node, list) and isinstance(key, int)):
            place.append(key)
            node = node[key]  # type: ignore[index]
        elif missing and number == len(loc) - 1:
            place.append(key)
        else:
            branch = branch or (len(place), key)
    return tuple(place), branch


def _wrong(problem: ErrorDetails, data: Any) -> Wrong:
    place, _ = _place(problem["loc"], data, missing=problem["type"] == "missing")
    of_draft = problem["type"] == "extra_forbidden" and place[:2] == ("tiers", "levels") and place[-1] in RANGE_OF_TIER
    given = problem["input"]
    silent = given is None or (isinstance(given, dict) and None in given.values())
    unsaid = problem["type"] == "missing" or (silent and bool(place)) or of_draft
    return Wrong(".".join(map(str, place)), _reason(problem, place), unsaid)


def _reason(problem: ErrorDetails, place: tuple[Key, ...]) -> str:
    kind, given = problem["type"], problem["input"]
    if kind in _REASONS:
        return _REASONS[kind]
    if given is None and place:
        return "no value is given"
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), sorted(_known(place[:-1])))
    if kind.startswith("int") and not isinstance(given, str | dict | list | bool):
        return f"{given} is no whole number; points, amounts in minor units, days and months are"
    reason = problem["msg"].removeprefix("Value error, ")
    return reason[:1].lower() + reason[1:] + (f", not {given!r}" if isinstance(given, str | int) else "")


_REASONS = {
    "missing": "this is missing",
    "model_type": "keys and their values are expected here",
    "invalid_key": "a key is a word",
    "timezone_aware": "a time has its offset, as in 2023-01-01T00:00:00+08:00",
}


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, n=1)
    return f"unknown key; {f'did you mean {near[0]}?' if near else 'known here are ' + ', '.join(known)}"


def _known(place: tuple[Key, ...]) -> set[str]:
    """The keys that may stand at a place."""
    schemas = [_schema()]
    for key in place:
        within = (one.get("items") if isinstance(key, int) else one.get("properties", {}).get(key) for one in schemas)
        schemas = [inner for one in within if one for inner in _resolved(one)]
    return {key for one in schemas for key in one.get("properties", ())}


@cache
def _schema() -> dict[str, Any]:
    return Policy.model_json_schema()


def _resolved(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that a value may keep to, references followed."""
    if "$ref" in schema:
        yield from _resolved(_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _resolved(one)
    else:
        yield schema
