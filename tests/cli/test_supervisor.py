"""The supervisor: whatever dies is started again, and nothing outlives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cli.care import Care
from cli.data_dir import DataDir, DataDirInUse
from cli.roles import Role
from cli.supervisor import PortInUse, Supervisor
from infra.embedded.service import ServiceFailed
from infra.settings import Settings

SLEEPER = Role("sleeper", ("60",), module="tests.cli.sleeper")

_OWNER = """
import sys
from pathlib import Path
from cli.roles import Role
from cli.supervisor import Supervisor
from infra.settings import Settings
settings = Settings(data_dir=Path(sys.argv[1]), database_url="postgresql://none", kafka_bootstrap_servers="none:1")
with Supervisor(settings, roles=[Role("sleeper", ("60",), module="tests.cli.sleeper")]) as running:
    wait = running._ending.wait
    def told(*seconds):
        if not seconds:  # it is the main thread that waits, for ever, within `watch`
            print(running.pids["sleeper"], flush=True)
        return wait(*seconds)
    running._ending.wait = told
    running.watch()
print("ended in order", flush=True)
"""


def _settings(tmp_path: Path, **others: object) -> Settings:
    """With services named, so that none is started."""
    given: dict[str, object] = {"database_url": "postgresql://none", "kafka_bootstrap_servers": "none:1", **others}
    return Settings(data_dir=tmp_path, **given)  # type: ignore[arg-type]


def _until(reached: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _told(home: Path) -> dict[str, int]:
    """The processes that `run.json` names."""
    run = DataDir(home).read_run()
    assert run is not None
    return dict(run.pids)


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_killed_role_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with Supervisor(_settings(tmp_path), roles=[SLEEPER], say=said.append) as running:
        first = running.pids["sleeper"]
        os.kill(first, signal.SIGKILL)
        _until(lambda: running.pids.get("sleeper", first) != first)
        _until(lambda: len(said) == 2)
        _until(lambda: _told(tmp_path) == {"supervisor": os.getpid(), **running.pids})
    assert said[0].startswith("sleeper ended by itself; it is started again in 0.5 s")
    assert said[1] == "sleeper runs again"


def test_leaving_the_block_ends_all(tmp_path: Path) -> None:
    with Supervisor(_settings(tmp_path), roles=[SLEEPER]) as running:
        pid = running.pids["sleeper"]
        _until(lambda: running.resident_bytes()["sleeper"] > 1_000_000)
    assert _gone(pid)
    assert DataDir(tmp_path).read_run() is None
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_in_order(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        role = int(owner.stdout.readline())
        owner.send_signal(number)
        assert owner.stdout.read() == "stopping\nended in order\n"
        assert owner.wait(20) == 0
    assert _gone(role)


def test_no_role_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        role = int(owner.stdout.readline())
        owner.kill()
    _until(lambda: _gone(role))
    assert (tmp_path / "run.json").exists()
    assert DataDir(tmp_path).read_run() is None


def test_one_supervisor_a_directory(tmp_path: Path) -> None:
    with Supervisor(_settings(tmp_path), roles=[SLEEPER]) as running:
        with pytest.raises(DataDirInUse), Supervisor(_settings(tmp_path), roles=[SLEEPER]):
            pass
        assert psutil.pid_exists(running.pids["sleeper"])


def test_roles_are_told_addresses_and_ports(tmp_path: Path) -> None:
    teller = Role("teller", (), module="tests.cli.teller")
    with Supervisor(_settings(tmp_path, query_port=_free()), roles=[teller]) as running:
        log = tmp_path / "logs" / "teller.log"
        _until(lambda: log.exists() and log.read_text().endswith("\n"))
        told = dict(line.split("=", 1) for line in log.read_text().splitlines())
        assert told["LOYALTY_DATABASE_URL"] == running.database_url == "postgresql://none"
        assert told["LOYALTY_KAFKA_BOOTSTRAP_SERVERS"] == running.kafka_bootstrap_servers == "none:1"
        assert running.urls["query"] == f"http://127.0.0.1:{told['LOYALTY_QUERY_PORT']}"
        assert told["LOYALTY_DATA_DIR"] == str(tmp_path)


def test_the_usual_ports_give_way_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(Settings.model_fields["command_port"], "default", taken.getsockname()[1])
        Settings.model_rebuild(force=True)
        with Supervisor(_settings(tmp_path), roles=[]) as running:
            assert running.settings.command_port != taken.getsockname()[1]
    monkeypatch.undo()
    Settings.model_rebuild(force=True)


def test_a_port_asked_for_by_name_does_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = _settings(tmp_path, query_port=taken.getsockname()[1])
        with pytest.raises(PortInUse, match="LOYALTY_QUERY_PORT"), Supervisor(settings, roles=[]):
            pass
    with Supervisor(settings, roles=[]) as running:
        assert running.settings.query_port == settings.query_port


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Dying:
    """A child that never lives."""

    name = "dying"
    log = Path("dying.log")
    pid = None

    def alive(self) -> bool:
        return False

    def restart(self) -> None:
        raise ServiceFailed("no")


def test_the_wait_grows_with_each_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    said: list[str] = []
    care = Care(Dying(), said.append)
    tries: list[float] = []
    while now < 60:
        before = len(said)
        care.look()
        if len(said) > before:
            tries.append(now)
        now += 0.5
    assert tries == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]
