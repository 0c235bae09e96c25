"""Purchases: what a till sold, one at a time or many."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import BatchAnswer, PurchaseAnswer, told, told_each
from command_api.bodies import body_of, documented
from command_api.door import TheDoor
from domain.commands import RecordPurchase
from domain.messages.batches import PurchaseBatch
from domain.messages.purchases import CardIds, PurchaseBody, purchase_command
from infra.web import requires

router = APIRouter(prefix="/purchases", tags=["purchases"], dependencies=[Depends(requires("till", "staff"))])


@router.post("", status_code=201, response_model=PurchaseAnswer, openapi_extra=documented(PurchaseBody))
async def record_purchase(
    body: Annotated[PurchaseBody, Depends(body_of(PurchaseBody))], the_door: TheDoor
) -> dict[str, Any]:
    """Record a purchase. `(source, id)` is its identity: a repeat gets the first answer."""
    return told(await the_door.one(_command(body, the_door.card_ids)))


@router.post("/batch", response_model=BatchAnswer, openapi_extra=documented(PurchaseBatch))
async def record_purchases(
    body: Annotated[PurchaseBatch, Depends(body_of(PurchaseBatch))], the_door: TheDoor
) -> dict[str, Any]:
    """Record many purchases; each is recorded or refused by itself."""
    return told_each(await the_door.each(body.items, lambda item: _command(item, the_door.card_ids)))


def _command(body: PurchaseBody, card_ids: CardIds) -> RecordPurchase:
    return purchase_command(
        body, source=body.source, external_id=body.id, time=body.time, card_ids=card_ids, answered=True
    )
