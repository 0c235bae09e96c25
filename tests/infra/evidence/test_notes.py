"""Checkpoints as signed notes: what is signed is read again, and nothing else."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infra.evidence.notes import (
    CheckpointDamaged,
    CheckpointOfAnotherKey,
    PublicKey,
    PublicKeyUnreadable,
    Signer,
    opened_in_order,
)
from tests.infra.evidence.vouched import SIGNER

AT = datetime(2026, 11, 2, 11, 30, 27, 5, tzinfo=UTC)
NOTE = SIGNER.signed(size=321_000, root=b"r" * 32, at=AT)


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    found = SIGNER.public.opened(NOTE)
    assert (found.origin, found.size, found.root, found.at) == (SIGNER.public.name, 321_000, b"r" * 32, AT)


def test_a_note_is_what_other_tools_expect() -> None:
    """C2SP signed-note: the text, a blank line, an em dash, the name, and in base64 the key's id and the signature."""
    text, _, signatures = NOTE.partition("\n\n")
    dash, name, encoded = signatures.rstrip("\n").split(" ")
    raw = b64decode(encoded)
    key_name, key_id, key = str(SIGNER.public).split("+", 2)
    assert (dash, name, raw[:4].hex()) == ("—", key_name, key_id)
    assert text.splitlines()[:2] == [key_name, "321000"]
    assert b64decode(key)[:1] == b"\1"
    Ed25519PublicKey.from_public_bytes(b64decode(key)[1:]).verify(raw[4:], f"{text}\n".encode())


def test_a_public_key_is_read_as_it_is_printed() -> None:
    assert str(PublicKey.read(f"{SIGNER.public}\n")) == str(SIGNER.public)
    assert PublicKey.read(str(SIGNER.public)).opened(NOTE).size == 321_000


@pytest.mark.parametrize(
    "text", ["", "key", "a+b+c", "a+00000000+AAAA", str(SIGNER.public)[:-4], str(SIGNER.public).replace("/", "_")]
)
def test_what_is_no_public_key_is_told(text: str) -> None:
    with pytest.raises(PublicKeyUnreadable, match="public-key"):
        PublicKey.read(text)


def test_a_checkpoint_of_another_key_is_told() -> None:
    with pytest.raises(CheckpointOfAnotherKey, match=SIGNER.public.name):
        Signer(b"o" * 32).public.opened(NOTE)


@pytest.mark.parametrize("place", range(0, len(NOTE), 7))
def test_no_character_of_it_can_be_another(place: int) -> None:
    spoilt = NOTE[:place] + ("A" if NOTE[place] != "A" else "B") + NOTE[place + 1 :]
    with pytest.raises((CheckpointDamaged, CheckpointOfAnotherKey)):
        SIGNER.public.opened(spoilt)


@pytest.mark.parametrize("length", range(0, len(NOTE) - 1, 9))
def test_one_that_is_cut_off_is_told(length: int) -> None:
    with pytest.raises((CheckpointDamaged, CheckpointOfAnotherKey)):
        SIGNER.public.opened(NOTE[:length])


def test_signed_text_of_another_form_needs_a_newer_release() -> None:
    text = "loyalty-ledger/x\nmany\n"
    signature = b64encode(bytes.fromhex(SIGNER.public.id) + SIGNER._private.sign(text.encode())).decode()
    with pytest.raises(CheckpointDamaged, match="newer"):
        SIGNER.public.opened(f"{text}\n— {SIGNER.public.name} {signature}\n")


def test_checkpoints_grow() -> None:
    notes = [SIGNER.signed(size=size, root=b"r" * 32, at=AT) for size in (1, 2, 2)]
    assert [one.size for one in opened_in_order(notes[:2], SIGNER.public)] == [1, 2]
    with pytest.raises(CheckpointDamaged, match="checkpoint 3"):
        opened_in_order(notes, SIGNER.public)
