"""Receipts put right: claimed without a card, or moved from a wrong one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import ReassignedAnswer, ReceiptAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.receipts import ClaimBody, ReassignmentBody, claim_command, reassignment_command
from infra.keys import Principal
from infra.paths import PurchaseId
from infra.web import requires

router = APIRouter(prefix="/purchases", tags=["purchases"])


@router.post("/{purchase_id}/claim", status_code=201, response_model=ReceiptAnswer, openapi_extra=documented(ClaimBody))
async def claim_receipt(
    principal: Annotated[Principal, Depends(requires("till", "staff"))],
    purchase_id: PurchaseId,
    body: Annotated[ClaimBody, Depends(body_of(ClaimBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Credit a receipt without a card to the member who brings it. Twice for the same member is a repeat."""
    identity = Identity.of(principal.owner, idempotency_key)
    command = claim_command(body, purchase_id=purchase_id, identity=identity, card_ids=the_door.card_ids)
    return told(await the_door.one(command))


@router.post(
    "/{purchase_id}/reassignment",
    status_code=201,
    response_model=ReassignedAnswer,
    openapi_extra=documented(ReassignmentBody),
)
async def reassign_purchase(
    staff: Annotated[Principal, Depends(requires("staff"))],
    purchase_id: PurchaseId,
    body: Annotated[ReassignmentBody, Depends(body_of(ReassignmentBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Give a purchase that was recorded under a wrong card to its buyer: voided there, recorded here, at its own time."""
    identity = Identity.of(staff.owner, idempotency_key)
    command = reassignment_command(body, purchase_id=purchase_id, identity=identity, card_ids=the_door.card_ids)
    return told(await the_door.one(command))
