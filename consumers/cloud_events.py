"""CloudEvents from Kafka, in structured or binary mode, read as what tills tell, or refused by name."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from domain.messages.purchases import COMPLETED, PurchaseCompleted, PurchaseData
from domain.messages.reading import Message, read, refusal_of
from domain.messages.returns import PurchaseReturnedEvent, PurchaseVoidedEvent, ReturnData, VoidData
from domain.messages.tills import CLOSED, ClosingData, TillClosedEvent
from domain.refusals import (
    InvalidField,
    MalformedMessage,
    OversizedMessage,
    Refusal,
    UnknownType,
    UnsupportedVersion,
)

MAX_MESSAGE_BYTES = 192 * 1024
"""What leaves room for the envelope below the largest fact."""

Headers = Sequence[tuple[str, bytes | None]]


Event = PurchaseCompleted | PurchaseReturnedEvent | PurchaseVoidedEvent | TillClosedEvent

EVENTS: dict[str, tuple[type[Event], type[Message]]] = {
    COMPLETED: (PurchaseCompleted, PurchaseData),
    "pos.purchase.returned.v1": (PurchaseReturnedEvent, ReturnData),
    "pos.purchase.voided.v1": (PurchaseVoidedEvent, VoidData),
    CLOSED: (TillClosedEvent, ClosingData),
}
"""Each type that is supported, with its event and its data."""


def event_of(value: bytes | None, headers: Headers) -> Event:
    """The event in a record, or the refusal that it meets."""
    if not value:
        raise MalformedMessage(problem="the record is empty")
    if len(value) > MAX_MESSAGE_BYTES:
        raise OversizedMessage(size=len(value), limit=MAX_MESSAGE_BYTES)
    attributes = {name[3:]: _text(text) for name, text in headers if name.startswith("ce_")}
    if attributes:
        return _binary(value, attributes)
    try:
        return read(PurchaseCompleted, value, strictly=False)  # nearly all are, and are read but once
    except Refusal as refusal:
        kind = _kind(_attributes(value))
        if kind == COMPLETED:
            raise refusal from None
        return read(EVENTS[kind][0], value, strictly=False)


def _binary(value: bytes, attributes: Mapping[str, str]) -> Event:
    event, data = EVENTS[_kind(attributes)]
    try:
        return event.model_validate({**attributes, "data": read(data, value, strictly=False)})
    except ValidationError as error:
        raise refusal_of(error) from None


def _kind(attributes: Mapping[str, Any]) -> str:
    """The type, where it is one of those that are supported."""
    version, kind = attributes.get("specversion"), attributes.get("type")
    if not isinstance(version, str) or not isinstance(kind, str):
        raise InvalidField(field="specversion" if not isinstance(version, str) else "type", problem="must be a string")
    if version != "1.0":
        raise UnsupportedVersion(message_type=f"CloudEvents {version[:20]}")
    if kind in EVENTS:
        return kind
    known = {name.rsplit(".", 1)[0] for name in EVENTS}
    name, _, number = kind.rpartition(".")
    if name in known and re.fullmatch(r"v\d{1,9}", number):
        raise UnsupportedVersion(message_type=kind)
    raise UnknownType(message_type=_printable(kind))


def _printable(kind: str) -> str:
    """A type nobody knows may hold anything, lone surrogates too."""
    return kind[:100].encode("ascii", "backslashreplace").decode()


def _attributes(value: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(value)
    except (ValueError, RecursionError):
        raise MalformedMessage(problem="not valid JSON") from None
    if not isinstance(event, dict):
        raise MalformedMessage(problem="not a JSON object")
    return event


def _text(value: bytes | None) -> str:
    if value is None:
        raise MalformedMessage(problem="a header has no value")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise MalformedMessage(problem="a header is not UTF-8") from None
