"""Checkpoints in a file, which may lie where the operator of the database cannot reach; the hashes of facts in one beside it."""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from infra.evidence.notes import CheckpointDamaged
from infra.evidence.tree import BLOCK, HASH_BYTES, LogBroken, Tree

_PAGE = 64 * BLOCK


class CheckpointsMissing(RuntimeError):
    """There is no file of checkpoints at this place."""


class CheckpointFile:
    """Notes one after the other, with blank lines between; and `….hashes`, 32 bytes for each position."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hashes_path = path.with_name(f"{path.name}.hashes")
        self._size = 0
        self._length = -1
        """Bytes of the file as we left it, and how many facts its last note is about."""
        self.mended = 0
        """Hashes that were missing beside notes that were here already, and were written again."""

    def notes(self) -> list[str]:
        """Every note; one that is cut off is an error."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (FileNotFoundError, IsADirectoryError):
            raise CheckpointsMissing(
                f"{self.path} is no file: name one that `loyalty audit checkpoints FILE` has written"
            ) from None
        except UnicodeDecodeError as error:
            raise CheckpointDamaged(f"{self.path} is no text: fetch it again") from error
        if not text.strip():
            raise CheckpointsMissing(
                f"{self.path} holds no checkpoint yet: fetch it again, or sign one: `loyalty audit checkpoint`"
            )
        pieces = text.rstrip("\n").split("\n\n")
        if len(pieces) % 2:
            raise CheckpointDamaged(
                f"{self.path} ends before the signature of its last checkpoint: fetch it again, whole"
            )
        return [f"{signed}\n\n{signatures}\n" for signed, signatures in zip(pieces[::2], pieces[1::2], strict=True)]

    def hashes(self, low: int, high: int) -> list[bytes] | None:
        """The hashes of the facts at some indices, from 0; none, where the file beside does not hold them."""
        if not self.hashes_path.exists():
            return None
        with self.hashes_path.open("rb") as file:
            file.seek(low * HASH_BYTES)
            found = file.read((high - low) * HASH_BYTES)
        if len(found) < (high - low) * HASH_BYTES:
            return None
        return [found[place : place + HASH_BYTES] for place in range(0, len(found), HASH_BYTES)]

    @property
    def hashed(self) -> int:
        """How many facts the file beside holds the hashes of."""
        return self.hashes_path.stat().st_size // HASH_BYTES if self.hashes_path.exists() else 0

    def follow(self, tree: Tree) -> int:
        """Append what is kept and not here yet, the hashes first; answers how many checkpoints there were."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self._length != os.fstat(file.fileno()).st_size:  # at first, and after somebody else wrote
                self._size = self._begun(file, tree)
            self.mended += max(0, self._size - self.hashed)
            if self.hashed < self._size:
                self._append_hashes(tree, self._size, self._size)
            new = list(tree.kept(after=self._size))
            if new:
                self._append_hashes(tree, self._size, new[-1].size)
                file.write("".join(f"{one.note}\n" for one in new).encode())
                file.flush()
                os.fsync(file.fileno())
                self._size = new[-1].size
            self._length = os.fstat(file.fileno()).st_size
        return len(new)

    def _begun(self, file: BinaryIO, tree: Tree) -> int:
        """How many facts the last whole note here is about; one that was cut off while it was written is removed."""
        file.seek(0)
        written = file.read()
        pieces = written.split(b"\n\n")
        whole = (len(pieces) - 1) // 2 * 2
        kept = b"".join(piece + b"\n\n" for piece in pieces[:whole])
        size = _size_of(pieces[whole - 2]) if whole else 0
        last = tree.last(upto=size)
        if whole and (last is None or not kept.endswith(last.note.encode() + b"\n")):
            raise LogBroken(
                f"{self.path} ends with a checkpoint that the database does not hold: the database was restored from an"
                " older backup, or rewritten. Keep the file, and verify the log against it: `loyalty audit verify`"
            )
        if kept != written:
            file.truncate(len(kept))
        return size

    def _append_hashes(self, tree: Tree, low: int, high: int) -> None:
        with self.hashes_path.open("r+b" if self.hashes_path.exists() else "w+b") as file:
            for start in range(min(low, os.fstat(file.fileno()).st_size // HASH_BYTES), high, _PAGE):
                file.seek(start * HASH_BYTES)
                file.write(tree.hashes(start, min(start + _PAGE, high)))
            file.truncate()
            os.fsync(file.fileno())


def _size_of(text: bytes) -> int:
    try:
        return int(text.split(b"\n")[1])
    except (IndexError, ValueError):
        return 0
