"""A Merkle tree over the log, as RFC 6962 (and RFC 9162) has it: roots, and proofs that anybody can check.

Hashes are SHA-256 and differ for leaves and nodes, so that no node passes for a leaf. The leaf of a fact is hashed over all
that is stored of it, its position included: see `leaf_data`. Nothing here reads or writes anything.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

EMPTY_ROOT = sha256().digest()

_HEAD = struct.Struct(">q16sq16sqH")
_LARGEST = 1 << 12
"""Leaves of a subtree that is hashed at once."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Roots = Callable[[int, int], bytes]
"""The root over the leaves from the first number up to, but without, the second; numbers count from 0."""


class ProofWrong(ValueError):
    """A proof does not lead to the root that it should lead to."""


def leaf_data(
    position: int, stream_id: UUID, version: int, name: str, state: bytes, subject: UUID, recorded_at: datetime
) -> bytes:
    """What is hashed of a fact: numbers big endian in 8 bytes, ids in 16, the time in microseconds since 1970 UTC, the
    length of the name in 2 bytes and the name, then the state as it is stored.
    """
    age = recorded_at - _EPOCH
    microseconds = (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds
    return leaf_data_of(position, stream_id.bytes, version, subject.bytes, microseconds, name, state)


def leaf_data_of(
    position: int, stream_id: bytes, version: int, subject: bytes, recorded_at: int, name: str, state: bytes
) -> bytes:
    """The same of what is in bytes and microseconds already; `struct.error` for what is no fact."""
    named = name.encode()
    return _HEAD.pack(position, stream_id, version, subject, recorded_at, len(named)) + named + state


def moved(data: bytes, position: int) -> bytes:
    """The leaf data of the same fact at another position."""
    return position.to_bytes(8, "big", signed=True) + data[8:]


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\0" + data).digest()


def leaf_hashes(data: Iterable[bytes]) -> list[bytes]:
    """The hashes of many leaves."""
    return [sha256(b"\0" + one).digest() for one in data]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that grows at its right edge: the roots of its complete subtrees, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def copy(self) -> "Frontier":
        other = Frontier()
        other.size, other._roots = self.size, list(self._roots)
        return other

    def append(self, leaf: bytes) -> None:
        """One more leaf, by its hash."""
        self.append_subtree(leaf, 1)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """More leaves, by their hashes: in complete subtrees as large as fit here."""
        done = 0
        while done < len(leaves):
            fits = self.size & -self.size or _LARGEST
            size = min(fits, 1 << (len(leaves) - done).bit_length() - 1, _LARGEST)
            self.append_subtree(_complete(leaves[done : done + size]), size)
            done += size

    def append_subtree(self, root: bytes, size: int) -> None:
        """A complete subtree of `size` leaves, a power of two; what is there already is a multiple of it."""
        assert self.size % size == 0, "a subtree begins where one of its size may begin"
        roots, count = self._roots, self.size // size
        while count & 1:
            root = node_hash(roots.pop(), root)
            count >>= 1
        roots.append(root)
        self.size += size

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves, by their hashes."""
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


def _complete(nodes: Sequence[bytes]) -> bytes:
    """The root over a power of two of nodes, level by level."""
    while len(nodes) > 1:
        ours = iter(nodes)
        nodes = [sha256(b"\1" + left + right).digest() for left, right in zip(ours, ours, strict=True)]
    return nodes[0]


def inclusion_path(roots: Roots, index: int, size: int) -> list[bytes]:
    """The proof that the leaf of an index, from 0, is in the tree of that size: its siblings from the bottom up."""
    assert 0 <= index < size, "only what is there can be proven"
    low, high, path = 0, size, list[bytes]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(roots(middle, high))
            high = middle
        else:
            path.append(roots(low, middle))
            low = middle
    return path[::-1]


def consistency_path(roots: Roots, before: int, size: int) -> list[bytes]:
    """The proof that the tree of `before` leaves, at least one, is what the tree of that size began with."""
    assert 0 < before <= size, "a tree grows, and proves nothing about an empty one"
    low, high, path, whole = 0, size, list[bytes](), True
    while before < high:
        middle = low + _split(high - low)
        if before <= middle:
            path.append(roots(middle, high))
            high = middle
        else:
            path.append(roots(low, middle))
            low, whole = middle, False
    return path[::-1] if whole else [roots(low, high), *path[::-1]]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise unless the path leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofWrong(f"a tree of {size} leaves has none with the index {index}")
    found = leaf
    for stands_left, sibling in _climbed(index, size - 1, path):
        found = node_hash(sibling, found) if stands_left else node_hash(found, sibling)
    if found != root:
        raise ProofWrong("the path does not lead to the root")


def check_consistency(before: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Raise unless the path shows that the smaller tree is the beginning of the larger one (RFC 9162, 2.1.4.2)."""
    if not 0 < before <= size:
        raise ProofWrong(f"a tree of {before} leaves is not the beginning of one of {size}")
    if before == size:
        if path or old_root != root:
            raise ProofWrong("trees of one size have one root, and need no path")
        return
    whole = before & (before - 1) == 0  # then the smaller tree is a subtree of the larger one
    old = new = next(iter([old_root] if whole else path), b"")
    place, last = before - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    for stands_left, sibling in _climbed(place, last, path if whole else path[1:]):
        if stands_left:
            old = node_hash(sibling, old)
        new = node_hash(sibling, new) if stands_left else node_hash(new, sibling)
    if (old, new) != (old_root, root):
        raise ProofWrong("the path does not lead from the one root to the other")


def _climbed(place: int, last: int, path: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The siblings on the way up from a place, in a row that ends with `last`, and whether each stands on the left."""
    for sibling in path:
        if last == 0:
            raise ProofWrong("the path is longer than the tree is high")
        stands_left = bool(place & 1 or place == last)
        if stands_left:
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        yield stands_left, sibling
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofWrong("the path is shorter than the tree is high")


def _split(size: int) -> int:
    """The largest power of two that is less than a size of at least two."""
    return 1 << (size - 1).bit_length() - 1
