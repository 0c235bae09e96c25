"""What is set aside for quotes, and given up."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from command_api.answers import Answer, told
from command_api.bodies import body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.quotes import QuoteReleaseBody, release_quote_command
from domain.quote import Quote
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/quotes", tags=["quotes"])


class QuoteReleasedAnswer(Answer):
    """What is free again: points, coupons by their codes, and what these campaigns were to give."""

    points: int = Field(description="Points that were held to pay.")
    coupons: list[str] = Field(description="Codes of the coupons that were reserved.")
    campaigns: list[str] = Field(description="Ids of the campaigns of which something was kept.")


@router.post(
    "/{quote_id}/release",
    status_code=201,
    response_model=QuoteReleasedAnswer,
    openapi_extra=documented(QuoteReleaseBody),
)
async def release_quote(
    principal: Annotated[Principal, Depends(requires("till", "staff"))],
    quote_id: Annotated[str, Path(description="The `quote_id`, as it was answered.")],
    body: Annotated[QuoteReleaseBody, Depends(body_of(QuoteReleaseBody))],
    the_door: TheDoor,
) -> dict[str, Any]:
    """Give up what was set aside with `reserve`: the sale will not be made. Twice is a repeat."""
    quote = Quote.read(quote_id, the_door.signing)
    identity = Identity.of(principal.owner, None)
    return told(await the_door.one(release_quote_command(body, quote=quote, now=datetime.now(UTC), identity=identity)))
