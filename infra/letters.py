"""Dead letters: what could not be accepted, kept encrypted with its reason until it is driven again."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection, Cursor

from infra.keys import KeyFile

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS dead_letters (
        letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        reason text NOT NULL,
        detail text NOT NULL,
        topic text NOT NULL,
        partition int NOT NULL,
        "offset" bigint NOT NULL,
        sealed bytea NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        redriven_at timestamptz
    )
    """,
)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message from Kafka that could not be accepted. `detail` never quotes the message."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Sealed(NamedTuple):
    """A letter as it is kept: readable are only where it came from and why it was refused."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    sealed: bytes


class Kept(NamedTuple):
    """A letter in the list."""

    letter_id: int
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    redriven_at: datetime | None


class Message(NamedTuple):
    """What had been sent, as it was sent."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def seal(letter: Letter, keys: KeyFile) -> Sealed:
    """Encrypt the message; place and reason stay readable."""
    clear = json.dumps(
        {
            "key": _encoded(letter.key),
            "value": _encoded(letter.value),
            "headers": [(name, _encoded(value)) for name, value in letter.headers],
        }
    ).encode()
    place = (letter.topic, letter.partition, letter.offset)
    return Sealed(letter.reason, letter.detail, *place, keys.seal(clear, context=_context(*place)))


def insert(cursor: Cursor, sealed: Sequence[Sealed]) -> None:
    """Keep letters, in the transaction of the batch that they came with."""
    if sealed:
        cursor.executemany(
            'INSERT INTO dead_letters (reason, detail, topic, partition, "offset", sealed) VALUES (%s, %s, %s, %s, %s, %s)',
            sealed,
        )


def kept(connection: Connection, *, open_only: bool = True, reason: str | None = None) -> Iterator[Kept]:
    """The letters in their order of arrival."""
    with connection.transaction(), connection.cursor("letters") as cursor:
        cursor.execute(
            'SELECT letter_id, reason, detail, topic, partition, "offset", recorded_at, redriven_at FROM dead_letters'
            " WHERE (redriven_at IS NULL OR NOT %s) AND reason = coalesce(%s, reason) ORDER BY letter_id",
            (open_only, reason),
        )
        yield from (Kept(*row) for row in cursor)


def message(connection: Connection, letter_id: int, keys: KeyFile) -> Message | None:
    """The message of a letter, decrypted; None where there is no such letter."""
    row = connection.execute(
        'SELECT topic, partition, "offset", sealed FROM dead_letters WHERE letter_id = %s', (letter_id,)
    ).fetchone()
    if row is None:
        return None
    clear = json.loads(keys.open(bytes(row[3]), context=_context(row[0], row[1], row[2])))
    headers = [(name, _decoded(value) or b"") for name, value in clear["headers"]]
    return Message(_decoded(clear["key"]), _decoded(clear["value"]), headers)


def mark_redriven(connection: Connection, letter_id: int) -> None:
    """Note that the message was sent again; should it be refused again, it comes back as a new letter."""
    connection.execute("UPDATE dead_letters SET redriven_at = now() WHERE letter_id = %s", (letter_id,))


def _context(topic: str, partition: int, offset: int) -> str:
    return f"{topic}/{partition}/{offset}"


def _encoded(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _decoded(value: str | None) -> bytes | None:
    return None if value is None else b64decode(value)
