"""Group commit: commands that arrive together are carried out in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from eventsourcing.persistence import PersistenceError

from domain.command import Command
from domain.loyalty import Loyalty, Outcome

log = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000
MOST_WAITING = 5_000
IDLE_SECONDS = 1.0


class StoreUnavailable(Exception):
    """The database did not answer; whether the command was recorded is not known. Repeat it with the same id."""


class TooBusy(Exception):
    """More commands are waiting than can be carried out in good time. Repeat it a little later."""


class Waiting(NamedTuple):
    """Commands of one request, and who waits for their outcomes."""

    commands: Sequence[Command]
    answer: "asyncio.Future[list[Outcome]]"


class Gathering:
    """Gathers commands while a batch is under way; the ledger's writer runs in one thread of its own."""

    def __init__(self, loyalty: Loyalty) -> None:
        self.loyalty = loyalty
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loyalty")
        self._waiting: list[Waiting] = []
        self._arrived = asyncio.Event()

    async def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """The outcomes of a request's commands, once they are committed."""
        if sum(len(one.commands) for one in self._waiting) >= MOST_WAITING:
            raise TooBusy
        waiting = Waiting(commands, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def run(self) -> None:
        """Carry out batch after batch, for ever."""
        while True:
            if not await self._something_arrived():
                continue
            batch = self._take()
            if not self._waiting:
                self._arrived.clear()
            await self._carry_out(batch)

    def position(self) -> int:
        """The last position of the log, asked of the database in the writer's own thread."""
        try:
            return self._thread.submit(self.loyalty.facts.max_notification_id).result() or 0
        except PersistenceError as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Let the batch under way end."""
        self._thread.shutdown()

    async def _something_arrived(self) -> bool:
        """Wait for a command. While there is none, keep up with what others write: a till would have to wait for that."""
        try:
            await asyncio.wait_for(self._arrived.wait(), IDLE_SECONDS)
        except TimeoutError:
            with suppress(PersistenceError):  # the next command will tell
                await asyncio.get_running_loop().run_in_executor(self._thread, self.loyalty.follow)
            return False
        return True

    def _take(self) -> list[Waiting]:
        size, count = 0, 0
        for count, one in enumerate(self._waiting, 1):  # noqa: B007 - how far it came is what we are after
            size += len(one.commands)
            if size >= MOST_AT_ONCE:
                break
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _carry_out(self, batch: Sequence[Waiting]) -> None:
        commands = [command for one in batch for command in one.commands]
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._execute, commands)
        except Exception as error:  # it is told to everybody who waits
            if not isinstance(error, PersistenceError):
                log.exception("a batch could not be carried out")
            self._fail(batch, error)
            return
        for one in batch:
            mine, outcomes = outcomes[: len(one.commands)], outcomes[len(one.commands) :]
            if not one.answer.done():
                one.answer.set_result(mine)

    def _execute(self, commands: Sequence[Command]) -> list[Outcome]:
        return self.loyalty.execute(commands, recorded_at=datetime.now(UTC))

    @staticmethod
    def _fail(batch: Sequence[Waiting], error: Exception) -> None:
        told = StoreUnavailable(str(error)) if isinstance(error, PersistenceError) else error
        for one in batch:
            if not one.answer.done():
                one.answer.set_exception(told)
