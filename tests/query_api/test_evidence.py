"""Checkpoints and Merkle proofs over HTTP: what is told leads to the root that was signed."""

from typing import Any

import pytest

from infra.append_only import make_log
from infra.database import connect
from infra.evidence.notary import Notary
from infra.merkle import ProofWrong, check_consistency, check_inclusion
from tests.builders import ANN
from tests.infra.evidence.vouched import SIGNER
from tests.query_api.conftest import Door
from tests.read_spec import JANUARY, earns, joins


@pytest.fixture
def vouched(door: Door) -> Door:
    """Checkpoints over four facts and over nine, and a tenth fact."""
    settings = door.settings
    make_log(settings)
    with connect(settings.database_url) as log:
        for facts in (
            [*joins(ANN, card="1"), earns(ANN, 10, at=JANUARY)],
            [earns(ANN, 1, at=JANUARY) for _ in range(5)],
        ):
            door.recorded(*facts)
            Notary(settings, SIGNER).sign_now(log)
    door.recorded(earns(ANN, 1, at=JANUARY))
    return door


def raw(told: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in told]


def test_the_last_checkpoint_is_told_and_can_be_verified(vouched: Door) -> None:
    told = vouched.ask("/proofs/checkpoint", "auditor").json()
    signed = SIGNER.public.opened(told["note"])
    assert (told["size"], told["key_id"], told["origin"]) == (9, SIGNER.public.id, SIGNER.public.name)
    assert (signed.size, signed.root.hex()) == (told["size"], told["root"])


@pytest.mark.parametrize(("asked", "size"), [({}, 9), ({"size": 9}, 9), ({"size": 4}, 4), ({"size": 7}, 7)])
def test_every_fact_is_proven_in_a_tree_of_any_size(vouched: Door, asked: dict[str, Any], size: int) -> None:
    for position in range(1, size + 1):
        told = vouched.ask("/proofs/inclusion", "auditor", position=position, **asked).json()
        check_inclusion(bytes.fromhex(told["leaf"]), position - 1, size, raw(told["path"]), bytes.fromhex(told["root"]))
        assert (told["note"] is None) == (size == 7)
        if told["note"]:
            assert SIGNER.public.opened(told["note"]).root.hex() == told["root"]


def test_an_earlier_root_is_the_beginning_of_a_later_one(vouched: Door) -> None:
    told = vouched.ask("/proofs/consistency", "auditor", **{"from": 4}).json()
    roots = [bytes.fromhex(told[name]) for name in ("from_root", "to_root")]
    check_consistency(4, 9, raw(told["path"]), *roots)
    with pytest.raises(ProofWrong):
        check_consistency(5, 9, raw(told["path"]), *roots)
    same = vouched.ask("/proofs/consistency", "auditor", **{"from": 9, "to": 9}).json()
    assert (same["path"], same["from_root"]) == ([], same["to_root"])


@pytest.mark.parametrize(
    ("path", "asked", "status", "name"),
    [
        ("inclusion", {"position": 10}, 404, "unknown-leaf"),
        ("inclusion", {"position": 5, "size": 4}, 404, "unknown-leaf"),
        ("inclusion", {"position": 1, "size": 10}, 425, "not-vouched-for"),
        ("inclusion", {"position": 0}, 422, "invalid-request"),
        ("inclusion", {}, 422, "invalid-request"),
        ("consistency", {"from": 5, "to": 4}, 422, "invalid-request"),
        ("consistency", {"from": 5, "to": 10}, 425, "not-vouched-for"),
    ],
)
def test_what_cannot_be_proven_is_told(vouched: Door, path: str, asked: dict[str, int], status: int, name: str) -> None:
    refused = vouched.ask(f"/proofs/{path}", "auditor", **asked)
    assert (refused.status_code, refused.json()["type"]) == (status, f"urn:loyalty:{name}")


def test_before_any_checkpoint_there_is_nothing_to_prove(door: Door) -> None:
    refused = door.ask("/proofs/checkpoint", "auditor")
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:loyalty:no-checkpoint")


def test_hashes_that_were_taken_away_are_told(vouched: Door) -> None:
    with connect(vouched.settings.database_url) as owner:
        owner.execute("ALTER TABLE fact_hashes DISABLE TRIGGER append_only")
        owner.execute("DELETE FROM fact_hashes WHERE first > 1")
    refused = vouched.ask("/proofs/inclusion", "auditor", position=1)
    assert (refused.status_code, refused.json()["type"]) == (500, "urn:loyalty:log-changed")


@pytest.mark.parametrize("path", ["checkpoint", "inclusion?position=1", "consistency?from=1"])
def test_evidence_is_for_auditors(vouched: Door, path: str) -> None:
    assert vouched.ask(f"/proofs/{path}", "analyst").status_code == 403
