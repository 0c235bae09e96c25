"""The balances of all members: by pages, or as lines."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from infra.web import requires
from projections.all_balances import BalancePage, BalanceTotals, all_balances, balance_page
from query_api.asking import AsOf, TheReader, Waiting, instant
from query_api.reading import Reader, Wait
from query_api.streaming import streamed

AT_ONCE = 2
"""Such answers that are made at once: each holds a connection, and a state of the database, until it is told."""

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

    An answer without that line is not whole.
    """
    telling: asyncio.Semaphore = request.app.state.telling
    return await streamed(_lines(telling, read, wait, instant(as_of, wait)))


async def _lines(telling: asyncio.Semaphore, read: Reader, wait: Wait, as_of: datetime) -> AsyncGenerator[str, None]:
    async with telling, read.look("balances", wait, whole=True) as snapshot:
        async for some in all_balances(snapshot, as_of=as_of):
            lines = [some] if isinstance(some, BalanceTotals) else some
            yield "".join(f"{one.model_dump_json()}\n" for one in lines)
