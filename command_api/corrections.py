"""Corrections: what staff put right, in one account or between two."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import (
    AdjustedAnswer,
    ClosedAnswer,
    ImportedAnswer,
    MergedAnswer,
    TransferredAnswer,
    UnmergedAnswer,
    WaivedAnswer,
    told,
)
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.corrections import (
    AdjustmentBody,
    ClosureBody,
    MergeBody,
    OpeningBalanceBody,
    TransferBody,
    UnmergeBody,
    WaiverBody,
    adjustment_command,
    closure_command,
    import_command,
    merge_command,
    transfer_command,
    unmerge_command,
    waiver_command,
)
from domain.messages.identity import Identity
from domain.messages.reading import Message
from infra.keys import Principal
from infra.paths import MemberId
from infra.web import requires

router = APIRouter(tags=["corrections"])
BODIES: tuple[type[Message], ...] = (
    AdjustmentBody, WaiverBody, ClosureBody, TransferBody, MergeBody, UnmergeBody, OpeningBalanceBody,
)  # fmt: skip

Staff = Annotated[Principal, Depends(requires("staff"))]


@router.post(
    "/members/{member_id}/adjustments",
    status_code=201,
    response_model=AdjustedAnswer,
    openapi_extra=documented(AdjustmentBody),
)
async def adjust(
    staff: Staff, member_id: MemberId, body: Annotated[AdjustmentBody, Depends(body_of(AdjustmentBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Give points, or take them, for a reason."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(adjustment_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/members/{member_id}/waivers", status_code=201, response_model=WaivedAnswer, openapi_extra=documented(WaiverBody)
)
async def waive(
    staff: Staff, member_id: MemberId, body: Annotated[WaiverBody, Depends(body_of(WaiverBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Let debt go, for a reason."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(waiver_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/members/{member_id}/closure", status_code=201, response_model=ClosedAnswer, openapi_extra=documented(ClosureBody)
)
async def close(
    staff: Staff, member_id: MemberId, body: Annotated[ClosureBody, Depends(body_of(ClosureBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """End a member's earning and spending. Debt stays on record."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(closure_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/members/{member_id}/transfers",
    status_code=201,
    response_model=TransferredAnswer,
    openapi_extra=documented(TransferBody),
)
async def transfer(
    staff: Staff, member_id: MemberId, body: Annotated[TransferBody, Depends(body_of(TransferBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Give a member's points to another. Points that a return could still take back stay."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(transfer_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/members/{member_id}/merge", status_code=201, response_model=MergedAnswer, openapi_extra=documented(MergeBody)
)
async def merge(
    staff: Staff, member_id: MemberId, body: Annotated[MergeBody, Depends(body_of(MergeBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Two members are one person: the member of the path lives on in `into`."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(merge_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/members/{member_id}/unmerge",
    status_code=201,
    response_model=UnmergedAnswer,
    openapi_extra=documented(UnmergeBody),
)
async def unmerge(
    staff: Staff, member_id: MemberId, body: Annotated[UnmergeBody, Depends(body_of(UnmergeBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Undo a merge: what is left of what it had brought goes back. Later facts stay with the survivor."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(unmerge_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/opening-balances", status_code=201, response_model=ImportedAnswer, openapi_extra=documented(OpeningBalanceBody)
)
async def bring_in(
    staff: Staff, body: Annotated[OpeningBalanceBody, Depends(body_of(OpeningBalanceBody))], the_door: TheDoor
) -> dict[str, Any]:
    """Bring in what a member had in another system. Its `reference` is its identity."""
    return told(await the_door.one(import_command(body, actor=f"/clients/{staff.owner}", card_ids=the_door.card_ids)))
