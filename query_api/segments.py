"""Segments, and who belongs to them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from infra.paths import MemberId
from infra.web import requires
from projections.segment_members import (
    MemberSegments,
    SegmentList,
    SegmentMembers,
    members_of,
    segment_list,
    segments_of,
)
from projections.standings import NoProgrammeKnown
from query_api.asking import After, AsOf, TheReader, Waiting, Words, instant, no_member, no_programme, unknown

router = APIRouter(tags=["segments"])


@router.get("/segments", dependencies=[Depends(requires("staff", "analyst", "auditor"))])
async def segments(
    read: TheReader,
    wait: Waiting,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1_000, description="Segments on a page.")] = 100,
) -> SegmentList:
    """Segments with all versions of their definitions, page by page."""
    async with read.look("segments", wait) as snapshot:
        return await segment_list(snapshot, after=after, limit=limit)


@router.get("/segments/{segment_id}/members", dependencies=[Depends(requires("staff", "analyst", "auditor"))])
async def segment_members(
    request: Request,
    segment_id: Annotated[Words, Path(description="The segment's id.")],
    read: TheReader,
    wait: Waiting,
    as_of: AsOf = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Members on a page.")] = 1_000,
) -> SegmentMembers:
    """Who belongs to a segment, by the definition and the rules in force at `as_of`; and how many."""
    programme: str = request.app.state.programme
    async with read.look("segments", wait) as snapshot:
        try:
            found = await members_of(
                snapshot,
                segment_id=segment_id,
                programme=programme,
                as_of=instant(as_of, wait),
                after=after,
                limit=limit,
            )
        except NoProgrammeKnown as error:
            raise no_programme() from error
    if found is None:
        raise unknown("segment", "There is no such segment, or it has not arrived here yet: see `at_least`.")
    return found


@router.get("/members/{member_id}/segments", dependencies=[Depends(requires("till", "staff", "analyst", "auditor"))])
async def segments_of_member(
    request: Request, member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None
) -> MemberSegments:
    """The segments that a member belongs to."""
    programme: str = request.app.state.programme
    async with read.look("segments", wait) as snapshot:
        try:
            found = await segments_of(snapshot, member_id=member_id, programme=programme, as_of=instant(as_of, wait))
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found or no_member()
