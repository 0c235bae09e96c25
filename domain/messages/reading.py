"""How a message is read, and which refusal it meets when it cannot be."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.basket import Word
from domain.refusals import InvalidField, MalformedMessage, NegativeQuantity, Refusal, TimeWithoutZone

M = TypeVar("M", bound="Message")


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _as_text(value: object) -> object:
    """A bare number would be taken for seconds since 1970, so a time begins with its date."""
    if (isinstance(value, str) and _DATE.match(value)) or isinstance(value, datetime):
        return value
    raise ValueError("a time is text, as in RFC 3339")


def date_as_text(value: object) -> object:
    """A bare number would be taken for seconds since 1970."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return value
    raise ValueError("a date is text, as in 1990-05-31")


def _in_utc(at: datetime) -> datetime:
    """Local days, anniversaries and expiries of the time must all lie within what a calendar can hold."""
    if not 1900 <= at.year <= 9000:
        raise ValueError("the year lies outside 1900 to 9000")
    return at.astimezone(UTC)


UtcTime = Annotated[
    AwareDatetime,
    BeforeValidator(_as_text),
    AfterValidator(_in_utc),
    Field(description="An instant: RFC 3339 with `Z` or an offset from UTC."),
]
"""An instant; kept in UTC."""
BusinessTime = Annotated[
    UtcTime, Field(description="When it happened, whenever it arrives: RFC 3339 with `Z` or an offset from UTC.")
]
Why = Annotated[
    Word, Field(description="Why, in a few words; kept in clear for ever, so it must tell nothing personal.")
]
WhyIfTold = Annotated[
    Word | None,
    Field(
        description="Why, in a few words; kept in clear for ever, so it must tell nothing personal. May be left out."
    ),
]


class Message(BaseModel):
    """Something sent to us. HTTP bodies may hold known fields only; readers of Kafka ignore the others."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def read(kind: type[M], raw: bytes | str, *, strictly: bool) -> M:
    """Read a message from JSON, or raise the refusal that says what is wrong with it."""
    try:
        return kind.model_validate_json(raw, extra="forbid" if strictly else None)
    except ValidationError as error:
        raise refusal_of(error) from None


def refusal_of(error: ValidationError) -> Refusal:
    """Name what is wrong without quoting the message: it may hold personal data."""
    problems = error.errors(include_url=False, include_context=False)
    refusals = [_refusal(problem) for problem in problems]
    return min(refusals, key=lambda refusal: _PRECEDENCE.index(type(refusal)))


NO_QUANTITY = 'send a whole number of pieces, or a decimal string with at most six decimals, such as "0.750"'
_PRECEDENCE: list[type[Refusal]] = [MalformedMessage, TimeWithoutZone, NegativeQuantity, InvalidField]


def _refusal(problem: Any) -> Refusal:
    field, kind = _path(problem["loc"]), problem["type"]
    if kind == "json_invalid":
        return MalformedMessage(problem=_where(problem["msg"]))
    if kind in {"timezone_aware", "timezone_naive"}:
        return TimeWithoutZone(field=field)
    if "quantity" in problem["loc"] and re.match(r"-\d", str(problem["input"])):
        return NegativeQuantity(field=field)
    if "quantity" in problem["loc"][:-1]:  # what follows is the branch that it does not fit, and it fits none
        return InvalidField(field=field, problem=NO_QUANTITY)
    return InvalidField(field=field, problem=problem["msg"].removeprefix("Value error, "))


def _where(message: str) -> str:
    """What the parser says, and the line and column that it says it of; it quotes nothing."""
    return message.replace("Invalid JSON", "not valid JSON", 1)


def _path(location: Iterable[int | str]) -> str:
    """`data.lines.3.quantity`, without the names that pydantic gives to the branches of a union."""
    return ".".join(str(part) for part in location if not re.search(r"[\[(-]", str(part)))


def fingerprint(*parts: bytes) -> str:
    """SHA-256 of the canonical form of a message: its fields in the order of the schema, defaults left out."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def canonical(message: BaseModel, *, without: frozenset[str] = frozenset()) -> bytes:
    """The canonical form of a parsed message. Plain values are written more quickly than by their schema, to the same bytes."""
    defaults = _defaults(type(message))
    fields = message.__dict__.items()
    told = {name: value for name, value in fields if name not in without and value != defaults.get(name, ...)}
    try:
        return orjson.dumps(told, option=orjson.OPT_UTC_Z)
    except TypeError:  # rates, and messages within messages
        return message.__pydantic_serializer__.to_json(message, exclude_defaults=True, exclude=set(without))


@cache
def _defaults(kind: type[BaseModel]) -> dict[str, Any]:
    return {
        name: field.get_default(call_default_factory=False)
        for name, field in kind.model_fields.items()
        if not field.is_required()
    }


def canonical_time(at: datetime) -> bytes:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat().encode()
