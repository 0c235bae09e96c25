"""The Merkle tree over the log as it is kept: the hash of every fact, in blocks, and the checkpoints, which are signed roots."""

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection

from infra.merkle import Frontier, leaf_hashes, root_of

HASH_BYTES = 32
BLOCK = 1_024
"""Facts whose hashes stand together: a row ends where a block ends, and a proof reads one block and the roots of others."""

LEAF_DATA: LiteralString = """
    int8send(position) || uuid_send(originator_id) || int8send(originator_version) || uuid_send(subject)
    || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)
    || int2send(octet_length(name)::int2) || convert_to(name, 'UTF8') || state
"""
"""`infra.merkle.leaf_data`, as PostgreSQL says it: one value crosses the wire instead of seven."""

_FACTS: LiteralString = f"SELECT {LEAF_DATA} FROM facts WHERE position > %s AND position <= %s ORDER BY position"  # noqa: S608 - all of it is ours
_LAST = "SELECT size, at, note FROM checkpoints WHERE size <= coalesce(%s, size) ORDER BY size DESC LIMIT 1"


class LogBroken(RuntimeError):
    """The log, or what is kept of its hashes, was changed outside this program: nothing more is vouched for."""


class NoCheckpoint(RuntimeError):
    """Nothing was vouched for yet: `loyalty clock` writes checkpoints, `loyalty audit checkpoint` writes one now."""


class Kept(NamedTuple):
    """A checkpoint as it is kept."""

    size: int
    at: datetime
    note: str


def facts_between(log: Connection, after: int, upto: int) -> list[bytes]:
    """The leaf data of the facts after a position up to another one."""
    return [data for (data,) in log.execute(_FACTS, (after, upto), binary=True)]


def position_of(data: bytes) -> int:
    """The position that leaf data tells."""
    return int.from_bytes(data[:8], "big", signed=True)


def goes_on(data: Sequence[bytes], after: int) -> bool:
    """Whether leaf data tell the positions that follow one another after a position; told of thousands at once."""
    positions = range(after + 1, after + 1 + len(data))
    return b"".join([one[:8] for one in data]) == struct.pack(f">{len(data)}q", *positions)


class Tree:
    """What is kept of the tree. Indices count from 0, positions from 1."""

    def __init__(self, log: Connection) -> None:
        self._log = log

    def last(self, upto: int | None = None) -> Kept | None:
        """The last checkpoint, or the last one up to a size."""
        row = self._log.execute(_LAST, (upto,)).fetchone()
        return Kept(*row) if row else None

    def latest(self) -> Kept:
        """The last checkpoint; there must be one."""
        last = self.last()
        if last is None:
            raise NoCheckpoint(
                "no checkpoint is there yet: start `loyalty clock`, or write one with `loyalty audit checkpoint`"
            )
        return last

    def kept(self, after: int = 0) -> Iterator[Kept]:
        """The checkpoints of more than so many facts."""
        rows = self._log.execute("SELECT size, at, note FROM checkpoints WHERE size > %s ORDER BY size", (after,))
        yield from map(Kept._make, rows)

    def leaves(self, low: int, high: int) -> list[bytes]:
        """The hashes of the facts at some indices."""
        found = self.hashes(low, high)
        return [found[place : place + HASH_BYTES] for place in range(0, len(found), HASH_BYTES)]

    def hashes(self, low: int, high: int) -> bytes:
        """The same, one after the other."""
        start = low // BLOCK * BLOCK
        rows = self._log.execute(
            "SELECT first, hashes FROM fact_hashes WHERE first > %s AND first <= %s ORDER BY first",
            (start, high),
            binary=True,
        )
        found, length = [], 0
        for first, hashes in rows:
            if first != start + length // HASH_BYTES + 1:
                break
            found.append(hashes)
            length += len(hashes)
        if length < (high - start) * HASH_BYTES:
            raise LogBroken(f"the table fact_hashes lacks those from position {start + length // HASH_BYTES + 1} on")
        return b"".join(found)[(low - start) * HASH_BYTES : (high - start) * HASH_BYTES]

    def root(self, low: int, high: int) -> bytes:
        """The root over a part of the tree, as proofs need it: one that begins where a subtree of its size may begin."""
        if high - low <= BLOCK:
            return root_of(self.leaves(low, high))
        return self.frontier(high, low=low).root()

    def frontier(self, high: int, *, low: int = 0) -> Frontier:
        """The right edge of the tree over some indices, by the roots of whole blocks."""
        tree, whole = Frontier(), high // BLOCK * BLOCK
        rows = self._log.execute(
            "SELECT root FROM fact_hashes WHERE first > %s AND first <= %s AND root IS NOT NULL ORDER BY first",
            (low, whole),
            binary=True,
        )
        for (root,) in rows:
            tree.append_subtree(root, BLOCK)
        if low + tree.size != whole:
            raise LogBroken(f"the table fact_hashes lacks roots of blocks up to position {whole}")
        tree.extend(self.leaves(whole, high))
        return tree

    def grow(self, tree: Frontier, upto: int) -> None:
        """Hash the facts up to a position, and keep what that gives; the caller commits."""
        while tree.size < upto:
            after = tree.size
            end = min(upto, (after // BLOCK + 1) * BLOCK)
            data = facts_between(self._log, after, end)
            if len(data) != end - after or not goes_on(data, after):
                raise LogBroken(f"between the positions {after + 1} and {end} facts are missing")
            leaves = leaf_hashes(data)
            whole = root_of(self.leaves(end - BLOCK, after) + leaves) if end % BLOCK == 0 else None
            if whole is not None and len(leaves) == BLOCK:
                tree.append_subtree(whole, BLOCK)
            else:
                tree.extend(leaves)
            self._log.execute("INSERT INTO fact_hashes VALUES (%s, %s, %s)", (after + 1, b"".join(leaves), whole))
