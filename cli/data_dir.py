"""The data directory: one supervisor at a time, and `run.json`, where people and scripts find what runs."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from infra.file_lock import FileLock, LockHeld


class DataDirInUse(RuntimeError):
    """Another supervisor works in this data directory."""


class Run(BaseModel):
    """What runs, and where; the database's address holds its password, so the file is for its owner only."""

    model_config = ConfigDict(frozen=True)

    command_url: str
    query_url: str
    kafka_bootstrap_servers: str
    database_url: str
    pids: dict[str, int]


class DataDir:
    """One data directory, locked while something runs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._run_file = self.path / "run.json"
        self._lock = FileLock(self.path / "lock")

    def acquire(self) -> None:
        """Take it for this process, or raise `DataDirInUse`."""
        try:
            self._lock.acquire()
        except LockHeld as held:
            raise DataDirInUse(
                f"{self.path} is in use by process {held.holder or '?'}: stop that one, "
                "or choose another directory with LOYALTY_DATA_DIR"
            ) from held

    def release(self) -> None:
        """Give it back; nothing runs in it any more."""
        self._lock.release()

    def write_run(self, run: Run) -> None:
        """Tell what runs; readers see the old text or the new one, never half of it."""
        fresh = self._run_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(run.model_dump(), indent=2) + "\n")
        fresh.replace(self._run_file)

    def remove_run(self) -> None:
        """Tell that nothing runs."""
        self._run_file.unlink(missing_ok=True)

    def read_run(self) -> Run | None:
        """What runs here; nothing if the file was left behind by a supervisor that was killed."""
        if not self._run_file.exists() or not self._in_use():
            return None
        return Run.model_validate_json(self._run_file.read_text())

    def _in_use(self) -> bool:
        probe = FileLock(self.path / "lock")
        try:
            probe.acquire()
        except LockHeld:
            return True
        probe.release()
        return False
