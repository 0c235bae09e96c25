"""Referrals: codes to recommend the programme with, and reviews of what too many joined by."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from command_api.answers import ReferralCodeAnswer, ReviewedAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.reading import Message
from domain.messages.referrals import ReferralBody, ReviewBody, referral_command, review_command
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/referrals", tags=["referrals"])
BODIES: tuple[type[Message], ...] = (ReferralBody, ReviewBody)


@router.post("", status_code=201, response_model=ReferralCodeAnswer, openapi_extra=documented(ReferralBody))
async def referral_code(
    principal: Annotated[Principal, Depends(requires("till", "staff"))],
    body: Annotated[ReferralBody, Depends(body_of(ReferralBody))],
    the_door: TheDoor,
) -> dict[str, Any]:
    """Make the code that a member recommends the programme with, or tell it again: a member has one, for good."""
    command = referral_command(body, identity=Identity.of(principal.owner, None), now=datetime.now(UTC))
    return told(await the_door.one(command))


@router.post(
    "/{member_id}/review", status_code=201, response_model=ReviewedAnswer, openapi_extra=documented(ReviewBody)
)
async def review_referral(
    staff: Annotated[Principal, Depends(requires("staff"))],
    member_id: Annotated[UUID, Path(description="The referee's member id.")],
    body: Annotated[ReviewBody, Depends(body_of(ReviewBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Approve or reject a referral that is held. It goes by its referee's member id, as nobody is referred twice."""
    command = review_command(body, member_id=member_id, identity=Identity.of(staff.owner, idempotency_key))
    return told(await the_door.one(command))
