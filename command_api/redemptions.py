"""Spending points: holds, and what becomes of them; redemptions, and their reversal."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from command_api.answers import HoldAnswer, RedemptionAnswer, ReleaseAnswer, ReversalAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.reading import Message
from domain.messages.redemptions import (
    CaptureBody,
    HoldBody,
    RedemptionBody,
    ReleaseBody,
    ReversalBody,
    capture_command,
    hold_command,
    redemption_command,
    release_command,
    reversal_command,
)
from infra.keys import Principal
from infra.paths import MemberId
from infra.web import requires

HoldId = Annotated[UUID, Path(description="The `hold_id` that the hold was answered with.")]
Spender = Annotated[Principal, Depends(requires("till", "staff"))]

router = APIRouter(tags=["redemptions"])
BODIES: tuple[type[Message], ...] = (HoldBody, CaptureBody, ReleaseBody, RedemptionBody, ReversalBody)


@router.post(
    "/members/{member_id}/holds", status_code=201, response_model=HoldAnswer, openapi_extra=documented(HoldBody)
)
async def hold_points(
    principal: Spender,
    member_id: MemberId,
    body: Annotated[HoldBody, Depends(body_of(HoldBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Set points aside for a bill, until they are captured or released, or the hold times out by itself."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(hold_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/holds/{hold_id}/capture", status_code=201, response_model=RedemptionAnswer, openapi_extra=documented(CaptureBody)
)
async def capture_hold(
    principal: Spender,
    hold_id: HoldId,
    body: Annotated[CaptureBody, Depends(body_of(CaptureBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Spend what is held, or the first part of it; the rest is free again. It makes a redemption with the hold's id."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(capture_command(body, hold_id=hold_id, identity=identity)))


@router.post(
    "/holds/{hold_id}/release", status_code=201, response_model=ReleaseAnswer, openapi_extra=documented(ReleaseBody)
)
async def release_hold(
    principal: Spender,
    hold_id: HoldId,
    body: Annotated[ReleaseBody, Depends(body_of(ReleaseBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Give a hold up: its points are free again, unless they have lapsed meanwhile."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(release_command(body, hold_id=hold_id, identity=identity)))


@router.post(
    "/members/{member_id}/redemptions",
    status_code=201,
    response_model=RedemptionAnswer,
    openapi_extra=documented(RedemptionBody),
)
async def redeem_points(
    principal: Spender,
    member_id: MemberId,
    body: Annotated[RedemptionBody, Depends(body_of(RedemptionBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Spend points at once. A till that was offline has given them away: what is missing becomes debt."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(redemption_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/redemptions/{redemption_id}/reversal",
    status_code=201,
    response_model=ReversalAnswer,
    openapi_extra=documented(ReversalBody),
)
async def reverse_redemption(
    principal: Spender,
    redemption_id: Annotated[UUID, Path(description="The redemption's id; a captured hold is one with the hold's id.")],
    body: Annotated[ReversalBody, Depends(body_of(ReversalBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Bring points back to the lots that they came from; those keep their own expiry. A captured hold is a redemption, too."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(reversal_command(body, redemption_id=redemption_id, identity=identity)))
