"""Evidence that the log was not changed: the last checkpoint, and proofs that lead to its root (RFC 9162)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from infra.database import connect
from infra.evidence.notes import parsed
from infra.evidence.proofs import roots_up_to
from infra.evidence.tree import Kept, LogBroken, NoCheckpoint, Tree
from infra.merkle import consistency_path, inclusion_path
from infra.settings import Settings
from infra.web import Problem, requires
from query_api.asking import unknown

router = APIRouter(prefix="/proofs", tags=["proofs"], dependencies=[Depends(requires("auditor"))])

T = TypeVar("T")
Position = Annotated[int, Query(ge=1, le=1 << 62)]
_HEX = "in hexadecimal digits"


class CheckpointTold(BaseModel):
    """A signed root over the first facts of the log."""

    origin: str = Field(description="The ledger that signed it")
    size: int = Field(description="How many facts it vouches for")
    root: str = Field(description=f"The root of the Merkle tree over them, {_HEX}")
    at: datetime = Field(description="When it was signed")
    key_id: str = Field(description="The key that it was signed with")
    note: str = Field(description="The signed note itself (C2SP tlog-checkpoint)")


class Inclusion(BaseModel):
    """The way from a fact's hash to a root."""

    position: int = Field(description="The position of the fact; in the tree its index is one less")
    size: int = Field(description="How many facts the tree is over")
    leaf: str = Field(description=f"The hash of the fact, {_HEX}")
    path: list[str] = Field(description=f"The siblings on the way up, {_HEX}")
    root: str = Field(description=f"The root over so many facts, {_HEX}")
    note: str | None = Field(description="The checkpoint that signs this root, if one was made of this size")


class Consistency(BaseModel):
    """That the tree of one size is the beginning of the tree of another."""

    from_size: int = Field(description="The smaller size")
    to_size: int = Field(description="The larger size")
    path: list[str] = Field(description=f"The proof, {_HEX}")
    from_root: str = Field(description=f"The root over the smaller size, {_HEX}")
    to_root: str = Field(description=f"The root over the larger size, {_HEX}")


@router.get("/checkpoint")
async def checkpoint(request: Request) -> CheckpointTold:
    """The last checkpoint. Verify its note with the public key, which you keep: `loyalty audit public-key` prints it."""
    return await _asked(request, lambda _, last: _told(last))


@router.get("/inclusion")
async def inclusion(
    request: Request,
    position: Annotated[Position, Query(description="The position of a fact.")],
    size: Annotated[
        Position | None,
        Query(description="How many facts the tree is over; those of the last checkpoint, if left out."),
    ] = None,
) -> Inclusion:
    """The proof that a fact is among those that a root is over."""

    def asked(tree: Tree, last: Kept) -> Inclusion:
        over = _vouched(size or last.size, last)
        if position > over:
            raise unknown("leaf", f"The tree is over {over} facts, the position is {position}.")
        roots = roots_up_to(tree, over)
        path = [one.hex() for one in inclusion_path(roots, position - 1, over)]
        signed = tree.last(upto=over)
        return Inclusion(
            position=position, size=over, leaf=roots(position - 1, position).hex(), path=path, root=tree.root(0, over).hex(),
            note=signed.note if signed and signed.size == over else None,
        )  # fmt: skip

    return await _asked(request, asked)


@router.get("/consistency")
async def consistency(
    request: Request,
    before: Annotated[Position, Query(alias="from", description="The smaller size, as an earlier checkpoint told it.")],
    after: Annotated[
        Position | None, Query(alias="to", description="The larger size; that of the last checkpoint, if left out.")
    ] = None,
) -> Consistency:
    """The proof that nothing of what an earlier root was over has changed since."""

    def asked(tree: Tree, last: Kept) -> Consistency:
        over = _vouched(after or last.size, last)
        if before > over:
            raise Problem(
                "invalid-request",
                422,
                "Correct the fields that are named.",
                fields=["query.from"],
                problems=["More than `to`"],
            )
        path = [one.hex() for one in consistency_path(roots_up_to(tree, over), before, over)]
        return Consistency(
            from_size=before,
            to_size=over,
            path=path,
            from_root=tree.root(0, before).hex(),
            to_root=tree.root(0, over).hex(),
        )

    return await _asked(request, asked)


def _told(last: Kept) -> CheckpointTold:
    one, key_id = parsed(last.note)
    return CheckpointTold(
        origin=one.origin, size=one.size, root=one.root.hex(), at=one.at, key_id=key_id, note=last.note
    )


def _vouched(size: int, last: Kept) -> int:
    if size > last.size:
        raise Problem(
            "not-vouched-for", 425, "No checkpoint vouches for so many facts yet. Repeat the request in a minute.",
            headers={"Retry-After": "60"}, size=last.size,
        )  # fmt: skip
    return size


async def _asked(request: Request, question: Callable[[Tree, Kept], T]) -> T:
    """An answer from the kept tree, on a connection of its own."""
    settings: Settings = request.app.state.settings

    def ask() -> T:
        with connect(settings.database_url) as log:
            tree = Tree(log)
            return question(tree, tree.latest())

    try:
        return await run_in_threadpool(ask)
    except NoCheckpoint as error:
        raise Problem("no-checkpoint", 404, "No checkpoint was signed yet: the clock does, once it runs.") from error
    except LogBroken as error:
        raise Problem(
            "log-changed", 500, "What is kept of the hashes was changed: run `loyalty audit verify`."
        ) from error
    except psycopg.OperationalError as error:
        raise Problem(
            "store-unavailable", 503, "The database does not answer. Repeat the request.", headers={"Retry-After": "1"}
        ) from error
