"""Secrets: the key file that hides card numbers and letters, and the bearer keys of the doors."""

import hashlib
import hmac
import json
import os
import secrets
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.database import connect
from infra.settings import Settings

Scope = Literal["till", "staff", "analyst", "auditor", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS api_keys (
        key_id text PRIMARY KEY,
        secret_sha256 bytea NOT NULL,
        scope text NOT NULL,
        owner text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
    )
    """,
)


class KeyFileMissing(RuntimeError):
    """An external database needs a key file that is kept: a new one could not read what the old one hid."""


class KeyFileExposed(RuntimeError):
    """The key file can be read by others. Restrict it: chmod 600."""


class KeyFile:
    """The keys that must stay outside the database and its backups."""

    def __init__(self, *, cards: bytes, letters: bytes) -> None:
        self._cards = cards
        self._letters = AESGCM(letters)

    def card_id(self, number: str) -> UUID:
        """The id that stands for a card number everywhere behind the doors."""
        return UUID(bytes=hmac.digest(self._cards, number.encode(), "sha256")[:16], version=5)

    def seal(self, clear: bytes, *, context: str) -> bytes:
        """Encrypt a letter; it opens only under the same context."""
        nonce = os.urandom(12)
        return nonce + self._letters.encrypt(nonce, clear, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        return self._letters.decrypt(sealed[:12], sealed[12:], context.encode())


def load_key_file(settings: Settings, *, make: bool = False) -> KeyFile:
    """Read the key file, or make one where that is safe: beside an embedded database that is new as well."""
    path = settings.keys_path
    if make and not path.exists():
        _make_key_file(path)
    if not path.exists():
        raise KeyFileMissing(f"{path} is missing: restore it, or make a new ledger's keys with `loyalty keys init`")
    if path.stat().st_mode & 0o077:
        raise KeyFileExposed(f"{path}: run chmod 600 {path}")
    kept = json.loads(path.read_text())
    return KeyFile(cards=b64decode(kept["cards"]), letters=b64decode(kept["letters"]))


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {name: b64encode(secrets.token_bytes(32)).decode() for name in ("cards", "letters")}
    temporary = path.with_suffix(f".{secrets.token_hex(8)}")
    temporary.touch(mode=0o600, exist_ok=False)
    with temporary.open("w") as file:
        json.dump(keys, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # whoever comes second keeps the first one's keys
    except FileExistsError:
        return
    finally:
        temporary.unlink()


@dataclass(frozen=True)
class Principal:
    """Who holds a key, and what it opens."""

    owner: str
    scope: str


def create_key(settings: Settings, *, scope: Scope, owner: str) -> str:
    """Make a bearer key. It is told once; only its hash is kept."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with connect(settings.database_url) as connection:
        connection.execute(
            "INSERT INTO api_keys (key_id, secret_sha256, scope, owner) VALUES (%s, %s, %s, %s)",
            (key_id, _hash(secret), scope, owner),
        )
    return f"ll_{scope}_{key_id}_{secret}"


class Keyring:
    """Answers who a bearer key belongs to; a revoked key stops working within seconds."""

    def __init__(self, settings: Settings, *, remember_seconds: int = 5) -> None:
        self._url = settings.database_url
        self._remember_seconds = remember_seconds
        self._kept: dict[str, tuple[bytes, Principal]] = {}
        self._read_at: float | None = None

    def known(self, token: str) -> Principal | None:
        """The holder of a key that was read lately; never touches the database, so it may be called anywhere."""
        return self._match(token) if self._age() < self._remember_seconds else None

    def principal(self, token: str) -> Principal | None:
        """The holder of the key, or None where there is none. Reads the keys again, at most once a second."""
        if self._age() >= self._remember_seconds or (self._age() >= 1 and self._match(token) is None):
            self._refresh()
        return self._match(token)

    def _match(self, token: str) -> Principal | None:
        prefix, _, rest = token.partition("_")
        parts = rest.split("_", 2)
        if prefix != "ll" or len(parts) != 3:
            return None
        digest, principal = self._kept.get(parts[1], (b"", None))
        return principal if hmac.compare_digest(digest, _hash(parts[2])) else None

    def _age(self) -> float:
        return float("inf") if self._read_at is None else time.monotonic() - self._read_at

    def _refresh(self) -> None:
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT key_id, secret_sha256, owner, scope FROM api_keys WHERE revoked_at IS NULL"
            ).fetchall()
        self._kept = {row[0]: (bytes(row[1]), Principal(owner=row[2], scope=row[3])) for row in rows}
        self._read_at = time.monotonic()


def _hash(secret: str) -> bytes:
    """A key holds 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()
