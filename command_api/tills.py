"""Tills: closed for a business day."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from command_api.answers import ClosingAnswer, told
from command_api.bodies import body_of, documented
from command_api.door import TheDoor
from domain.messages.tills import ClosingBody, closing_command
from infra.web import requires

router = APIRouter(prefix="/tills", tags=["tills"], dependencies=[Depends(requires("till", "staff"))])


@router.post("/closings", status_code=201, response_model=ClosingAnswer, openapi_extra=documented(ClosingBody))
async def close_till(body: Annotated[ClosingBody, Depends(body_of(ClosingBody))], the_door: TheDoor) -> dict[str, Any]:
    """Record what a till counted on a business day. `(source, id)` is its identity: a repeat gets the first answer."""
    command = closing_command(body, source=body.source, external_id=body.id, time=body.time, answered=True)
    return told(await the_door.one(command))
