"""A directory of exports. What its manifest names is whole: files come first, under names of their own, the manifest last."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.evidence.sources import ExportDamaged
from infra.file_lock import FileLock
from projections.whatif.files import NotWritten

MANIFEST = "manifest.json"
LOCK = ".export.lock"
PARTIAL = ".partial"
"""What is being written ends with it, so that nobody's `*.parquet` finds it."""
_AT = r"\d{8}T\d{6}\.\d{6}Z"
_OURS = re.compile(rf"(month=\d{{4}}-\d{{2}}|as_of={_AT}(/known_at={_AT})?)/\d+-\d+\.parquet(\.partial)?")


class NotAnExport(RuntimeError):
    """A directory holds something else."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Told):
    """A Parquet file: its path within the directory, its rows, the positions that they are of, and SHA-256 in hex."""

    path: str
    rows: int
    first: int
    last: int
    sha256: str


class Exported(_Told):
    """One export: its files, its columns, and the fact that it ends with, by position and RFC 6962 leaf hash in hex."""

    files: list[File]
    columns: dict[str, str]
    last_position: int
    last_hash: str


class Manifest(_Told):
    """What the directory holds; `ledger` is the leaf hash of the first fact, as no two ledgers begin with the same one."""

    format: Literal[1] = 1
    ledger: str
    exports: dict[str, Exported] = {}

    def adding(self, name: str, exported: Exported) -> "Manifest":
        """With this export, or as it is now."""
        return self.model_copy(update={"exports": {**self.exports, name: exported}})


class Directory:
    """Only one process writes to it at a time; a run that fails leaves it as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: list[Path] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing to it meanwhile."""
        with _told_of(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def manifest(self) -> Manifest | None:
        """What it holds; None where nothing was ever exported to it."""
        try:
            return Manifest.model_validate_json((self.path / MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            raise ExportDamaged(
                f"{self.path / MANIFEST} is not readable as a manifest: export to an empty directory instead"
            ) from error

    def check_free(self, names: set[str]) -> None:
        """Without a manifest it may hold what a run that was broken off has left, and nothing else."""
        others = sorted(one.name for one in self.path.iterdir() if one.name not in {LOCK, MANIFEST + PARTIAL, *names})
        if others:
            raise NotAnExport(
                f"{self.path} has no {MANIFEST}, but holds {others[0]}: name an empty directory, or one that"
                " `loyalty export` has made"
            )

    def check(self, exported: Exported) -> None:
        """Whether its files are those that were written."""
        for file in exported.files:
            try:
                with (self.path / file.path).open("rb") as opened:
                    found = file_digest(opened, "sha256").hexdigest()
            except OSError:
                found = "missing"
            if found != file.sha256:
                raise ExportDamaged(
                    f"{file.path} is {'missing' if found == 'missing' else 'not as it was written'}: export to an empty"
                    " directory instead"
                )

    def tidy(self, name: str, manifest: Manifest | None) -> None:
        """Remove what a run that was broken off has left: files of ours that the manifest does not name."""
        exported = manifest.exports.get(name) if manifest else None
        named = {file.path for file in exported.files} if exported else set()
        for found in (self.path / name).rglob("*.parquet*"):
            path = found.relative_to(self.path).as_posix()
            if path not in named and _OURS.fullmatch(path.removeprefix(f"{name}/")):
                found.unlink()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All that is written within is there afterwards, or nothing of it."""
        self._written.clear()
        try:
            with _told_of(self.path):
                yield
        finally:
            for path in self._written:
                for left in (path, _beside(path)):
                    with suppress(OSError):
                        left.unlink(missing_ok=True)

    def write(self, path: str, data: bytes, *, rows: int, first: int, last: int) -> File:
        """A file beside its place; it takes it with the manifest."""
        to = self.path / path
        to.parent.mkdir(parents=True, exist_ok=True)
        self._written.append(to)
        _write_whole(_beside(to), data)
        return File(path=path, rows=rows, first=first, last=last, sha256=sha256(data).hexdigest())

    def commit(self, manifest: Manifest) -> None:
        """Give all that was written its place, and then its name in the manifest."""
        for path in self._written:
            _beside(path).replace(path)
        for folder in {path.parent for path in self._written}:
            _sync(folder)
        to = self.path / MANIFEST
        try:
            _write_whole(_beside(to), manifest.model_dump_json(indent=1).encode())
            _beside(to).replace(to)
        except OSError:
            with suppress(OSError):
                _beside(to).unlink(missing_ok=True)
            raise
        self._written.clear()
        _sync(self.path)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)


def _write_whole(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"{path} was not written: {error.strerror or error}. What it held before is as it was; see to room and rights"
            " there, and run the same command again"
        ) from error
