"""Proofs that facts are in the log that a checkpoint vouches for, as files that need nothing but the public key to check."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from infra.evidence.notes import Checkpoint, PublicKey, parsed
from infra.evidence.tree import BLOCK, Kept, Tree
from infra.merkle import ProofWrong, Roots, check_inclusion, inclusion_path, leaf_data, leaf_hash, root_of

_COLUMNS = "position, originator_id, originator_version, name, convert_from(state, 'UTF8'), subject, recorded_at"
_AT = f"SELECT {_COLUMNS} FROM facts WHERE position = ANY(%s) AND position <= %s ORDER BY position"  # noqa: S608 - the columns are ours
_OF = f"SELECT {_COLUMNS} FROM facts WHERE subject = ANY(%s) AND position <= %s ORDER BY position"  # noqa: S608
_UNREADABLE = "this is no proof, or not a whole one: make it again with `loyalty audit prove`"
_LATER = "SELECT count(*) FROM facts WHERE subject = %s AND position > %s"


class NotVouchedFor(LookupError):
    """No checkpoint vouches for what is to be proven."""


class ProofUnreadable(ValueError):
    """A file is no proof, or not whole."""


class FactProven(BaseModel):
    """A fact as it is stored, and the way from its hash to the root that was signed."""

    model_config = ConfigDict(extra="forbid")

    position: int
    stream_id: UUID
    version: int
    name: str
    state: str = Field(description="The fact as JSON, byte for byte as it is stored")
    subject: UUID
    recorded_at: AwareDatetime
    path: list[str] = Field(description="Hashes from the leaf's sibling up, in hexadecimal digits (RFC 9162, 2.1.3)")


class Proof(BaseModel):
    """A checkpoint, and facts that it vouches for."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    checkpoint: str = Field(description="The signed note")
    member_id: UUID | None = Field(
        None, description="Whose facts these are, all that the checkpoint vouches for: where it was made for a member"
    )
    facts: list[FactProven]


def prove_position(log: Connection, position: int) -> Proof:
    """The proof of one fact."""
    return _proof(log, _AT, [position], None, f"position {position}")


def prove_member(log: Connection, member_id: UUID) -> Proof:
    """The proof of every fact of a member up to the last checkpoint."""
    return _proof(log, _OF, [member_id], member_id, f"member {member_id}")


def left_out(log: Connection, proof: Proof) -> int:
    """How many facts of the member of a proof were recorded after its checkpoint."""
    signed, _ = parsed(proof.checkpoint)
    row = log.execute(_LATER, (proof.member_id, signed.size)).fetchone()
    assert row is not None, "an aggregate always has a row"
    return int(row[0])


def _proof(log: Connection, statement: str, of: Sequence[Any], member_id: UUID | None, what: str) -> Proof:
    tree = Tree(log)
    last: Kept = tree.latest()
    rows = log.execute(statement.encode(), (list(of), last.size), binary=True).fetchall()
    if not rows:
        raise NotVouchedFor(
            f"{what}: among the {last.size} facts that the last checkpoint vouches for there is none. If it was recorded"
            " just now, sign a checkpoint first: --sign-now, or `loyalty audit checkpoint`"
        )
    roots = roots_up_to(tree, last.size)
    proven = [_proven(roots, last.size, *row) for row in rows]
    return Proof(checkpoint=last.note, member_id=member_id, facts=proven)


def _proven(
    roots: Roots,
    size: int,
    position: int,
    stream_id: UUID,
    version: int,
    name: str,
    state: str,
    subject: UUID,
    at: datetime,
) -> FactProven:
    path = [one.hex() for one in inclusion_path(roots, position - 1, size)]
    return FactProven(
        position=position, stream_id=stream_id, version=version, name=name, state=state, subject=subject,
        recorded_at=at, path=path,
    )  # fmt: skip


def roots_up_to(tree: Tree, size: int) -> Roots:
    """Roots over parts of the tree of a size: facts that are proven together share most of them."""

    @lru_cache(maxsize=64)
    def leaves(block: int) -> list[bytes]:
        return tree.leaves(block * BLOCK, min((block + 1) * BLOCK, size))

    @lru_cache(maxsize=4_096)
    def root(low: int, high: int) -> bytes:
        if high - low > BLOCK:
            return tree.root(low, high)
        block, start = divmod(low, BLOCK)
        return root_of(leaves(block)[start : start + high - low])

    return root


def check(text: str, key: PublicKey) -> tuple[Checkpoint, Proof]:
    """A proof that was read, if its checkpoint was signed and every fact leads to its root; raises what is wrong first."""
    try:
        proof = Proof.model_validate_json(text)
    except ValidationError as error:
        raise ProofUnreadable(_UNREADABLE) from error
    checkpoint = key.opened(proof.checkpoint)
    check_facts(proof, checkpoint)
    return checkpoint, proof


def check_facts(proof: Proof, checkpoint: Checkpoint) -> None:
    """Raise at the first fact that does not lead to the root of the checkpoint, whoever signed that."""
    try:
        paths = [[bytes.fromhex(one) for one in fact.path] for fact in proof.facts]
    except ValueError as error:
        raise ProofUnreadable(_UNREADABLE) from error
    for fact, path in zip(proof.facts, paths, strict=True):
        data = leaf_data(
            fact.position, fact.stream_id, fact.version, fact.name, fact.state.encode(), fact.subject, fact.recorded_at
        )
        try:
            check_inclusion(leaf_hash(data), fact.position - 1, checkpoint.size, path, checkpoint.root)
        except ProofWrong as error:
            raise ProofWrong(
                f"the fact at position {fact.position} is not in the log that was signed: {error}"
            ) from None
