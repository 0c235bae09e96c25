"""Members: who holds a card, how many points they have, and where they stand."""

from collections.abc import Callable
from typing import Annotated, NoReturn
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from domain.programme import programme_id
from infra.web import Problem, requires
from projections.balances import Balance, balance_of
from projections.members import Member, member_of
from projections.tiers import NoProgrammeKnown, TierAnswer, tier_of
from query_api.asking import AsOf, TheReader, Waiting, instant, unknown

router = APIRouter(
    prefix="/members", tags=["members"], dependencies=[Depends(requires("till", "staff", "analyst", "auditor"))]
)


@router.get("")
async def member_by_card(
    request: Request,
    read: TheReader,
    wait: Waiting,
    card: Annotated[str, Query(min_length=1, max_length=256, description="The card's number.")],
) -> Member:
    """Who holds a card."""
    card_id: Callable[[str], UUID] = request.app.state.card_id
    async with read.look("members", wait) as snapshot:
        found = await member_of(snapshot, card_id=card_id(card))
    return found or _no_member()


@router.get("/{member_id}/balance")
async def balance(member_id: UUID, read: TheReader, wait: Waiting, as_of: AsOf = None) -> Balance:
    """The member's points by what has become of them, right at any instant."""
    async with read.look("balances", wait, subjects=[member_id]) as snapshot:
        found = await balance_of(snapshot, member_id=member_id, as_of=instant(as_of))
    return found or _no_member()


@router.get("/{member_id}/tier")
async def tier(request: Request, member_id: UUID, read: TheReader, wait: Waiting, as_of: AsOf = None) -> TierAnswer:
    """Where the member stands, what is missing to the next tier, and what keeps this one."""
    programme: str = request.app.state.programme
    async with read.look("tiers", wait, subjects=[member_id, programme_id(programme)]) as snapshot:
        try:
            found = await tier_of(snapshot, member_id=member_id, programme=programme, as_of=instant(as_of))
        except NoProgrammeKnown as error:
            raise Problem("no-programme-in-force", 404, "No version of the programme was in force then.") from error
    return found or _no_member()


def _no_member() -> NoReturn:
    raise unknown("member", "There is no such member, or their facts have not arrived here yet: see `at_least`.")
