"""The roles, one process each, and such a process's life."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.process import end

_PATIENCE = 20.0


@dataclass(frozen=True)
class Role:
    """What a process is there for: a module and its arguments, as after `python -m`."""

    name: str
    arguments: tuple[str, ...]
    module: str = "cli"


ROLES = (
    Role("intake", ("consume", "purchases")),
    Role("relay", ("relay",)),
    Role("projector", ("project",)),
    Role("command-api", ("serve", "command-api")),
    Role("query-api", ("serve", "query-api")),
    Role("clock", ("clock",)),
)
WITHOUT_CLOCK = tuple(role for role in ROLES if role.name != "clock")
"""All is right without it; for what lies in the past as a whole, everything would have lapsed since."""


class RoleProcess:
    """One role at work, with a log of its own."""

    def __init__(self, role: Role, *, log: Path, environment: Mapping[str, str]) -> None:
        self.name = role.name
        self.log = log
        self._role = role
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start it; the lifeline closes with this process, even if it is killed."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        theirs, ours = os.pipe()
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "cli.supervised", str(theirs), self._role.module, *self._role.arguments],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in a terminal is for the supervisor to pass on, in order
                    pass_fds=(theirs,),
                )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._lifeline = ours

    def restart(self) -> None:
        """Start it anew."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End it in order, by force if it does not listen."""
        if self._process is not None:
            end(self._process.pid, ((signal.SIGTERM, _PATIENCE),))
            self._process.wait()
            self._process = None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
