"""Merkle trees, held against the vectors of Certificate Transparency and against another implementation."""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from infra.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofWrong,
    Roots,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_data,
    leaf_hash,
    moved,
    root_of,
)

LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUDED = {
    (1, 1): [],
    (1, 8): [N1, N23, N4567],
    (6, 8): [N4, N67, ROOTS[4]],
    (3, 3): [ROOTS[2]],
    (2, 5): [ROOTS[1], N23, N4],
}
CONSISTENT = {(1, 1): [], (1, 8): [N1, N23, N4567], (6, 8): [N45, N67, ROOTS[4]], (2, 5): [N23, N4]}


def roots_over(entries: list[bytes]) -> Roots:
    hashes = [leaf_hash(entry) for entry in entries]
    return lambda low, high: root_of(hashes[low:high])


class TestVectors:
    def test_the_roots_of_every_size(self) -> None:
        tree, found = Frontier(), [Frontier().root()]
        for entry in LEAVES:
            tree.append(leaf_hash(entry))
            found.append(tree.root())
        assert [root.hex() for root in found] == ROOTS

    @pytest.mark.parametrize(("place", "size"), INCLUDED)
    def test_inclusion(self, place: int, size: int) -> None:
        path = inclusion_path(roots_over(LEAVES), place - 1, size)
        assert [one.hex() for one in path] == INCLUDED[place, size]
        check_inclusion(leaf_hash(LEAVES[place - 1]), place - 1, size, path, bytes.fromhex(ROOTS[size]))

    @pytest.mark.parametrize(("before", "size"), CONSISTENT)
    def test_consistency(self, before: int, size: int) -> None:
        path = consistency_path(roots_over(LEAVES), before, size)
        assert [one.hex() for one in path] == CONSISTENT[before, size]
        check_consistency(before, size, path, bytes.fromhex(ROOTS[before]), bytes.fromhex(ROOTS[size]))

    def test_an_empty_tree(self) -> None:
        assert sha256().digest() == EMPTY_ROOT


class TestBesideAnotherImplementation:
    def test_roots_and_both_proofs_of_all_small_trees(self) -> None:
        entries = [b"%d" % number for number in range(1, 20)]
        other, roots = InmemoryTree(algorithm="sha256"), roots_over(entries)
        for entry in entries:
            other.append_entry(entry)
        for size in range(1, len(entries) + 1):
            assert roots(0, size) == other.get_root(size)
            for place in range(1, size + 1):
                theirs = other.prove_inclusion(place, size).path
                ours = inclusion_path(roots, place - 1, size)
                assert [leaf_hash(entries[place - 1]), *ours] == theirs
                check_inclusion(leaf_hash(entries[place - 1]), place - 1, size, ours, roots(0, size))
                theirs = other.prove_consistency(place, size).path
                check_consistency(place, size, consistency_path(roots, place, size), roots(0, place), roots(0, size))


class TestWhatIsWrong:
    @settings(max_examples=60, deadline=None)
    @given(data=st.data(), size=st.integers(2, 70))
    def test_no_other_leaf_place_or_path_is_included(self, data: st.DataObject, size: int) -> None:
        entries = [b"%d" % number for number in range(size)]
        roots, index = roots_over(entries), data.draw(st.integers(0, size - 1))
        path, leaf, root = inclusion_path(roots, index, size), leaf_hash(entries[index]), roots(0, size)
        spoilt = data.draw(st.integers(0, len(path) - 1))
        wrong = [*path[:spoilt], sha256(path[spoilt]).digest(), *path[spoilt + 1 :]]
        for given_leaf, place, of, way in (
            (leaf_hash(b"another"), index, size, path),
            (leaf, (index + 1) % size, size, path),
            (leaf, index, size, wrong),
            (leaf, index, size, path[:-1]),
            (leaf, index, size, [*path, leaf]),
            (leaf, size, size, path),
        ):
            with pytest.raises(ProofWrong):
                check_inclusion(given_leaf, place, of, way, root)

    @settings(max_examples=60, deadline=None)
    @given(data=st.data(), size=st.integers(2, 70))
    def test_no_other_beginning_is_consistent(self, data: st.DataObject, size: int) -> None:
        entries = [b"%d" % number for number in range(size)]
        roots, before = roots_over(entries), data.draw(st.integers(1, size - 1))
        path, root = consistency_path(roots, before, size), roots(0, size)
        changed = roots_over([*entries[: before - 1], b"another", *entries[before:]])
        for smaller, old, way in (
            (before, changed(0, before), path),
            (before, roots(0, before), path[:-1]),
            (before, roots(0, before), [*path, root]),
            (size + 1, roots(0, before), path),
            (0, EMPTY_ROOT, []),
        ):
            with pytest.raises(ProofWrong):
                check_consistency(smaller, size, way, old, root)


class TestOneSize:
    def test_trees_of_one_size_are_equal_or_not_consistent(self) -> None:
        roots = roots_over(LEAVES)
        check_consistency(8, 8, [], roots(0, 8), roots(0, 8))
        with pytest.raises(ProofWrong):
            check_consistency(8, 8, [], roots(0, 7), roots(0, 8))
        with pytest.raises(ProofWrong):
            check_consistency(7, 8, [], roots(0, 7), roots(0, 8))


class TestFrontier:
    @pytest.mark.parametrize("size", [0, 4, 8, 24, 28])
    def test_it_grows_by_whole_subtrees_as_by_leaves(self, size: int) -> None:
        hashes = [leaf_hash(b"%d" % number) for number in range(size + 3)]
        tree = Frontier()
        for start in range(0, size, 4):
            tree.append_subtree(root_of(hashes[start : start + 4]), 4)
        tree.extend(hashes[size:])
        assert (tree.size, tree.root()) == (size + 3, root_of(hashes))

    def test_a_copy_grows_by_itself(self) -> None:
        tree = Frontier()
        tree.append(leaf_hash(b"1"))
        other = tree.copy()
        other.append(leaf_hash(b"2"))
        assert (tree.size, other.size) == (1, 2)
        assert tree.root() == root_of([leaf_hash(b"1")])


class TestLeaves:
    AT = datetime(2026, 11, 2, 11, 30, 27, 123456, tzinfo=UTC)

    def test_all_that_is_stored_of_a_fact_is_hashed_and_can_be_told_apart(self) -> None:
        data = leaf_data(258, UUID(int=1), 2, "PointsEarned.v1", b'{"a":1}', UUID(int=3), self.AT)
        microseconds = 1_793_619_027_123_456
        assert data == (
            b"\0\0\0\0\0\0\x01\x02" + bytes(15) + b"\1" + bytes(7) + b"\2" + bytes(15) + b"\3"
            + microseconds.to_bytes(8, "big") + b"\x00\x0fPointsEarned.v1" + b'{"a":1}'
        )  # fmt: skip

    def test_the_position_can_be_another(self) -> None:
        one, other = (
            leaf_data(position, UUID(int=1), 2, "A.v1", b"{}", UUID(int=3), datetime(1969, 1, 1, tzinfo=UTC))
            for position in (7, -1)
        )
        assert moved(one, -1) == other
