"""Verifying the log, or an export of it, against signed checkpoints, and finding the first position that is not as it was.

The roots that were signed are what is trusted, and nothing else. Kept hashes of the single facts serve to find the place, if
they give the root that was signed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal

from pydantic import BaseModel, Field

from infra.evidence.notes import Checkpoint
from infra.evidence.sources import Source
from infra.evidence.tree import goes_on, position_of
from infra.merkle import Frontier, leaf_hash, leaf_hashes, moved

What = Literal["changed", "removed", "inserted", "reordered", "rewritten"]
Hashes = Callable[[int, int], list[bytes] | None]
"""The kept hashes of the facts at some indices, from 0; none, where there are none."""
Progress = Callable[[int, int], None]
"""Told how many facts were read, and how many there are."""

AT_ONCE = 50_000


class Change(BaseModel):
    """The first thing that is not as it was recorded."""

    position: int = Field(description="The first position that is not as it was recorded")
    last: int = Field(description="The same; or, where nothing tells the place, the last position that it may be at")
    what: What = Field(description="What was done there")
    told: str = Field(description="The same in words")


class Verified(BaseModel):
    """Whether the facts are those that were recorded."""

    holds: bool = Field(description="Whether all that checkpoints vouch for is as it was recorded")
    facts: int = Field(description="Facts that were read")
    checkpoints: int = Field(description="Checkpoints that were verified, signature and root")
    size: int = Field(description="Facts that the last of them vouches for")
    at: datetime = Field(description="When that was signed")
    key_id: str = Field(description="The key that it was signed with")
    uncovered: int = Field(description="Facts after it, which no checkpoint vouches for yet")
    first_change: Change | None = Field(description="What is not as it was, the first position of it")


@dataclass
class _Walk:
    """How far the facts were read. `region` are the hashes since the last checkpoint whose root was right."""

    tree: Frontier = field(default_factory=Frontier)
    held: Frontier = field(default_factory=Frontier)
    region: list[bytes] = field(default_factory=list)
    broken: bool = False
    """Whether positions do not go on: then the next one is missing, or stands elsewhere."""


def verify(
    source: Source, checkpoints: Sequence[Checkpoint], hashes: Sequence[Hashes], *, key_id: str,
    progress: Progress = lambda _, __: None,
) -> Verified:  # fmt: skip
    """Hold facts against checkpoints, in order; there must be at least one. Hashes may be kept in several places."""
    walk, last = _Walk(), checkpoints[-1]
    failed = _walk(source, checkpoints, walk, progress)
    change = None
    if failed is not None or walk.broken:
        change = _located(source, walk, failed, hashes, last.size)
    return Verified(
        holds=change is None, facts=source.facts, checkpoints=len(checkpoints), size=last.size, at=last.at, key_id=key_id,
        uncovered=max(0, source.facts - last.size), first_change=change,
    )  # fmt: skip


def _walk(source: Source, checkpoints: Sequence[Checkpoint], walk: _Walk, progress: Progress) -> Checkpoint | None:
    """Read until something is wrong; answers the checkpoint that does not hold, if one does not."""
    awaited, read = iter(checkpoints), 0
    due = next(awaited, None)
    for page in source.read(0):
        rest: Sequence[bytes] = page
        while rest:
            part = rest if due is None else rest[: due.size - walk.tree.size]
            rest = rest[len(part) :]
            right = len(part) if goes_on(part, walk.tree.size) else _right(part, walk.tree.size)
            leaves = leaf_hashes(part[:right])
            walk.tree.extend(leaves)
            walk.region += leaves
            if right < len(part):
                walk.broken = True
                return due
            if due is None:
                walk.region = []
            elif walk.tree.size == due.size:
                if walk.tree.root() != due.root:
                    return due
                walk.held, walk.region, due = walk.tree.copy(), [], next(awaited, None)
        read += len(page)
        progress(read, source.facts)
    walk.broken = due is not None
    return due


def _right(part: Sequence[bytes], after: int) -> int:
    """How many of these facts have the positions that follow one another after a position."""
    return next(at for at, data in enumerate(part) if position_of(data) != after + at + 1)


def _located(source: Source, walk: _Walk, failed: Checkpoint | None, places: Sequence[Hashes], size: int) -> Change:
    """Where it is, by the kept hashes of the facts that the checkpoint vouches for, if these are what was signed."""
    if failed is None:  # behind the last checkpoint, positions tell the place
        return _told(source, walk.tree.size + 1, [], 0, lambda _, __: None, 0)
    after = walk.held.size
    for hashes in places:
        recorded, known = hashes(after, failed.size) or [], walk.held.copy()
        known.extend(recorded)
        if known.size == failed.size and known.root() == failed.root:
            pairs = enumerate(zip(walk.region, recorded, strict=False))
            same = next((at for at, (now, then) in pairs if now != then), len(walk.region))
            return _told(source, after + same + 1, recorded, after, hashes, size)
    return _somewhere(after + 1, failed)


def _somewhere(first: int, failed: Checkpoint) -> Change:
    told = (
        f"something between the positions {first} and {failed.size} is not as it was recorded; the hashes that would tell"
        " the place are missing, or were changed, too"
    )
    return Change(position=first, last=failed.size, what="rewritten", told=told)


def _told(source: Source, position: int, recorded: Sequence[bytes], after: int, hashes: Hashes, size: int) -> Change:
    """What was done at a position: what stands there and behind it, held against what was recorded there."""
    here, behind = (*islice(_from(source, position), 2), None, None)[:2]
    place = position - after - 1
    then = recorded[place] if place < len(recorded) else None
    following = behind is not None and then is not None and leaf_hash(moved(behind, position)) == then
    what: What = "changed"
    told = "what is stored there is not what was recorded"
    if here is None:
        what, told = (
            "removed",
            "it is missing, and so is all that came behind it (an export must be made after the checkpoints)",
        )
    elif position_of(here) < position:
        what, told = "inserted", f"a fact with the position {position_of(here)} stands there, which was not recorded"
    elif position_of(here) > position:
        found = any(position_of(data) == position for data in _from(source, position))
        what = "reordered" if found else "removed"
        told = (
            "it stands behind others that came later"
            if found
            else f"it is missing; the next one is {position_of(here)}"
        )
    else:
        origin = _origin(here, position, recorded, after, hashes, size)
        if origin == position + 1 and not following:
            what, told = "removed", "it is missing, and what came behind it has moved up"
        elif origin is not None:
            what, told = "reordered", f"what was recorded at position {origin} stands there"
        elif following:
            what, told = "inserted", "what stands there was never recorded; what was recorded there stands behind it"
    return Change(position=position, last=position, what=what, told=told)


def _from(source: Source, position: int) -> Iterator[bytes]:
    return (data for page in source.read(position - 1) for data in page)


def _origin(data: bytes, position: int, recorded: Sequence[bytes], after: int, hashes: Hashes, size: int) -> int | None:
    """The position that a fact was recorded at, if it was recorded; first of all looked for nearby."""
    nearby = enumerate(recorded, after + 1)
    everywhere = (
        pair
        for low in range(0, size, AT_ONCE)
        for pair in enumerate(hashes(low, min(low + AT_ONCE, size)) or (), low + 1)
    )
    for places in (nearby, everywhere):
        for place, then in places:
            if place != position and leaf_hash(moved(data, place)) == then:
                return place
    return None
