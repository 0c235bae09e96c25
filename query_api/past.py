"""Questions about what was known at an instant, answered from the log as it was then."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from starlette.concurrency import run_in_threadpool

from infra.settings import Settings
from infra.web import Problem
from projections.known import BeforeFirstFact, Knowledge
from projections.past import CannotBeFolded, Past
from projections.schema import KINDS
from projections.snapshot import Snapshot
from query_api.turns import turn


def refuse_future(known_at: datetime) -> None:
    """What will be known may still change."""
    if known_at > datetime.now(UTC):
        raise Problem("known-at-in-future", 422, "Nobody knows yet what will be known. Ask about an instant that was.")


def member_parked(what: str, *, position: int | None = None) -> Problem:
    """Some fact cannot be folded, so the answer would be wrong; it may be known where it stands."""
    stands: dict[str, Any] = {} if position is None else {"position": position}
    return Problem("member-parked", 503, f"{what} could not be folded; an operator must look at it.", **stands)


def before_first_fact(first: datetime | None) -> Problem:
    """Nothing was known then; the first fact was recorded at `first`, if there is one."""
    return Problem(
        "before-first-fact", 404, "Nothing had been recorded by then. Ask about a later instant.",
        first_recorded_at=first,
    )  # fmt: skip


def before_first_event(first: datetime) -> Problem:
    """Nothing had happened to a member by then, whenever it was recorded; the first was at `first`."""
    return Problem(
        "before-first-fact", 404, "Nothing had happened to the member by then. Ask about a later instant.",
        first_occurred_at=first,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Turn:
    """Tables for one question at a time."""

    past: Past
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pasts:
    """The pasts of read models: of each one for questions about members, and one for those about everybody.

    A question about a member does not wait while the whole log is folded for another one.
    """

    def __init__(self, settings: Settings) -> None:
        self.knowledge = Knowledge(settings.database_url)
        self._turns = {
            (name, of_all): _Turn(Past(settings.database_url, kind, self.knowledge))
            for name, kind in KINDS.items()
            for of_all in (False, True)
        }

    def close(self) -> None:
        self.knowledge.close()
        for one in self._turns.values():
            one.past.close()

    async def position(self, known_at: datetime) -> int:
        """The position of the last fact that was known."""
        with telling("A fact"):
            refuse_future(known_at)
            return await run_in_threadpool(self.knowledge.position, known_at)

    @asynccontextmanager
    async def look(self, projection: str, known_at: datetime, subjects: Sequence[UUID]) -> AsyncIterator[Snapshot]:
        """The read model as of what was known; of those subjects alone, where any are named."""
        refuse_future(known_at)
        one = self._turns[projection, not subjects]
        async with turn(one.alone):
            with telling("A fact of this member" if subjects else "A fact"):
                yield await run_in_threadpool(one.past.as_known, known_at, subjects)


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Why there is no answer."""
    try:
        yield
    except BeforeFirstFact as error:
        raise before_first_fact(error.first) from error
    except CannotBeFolded as error:
        raise member_parked(what, position=error.position) from error
    except psycopg.OperationalError as error:
        raise Problem(
            "store-unavailable", 503, "The log does not answer. Repeat the request.", headers={"Retry-After": "1"}
        ) from error
