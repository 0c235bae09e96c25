"""Quotes as tills ask for them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import Field, StrictBool

from domain.basket import CouponUse, Line, Store, Word
from domain.commands.quotes import AskQuote
from domain.commands.reservations import ReleaseQuote, ReserveQuote
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds, check_lines
from domain.messages.reading import Message, UtcTime, canonical, fingerprint
from domain.messages.redemptions import Counted
from domain.policy.parts import Currency
from domain.quote import Quote
from domain.quoting import Basket
from domain.refusals import InvalidField

_CARD = frozenset({"card"})
"""A number that a fingerprint must not help to guess."""


class QuoteBody(Message):
    """The body of `POST /quotes`: a receipt that is not paid yet."""

    currency: Currency
    store: Store
    channel: Word = Field(default="store", description="Where it is sold: `store`, or another word such as `web`.")
    card: Word | None = Field(default=None, description="The card's number.")
    member: UUID | None = Field(default=None, description="The member, instead of the card.")
    lines: Annotated[list[Line], Field(min_length=1, max_length=2_000)] = Field(
        description="What is to be sold: 1 to 2,000 lines."
    )
    coupons: list[CouponUse] = Field(default=[], max_length=200, description="What is handed in.")
    points: Counted | None = Field(default=None, description="How many points are to pay.")
    time: UtcTime | None = Field(default=None, description="The till's own time; now, if left out.")
    reserve: StrictBool = Field(
        default=False, description="Set aside what the sale draws on: points to pay, coupons, budgets and limits."
    )


class QuoteReleaseBody(Message):
    """The body of `POST /quotes/{quote_id}/release`."""

    time: UtcTime | None = Field(default=None, description="The till's own time; now, if left out.")


def quote_question(body: QuoteBody, *, card_ids: CardIds, now: datetime, identity: Identity | None = None) -> AskQuote:
    """The question of a quote, whose id is that of the command, where it is one. Refused in this order: buyer, lines."""
    if (body.card is None) == (body.member is None):
        raise InvalidField(field="member", problem="give the card or the member, one of them")
    check_lines(body.lines)
    basket = Basket(
        id=identity.fields()["id"] if identity else uuid4(), at=body.time or now, store=body.store,
        currency=body.currency, lines=body.lines, coupons=body.coupons, points=body.points, reserve=body.reserve,
    )  # fmt: skip
    card_id = None if body.card is None else card_ids(body.card)
    return AskQuote(card_id=card_id, member_id=body.member, basket=basket)


def reserve_command(body: QuoteBody, *, card_ids: CardIds, now: datetime, identity: Identity) -> ReserveQuote:
    """The command of a quote that reserves. Refused as its question is."""
    question = quote_question(body, card_ids=card_ids, now=now, identity=identity)
    card = b"" if question.card_id is None else question.card_id.bytes
    return ReserveQuote(
        **identity.fields(), occurred_at=question.basket.at, question=question,
        fingerprint=fingerprint(b"QuoteBody", canonical(body, without=_CARD), card),
    )  # fmt: skip


def release_quote_command(body: QuoteReleaseBody, *, quote: Quote, now: datetime, identity: Identity) -> ReleaseQuote:
    """The command that gives up what is set aside for a quote: the quote itself tells a repeat, so it needs no key."""
    who = {name: value for name, value in identity.fields().items() if name != "keyed"}
    return ReleaseQuote(**who, occurred_at=body.time or now, fingerprint=str(quote.id), quote=quote)
