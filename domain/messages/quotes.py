"""Quotes as tills ask for them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import Field

from domain.basket import CouponUse, Line, Word
from domain.commands.quotes import AskQuote
from domain.messages.purchases import CardIds, check_lines
from domain.messages.reading import Message, UtcTime
from domain.messages.redemptions import Counted
from domain.policy.parts import Currency
from domain.quoting import Basket
from domain.refusals import InvalidField


class QuoteBody(Message):
    """The body of `POST /quotes`: a receipt that is not paid yet."""

    currency: Currency
    store: Word
    channel: Word = "store"
    card: Word | None = Field(default=None, description="The card's number.")
    member: UUID | None = Field(default=None, description="The member, instead of the card.")
    lines: Annotated[list[Line], Field(min_length=1, max_length=2_000)]
    coupons: list[CouponUse] = Field(default=[], max_length=200)
    points: Counted | None = Field(default=None, description="How many points are to pay.")
    time: UtcTime | None = Field(default=None, description="The till's own time; now, if left out.")


def quote_question(body: QuoteBody, *, card_ids: CardIds, now: datetime) -> AskQuote:
    """The question of a quote. Refused in this order: buyer, lines."""
    if (body.card is None) == (body.member is None):
        raise InvalidField(field="member", problem="give the card or the member, one of them")
    check_lines(body.lines)
    basket = Basket(
        id=uuid4(), at=body.time or now, store=body.store, currency=body.currency, lines=body.lines,
        coupons=body.coupons, points=body.points,
    )  # fmt: skip
    card_id = None if body.card is None else card_ids(body.card)
    return AskQuote(card_id=card_id, member_id=body.member, basket=basket)
