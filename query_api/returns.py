"""Returns whose purchase has not come: those that wait for it, and those that waited in vain."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from infra.waiting_returns import WAITING
from infra.web import requires
from query_api.facts import Asked, Log

router = APIRouter(prefix="/returns", tags=["returns"], dependencies=[Depends(requires("auditor"))])

_PAGE = f"{WAITING} AND (%(state)s::text IS NULL OR (closed.told IS NULL) = (%(state)s = 'waiting')) ORDER BY kept.position LIMIT %(limit)s"


class ReturnTold(BaseModel):
    """A return, or a void, that came before its purchase."""

    position: int = Field(description="Its place in the log")
    state: Literal["waiting", "closed"] = Field(
        description="Whether it still waits; once closed it is not taken in, should its purchase still come"
    )
    purchase_id: UUID = Field(description="The purchase that it names")
    return_id: UUID = Field(description="The message that it came with")
    source: str = Field(description="The source of that message")
    external_id: str = Field(description="The id of that message")
    occurred_at: datetime = Field(description="When it happened at the till")
    waiting_since: datetime = Field(description="When the ledger recorded it")
    closed_at: datetime | None = Field(description="When its time was over")
    lines: list[dict[str, Any]] | None = Field(description="What goes back, as the till told it; null for a void")
    reason: str | None = Field(description="Why, as the till told it")


class ReturnPage(BaseModel):
    """A page of returns."""

    items: list[ReturnTold] = Field(description="The returns, by position")
    next: int | None = Field(description="Pass it as `after` for the next page; null when there is no more for now")


@router.get("")
async def returns(
    request: Request,
    asked: Asked,
    state: Annotated[
        Literal["waiting", "closed"] | None, Query(description="Only those that wait, or were closed.")
    ] = None,
    after: Annotated[int, Query(ge=0, description="The position after which to begin.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Returns on a page.")] = 100,
) -> ReturnPage:
    """Returns that came before their purchase and have not been taken in, in the order in which they were recorded."""
    log: Log = request.app.state.log
    rows = await log.rows(_PAGE, **asked._asdict(), state=state, after=after, limit=limit + 1)
    found = [_told(*row) for row in rows]
    items = found[:limit]
    return ReturnPage(items=items, next=items[-1].position if len(found) > limit else None)


def _told(
    position: int, purchase_id: UUID, recorded_at: datetime, kept: dict[str, Any], closed: dict[str, Any] | None
) -> ReturnTold:
    return ReturnTold(
        position=position, state="closed" if closed else "waiting", purchase_id=purchase_id,
        return_id=kept["correlation_id"], source=kept["source"], external_id=kept["external_id"],
        occurred_at=kept["occurred_at"], waiting_since=recorded_at, closed_at=closed["occurred_at"] if closed else None,
        lines=kept.get("lines"), reason=kept.get("reason"),
    )  # fmt: skip
