"""Turns: what arrives while one is under way is gathered for the next."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from eventsourcing.persistence import PersistenceError

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class StoreUnavailable(Exception):
    """The database did not answer; whether the command was recorded is not known. Repeat it with the same id."""


class TooBusy(Exception):
    """More is waiting than can be carried out in good time; nothing of this was. Repeat it after a while, with the same id."""


class Waiting(NamedTuple, Generic[Item, Outcome]):
    """The items of one request, and who waits for their outcomes."""

    items: Sequence[Item]
    answer: "asyncio.Future[list[Outcome]]"


class Turns(Generic[Item, Outcome]):
    """One piece of work after the other, in a thread that may be shared; each takes what waits, up to so many items.

    The thread goes on with the next turn at once; whoever waited for the last one is answered meanwhile.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], list[Outcome]],
        thread: ThreadPoolExecutor,
        *,
        most: Callable[[int], int],
        most_waiting: int,
    ) -> None:
        self._work = work
        self._thread = thread
        self._most = most
        self._most_waiting = most_waiting
        self._lock = Lock()
        """Held for moments, by the thread and by the event loop's."""
        self._waiting: list[Waiting[Item, Outcome]] = []
        self._items = 0
        """How many items are waiting."""
        self._at_work = False

    async def outcomes(self, items: Sequence[Item]) -> list[Outcome]:
        """What became of a request's items, in their order.

        There is room for any request while nobody waits; else those are sent away that there are too many of.
        """
        loop = asyncio.get_running_loop()
        waiting = Waiting(items, loop.create_future())
        with self._lock:
            if self._items and self._items + len(items) > self._most_waiting:
                raise TooBusy
            self._waiting.append(waiting)
            self._items += len(items)
            idle, self._at_work = not self._at_work, True
        if idle:
            loop.call_soon(self._thread.submit, self._turn, loop)  # with those that arrived together with it
        return await waiting.answer

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take one turn, in the thread; the next one comes after whatever else the thread was asked for meanwhile."""
        taken = self._taken()
        try:
            found: list[Outcome] | Exception = self._work([item for one in taken for item in one.items])
        except Exception as error:
            if not isinstance(error, PersistenceError):
                log.exception("a turn failed")
            found = StoreUnavailable(str(error)) if isinstance(error, PersistenceError) else error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_tell, taken, found)
        with self._lock:
            self._at_work = bool(self._waiting)
        if self._at_work:
            self._thread.submit(self._turn, loop)

    def _taken(self) -> list[Waiting[Item, Outcome]]:
        with self._lock:
            size, count, most = 0, 0, self._most(self._items)
            for count, one in enumerate(self._waiting, 1):  # noqa: B007 - how far it came is what we are after
                size += len(one.items)
                if size >= most:
                    break
            taken, self._waiting = self._waiting[:count], self._waiting[count:]
            self._items -= size
        return taken


def _tell(taken: Sequence[Waiting[Item, Outcome]], found: list[Outcome] | Exception) -> None:
    """Answer those who still wait, in the event loop."""
    outcomes = iter(() if isinstance(found, Exception) else found)
    for one in taken:
        mine = list(islice(outcomes, len(one.items)))
        if one.answer.done():
            continue
        if isinstance(found, Exception):
            one.answer.set_exception(found)
        else:
            one.answer.set_result(mine)
