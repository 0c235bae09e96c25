"""The data directory: one supervisor at a time, and what it tells others."""

import os
from pathlib import Path

import pytest

from cli.data_dir import DataDir, DataDirInUse, Run

_RUN = Run(
    command_url="http://127.0.0.1:8001",
    query_url="http://127.0.0.1:8002",
    kafka_bootstrap_servers="127.0.0.1:9092",
    database_url="postgresql://loyalty:secret@127.0.0.1/loyalty",
    pids={"supervisor": 1, "relay": 2},
)


def test_a_second_supervisor_is_refused_with_words_that_help(tmp_path: Path) -> None:
    held = DataDir(tmp_path)
    held.acquire()
    with pytest.raises(DataDirInUse, match=rf"process {os.getpid()}.*LOYALTY_DATA_DIR"):
        DataDir(tmp_path).acquire()
    held.release()
    DataDir(tmp_path).acquire()


def test_what_runs_is_read_back(tmp_path: Path) -> None:
    running = DataDir(tmp_path)
    running.acquire()
    assert running.read_run() is None
    running.write_run(_RUN)
    assert DataDir(tmp_path).read_run() == _RUN
    assert (tmp_path / "run.json").stat().st_mode & 0o077 == 0
    running.remove_run()
    assert DataDir(tmp_path).read_run() is None


def test_what_a_killed_supervisor_left_behind_does_not_run(tmp_path: Path) -> None:
    killed = DataDir(tmp_path)
    killed.acquire()
    killed.write_run(_RUN)
    killed.release()  # as the system does for a dead process
    assert DataDir(tmp_path).read_run() is None


def test_nothing_runs_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert DataDir(tmp_path / "none").read_run() is None
    assert not (tmp_path / "none").exists()
