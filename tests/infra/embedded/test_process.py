"""Processes by their id."""

import signal
import subprocess
import sys
from pathlib import Path

from infra.embedded.process import end, leftover, remember

_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


def test_a_running_process_is_recognised_and_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        remember(file, process.pid)
        assert leftover(file) == process.pid
        end(process.pid, ((signal.SIGTERM, 10),))
    assert leftover(file) is None


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        file.write_text(f"{process.pid} 1000000000.0\n")
        assert leftover(file) is None
        process.kill()


def test_who_does_not_listen_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        end(process.pid, ((signal.SIGTERM, 0.2),))
        end(process.pid, ((signal.SIGTERM, 0.2),))


def test_nothing_remembered_is_nothing_left(tmp_path: Path) -> None:
    assert leftover(tmp_path / "pid") is None
    (tmp_path / "pid").write_text("rubbish")
    assert leftover(tmp_path / "pid") is None
