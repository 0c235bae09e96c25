"""Referrals: a member's, and all of them by state."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from domain.referral import State
from infra.paths import MemberId
from infra.web import requires
from projections.referrals import MemberReferrals, ReferralList, referral_list, referrals_of
from query_api.asking import AsOf, TheReader, Waiting, instant, no_member

router = APIRouter(tags=["referrals"])


@router.get("/members/{member_id}/referrals", dependencies=[Depends(requires("till", "staff", "analyst", "auditor"))])
async def member_referrals(member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None) -> MemberReferrals:
    """The member's codes, whom they brought and what became of it, and who brought the member."""
    async with read.look("referrals", wait) as snapshot:
        found = await referrals_of(snapshot, member_id=member_id, as_of=instant(as_of, wait))
    return found or no_member()


@router.get("/referrals", dependencies=[Depends(requires("staff", "analyst", "auditor"))])
async def referrals(
    read: TheReader,
    wait: Waiting,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    as_of: AsOf = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Referrals on a page.")] = 100,
) -> ReferralList:
    """Referrals page by page, and how many there are in each state."""
    async with read.look("referrals", wait) as snapshot:
        return await referral_list(snapshot, state=state, as_of=instant(as_of, wait), after=after, limit=limit)
