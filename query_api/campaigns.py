"""Campaigns and what they brought about; and the versions of the programme."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from infra.web import requires
from projections.analytics import Analytics, CampaignList, analytics_of, campaign_list
from projections.tiers import Programmes, programmes
from query_api.asking import After, TheReader, Waiting, Words, unknown

router = APIRouter(tags=["campaigns"], dependencies=[Depends(requires("staff", "analyst", "auditor"))])


@router.get("/campaigns")
async def campaigns(
    read: TheReader,
    wait: Waiting,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1_000, description="Campaigns on a page.")] = 100,
) -> CampaignList:
    """Campaigns, page by page."""
    async with read.look("campaigns", wait) as snapshot:
        return await campaign_list(snapshot, after=after, limit=limit)


@router.get("/campaigns/{campaign_id}/analytics")
async def analytics(campaign_id: Words, read: TheReader, wait: Waiting) -> Analytics:
    """The campaign's figures; each definition stands beside its field in this document."""
    async with read.look("campaigns", wait) as snapshot:
        found = await analytics_of(snapshot, campaign_id=campaign_id)
    if found is None:
        raise unknown("campaign", "There is no such campaign, or it has not arrived here yet: see `at_least`.")
    return found


@router.get("/programmes", tags=["programmes"])
async def published_programmes(read: TheReader, wait: Waiting) -> Programmes:
    """Every published version of the programme, with its rules."""
    async with read.look("tiers", wait) as snapshot:
        return await programmes(snapshot)
