"""Quotes: what a sale would bring, signed, so that it can be sold by."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from command_api.answers import PointsOfPart
from command_api.bodies import body_of, documented
from command_api.door import TheDoor
from domain.messages.quotes import QuoteBody, quote_question
from infra.web import requires

router = APIRouter(prefix="/quotes", tags=["quotes"], dependencies=[Depends(requires("till", "staff"))])


class DiscountTold(BaseModel):
    """What the programme takes off a line: the tier, as `tier:<name>`, or a campaign, as its id."""

    line: str
    source: str
    amount_minor: int


class PointsAsCashTold(BaseModel):
    """What there is to spend, the most that may pay this bill, and what those pay that were asked for."""

    available: int
    most_points: int
    most_minor: int
    points: int
    amount_minor: int


class QuoteAnswer(BaseModel):
    """What a purchase would bring, as of its time, and the tier after it; `quote_id` is to be sent with the purchase."""

    quote_id: str
    expires_at: datetime
    member_id: UUID
    programme: str
    programme_version: int
    points: list[PointsOfPart]
    discounts: list[DiscountTold]
    discount_minor: int
    to_pay_minor: int
    points_as_cash: PointsAsCashTold | None
    tier_before: str
    tier: str
    next_tier: str | None
    points_to_next: int | None


@router.post("", response_model=QuoteAnswer, openapi_extra=documented(QuoteBody))
async def quote(body: Annotated[QuoteBody, Depends(body_of(QuoteBody))], the_door: TheDoor) -> dict[str, Any]:
    """What a purchase of these lines would bring now. Nothing is recorded; a purchase with `quote` is sold by it."""
    question = quote_question(body, card_ids=the_door.card_ids, now=datetime.now(UTC))
    found, told = await the_door.gathering.ask(question)
    return {**told, "quote_id": found.words(the_door.signing), "expires_at": found.until}
