"""The life of a service that we run ourselves: started, healthy, restarted on the same ports, stopped."""

import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from infra.embedded.ports import free_ports
from infra.embedded.process import end, leftover, remember
from infra.file_lock import FileLock


class ServiceFailed(RuntimeError):
    """A service did not come up; the message ends with the last lines of its log."""


class EmbeddedService(ABC):
    """A server in a directory of its own. Data outlives it; a killed one starts again with what it had."""

    name: ClassVar[str]
    port_count: ClassVar[int]
    stop_signals: ClassVar[Sequence[tuple[signal.Signals, float]]]
    patience: ClassVar[float] = 180.0  # recovery after a crash may have much to read

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / f"{self.name}.log"
        self.ports: tuple[int, ...] = ()
        self._pid_file = self.directory / f"{self.name}.pid"
        self._lock = FileLock(self.directory / "lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.RLock()
        self._stopping = threading.Event()

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the first start needs; nothing if it is there."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The command line, with `self.ports`."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether it answers; asked again and again."""

    def _environment(self) -> Mapping[str, str] | None:
        return None

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start it, on the data of last time if there is any; return when it answers."""
        with self._busy:
            if self.alive():
                return
            self._stopping.clear()
            self._lock.acquire()
            try:
                self._end_leftover()
                self._prepare()
                self._launch()
            except BaseException:
                self.stop()
                raise

    def restart(self) -> None:
        """Start it again on the same ports, so that clients find it where it was."""
        with self._busy:
            self._end()
            self._launch()

    def interrupt(self) -> None:
        """Let a start or restart under way, in another thread, come to its end; the service is about to be stopped."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop it in order, by force if it does not listen; nothing if it does not run."""
        self.interrupt()
        with self._busy:
            self._end()
            self._lock.release()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _launch(self, *, attempts: int = 6) -> None:
        """A port may be snatched between choosing and listening, and a killed server's helpers need a moment to go."""
        fixed = self.ports
        for attempt in range(attempts):
            self.ports = fixed or free_ports(self.port_count)
            self._spawn()
            if self._came_up():
                return
            hopeless = self.alive()  # it runs and does not answer: no port is to blame
            self._end()
            self._stopping.wait(0.25 * 2**attempt)
            if hopeless or self._stopping.is_set():
                break
        self.ports = fixed
        raise ServiceFailed(f"{self.name} did not start; {self.log} ends with:\n{self._last_lines()}")

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is for us to pass on, in order
            )
        remember(self._pid_file, self._process.pid)

    def _came_up(self) -> bool:
        deadline = time.monotonic() + self.patience
        while self.alive() and not self._stopping.is_set() and time.monotonic() < deadline:
            if self._ready():
                return True
            time.sleep(0.05)
        return False

    def _end(self) -> None:
        if self._process is not None:
            end(self._process.pid, self.stop_signals)
            self._process.wait()
            self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _end_leftover(self) -> None:
        """We hold the directory's lock, so whatever still runs here was left behind by a process that was killed."""
        pid = leftover(self._pid_file)
        if pid is not None:
            end(pid, self.stop_signals)

    def _last_lines(self, number: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-number:])
