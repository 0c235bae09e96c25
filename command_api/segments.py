"""Segments: classes of members by behaviour, loyalty and value."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import SegmentDefinedAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.segments import SegmentBody, define_command
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/segments", tags=["segments"])


@router.post("", status_code=201, response_model=SegmentDefinedAnswer, openapi_extra=documented(SegmentBody))
async def define_segment(
    staff: Annotated[Principal, Depends(requires("staff"))],
    body: Annotated[SegmentBody, Depends(body_of(SegmentBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Define a segment, or its next version; each is immutable. The same content is a repeat."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(define_command(body, identity=identity, now=datetime.now(UTC))))
