"""Work that goes on beside whatever else a process does."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class Beside(ABC):
    """A thread that nothing waits for, and that brings nothing down."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """At work meanwhile."""
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Until asked to stop; what goes wrong is logged, and tried again."""
