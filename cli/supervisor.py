"""Everything that runs on one machine: the services that nobody gave us, and a process for each role."""

import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Self

import psutil

from cli.care import Care, Child, Say
from cli.data_dir import DataDir, Run
from cli.roles import ROLES, Role, RoleProcess
from infra.append_only import make_log
from infra.embedded.ports import free_ports, is_free
from infra.embedded.services import EmbeddedServices
from infra.settings import Settings

_LOOK_EVERY = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PortInUse(RuntimeError):
    """A port that was asked for by name is taken."""


class Supervisor:
    """Starts it all, keeps it running meanwhile, and ends it in order when the `with` block is left."""

    def __init__(self, settings: Settings, *, roles: Sequence[Role] = ROLES, say: Say = print) -> None:
        self._say = say
        self._directory = DataDir(settings.data_dir)
        self._services = EmbeddedServices(settings)
        self._wanted = roles
        self._roles: list[RoleProcess] = []
        self._cares: list[Care] = []
        self._given = settings
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._handlers: dict[signal.Signals, object] = {}

    @property
    def settings(self) -> Settings:
        """The settings that the roles run by: addresses and ports filled in."""
        return self._given

    @property
    def urls(self) -> Mapping[str, str]:
        """Where the two APIs are: `command` and `query`."""
        host = "127.0.0.1" if self._given.host == "0.0.0.0" else self._given.host  # noqa: S104  asked about, not bound
        return {
            "command": f"http://{host}:{self._given.command_port}",
            "query": f"http://{host}:{self._given.query_port}",
        }

    @property
    def database_url(self) -> str:
        """Where the facts are."""
        return self._given.database_url or ""

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Where the brokers are."""
        return self._given.kafka_bootstrap_servers or ""

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes that run now, by role or service."""
        return {care.child.name: pid for care in self._cares if (pid := care.child.pid) is not None}

    def resident_bytes(self) -> Mapping[str, int]:
        """Memory of each of our own processes; what several share is counted once."""
        ours = {role.name: pid for role in self._roles if (pid := role.pid) is not None}
        return {
            name: _memory(psutil.Process(pid)) for name, pid in {"supervisor": psutil.Process().pid, **ours}.items()
        }

    def watch(self) -> None:
        """Stay until Ctrl-C or SIGTERM."""
        try:
            self._ending.wait()
        except KeyboardInterrupt:
            self._say("stopping")
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        """Start; when it fails or is interrupted half-way, what has begun is ended."""
        self._directory.acquire()
        self._handle_signals()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop: the roles first, then what they stand on."""
        self._stop()

    def _start(self) -> None:
        self._given = _with_ports(self._given)
        self._services.start()
        self._given = self._services.fill(self._given)
        if self._given.owner_database_url:  # roles are not told of it
            make_log(self._given)
        environment = self._given.environment()
        logs = self._directory.path / "logs"
        for wanted in self._wanted:
            role = RoleProcess(wanted, log=logs / f"{wanted.name}.log", environment=environment)
            self._roles.append(role)
            role.start()
        children: list[Child] = [*self._services.ours, *self._roles]  # what others stand on comes first
        self._cares = [Care(child, self._say) for child in children]
        self._tell()
        self._thread.start()

    def _stop(self) -> None:
        self._ending.set()
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C must not cut the ending short
        stops = [role.stop for role in self._roles]
        with ThreadPoolExecutor(max_workers=len(stops) or 1) as pool:
            if self._thread.is_alive():
                self._services.interrupt()
                self._thread.join()
            for done in [pool.submit(stop) for stop in stops]:
                done.result()
        self._services.stop()
        self._directory.remove_run()
        self._directory.release()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _supervise(self) -> None:
        try:
            while not self._ending.wait(_LOOK_EVERY):
                revived = [care.child for care in self._cares if care.look()]
                if revived:
                    self._tell()
        except BaseException as error:  # noqa: BLE001  nobody waits for this thread: `watch` raises it
            self._failure = error
            self._ending.set()

    def _tell(self) -> None:
        run = Run(
            command_url=self.urls["command"],
            query_url=self.urls["query"],
            kafka_bootstrap_servers=self.kafka_bootstrap_servers,
            database_url=self.database_url,
            pids={"supervisor": psutil.Process().pid, **self.pids},
        )
        self._directory.write_run(run)

    def _handle_signals(self) -> None:
        """SIGTERM and a closed terminal end everything as Ctrl-C does; only the main thread may decide so."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, _interrupt) for number in _SIGNALS}


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _with_ports(settings: Settings) -> Settings:
    """Ports that were asked for by name must be free; the usual ones give way to others."""
    chosen: dict[str, int] = {}
    for name in ("command_port", "query_port"):
        port = getattr(settings, name)
        if is_free(port, host=settings.host):
            continue
        if name in settings.model_fields_set:
            raise PortInUse(f"port {port} is taken: choose another with LOYALTY_{name.upper()}, or leave it unset")
        (chosen[name],) = free_ports(1)
    return settings.model_copy(update=chosen)


def _memory(process: psutil.Process) -> int:
    whole = process.memory_full_info()
    return int(getattr(whole, "pss", whole.rss))
