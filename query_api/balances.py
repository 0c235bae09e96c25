"""The balances of all members: by pages, or as lines."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from domain.lots import Buckets
from infra.web import requires
from projections.all_balances import (
    FIGURES,
    BalancePage,
    BalanceTotals,
    Part,
    all_balances,
    all_balances_known,
    balance_page,
)
from query_api.asking import AsOf, TheReader, Waiting, instant
from query_api.past import telling
from query_api.reading import Reader, Wait
from query_api.streaming import streamed
from query_api.turns import turn

AT_ONCE = 2
"""Such answers that are made at once: each holds a connection, and a state of the database, until it is told."""
NOTHING = Part(0, Buckets(), "")

Parts = AsyncGenerator[tuple[int, Part], None]
"""With the position up to which they are complete."""

router = APIRouter(prefix="/balances", tags=["points"], dependencies=[Depends(requires("staff", "analyst", "auditor"))])


@router.get("")
async def balances(
    read: TheReader,
    wait: Waiting,
    as_of: AsOf = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Members on a page.")] = 100,
) -> BalancePage:
    """Everybody's points by what has become of them, page by page."""
    async with read.look("balances", wait, whole=True) as snapshot:
        return await balance_page(snapshot, as_of=instant(as_of, wait), after=after, limit=limit)


@router.get(".ndjson", response_class=StreamingResponse)
async def balances_as_lines(request: Request, read: TheReader, wait: Waiting, as_of: AsOf = None) -> StreamingResponse:
    """Everybody's points, a member a line, all of one state of the ledger; the last line is their sum.

    An answer without that line is not whole. As known once, it is folded from the log on every processor.
    """
    state, at = request.app.state, instant(as_of, wait)
    url: str = state.settings.database_url or ""
    parts = _known(url, read, wait.known_at, at) if wait.known_at else _live(read, wait, at)
    return await streamed(_lines(state.telling, parts, at))


async def _lines(turns: asyncio.Semaphore, parts: Parts, as_of: datetime) -> AsyncGenerator[str, None]:
    members, sums, position = 0, Buckets(), 0
    async with turn(turns), aclosing(parts):
        async for upto, part in parts:
            position = upto
            members += part.members
            for name in FIGURES:
                setattr(sums, name, getattr(sums, name) + getattr(part.sums, name))
            yield part.lines
    yield f"{BalanceTotals(members=members, totals=asdict(sums), as_of=as_of, position=position).model_dump_json()}\n"


async def _live(read: Reader, wait: Wait, as_of: datetime) -> Parts:
    async with read.look("balances", wait, whole=True) as snapshot:
        yield snapshot.position, NOTHING
        async for part in all_balances(snapshot, as_of=as_of):
            yield snapshot.position, part


async def _known(url: str, read: Reader, known_at: datetime, as_of: datetime) -> Parts:
    position = await read.pasts.position(known_at)
    found = all_balances_known(url, position=position, as_of=as_of)
    with telling("A fact"):
        try:
            while (part := await asyncio.to_thread(next, found, None)) is not None:
                yield position, part
        finally:
            await asyncio.to_thread(found.close)
