"""The lock on a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.file_lock import FileLock, LockHeld

_HOLDER = """
import sys, time
from pathlib import Path
from infra.file_lock import FileLock
FileLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_one_at_a_time_and_the_holder_is_named(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"), pytest.raises(LockHeld, match=str(os.getpid())):
        FileLock(tmp_path / "lock").acquire()
    FileLock(tmp_path / "lock").acquire()


def test_it_dies_with_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=str(holder.pid)):
            FileLock(tmp_path / "lock").acquire()
        holder.kill()
        holder.wait()
        FileLock(tmp_path / "lock").acquire()
