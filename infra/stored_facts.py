"""Facts as they are stored: their names, their bytes, and the rows that are copied into the log."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.persistence import Mapper, Notification, StoredEvent
from pydantic import BaseModel, ValidationError

COPY = "COPY facts (position, originator_id, originator_version, name, state, subject, recorded_at) FROM STDIN (FORMAT BINARY)"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_ROW_START = struct.Struct("!hiqi16siqi")  # 7 columns: position, originator id, version, and the length of the name
_ROW_END = struct.Struct("!i16siq")  # subject, recorded_at
_LENGTH = struct.Struct("!i")
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class UnknownFactName(LookupError):
    """The log holds a fact that this program does not know: it was written by a newer one."""


@dataclass(frozen=True)
class StoredFact(StoredEvent):
    """A fact as stored, with the two columns that the log holds besides."""

    subject: UUID
    recorded_at: datetime


class FactMapper(Mapper[UUID]):
    """Between facts and their stored form: compact JSON under an explicit name, never a module path."""

    def __init__(self, facts: Mapping[str, type[BaseModel]]) -> None:
        self.facts = facts

    def to_stored_event(self, domain_event: Any) -> StoredFact:
        """The bytes that are kept, and told to Kafka, for ever."""
        return StoredFact(
            domain_event.originator_id,
            domain_event.originator_version,
            domain_event.stored_name,
            _encoded(domain_event),
            domain_event.subject,
            domain_event.recorded_at,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The fact as it was recorded; unknown names and unreadable bytes are errors that say where."""
        kind = self.facts.get(stored_event.topic)
        where = f"{stored_event.topic} at {stored_event.originator_id}:{stored_event.originator_version}"
        if isinstance(stored_event, Notification):
            where += f", position {stored_event.id}"
        if kind is None:
            raise UnknownFactName(where)
        try:
            return kind.__pydantic_validator__.validate_json(stored_event.state)
        except ValidationError as error:
            raise ValueError(f"unreadable fact: {where}") from error


def _encoded(fact: Any) -> bytes:
    """Compact JSON without what is not told. Rates and documents are written by their schema, plain values more quickly."""
    told = {name: value for name, value in fact.__dict__.items() if value is not None}
    try:
        return orjson.dumps(told, option=orjson.OPT_UTC_Z)
    except TypeError:
        return cast("bytes", fact.__pydantic_serializer__.to_json(fact, exclude_none=True))


def copy_rows(stored_events: Sequence[Any], first: int) -> bytes:
    """Rows in PostgreSQL's binary COPY format, numbered from `first`."""
    rows = [_COPY_HEADER]
    for position, event in enumerate(stored_events, first):
        name, state = event.topic.encode(), event.state
        rows += (
            _ROW_START.pack(7, 8, position, 16, event.originator_id.bytes, 8, event.originator_version, len(name)),
            name,
            _LENGTH.pack(len(state)),
            state,
            _ROW_END.pack(16, event.subject.bytes, 8, _since_epoch(event.recorded_at)),
        )
    rows.append(_COPY_TRAILER)
    return b"".join(rows)


@lru_cache(maxsize=64)
def _since_epoch(at: datetime) -> int:
    """An instant as PostgreSQL counts it, in microseconds; all facts of a batch were recorded at one."""
    age = at - _POSTGRES_EPOCH
    return (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds
