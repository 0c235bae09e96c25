"""The facts themselves, in the order of their positions, straight from the log."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, Field

from infra.settings import Settings
from infra.web import Problem, requires
from projections.past import CLOCKS_AGREE, FIRST, POSITION
from query_api.asking import Words, unknown
from query_api.past import before_first_fact, refuse_future

router = APIRouter(prefix="/facts", tags=["facts"], dependencies=[Depends(requires("auditor"))])

_COLUMNS = "position, originator_id, originator_version, name, recorded_at, state"
_PAGE = f"""
SELECT {_COLUMNS} FROM facts WHERE position > %(after)s
AND (%(name)s::text IS NULL OR name = %(name)s)
AND (%(member)s::uuid IS NULL OR subject = %(member)s)
AND (%(stream)s::uuid IS NULL OR originator_id = %(stream)s)
ORDER BY position LIMIT %(limit)s
"""  # noqa: S608 - the columns are ours
_ONE = f"SELECT {_COLUMNS} FROM facts WHERE position = %(position)s"  # noqa: S608 - the columns are ours


class FactTold(BaseModel):
    """A fact: its place, its envelope, and what it says."""

    position: int = Field(description="Its place in the log; positions have no gaps")
    stream_id: UUID = Field(description="What the fact is about: a member, a card, a purchase, an account, a campaign")
    version: int = Field(description="Its number in its stream; versions have no gaps")
    name: str = Field(description="The stored name, with the version of its shape")
    recorded_at: datetime = Field(description="When the ledger recorded it")
    occurred_at: datetime = Field(description="The business time, as the caller told it")
    actor: str = Field(description="Who brought it about: a till, or the owner of a key")
    member_id: UUID | None = Field(description="The member it belongs to, where there is one")
    body: dict[str, Any] = Field(description="The rest of the fact as it is stored: amounts in minor units")


class FactPage(BaseModel):
    """A page of facts."""

    items: list[FactTold] = Field(description="The facts, by position")
    next: int | None = Field(description="Pass it as `after` for the next page; null when there is no more for now")


class Log:
    """Connections to the log."""

    def __init__(self, settings: Settings) -> None:
        self.pool = AsyncConnectionPool(
            settings.database_url or "", open=False, min_size=1, max_size=4, timeout=5,
            check=AsyncConnectionPool.check_connection, kwargs={"autocommit": True},
        )  # fmt: skip

    async def select(self, statement: str, **values: Any) -> list[FactTold]:
        """The facts that a statement selects."""
        return [_told(*row) for row in await self.rows(statement, **values)]

    async def known(self, known_at: datetime | None) -> int | None:
        """The position of the last fact that was known at an instant; None where no instant is stated."""
        if known_at is None:
            return None
        refuse_future(known_at)
        ((position,),) = await self.rows(POSITION, known_at=known_at, clocks_agree=CLOCKS_AGREE)
        if position is None:
            first = await self.rows(FIRST)
            raise before_first_fact(first[0][0] if first else None)
        return int(position)

    async def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement selects."""
        try:
            async with self.pool.connection() as connection:
                return await (await connection.execute(statement.encode(), values)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Problem(
                "store-unavailable", 503, "The log does not answer. Repeat the request.", headers={"Retry-After": "1"}
            ) from error


@router.get("")
async def facts(
    request: Request,
    after: Annotated[int, Query(ge=0, description="The position after which to begin.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Facts on a page.")] = 100,
    name: Annotated[Words | None, Query(description="Only facts of this stored name.")] = None,
    member: Annotated[UUID | None, Query(description="Only facts of this member.")] = None,
    stream: Annotated[UUID | None, Query(description="Only facts of this stream.")] = None,
) -> FactPage:
    """Facts, page by page, in the order in which they were recorded."""
    log: Log = request.app.state.log
    found = await log.select(_PAGE, after=after, limit=limit + 1, name=name, member=member, stream=stream)
    items = found[:limit]
    return FactPage(items=items, next=items[-1].position if len(found) > limit else None)


@router.get("/{position}")
async def fact(request: Request, position: int) -> FactTold:
    """One fact."""
    log: Log = request.app.state.log
    found = await log.select(_ONE, position=position)
    if not found:
        raise unknown("fact", "The log holds no fact at this position.")
    return found[0]


_ENVELOPE = {"originator_id", "originator_version", "recorded_at", "occurred_at", "actor", "member_id"}


def _told(position: int, stream_id: UUID, version: int, name: str, recorded_at: datetime, state: bytes) -> FactTold:
    fact = json.loads(state)
    return FactTold(
        position=position, stream_id=stream_id, version=version, name=name, recorded_at=recorded_at,
        occurred_at=fact["occurred_at"], actor=fact["actor"], member_id=fact.get("member_id"),
        body={field: value for field, value in fact.items() if field not in _ENVELOPE},
    )  # fmt: skip
