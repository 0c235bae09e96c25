"""Personal data: sealed field by field under a key of the member, which can be destroyed."""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Cursor

from infra.database import connect
from infra.keys import KeyFile, decrypt, encrypt

TABLES = (
    # Beside the log, which keeps everything: a key must be able to go, and what it leaves in its page, too, within a
    # minute. Two first changes at once may leave a member two keys.
    """
    CREATE TABLE IF NOT EXISTS member_keys (
        member_id uuid NOT NULL,
        key_id uuid NOT NULL,
        wrapped bytea,
        destroyed_at timestamptz,
        PRIMARY KEY (member_id, key_id),
        CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
    ) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)
    """,
)


class KeysUnavailable(Exception):
    """The database that holds the members' keys did not answer. Repeat the request."""


class KeyLost(LookupError):
    """A fact names a key that the database has never held, or lost: restore the table `member_keys`."""


class WrappedKey(NamedTuple):
    """A member's key as the database keeps it: encrypted under the key file."""

    member_id: UUID
    key_id: UUID
    wrapped: bytes


class Sealed(NamedTuple):
    """Personal fields as they are recorded: base64 texts, and marks, which are equal for equal values under one key."""

    key_id: UUID
    texts: dict[str, str]
    marks: dict[str, str]
    new_key: WrappedKey | None
    """The key, where it was made for this and is to be kept with it."""


class SealedText(NamedTuple):
    """One personal field of a member as it was recorded."""

    member_id: UUID
    field: str
    key_id: UUID
    text: str


class Opened(NamedTuple):
    """Personal fields in clear; none, once the keys were destroyed."""

    fields: dict[str, str]
    erased_at: datetime | None


class PersonalData:
    """Seals and opens personal data. No key stays in memory, so that one that was destroyed is gone at once."""

    def __init__(self, url: str | None, keys: KeyFile) -> None:
        self._url = url
        self._keys = keys

    def digest(self, content: bytes) -> bytes:
        """Tells the same content again, without telling the content."""
        return self._keys.digest(content)

    def seal_first(self, member_id: UUID, fields: Mapping[str, str]) -> Sealed:
        """Seal fields under a key that is made for it."""
        key_id, key = uuid4(), os.urandom(32)
        wrapped = self._keys.wrap(key, context=_context(member_id, key_id))
        return _sealed(member_id, key_id, key, fields, new_key=WrappedKey(member_id, key_id, wrapped))

    def seal(self, member_id: UUID, fields: Mapping[str, str]) -> Sealed:
        """Seal fields under the member's key, or a new one where there is none. Asks the database."""
        for key_id, wrapped, _ in self._rows(member_id):
            if wrapped is not None:
                return _sealed(member_id, key_id, self._unwrapped(member_id, key_id, wrapped), fields, new_key=None)
        return self.seal_first(member_id, fields)

    def open(self, member_id: UUID, sealed: Mapping[str, tuple[UUID, str]]) -> Opened:
        """Decrypt fields, each given with the id of its key. Asks the database."""
        rows = {key_id: (wrapped, destroyed_at) for key_id, wrapped, destroyed_at in self._rows(member_id)}
        fields = {}
        for field, (key_id, text) in sealed.items():
            if key_id not in rows:
                raise KeyLost(f"key {key_id} of member {member_id}")
            wrapped, destroyed_at = rows[key_id]
            if wrapped is None:
                return Opened({}, destroyed_at)
            key = AESGCM(self._unwrapped(member_id, key_id, wrapped))
            fields[field] = decrypt(key, b64decode(text), context=_context(member_id, field)).decode()
        return Opened(fields, None)

    def open_each(self, sealed: Sequence[SealedText | None]) -> list[str | None]:
        """Decrypt fields of many members at once; None for one whose key is gone. Asks the database once."""
        keys = self._wrapped({one.member_id for one in sealed if one is not None})
        return [None if one is None else self._opened(one, keys.get((one.member_id, one.key_id))) for one in sealed]

    def _opened(self, one: SealedText, wrapped: bytes | None) -> str | None:
        if wrapped is None:
            return None
        key = AESGCM(self._unwrapped(one.member_id, one.key_id, wrapped))
        return decrypt(key, b64decode(one.text), context=_context(one.member_id, one.field)).decode()

    def _wrapped(self, member_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], bytes]:
        try:
            with connect(self._url) as database:
                rows = database.execute(
                    "SELECT member_id, key_id, wrapped FROM member_keys"
                    " WHERE member_id = ANY(%s) AND wrapped IS NOT NULL",
                    (list(member_ids),),
                ).fetchall()
        except psycopg.OperationalError as error:
            raise KeysUnavailable from error
        return {(member_id, key_id): wrapped for member_id, key_id, wrapped in rows}

    def _unwrapped(self, member_id: UUID, key_id: UUID, wrapped: bytes) -> bytes:
        return self._keys.unwrap(wrapped, context=_context(member_id, key_id))

    def _rows(self, member_id: UUID) -> list[tuple[UUID, bytes | None, datetime | None]]:
        try:
            with connect(self._url) as database:
                return database.execute(
                    "SELECT key_id, wrapped, destroyed_at FROM member_keys WHERE member_id = %s ORDER BY key_id",
                    (member_id,),
                ).fetchall()
        except psycopg.OperationalError as error:
            raise KeysUnavailable from error


def keep(cursor: Cursor, keys: Sequence[WrappedKey]) -> None:
    """Keep new keys, in the transaction of what they seal."""
    if keys:
        cursor.executemany("INSERT INTO member_keys (member_id, key_id, wrapped) VALUES (%s, %s, %s)", keys)


def destroy(cursor: Cursor, member_ids: Sequence[UUID]) -> None:
    """Destroy all keys of members, in the transaction of their erasure. That there were keys stays known."""
    if member_ids:
        cursor.execute(
            "UPDATE member_keys SET wrapped = NULL, destroyed_at = now() WHERE member_id = ANY(%s) AND wrapped IS NOT NULL",
            (list(member_ids),),
        )


def _sealed(
    member_id: UUID, key_id: UUID, key: bytes, fields: Mapping[str, str], *, new_key: WrappedKey | None
) -> Sealed:
    cipher, marking = AESGCM(key), hmac.digest(key, b"marks", "sha256")
    texts = {
        field: b64encode(encrypt(cipher, value.encode(), context=_context(member_id, field))).decode()
        for field, value in fields.items()
    }
    marks = {
        field: hmac.digest(marking, f"{field}\0{value}".encode(), "sha256").hex() for field, value in fields.items()
    }
    return Sealed(key_id, texts, marks, new_key)


def _context(member_id: UUID, what: object) -> str:
    """A sealed text opens for its own member and field alone, a wrapped key for its own member."""
    return f"{member_id}/{what}"
