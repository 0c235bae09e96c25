"""Members: who holds a card, how many points they have, where they stand, and what is known of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from domain.programme import programme_id
from infra.paths import MemberId
from infra.personal_data import KeysUnavailable, PersonalData
from infra.web import Problem, requires
from projections.members import Consent, Member, member_of, profile_of
from projections.standings import Entitlements, NoProgrammeKnown, TierAnswer, entitlements_of, tier_of
from query_api.asking import AsOf, TheReader, Waiting, instant, no_member, no_programme

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
    return found or no_member()


@router.get("/{member_id}/tier")
async def tier(request: Request, member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None) -> TierAnswer:
    """Where the member stands, what is missing to the next tier, and what keeps this one."""
    programme: str = request.app.state.programme
    async with read.look("tiers", wait, subjects=[member_id, programme_id(programme)]) as snapshot:
        try:
            found = await tier_of(snapshot, member_id=member_id, programme=programme, as_of=instant(as_of, wait))
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found or no_member()


@router.get("/{member_id}/entitlements")
async def entitlements(
    request: Request, member_id: MemberId, read: TheReader, wait: Waiting, as_of: AsOf = None
) -> Entitlements:
    """What the member's tier brings: its own benefits and those of the tiers below."""
    programme: str = request.app.state.programme
    async with read.look("tiers", wait, subjects=[member_id, programme_id(programme)]) as snapshot:
        try:
            found = await entitlements_of(
                snapshot, member_id=member_id, programme=programme, as_of=instant(as_of, wait)
            )
        except NoProgrammeKnown as error:
            raise no_programme() from error
    return found or no_member()


class Profile(BaseModel):
    """What is known of a member. A field that nobody stated is left out; after an erasure all of them are."""

    member_id: UUID = Field(description="The member")
    registered_at: datetime = Field(description="When the member joined, as told by whoever enrolled them")
    name: str | None = Field(None, description="The name")
    phone: str | None = Field(None, description="The telephone number")
    email: str | None = Field(None, description="The e-mail address")
    address: str | None = Field(None, description="The postal address")
    birth_date: str | None = Field(None, description="The day of birth", json_schema_extra={"format": "date"})
    language: str | None = Field(None, description="The language to write in")
    consents: list[Consent] = Field(description="What holds now, by purpose and channel; nothing after an erasure")
    consent_history: list[Consent] = Field(description="Everything that was ever said, in its order")
    erased_at: datetime | None = Field(None, description="When the personal data were erased, if they were")
    position: int = Field(description="The log position up to which the answer is complete")


@router.get("/{member_id}/profile", dependencies=[Depends(requires("staff"))], response_model_exclude_none=True)
async def profile(request: Request, member_id: MemberId, read: TheReader, wait: Waiting) -> Profile:
    """What is known of the member, decrypted for this answer alone."""
    personal_data: PersonalData = request.app.state.personal_data
    async with read.look("members", wait, subjects=[member_id]) as snapshot:
        found = await profile_of(snapshot, member_id=member_id) or no_member()
        position = snapshot.position
    try:
        opened = await run_in_threadpool(personal_data.open, member_id, found.sealed)
    except KeysUnavailable as error:
        raise Problem(
            "store-unavailable", 503, "The database of the keys does not answer.", headers={"Retry-After": "1"}
        ) from error
    erased_at = found.erased_at or opened.erased_at  # the keys are gone before the read model hears of it
    return Profile(
        member_id=member_id,
        registered_at=found.registered_at,
        **opened.fields,
        language=None if erased_at else found.language,
        consents=[] if erased_at else list({(one.purpose, one.channel): one for one in found.consents}.values()),
        consent_history=found.consents,
        erased_at=erased_at,
        position=position,
    )
