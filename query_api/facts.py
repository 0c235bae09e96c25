"""The facts themselves, in the order of their positions, straight from the log."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, Field

import domain.loyalty  # noqa: F401 - so that every fact is registered
from domain.fact import FACTS
from infra.settings import Settings
from infra.web import Problem, requires
from query_api.asking import TheReader, Words, unknown
from query_api.reading import Instant, KnownAt
from query_api.related import ids_of, members_of, related

router = APIRouter(prefix="/facts", tags=["facts"], dependencies=[Depends(requires("auditor"))])

_COLUMNS = "position, originator_id, originator_version, name, recorded_at, state"
LINES = 1_000
"""Facts in memory at once, while they are told as lines."""
MESSAGE = 1_000
"""Within how many positions all facts of a message stand."""
MATTER = 10_000
"""Facts of the members and streams in question that are looked at for what refers to what."""
WINDOW = 20_000
"""Positions that one request looks at, where no member and no stream is named."""

_MATCH = """
AND (%(name)s::text IS NULL OR name = %(name)s)
AND (%(member)s::uuid IS NULL OR subject = %(member)s)
AND (%(stream)s::uuid IS NULL OR originator_id = %(stream)s)
AND (%(recorded_from)s::timestamptz IS NULL OR recorded_at >= %(recorded_from)s)
AND (%(recorded_before)s::timestamptz IS NULL OR recorded_at < %(recorded_before)s)
AND (
    NOT %(inside)s OR (
        (%(actor)s::text IS NULL OR told ->> 'actor' = %(actor)s)
        AND (%(cause)s::text IS NULL OR told ->> 'correlation_id' = %(cause)s)
        AND (%(store)s::text IS NULL OR told ->> 'store' = %(store)s)
        AND (%(campaign)s::text IS NULL OR told ->> 'campaign_id' = %(campaign)s OR EXISTS (
            SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(told -> 'parts') = 'array' THEN told -> 'parts' ELSE '[]' END) AS part
            WHERE part ->> 'part' = %(campaign)s
        ))
        AND (%(occurred_from)s::timestamptz IS NULL OR (told ->> 'occurred_at')::timestamptz >= %(occurred_from)s)
        AND (%(occurred_before)s::timestamptz IS NULL OR (told ->> 'occurred_at')::timestamptz < %(occurred_before)s)
        AND (%(as_of)s::timestamptz IS NULL OR (told ->> 'occurred_at')::timestamptz <= %(as_of)s)
    )
)
ORDER BY position LIMIT %(limit)s
"""
_HAPPENED = "(%(as_of)s::timestamptz IS NULL OR (convert_from(state, 'UTF8')::jsonb ->> 'occurred_at')::timestamptz <= %(as_of)s)"
# Only where a filter looks into facts are they parsed.
_FACTS = f"""
SELECT {_COLUMNS} FROM facts, LATERAL (
    SELECT CASE WHEN %(inside)s THEN convert_from(state, 'UTF8')::jsonb END AS told
) AS parsed
WHERE position > %(after)s AND position <= %(until)s
"""  # noqa: S608 - the columns are ours
_PAGE = _FACTS + _MATCH
_AROUND = f"""
SELECT {_COLUMNS} FROM (
    SELECT position FROM facts
    WHERE (subject = ANY(%(subjects)s::uuid[]) OR originator_id = ANY(%(streams)s::uuid[]) OR subject = ANY(%(streams)s::uuid[]))
    AND position <= %(last)s
    UNION
    SELECT position FROM facts
    WHERE position BETWEEN %(before)s AND least(%(after)s, %(last)s)
    AND convert_from(state, 'UTF8')::jsonb ->> 'correlation_id' = %(cause)s
    LIMIT %(limit)s
) AS places JOIN facts USING (position) WHERE position <> %(position)s AND {_HAPPENED} ORDER BY position
"""  # noqa: S608 - the columns are ours
_NAMED = "SELECT 1 FROM facts WHERE name = %(name)s LIMIT 1"
_LAST = "SELECT coalesce(max(position), 0) FROM facts"
_ONE = f"SELECT {_COLUMNS} FROM facts WHERE position = %(position)s AND position <= %(last)s AND {_HAPPENED}"  # noqa: S608 - ours


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
            check=AsyncConnectionPool.check_connection, kwargs={"autocommit": True, "options": "-c plan_cache_mode=force_custom_plan"},
        )  # fmt: skip

    async def select(self, statement: str, **values: Any) -> list[FactTold]:
        """The facts that a statement selects."""
        return [_told(*row) for row in await self.rows(statement, **values)]

    async def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement selects."""
        try:
            async with self.pool.connection() as connection:
                return await (await connection.execute(statement.encode(), values)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Problem(
                "store-unavailable", 503, "The log does not answer. Repeat the request.", headers={"Retry-After": "1"}
            ) from error


class Extent(NamedTuple):
    """How much of the log is asked about: all of it, but for what is stated."""

    known: int | None
    """The position of the last fact that was known."""
    as_of: datetime | None
    """What happened later is left out."""

    async def last(self, log: Log) -> int:
        """The last position that is asked about."""
        return (await log.rows(_LAST))[0][0] if self.known is None else self.known


async def extent(
    read: TheReader,
    as_of: Annotated[
        Instant | None,
        Query(description="Only what had happened by then, with its offset from UTC; whenever it was, if left out."),
    ] = None,
    known_at: KnownAt = None,
) -> Extent:
    """How much of the log a question is about."""
    return Extent(await read.pasts.position(known_at) if known_at else None, as_of)


Asked = Annotated[Extent, Depends(extent)]


class Filters(NamedTuple):
    """Which facts are asked for: those that all of it is true of."""

    extent: Extent
    name: str | None
    member: UUID | None
    stream: UUID | None
    actor: str | None
    cause: UUID | None
    campaign: str | None
    store: str | None
    recorded_from: datetime | None
    recorded_before: datetime | None
    occurred_from: datetime | None
    occurred_before: datetime | None

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the page's statement."""
        inside = (
            self.actor, self.cause, self.campaign, self.store, self.occurred_from, self.occurred_before, self.extent.as_of,
        )  # fmt: skip
        return self._asdict() | {
            "as_of": self.extent.as_of,
            "cause": str(self.cause) if self.cause else None,
            "inside": any(one is not None for one in inside),
        }

    @property
    def indexed(self) -> bool:
        """Whether an index leads to the few facts that it can be."""
        return self.member is not None or self.stream is not None


async def filtering(
    request: Request,
    asked: Asked,
    *,
    name: Annotated[Words | None, Query(description="Only facts of this stored name.")] = None,
    member: Annotated[UUID | None, Query(description="Only facts of this member.")] = None,
    stream: Annotated[UUID | None, Query(description="Only facts of this stream.")] = None,
    actor: Annotated[Words | None, Query(description="Only what this till or owner of a key brought about.")] = None,
    cause: Annotated[
        UUID | None, Query(description="Only what this message brought about: its `correlation_id`.")
    ] = None,
    campaign: Annotated[
        Words | None, Query(description="Only facts of this campaign, and those with points of it.")
    ] = None,
    store: Annotated[Words | None, Query(description="Only facts of this store.")] = None,
    recorded_from: Annotated[Instant | None, Query(description="Only what was recorded then or later.")] = None,
    recorded_before: Annotated[Instant | None, Query(description="Only what was recorded before.")] = None,
    occurred_from: Annotated[Instant | None, Query(description="Only what happened then or later.")] = None,
    occurred_before: Annotated[Instant | None, Query(description="Only what happened before.")] = None,
) -> Filters:
    """The filters of a question."""
    if name is not None and name not in FACTS and not await request.app.state.log.rows(_NAMED, name=name):
        raise unknown("fact-name", "No fact is stored under this name: the contract lists them, with their version.")
    return Filters(
        asked, name, member, stream, actor, cause, campaign, store, recorded_from, recorded_before, occurred_from,
        occurred_before,
    )  # fmt: skip


Filtered = Annotated[Filters, Depends(filtering)]


@router.get("")
async def facts(
    request: Request,
    filters: Filtered,
    after: Annotated[int, Query(ge=0, description="The position after which to begin.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Facts on a page.")] = 100,
) -> FactPage:
    """Facts, page by page, in the order in which they were recorded.

    Where neither a member nor a stream is named, one request looks at 20,000 positions at most, so a page may have few
    facts, or none, and a `next`.
    """
    return await _page(request.app.state.log, filters, after, limit)


@router.get(".ndjson", response_class=StreamingResponse)
async def facts_as_lines(
    request: Request,
    filters: Filtered,
    after: Annotated[int, Query(ge=0, description="The position after which to begin: that of the last line had.")] = 0,
) -> StreamingResponse:
    """All facts, or those that are asked for, as one JSON object a line, up to the last one that there is now.

    A page is read when the one before it was taken. Who is cut off goes on after the position of the last whole line.
    """
    log: Log = request.app.state.log
    return StreamingResponse(_lines(log, filters, after), media_type="application/x-ndjson")


async def _lines(log: Log, filters: Filters, after: int) -> AsyncIterator[str]:
    following: int | None = after
    while following is not None:
        page = await _page(log, filters, following, LINES)
        yield "".join(f"{one.model_dump_json()}\n" for one in page.items)
        following = page.next


async def _page(log: Log, filters: Filters, after: int, limit: int) -> FactPage:
    """A page; its `next` is where the last fact on it stands, or where the look at the log ended."""
    last = await filters.extent.last(log)
    until = last if filters.indexed else min(last, after + WINDOW)
    found = await log.select(_PAGE, **filters.asked, after=after, until=until, limit=limit + 1)
    items = found[:limit]
    if len(found) > limit:
        return FactPage(items=items, next=items[-1].position)
    return FactPage(items=items, next=until if until < last else None)


class FactExplained(FactTold):
    """A fact, with what it came with, what it refers to and what refers to it, as far as the matter is no larger than 10,000 facts."""

    cause: list[FactTold] = Field(description="The other facts of the same message, of whatever streams")
    refers_to: list[FactTold] = Field(
        description="Earlier facts of the messages in which what this fact names first came up"
    )
    referred_to_by: list[FactTold] = Field(
        description="Later facts that name, as this one does, what first came up in its message"
    )


@router.get("/{position}")
async def fact(
    request: Request, position: Annotated[int, Path(description="Its place in the log.")], asked: Asked
) -> FactExplained:
    """One fact, with its causes and its effects."""
    log: Log = request.app.state.log
    known = {"last": await asked.last(log), "as_of": asked.as_of}
    found = await log.select(_ONE, position=position, **known)
    if not found:
        raise unknown("fact", "The log holds no fact at this position, or none that had happened or was known by then.")
    (told,) = found
    subjects = [told.member_id or told.stream_id, *members_of(told)]
    others = await log.select(
        _AROUND, position=position, cause=told.body["correlation_id"], subjects=subjects, streams=list(ids_of(told)),
        before=position - MESSAGE, after=position + MESSAGE, limit=MATTER, **known,
    )  # fmt: skip
    cause, refers_to, referred_to_by = related(told, others)
    return FactExplained(**dict(told), cause=cause, refers_to=refers_to, referred_to_by=referred_to_by)


_ENVELOPE = {"originator_id", "originator_version", "recorded_at", "occurred_at", "actor", "member_id"}


def _told(position: int, stream_id: UUID, version: int, name: str, recorded_at: datetime, state: bytes) -> FactTold:
    fact = json.loads(state)
    return FactTold(
        position=position, stream_id=stream_id, version=version, name=name, recorded_at=recorded_at,
        occurred_at=fact["occurred_at"], actor=fact["actor"], member_id=fact.get("member_id"),
        body={field: value for field, value in fact.items() if field not in _ENVELOPE},
    )  # fmt: skip
