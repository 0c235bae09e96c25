"""Points: what has become of them, lot by lot and in plain words, and what will lapse."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from domain.programme import programme_id
from infra.paths import MemberId
from infra.web import requires
from projections.expiries import Forecast, expiries, expiries_of
from projections.lots import MemberLots, lots_of
from projections.points import Balance, balance_of
from projections.standings import NoProgrammeKnown
from projections.statements import Order, Statement, statement_of
from projections.wording import Language
from query_api.asking import After, AsOf, TheReader, Waiting, instant, no_member, no_programme
from query_api.reading import LAST_INSTANT, Instant

router = APIRouter(tags=["points"])
OF_A_MEMBER = [Depends(requires("till", "staff", "analyst", "auditor"))]
OF_ALL = [Depends(requires("staff", "analyst", "auditor"))]

Until = Annotated[
    Instant | None, Query(description="How far the forecast goes; everything that will lapse, if left out.")
]


@router.get("/members/{member_id}/balance", dependencies=OF_A_MEMBER)
async def balance(member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None) -> Balance:
    """The member's points by what has become of them, right at any instant."""
    async with read.look("balances", wait, subjects=[member_id]) as snapshot:
        found = await balance_of(snapshot, member_id=member_id, as_of=instant(as_of, wait))
    return found or no_member()


@router.get("/members/{member_id}/lots", dependencies=OF_A_MEMBER)
async def lots(
    member_id: MemberId,
    read: TheReader,
    wait: Waiting,
    as_of: AsOf = None,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1_000, description="Lots on a page.")] = 100,
) -> MemberLots:
    """Where the member's points came from, what has become of each lot, and when it lapses; page by page."""
    async with read.look("balances", wait, subjects=[member_id]) as snapshot:
        found = await lots_of(snapshot, member_id=member_id, as_of=instant(as_of, wait), after=after, limit=limit)
    return found or no_member()


@router.get("/members/{member_id}/expiries", dependencies=OF_A_MEMBER)
async def member_expiries(
    request: Request, member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None, until: Until = None
) -> Forecast:
    """What of the member's points will lapse, by local day, unless it is spent before."""
    programme: str = request.app.state.programme
    async with read.look("balances", wait, subjects=[member_id, programme_id(programme)]) as snapshot:
        try:
            found = await expiries_of(
                snapshot,
                member_id=member_id,
                programme=programme,
                as_of=instant(as_of, wait),
                until=instant(until or LAST_INSTANT),
            )
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found or no_member()


@router.get("/expiries", dependencies=OF_ALL)
async def all_expiries(
    request: Request, read: TheReader, wait: Waiting, as_of: AsOf = None, until: Until = None
) -> Forecast:
    """What of all members' points will lapse, by local day, unless it is spent before."""
    programme: str = request.app.state.programme
    async with read.look("balances", wait) as snapshot:
        try:
            return await expiries(
                snapshot, programme=programme, as_of=instant(as_of, wait), until=instant(until or LAST_INSTANT)
            )
        except NoProgrammeKnown as error:
            raise no_programme() from error


@router.get("/members/{member_id}/statement", dependencies=OF_A_MEMBER)
async def statement(
    request: Request,
    member_id: MemberId,
    read: TheReader,
    wait: Waiting,
    language: Annotated[Language, Query(description="The language of the texts: English or Chinese.")] = "en",
    order: Annotated[Order, Query(description="Which lines come first.")] = "newest",
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1_000, description="Lines on a page.")] = 50,
    as_of: AsOf = None,
) -> Statement:
    """The member's history in plain words, a line for each cause, page by page."""
    programme: str = request.app.state.programme
    async with read.look("balances", wait, subjects=[member_id, programme_id(programme)]) as snapshot:
        try:
            found = await statement_of(
                snapshot, member_id=member_id, programme=programme, language=language, order=order, after=after,
                limit=limit, as_of=instant(as_of, wait),
            )  # fmt: skip
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found or no_member()
