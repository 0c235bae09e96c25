"""Turns: what arrives while one is under way is gathered for the next."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
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
    """One piece of work after the other, in a thread that may be shared; each takes all that waits, up to so many items."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], list[Outcome]],
        thread: ThreadPoolExecutor,
        *,
        most: Callable[[], int],
        most_waiting: int,
    ) -> None:
        self._work = work
        self._thread = thread
        self._most = most
        self._most_waiting = most_waiting
        self._waiting: list[Waiting[Item, Outcome]] = []
        self._items = 0
        """How many items are waiting."""
        self._arrived = asyncio.Event()

    async def outcomes(self, items: Sequence[Item]) -> list[Outcome]:
        """What became of a request's items, in their order.

        There is room for any request while nobody waits; else those are sent away that there are too many of.
        """
        if self._items and self._items + len(items) > self._most_waiting:
            raise TooBusy
        waiting = Waiting(items, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._items += len(items)
        self._arrived.set()
        return await waiting.answer

    async def arrival(self) -> None:
        """Wait until there is something to do."""
        await self._arrived.wait()

    async def take(self) -> None:
        """Take one turn."""
        taken = self._taken()
        if not self._waiting:
            self._arrived.clear()
        items = [item for one in taken for item in one.items]
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, items)
        except Exception as error:  # it is told to everybody who waits
            if not isinstance(error, PersistenceError):
                log.exception("a turn failed")
            self._fail(taken, error)
            return
        outcomes = iter(found)
        for one in taken:
            mine = list(islice(outcomes, len(one.items)))
            if not one.answer.done():
                one.answer.set_result(mine)

    def _taken(self) -> list[Waiting[Item, Outcome]]:
        size, count, most = 0, 0, self._most()
        for count, one in enumerate(self._waiting, 1):  # noqa: B007 - how far it came is what we are after
            size += len(one.items)
            if size >= most:
                break
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._items -= size
        return taken

    @staticmethod
    def _fail(taken: Sequence[Waiting[Item, Outcome]], error: Exception) -> None:
        told = StoreUnavailable(str(error)) if isinstance(error, PersistenceError) else error
        for one in taken:
            if not one.answer.done():
                one.answer.set_exception(told)
