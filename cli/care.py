"""What a supervisor does about one child that dies: wait a little longer each time, start it again, say so."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from infra.embedded.service import ServiceFailed

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 15.0
_STEADY_AFTER = 60.0

Say = Callable[[str], None]


class Child(Protocol):
    """A service or a role."""

    log: Path

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    def alive(self) -> bool: ...

    def restart(self) -> None: ...


class Care:
    """One child under supervision."""

    def __init__(self, child: Child, say: Say) -> None:
        self.child = child
        self._say = say
        self._since = time.monotonic()
        self._delay = _FIRST_DELAY
        self._due: float | None = None

    def look(self) -> bool:
        """See to it; whether it has just been started again."""
        now = time.monotonic()
        if self.child.alive():
            return False
        if self._due is None:
            self._mourn(now)
        return self._due is not None and now >= self._due and self._revive()

    def _mourn(self, now: float) -> None:
        if now - self._since > _STEADY_AFTER:
            self._delay = _FIRST_DELAY
        self._say(
            f"{self.child.name} ended by itself; it is started again in {self._delay:g} s (log: {self.child.log})"
        )
        self._postpone()

    def _revive(self) -> bool:
        try:
            self.child.restart()
        except (ServiceFailed, OSError) as error:
            self._say(f"{self.child.name} does not start, next try in {self._delay:g} s: {error}")
            self._postpone()
            return False
        self._say(f"{self.child.name} runs again")
        self._since, self._due = time.monotonic(), None
        return True

    def _postpone(self) -> None:
        self._due = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
