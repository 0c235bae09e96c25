"""Members: joining, one at a time or many, changing what is known of them, and erasing it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from command_api.answers import BatchAnswer, ErasedAnswer, MemberAnswer, told, told_each
from command_api.bodies import IdempotencyKey, body_of, documented, items_of
from command_api.door import TheDoor
from domain.commands.members import JoinMember
from domain.messages.batches import MemberBatch
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, MemberPatch, Reason, change_command, erase_command, join_command
from domain.refusals import Refusal
from infra.keys import Principal
from infra.paths import MemberId
from infra.web import requires

router = APIRouter(prefix="/members", tags=["members"])

Staff = Annotated[Principal, Depends(requires("staff"))]


@router.post("", status_code=201, response_model=MemberAnswer, openapi_extra=documented(MemberBody))
async def join_member(
    staff: Staff,
    body: Annotated[MemberBody, Depends(body_of(MemberBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Join a member. Purchases made with the card before are credited at once. Personal fields are kept encrypted."""
    command = join_command(
        body,
        identity=Identity.of(staff.owner, idempotency_key),
        card_ids=the_door.card_ids,
        sealing=the_door.personal_data,
    )
    return told(await the_door.one(command))


@router.post("/batch", response_model=BatchAnswer, openapi_extra=documented(MemberBatch))
async def join_members(
    staff: Staff,
    items: Annotated[list[MemberBody | Refusal], Depends(items_of(MemberBatch, MemberBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Join many members; each joins or is refused by itself. Under a key, each item has its own: `key/0`, `key/1` …"""

    def command_of(body: MemberBody, place: int) -> JoinMember:
        identity = Identity.of(staff.owner, idempotency_key and f"{idempotency_key}/{place}")
        return join_command(body, identity=identity, card_ids=the_door.card_ids, sealing=the_door.personal_data)

    return told_each(await the_door.each(items, command_of))


@router.patch("/{member_id}", response_model=MemberAnswer, openapi_extra=documented(MemberPatch))
async def change_member(
    staff: Staff,
    member_id: MemberId,
    body: Annotated[MemberPatch, Depends(body_of(MemberPatch))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Change what is known of a member, as a JSON merge patch: what is left out stays, null takes back."""
    identity = Identity.of(staff.owner, idempotency_key)
    command = await run_in_threadpool(  # the member's key is asked of the database
        change_command,
        body,
        member_id=member_id,
        identity=identity,
        sealing=the_door.personal_data,
        now=datetime.now(UTC),
    )
    return {"member_id": member_id, **told(await the_door.one(command))}


@router.delete("/{member_id}/personal-data", response_model=ErasedAnswer)
async def erase_personal_data(
    staff: Staff,
    member_id: MemberId,
    the_door: TheDoor,
    reason: Annotated[
        Reason,
        Query(description="A word such as `member-request`. It is kept in clear, so it must tell nothing personal."),
    ],
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Destroy the keys of the member's personal data, and unlink the cards, for good. Twice is a repeat."""
    identity = Identity.of(staff.owner, idempotency_key)
    command = erase_command(member_id, reason=reason, identity=identity, now=datetime.now(UTC))
    return {"member_id": member_id, **told(await the_door.one(command))}
