"""Checkpoints as signed notes (C2SP `tlog-checkpoint`, `signed-note`): text that people read and other tools verify.

    loyalty-ledger/4f1c02aa
    321000
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    2026-11-02T11:30:27.000000Z

    — loyalty-ledger/4f1c02aa Pn0/…

The origin, the number of facts, the root over them, the time, a blank line, and the Ed25519 signature of what stands above it.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\1"
_SIGNED_BY = "— "
_HASH_BYTES, _KEY_ID_BYTES, _SIGNATURE_BYTES = 32, 4, 64


class PublicKeyUnreadable(ValueError):
    """What was given is not a public key as `loyalty audit public-key` prints it."""


class CheckpointDamaged(ValueError):
    """A checkpoint is not whole, or its text was changed."""


class CheckpointOfAnotherKey(ValueError):
    """A checkpoint was not signed with this key."""


@dataclass(frozen=True)
class Checkpoint:
    """What the ledger vouches for: the root over its first `size` facts."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """What is signed."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{at}\n"


class PublicKey:
    """What checkpoints are verified with."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self._raw = raw
        self._id = sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_KEY_ID_BYTES]

    @classmethod
    def read(cls, text: str) -> "PublicKey":
        """A key as it is told: name, id and key, joined by plus signs."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = b64decode(encoded, validate=True)
        except ValueError as error:
            raise PublicKeyUnreadable(
                "a public key is one line, `name+id+key`: see `loyalty audit public-key`"
            ) from error
        key = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(raw) != _HASH_BYTES + 1 or key.id != key_id:
            raise PublicKeyUnreadable(
                "the public key is damaged: ask for it again, `loyalty audit public-key` prints it"
            )
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id}+{b64encode(_ED25519 + self._raw).decode()}"

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that tell keys apart."""
        return self._id.hex()

    def opened(self, note: str) -> Checkpoint:
        """The checkpoint of a note, if it was signed with this key and nothing of it was changed since."""
        text, blank, signatures = note.partition("\n\n")
        lines = signatures.splitlines()
        if not blank or not lines or not all(line.startswith(_SIGNED_BY) for line in lines):
            raise CheckpointDamaged("a checkpoint ends before its signature: fetch it again, whole")
        ours = [one for line in lines if (one := self._signature(line)) is not None]
        if not ours:
            raise CheckpointOfAnotherKey(
                f"{lines[0].split(' ')[1]} signed a checkpoint, but the key is of {self.name} ({self.id}):"
                " name the key of that ledger; `loyalty audit public-key` prints it there"
            )
        try:
            Ed25519PublicKey.from_public_bytes(self._raw).verify(ours[0], f"{text}\n".encode())
        except InvalidSignature:
            raise CheckpointDamaged(
                "a signature does not fit the text of its checkpoint: one of them was changed, or somebody else signed it"
            ) from None
        return _checkpoint(text)

    def _signature(self, line: str) -> bytes | None:
        """Ours, if this line holds it."""
        name, _, encoded = line.removeprefix(_SIGNED_BY).partition(" ")
        try:
            raw = b64decode(encoded, validate=True)
        except ValueError:
            raw = b""
        if len(raw) < _KEY_ID_BYTES + _SIGNATURE_BYTES:
            raise CheckpointDamaged("a signature is cut off, or not readable: fetch the checkpoint again, whole")
        ours = name == self.name and raw[:_KEY_ID_BYTES] == self._id
        return raw[_KEY_ID_BYTES:] if ours else None


class Signer:
    """What checkpoints are signed with. Its name tells ledgers apart, and follows from the key."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._private.public_key().public_bytes_raw()
        self.public = PublicKey(f"loyalty-ledger/{sha256(raw).hexdigest()[:8]}", raw)

    def signed(self, *, size: int, root: bytes, at: datetime) -> str:
        """The note of a checkpoint."""
        text = Checkpoint(self.public.name, size, root, at).text()
        signature = bytes.fromhex(self.public.id) + self._private.sign(text.encode())
        return f"{text}\n{_SIGNED_BY}{self.public.name} {b64encode(signature).decode()}\n"


def parsed(note: str) -> tuple[Checkpoint, str]:
    """What a note says, and the id of the key that it was signed with, without a key to verify it."""
    text, _, signatures = note.partition("\n\n")
    return _checkpoint(text), b64decode(signatures.rsplit(" ", 1)[-1])[:_KEY_ID_BYTES].hex()


def opened_in_order(notes: Iterable[str], key: PublicKey) -> list[Checkpoint]:
    """Checkpoints of one ledger, each larger than the one before."""
    found: list[Checkpoint] = []
    for number, note in enumerate(notes, 1):
        try:
            one = key.opened(note)
        except (CheckpointDamaged, CheckpointOfAnotherKey) as error:
            raise type(error)(f"checkpoint {number}: {error}") from None
        if found and one.size <= found[-1].size:
            raise CheckpointDamaged(
                f"checkpoint {number} is of {one.size} facts, the one before of {found[-1].size}: they were put in another order"
            )
        found.append(one)
    return found


def _checkpoint(text: str) -> Checkpoint:
    try:
        origin, size, root, at = text.split("\n")
        return Checkpoint(origin, int(size), b64decode(root, validate=True), datetime.fromisoformat(at))
    except ValueError as error:
        raise CheckpointDamaged(
            "a checkpoint has another form than this release writes: verify it with a newer one"
        ) from error
