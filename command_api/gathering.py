"""Group commit: commands that arrive together are carried out in one transaction; questions, with one look at the log."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from eventsourcing.persistence import PersistenceError

from command_api.turns import StoreUnavailable, Turns
from domain.command import Command, Question
from domain.loyalty import Failed, Loyalty, Outcome, Refused

MOST_AT_ONCE = 1_000
MOST_ASKED_AT_ONCE = 100
"""A turn of as many questions keeps a command waiting for some tens of milliseconds."""
IDLE_SECONDS = 1.0


class Gathering:
    """Gathers commands and questions while others are under way; the ledger's writer runs in one thread of its own."""

    def __init__(self, loyalty: Loyalty, *, most_waiting: int) -> None:
        self.loyalty = loyalty
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loyalty")
        self._commands = Turns(self._execute, self._thread, most=lambda: MOST_AT_ONCE, most_waiting=most_waiting)
        self._questions = Turns(self._ask, self._thread, most=lambda: MOST_ASKED_AT_ONCE, most_waiting=most_waiting)

    async def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """The outcomes of a request's commands, once they are committed."""
        return await self._commands.outcomes(commands)

    async def ask(self, question: Question[Any]) -> Any:
        """The answer to a question; a refusal or a failure is raised."""
        (answer,) = await self._questions.outcomes([question])
        if isinstance(answer, Refused):
            raise answer.refusal
        if isinstance(answer, Failed):
            raise answer.error
        return answer

    async def run(self) -> None:
        """Carry out batch after batch, and answer question after question, for ever."""
        await asyncio.gather(self._carry_out(), self._answer())

    def position(self) -> int:
        """The last position of the log, asked of the database in the writer's own thread."""
        try:
            return self._thread.submit(self.loyalty.facts.max_notification_id).result() or 0
        except PersistenceError as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Let the batch under way end."""
        self._thread.shutdown()

    async def _carry_out(self) -> None:
        """While there is no command, keep up with what others write: a till would have to wait for that."""
        while True:
            try:
                await asyncio.wait_for(self._commands.arrival(), IDLE_SECONDS)
            except TimeoutError:
                with suppress(PersistenceError):  # the next command will tell
                    await asyncio.get_running_loop().run_in_executor(self._thread, self.loyalty.follow)
            else:
                await self._commands.take()

    async def _answer(self) -> None:
        while True:
            await self._questions.arrival()
            await self._questions.take()

    def _execute(self, commands: Sequence[Command]) -> list[Outcome]:
        return self.loyalty.execute(commands, recorded_at=datetime.now(UTC))

    def _ask(self, questions: Sequence[Question[Any]]) -> list[Any]:
        return self.loyalty.ask(questions, recorded_at=datetime.now(UTC))
