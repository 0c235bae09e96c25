"""Campaigns and what they brought about; and the versions of the programme."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from infra.web import requires
from projections.analytics import Analytics, Breakdown, analytics_of, definitions, segment_of
from projections.campaign_list import CampaignList, State, campaign_list
from projections.segment_members import members_of
from projections.standings import NoProgrammeKnown, Programmes, programmes
from query_api.asking import After, AsOf, TheReader, Waiting, Words, instant, no_programme, unknown

EVERYBODY = 1 << 31

router = APIRouter(tags=["campaigns"], dependencies=[Depends(requires("staff", "analyst", "auditor"))])


@router.get("/campaigns")
async def campaigns(
    read: TheReader,
    wait: Waiting,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1_000, description="Campaigns on a page.")] = 100,
    as_of: AsOf = None,
    state: Annotated[State | None, Query(description="Only those that are in this state at `as_of`.")] = None,
) -> CampaignList:
    """Campaigns with their terms and what is left of their budgets, page by page."""
    async with read.look("campaigns", wait) as snapshot:
        return await campaign_list(snapshot, after=after, limit=limit, as_of=instant(as_of, wait), state=state)


@router.get("/campaigns/definitions")
async def figures() -> dict[str, str]:
    """What each figure of a campaign's analytics means, in words."""
    return definitions()


@router.get("/campaigns/{campaign_id}/analytics")
async def analytics(
    request: Request,
    campaign_id: Annotated[Words, Path(description="The campaign's id.")],
    read: TheReader,
    wait: Waiting,
    by: Annotated[Breakdown | None, Query(description="Tell the figures by tier or by local day as well.")] = None,
    as_of: AsOf = None,
) -> Analytics:
    """The campaign's figures; each definition stands beside its field in this document, and in the answer."""
    at = instant(as_of, wait)
    async with read.look("campaigns", wait) as snapshot:
        target = await segment_of(snapshot, campaign_id=campaign_id)
    segment = await _belonging(request, read, wait, *target, at) if target else []
    async with read.look("campaigns", wait) as snapshot:
        found = await analytics_of(snapshot, campaign_id=campaign_id, as_of=at, segment=segment, by=by)
    if found is None:
        raise unknown("campaign", "There is no such campaign, or it has not arrived here yet: see `at_least`.")
    return found


async def _belonging(
    request: Request, read: TheReader, wait: Waiting, segment_id: str, starts_at: datetime, at: datetime
) -> list[UUID]:
    """Who belongs to a segment as a window begins, or at the instant asked about if it had not begun."""
    async with read.look("segments", wait) as snapshot:
        try:
            found = await members_of(
                snapshot, segment_id=segment_id, programme=request.app.state.programme,
                as_of=min(starts_at, at), after=None, limit=EVERYBODY,
            )  # fmt: skip
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found.items if found else []


@router.get("/programmes", tags=["programmes"])
async def published_programmes(read: TheReader, wait: Waiting) -> Programmes:
    """Every published version of the programme, with its rules."""
    async with read.look("tiers", wait) as snapshot:
        return await programmes(snapshot)
