"""Campaigns: who earns more, when and on what."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import CampaignCreatedAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.campaigns import CampaignBody, create_command
from domain.messages.identity import Identity
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


@router.post("", status_code=201, response_model=CampaignCreatedAnswer, openapi_extra=documented(CampaignBody))
async def create_campaign(
    staff: Annotated[Principal, Depends(requires("staff"))],
    body: Annotated[CampaignBody, Depends(body_of(CampaignBody))],
    the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Create a campaign. The same content under the same `campaign_id` is a repeat."""
    identity = Identity.of(staff.owner, idempotency_key)
    command = create_command(body, identity=identity, card_ids=the_door.card_ids, now=datetime.now(UTC))
    return told(await the_door.one(command))
