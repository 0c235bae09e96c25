"""A lock on a file that dies with its process, so that no crash leaves it behind."""

import fcntl
import os
from pathlib import Path
from typing import Self


class LockHeld(RuntimeError):
    """Another process holds the lock."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path.parent} is in use by process {holder}" if holder else f"{path.parent} is in use")
        self.path = path
        self.holder = holder


class FileLock:
    """An exclusive lock; the file names its holder. It is not inherited by child processes."""

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        self._path = path
        self._flags = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise `LockHeld`."""
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, self._flags)
        except BlockingIOError as error:
            holder = os.read(file, 20).decode().strip()
            os.close(file)
            raise LockHeld(self._path, holder) from error
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; the file stays, because removing it would let two processes lock two files."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        """Take the lock."""
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.release()
