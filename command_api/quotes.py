"""Quotes: what a sale would bring, signed, so that it can be sold by."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from command_api.answers import PointsOfPart
from command_api.bodies import documented, sent
from command_api.direct import Direct
from command_api.door import door
from domain.messages.quotes import QuoteBody, quote_question
from infra.web import BEARER, admitted

router = APIRouter(prefix="/quotes", tags=["quotes"], route_class=Direct)


class DiscountTold(BaseModel):
    """What the programme takes off a line: the tier, as `tier:<name>`, or a campaign, as its id."""

    line: str
    source: str
    amount_minor: int


class CouponToCome(BaseModel):
    """A coupon that a campaign would give; its code is drawn with the purchase."""

    campaign: str
    kind: str


class PointsAsCashTold(BaseModel):
    """What there is to spend, the most that may pay this bill, and what those pay that were asked for."""

    available: int
    most_points: int
    most_minor: int
    points: int
    amount_minor: int


class RuleTold(BaseModel):
    """A rule that was looked at, of a version of the programme: whether it gives something, and why or why not."""

    rule: str = Field(description="`base`, `tier:<name>`, `points-as-cash`, or a campaign's id.")
    applied: bool
    why: str
    version: int


class QuoteAnswer(BaseModel):
    """What a purchase would bring, as of its time, and the tier after it; `quote_id` is to be sent with the purchase."""

    quote_id: str
    expires_at: datetime
    member_id: UUID
    programme: str
    programme_version: int
    points: list[PointsOfPart]
    coupons: list[CouponToCome]
    discounts: list[DiscountTold]
    discount_minor: int
    to_pay_minor: int
    points_as_cash: PointsAsCashTold | None
    tier_before: str
    tier: str
    next_tier: str | None
    points_to_next: int | None
    rules: list[RuleTold]
    warnings: list[str] = Field(description="`account-closed`: nothing is earned. `debt-open`: points pay it first.")


@router.post("", response_model=QuoteAnswer, openapi_extra={**documented(QuoteBody), **BEARER})
async def quote(request: Request) -> Response:
    """What a purchase of these lines would bring now. Nothing is recorded; a purchase with `quote` is sold by it."""
    await admitted(request, "till", "staff")
    body, the_door = await sent(request, QuoteBody), await door(request)
    found, told = await the_door.gathering.ask(quote_question(body, card_ids=the_door.card_ids, now=datetime.now(UTC)))
    answer = {"quote_id": found.words(the_door.signing), "expires_at": found.until, **told}
    return Response(to_json(answer), media_type="application/json")
