"""Members: joining, one at a time or many."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import BatchAnswer, MemberJoinedAnswer, told, told_each
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.batches import MemberBatch
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/members", tags=["members"])

Staff = Annotated[Principal, Depends(requires("staff"))]


@router.post("", status_code=201, response_model=MemberJoinedAnswer, openapi_extra=documented(MemberBody))
async def join_member(
    staff: Staff,
    body: Annotated[MemberBody, Depends(body_of(MemberBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Join a member. Purchases made with the card before are credited at once."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(join_command(body, identity=identity, card_ids=the_door.card_ids)))


@router.post("/batch", response_model=BatchAnswer, openapi_extra=documented(MemberBatch))
async def join_members(
    staff: Staff,
    body: Annotated[MemberBatch, Depends(body_of(MemberBatch))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Join many members; each joins or is refused by itself. Under a key, each item has its own: `key/0`, `key/1` …"""
    keys = [None if idempotency_key is None else f"{idempotency_key}/{number}" for number in range(len(body.items))]
    outcomes = await the_door.each(
        list(zip(body.items, keys, strict=True)),
        lambda one: join_command(one[0], identity=Identity.of(staff.owner, one[1]), card_ids=the_door.card_ids),
    )
    return told_each(outcomes)
