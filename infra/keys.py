"""Secrets: the key file that hides card numbers, letters and personal data, and the bearer keys of the doors."""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra.database import connect
from infra.evidence.notes import Signer
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


class KeyFileIncomplete(RuntimeError):
    """The key file was made by an older release, which had fewer keys."""


class KeyFileExposed(RuntimeError):
    """The key file can be read by others. Restrict it: chmod 600."""


class KeyFile:
    """The keys that must stay outside the database and its backups, 32 bytes each."""

    def __init__(self, *, cards: bytes, letters: bytes, members: bytes, fingerprints: bytes) -> None:
        self._cards = cards
        self._letters = AESGCM(letters)
        self._members = AESGCM(members)
        self._fingerprints = fingerprints
        self._signing = _derived(fingerprints, b"signed words")

    def card_id(self, number: str) -> UUID:
        """The id that stands for a card number everywhere behind the doors."""
        return UUID(bytes=hmac.digest(self._cards, number.encode(), "sha256")[:16], version=5)

    def seal(self, clear: bytes, *, context: str) -> bytes:
        """Encrypt a letter; it opens only under the same context."""
        return encrypt(self._letters, clear, context=context)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        return decrypt(self._letters, sealed, context=context)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """Encrypt a member's key, so that it can be kept in the database."""
        return encrypt(self._members, key, context=context)

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        return decrypt(self._members, wrapped, context=context)

    def digest(self, content: bytes) -> bytes:
        """Tells the same content again; without this file nobody can find out the content by guessing."""
        return hmac.digest(self._fingerprints, content, "sha256")

    def sign(self, content: bytes) -> str:
        """Words that anybody may read and keep, and nobody without this file could have made: content and MAC, in base64url."""
        return f"{_text(content)}.{_text(hmac.digest(self._signing, content, 'sha256'))}"

    def signed(self, words: str) -> bytes | None:
        """The content of signed words; none where they were not signed here, or were changed since."""
        text, _, mac = words.partition(".")
        try:
            content, signature = _bytes(text), _bytes(mac)
        except ValueError:  # not ASCII, or not base64
            return None
        return content if hmac.compare_digest(signature, hmac.digest(self._signing, content, "sha256")) else None


def encrypt(key: AESGCM, clear: bytes, *, context: str) -> bytes:
    """AES-256-GCM under a random nonce of 12 bytes, which stands before the ciphertext and its tag."""
    nonce = os.urandom(12)
    return nonce + key.encrypt(nonce, clear, context.encode())


def decrypt(key: AESGCM, sealed: bytes, *, context: str) -> bytes:
    """What `encrypt` was given; `InvalidTag` for anything else, another key and another context included."""
    return key.decrypt(sealed[:12], sealed[12:], context.encode())


def _derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for another purpose, by HKDF: key files that exist need not be changed."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


NAMES = ("cards", "letters", "members", "fingerprints")
CHECKPOINTS = "checkpoints"


def load_key_file(settings: Settings, *, make: bool = False) -> KeyFile:
    """Read the key file. With `make`, what is missing of it is made first: for a database of our own, or when asked."""
    return KeyFile(**_keys(settings, NAMES, make=make))


def load_signer(settings: Settings) -> Signer:
    """What checkpoints are signed with, from the key file; of the roles only the clock needs it."""
    return Signer(_keys(settings, (CHECKPOINTS,), make=False)[CHECKPOINTS])


def _keys(settings: Settings, names: Sequence[str], *, make: bool) -> dict[str, bytes]:
    path = settings.keys_path
    if make and not path.exists():
        _make_key_file(path)
    if not path.exists():
        raise KeyFileMissing(f"{path} is missing: restore it, or make a new ledger's keys with `loyalty keys init`")
    if path.stat().st_mode & 0o077:
        raise KeyFileExposed(f"{path}: run chmod 600 {path}")
    kept = _completed(path) if make else json.loads(path.read_text())
    missing = [name for name in names if name not in kept]
    if missing:
        raise KeyFileIncomplete(
            f"{path} lacks the keys for {', '.join(missing)}: run `loyalty keys init`, which adds them and changes no "
            "other; then give the file to every role, and keep a copy"
        )
    return {name: b64decode(kept[name]) for name in names}


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _written(_fresh((*NAMES, CHECKPOINTS)), beside=path)
    try:
        os.link(temporary, path)  # whoever comes second keeps the first one's keys
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _completed(path: Path) -> dict[str, Any]:
    """Add the keys that are missing. Who comes second waits, finds another file in its place, and reads that one."""
    while True:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                continue
            kept: dict[str, Any] = json.load(file)
            missing = [name for name in (*NAMES, CHECKPOINTS) if name not in kept]
            if missing:
                kept |= _fresh(missing)
                _written(kept, beside=path).replace(path)
            return kept


def _fresh(names: Iterable[str]) -> dict[str, str]:
    return {name: b64encode(secrets.token_bytes(32)).decode() for name in names}


def _written(keys: dict[str, Any], *, beside: Path) -> Path:
    """A file for its owner alone, safe on disk, to be put in the place of another one."""
    temporary = beside.with_suffix(f".{secrets.token_hex(8)}")
    temporary.touch(mode=0o600, exist_ok=False)
    with temporary.open("w") as file:
        json.dump(keys, file)
        file.flush()
        os.fsync(file.fileno())
    return temporary


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


_NEW_KEYS_SECONDS = 0.1


class _Read(NamedTuple):
    """The keys as they were read at some time, on the monotonic clock, and whom they let in since."""

    at: float
    keys: Mapping[str, tuple[bytes, Principal]]
    let_in: dict[str, Principal]


class Keyring:
    """Answers who a bearer key belongs to; a revoked key stops working within seconds."""

    def __init__(self, settings: Settings, *, remember_seconds: int = 5) -> None:
        self._url = settings.database_url
        self._remember_seconds = remember_seconds
        self._read = _Read(float("-inf"), {}, {})
        self._read_ahead_of = self._read
        self._reading = threading.Lock()

    def known(self, token: str) -> Principal | None:
        """The holder of a key that was let in before, by keys that were read lately; never waits for the database.

        Once half of their time is over they are read again by a thread beside, so that no busy till ever waits for that.
        """
        read, age = self._read, self._age()
        if age >= self._remember_seconds:
            return None
        if age >= self._remember_seconds / 2 and self._read_ahead_of is not read:
            self._read_ahead_of = read
            threading.Thread(target=self._read_ahead, daemon=True).start()
        return read.let_in.get(token)

    def principal(self, token: str) -> Principal | None:
        """The holder of the key, or None where there is none. Reads the keys again, at most ten times a second.

        Whoever asks meanwhile waits for that: in a rush, everybody would open a connection otherwise. A key that
        `loyalty keys create` has just told is known by the time that it can be used.
        """
        with self._reading:
            if self._age() >= self._remember_seconds or (
                self._age() >= _NEW_KEYS_SECONDS and self._match(token) is None
            ):
                self._refresh()
        return self._match(token)

    def _match(self, token: str) -> Principal | None:
        return _matched(self._read, token)

    def _read_ahead(self) -> None:
        """Nobody waits for this: where the database does not answer, whoever asks next is told."""
        with self._reading, suppress(psycopg.Error):
            self._refresh()

    def _age(self) -> float:
        return time.monotonic() - self._read.at

    def _refresh(self) -> None:
        read_at = time.monotonic()
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT key_id, secret_sha256, owner, scope FROM api_keys WHERE revoked_at IS NULL"
            ).fetchall()
        keys = {row[0]: (bytes(row[1]), Principal(owner=row[2], scope=row[3])) for row in rows}
        read = _Read(read_at, keys, {})
        for token in list(self._read.let_in):
            _matched(read, token)
        self._read = read


def _matched(read: _Read, token: str) -> Principal | None:
    """Whom the keys let in by a token; remembered with them."""
    prefix, _, rest = token.partition("_")
    parts = rest.split("_", 2)
    if prefix != "ll" or len(parts) != 3:
        return None
    digest, principal = read.keys.get(parts[1], (b"", None))
    if principal is None or not hmac.compare_digest(digest, _hash(parts[2])):
        return None
    read.let_in[token] = principal
    return principal


def _hash(secret: str) -> bytes:
    """A key holds 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()
