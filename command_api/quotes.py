"""Quotes: what a sale would bring, signed, so that it can be sold by."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from command_api.answers import Answer, PointsOfPart, told
from command_api.bodies import documented, sent
from command_api.direct import Direct
from command_api.door import Door, door
from command_api.fields import AmountMinor, CampaignId, CouponKind, MemberId, NextTier, PointsToNext, TierName, Version
from domain.messages.identity import Identity
from domain.messages.quotes import QuoteBody, quote_question, reserve_command
from domain.quote import Quote
from domain.quoting import Quotation
from domain.refusals import InvalidField
from infra.web import BEARER, admitted

router = APIRouter(prefix="/quotes", tags=["quotes"], route_class=Direct)

KEY = "Idempotency-Key"
LONGEST_KEY = 255
KEYED: dict[str, Any] = {
    "parameters": [{
        "name": KEY, "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        "description": "With `reserve`: a repeat under the same key gets the first answer, for ever.",
    }]
}  # fmt: skip
"""What OpenAPI says of the header, which the route reads by itself."""


class DiscountTold(BaseModel):
    """What the programme takes off a line: the tier, as `tier:<name>`, or a campaign, as its id."""

    line: str = Field(description="The line's id, as it was sent.")
    source: str = Field(description="`tier:<name>`, or a campaign's id.")
    amount_minor: AmountMinor


class CouponToCome(BaseModel):
    """A coupon that a campaign would give; its code is drawn with the purchase."""

    campaign: CampaignId
    kind: CouponKind


class PointsAsCashTold(BaseModel):
    """What there is to spend, the most that may pay this bill, and what those pay that were asked for."""

    available: int = Field(description="Points that can be spent.")
    most_points: int = Field(
        description="The most points that may pay this bill, within share, minimum, step and the limit of the day."
    )
    most_minor: int = Field(description="What those pay, in minor units.")
    points: int = Field(description="Points that pay of those that were asked for.")
    amount_minor: AmountMinor


class RuleTold(BaseModel):
    """A rule that was looked at, of a version of the programme: whether it gives something, and why or why not."""

    rule: str = Field(description="`base`, `tier:<name>`, `points-as-cash`, or a campaign's id.")
    applied: bool = Field(description="Whether it gives something.")
    why: str = Field(
        description="Why it gives something or nothing, in a word such as `earned` or `minimum-not-reached`."
    )
    version: Version


class ReservedByCampaign(BaseModel):
    """What a campaign will give."""

    campaign: CampaignId
    points: int = Field(description="Points of its budget that are kept.")
    discount_minor: int = Field(description="Money of its budget that is kept, in minor units.")


class Reserved(BaseModel):
    """What is set aside: points to pay, coupons by their codes, and what campaigns give."""

    points: int = Field(description="Points that are held to pay.")
    coupons: list[str] = Field(description="Codes of the coupons that are reserved.")
    campaigns: list[ReservedByCampaign] = Field(description="What is kept of campaigns.")


class QuoteAnswer(BaseModel):
    """What a purchase would bring, as of its time, and the tier after it; `quote_id` is to be sent with the purchase."""

    quote_id: str = Field(description="To be sent as `quote` with the purchase; it is signed, and of no fixed length.")
    expires_at: datetime = Field(description="The first instant at which it can no longer be sold by.")
    member_id: MemberId
    programme: str = Field(description="The programme's name.")
    programme_version: Version
    points: list[PointsOfPart] = Field(
        description="What would be earned, by part, discounts and what points pay taken off."
    )
    coupons: list[CouponToCome] = Field(description="What campaigns would give.")
    discounts: list[DiscountTold] = Field(description="What the programme takes off, by line.")
    discount_minor: int = Field(description="All that is taken off, in minor units.")
    to_pay_minor: int = Field(description="What is left to pay by money, in minor units.")
    points_as_cash: PointsAsCashTold | None = Field(description="What points can pay; null, where they do not.")
    tier_before: str = Field(description="The tier before the purchase.")
    tier: TierName
    next_tier: NextTier
    points_to_next: PointsToNext
    rules: list[RuleTold] = Field(description="Each rule that was looked at.")
    warnings: list[str] = Field(description="`account-closed`: nothing is earned. `debt-open`: points pay it first.")


class ReservedQuoteAnswer(QuoteAnswer, Answer):
    """The same, and what is set aside until `expires_at`."""

    reserved: Reserved = Field(description="What is set aside.")


@router.post(
    "",
    response_model=QuoteAnswer,
    responses={201: {"model": ReservedQuoteAnswer, "description": "What is quoted was set aside."}},
    openapi_extra={**documented(QuoteBody), **BEARER, **KEYED},
)
async def quote(request: Request) -> Response:
    """What a purchase of these lines would bring now; a purchase with `quote` is sold by it.

    Nothing is recorded, but with `reserve` (201): then what the sale draws on is set aside, and an Idempotency-Key counts.
    """
    principal = await admitted(request, "till", "staff")
    body, the_door = await sent(request, QuoteBody), await door(request)
    if body.reserve:
        return await _reserved(body, the_door, Identity.of(principal.owner, _key(request)))
    question = quote_question(body, card_ids=the_door.card_ids, now=datetime.now(UTC))
    quoted: Quotation = await the_door.gathering.ask(question)
    return _answer(the_door, quoted.quote, quoted.told)


async def _reserved(body: QuoteBody, the_door: Door, identity: Identity) -> Response:
    command = reserve_command(body, card_ids=the_door.card_ids, now=datetime.now(UTC), identity=identity)
    answer = told(await the_door.one(command))
    return _answer(the_door, answer.pop("quote"), answer, status=201)


def _answer(the_door: Door, found: Quote, besides: dict[str, Any], *, status: int = 200) -> Response:
    content = to_json({"quote_id": found.words(the_door.signing), "expires_at": found.until, **besides})
    return Response(content, status, media_type="application/json")


def _key(request: Request) -> str | None:
    key = request.headers.get(KEY)
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidField(field=KEY, problem=f"between 1 and {LONGEST_KEY} characters")
    return key
