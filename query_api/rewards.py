"""Rewards and coupons: what there is, and what a member can have and has."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from domain.programme import programme_id
from infra.paths import MemberId
from infra.web import requires
from projections.coupons import MemberCoupons, coupons_of
from projections.persons import is_member, persons_of, spent_minor
from projections.points import balance_of
from projections.rewards import MemberRewards, Person, RewardList, offers_of, reward_list
from projections.segment_members import segments_of
from projections.standings import NoProgrammeKnown, tier_of
from query_api.asking import After, AsOf, TheReader, Waiting, instant, no_member, no_programme

router = APIRouter(tags=["rewards"], dependencies=[Depends(requires("till", "staff", "analyst", "auditor"))])

Limit = Annotated[int, Query(ge=1, le=1_000, description="Items on a page.")]


@router.get("/rewards")
async def rewards(
    read: TheReader, wait: Waiting, as_of: AsOf = None, after: After = "", limit: Limit = 100
) -> RewardList:
    """What points buy, with what is left of it; page by page."""
    async with read.look("rewards", wait) as snapshot:
        return await reward_list(snapshot, as_of=instant(as_of, wait), after=after, limit=limit)


@router.get("/members/{member_id}/rewards")
async def member_rewards(
    request: Request, member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None
) -> MemberRewards:
    """What the member can have for points, and everything that keeps them from the rest; the nearest first."""
    programme: str = request.app.state.programme
    at, subjects = instant(as_of, wait), [member_id, programme_id(programme)]
    async with read.look("balances", wait, subjects=subjects) as points:
        balance = await balance_of(points, member_id=member_id, as_of=at) or no_member()
    async with read.look("segments", wait, subjects=subjects) as history:
        try:
            tier = await tier_of(history, member_id=member_id, programme=programme, as_of=at) or no_member()
            segments = await segments_of(history, member_id=member_id, programme=programme, as_of=at) or no_member()
        except NoProgrammeKnown as error:
            raise no_programme() from error
        persons = await persons_of(history, member_id=member_id)
        person = Person(
            member_id, persons, balance.available, balance.debt, tier.tier,
            frozenset(one.segment_id for one in segments.items),
            await spent_minor(history, members=persons, as_of=at), tier.closed_at,
            min(points.position, history.position),
        )  # fmt: skip
    async with read.look("rewards", wait) as snapshot:
        return await offers_of(snapshot, person, as_of=at)


@router.get("/members/{member_id}/coupons", tags=["coupons"])
async def member_coupons(
    member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None, after: After = "", limit: Limit = 100
) -> MemberCoupons:
    """The member's coupons and the state of each, right at any instant; page by page."""
    async with read.look("segments", wait, subjects=[member_id]) as history:
        if not await is_member(history, member_id):
            no_member()
        persons = await persons_of(history, member_id=member_id)
    async with read.look("coupons", wait, subjects=persons) as snapshot:
        return await coupons_of(
            snapshot, member_id=member_id, one_person=persons, as_of=instant(as_of, wait), after=after, limit=limit
        )
