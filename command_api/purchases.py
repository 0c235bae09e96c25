"""Purchases: what a till sold, one at a time or many."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from command_api.answers import BatchAnswer, PurchaseAnswer, TakenBackAnswer, told, told_each
from command_api.bodies import IdempotencyKey, body_of, documented, raw_body, sent
from command_api.direct import Direct, answered, answered_as_told
from command_api.door import Door, TheDoor, door
from domain.commands.purchases import RecordPurchase
from domain.messages.batches import PurchaseBatch, read_each
from domain.messages.identity import Identity
from domain.messages.purchases import PurchaseBody, purchase_command
from domain.messages.returns import ReturnBody, VoidBody, return_body_command
from infra.keys import Principal
from infra.paths import PurchaseId
from infra.web import BEARER, admitted, requires

Seller = Annotated[Principal, Depends(requires("till", "staff"))]

direct = APIRouter(prefix="/purchases", tags=["purchases"], route_class=Direct)
router = APIRouter(prefix="/purchases", tags=["purchases"], dependencies=[Depends(requires("till", "staff"))])


@direct.post("", status_code=201, response_model=PurchaseAnswer, openapi_extra={**documented(PurchaseBody), **BEARER})
async def record_purchase(request: Request) -> Response:
    """Record a purchase. `(source, id)` is its identity: a repeat gets the first answer."""
    await admitted(request, "till", "staff")
    body, the_door = await sent(request, PurchaseBody), await door(request)
    return answered(PurchaseAnswer, told(await the_door.one(_command(body, the_door))), 201)


@direct.post("/batch", response_model=BatchAnswer, openapi_extra={**documented(PurchaseBatch), **BEARER})
async def record_purchases(request: Request) -> Response:
    """Record many purchases; each is recorded or refused by itself."""
    await admitted(request, "till", "staff")
    items, the_door = read_each(PurchaseBatch, PurchaseBody, await raw_body(request)), await door(request)
    return answered_as_told(told_each(await the_door.each(items, lambda item, _: _command(item, the_door))), 200)


@router.post(
    "/{purchase_id}/returns", status_code=201, response_model=TakenBackAnswer, openapi_extra=documented(ReturnBody)
)
async def return_purchase(
    principal: Seller,
    purchase_id: PurchaseId,
    body: Annotated[ReturnBody, Depends(body_of(ReturnBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Take back goods or money. What is more than is left of a line is refused."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(return_body_command(body, purchase_id=purchase_id, identity=identity)))


@router.post("/{purchase_id}/void", status_code=201, response_model=TakenBackAnswer, openapi_extra=documented(VoidBody))
async def void_purchase(
    principal: Seller,
    purchase_id: PurchaseId,
    body: Annotated[VoidBody, Depends(body_of(VoidBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Call a purchase off: all that is left of it goes back. Twice is a repeat."""
    identity = Identity.of(principal.owner, idempotency_key)
    return told(await the_door.one(return_body_command(body, purchase_id=purchase_id, identity=identity)))


def _command(body: PurchaseBody, the_door: Door) -> RecordPurchase:
    return purchase_command(
        body, source=body.source, external_id=body.id, time=body.time, card_ids=the_door.card_ids, answered=True,
        signing=the_door.signing,
    )  # fmt: skip
