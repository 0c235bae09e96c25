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
HALVED_FROM = 64
"""Where more waits, half of it is carried out: meanwhile the other half's tills are answered, and heard again."""
MOST_ASKED_AT_ONCE = 100
"""A turn of as many questions keeps a command waiting for some tens of milliseconds."""
IDLE_SECONDS = 1.0


class Gathering:
    """Gathers commands and questions while others are under way; the ledger's writer runs in one thread of its own."""

    def __init__(self, loyalty: Loyalty, *, most_waiting: int) -> None:
        self.loyalty = loyalty
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loyalty")
        self._turns = 0
        """How many were taken."""
        self._commands = Turns(self._execute, self._thread, most=_at_once, most_waiting=most_waiting)
        self._questions = Turns(self._ask, self._thread, most=lambda _: MOST_ASKED_AT_ONCE, most_waiting=most_waiting)

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
        """While nobody asks for anything, keep up with what others write, for ever: a till would have to wait for that."""
        while True:
            turns = self._turns
            await asyncio.sleep(IDLE_SECONDS)
            if self._turns == turns:
                with suppress(PersistenceError):  # the next command will tell
                    await asyncio.get_running_loop().run_in_executor(self._thread, self.loyalty.follow)

    def position(self) -> int:
        """The last position of the log, asked of the database in the writer's own thread."""
        try:
            return self._thread.submit(self.loyalty.facts.max_notification_id).result() or 0
        except PersistenceError as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Let the batch under way end."""
        self._thread.shutdown()

    def _execute(self, commands: Sequence[Command]) -> list[Outcome]:
        self._turns += 1
        return self.loyalty.execute(commands, recorded_at=datetime.now(UTC))

    def _ask(self, questions: Sequence[Question[Any]]) -> list[Any]:
        self._turns += 1
        return self.loyalty.ask(questions, recorded_at=datetime.now(UTC))


def _at_once(waiting: int) -> int:
    return min(MOST_AT_ONCE, max(HALVED_FROM // 2, waiting // 2))
