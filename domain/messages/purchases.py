"""Purchases as tills send them, over Kafka or HTTP, and the command that they become."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from domain.basket import CouponUse, Line, Store, Tender, Word
from domain.commands.purchases import RecordPurchase
from domain.commands.returns import GoodsBack
from domain.fact import message_id
from domain.messages.events import CloudEvent, ExternalId, Source
from domain.messages.reading import BusinessTime, Message, canonical, canonical_time, fingerprint
from domain.messages.returns import ReturnData, check_goods
from domain.money import MAX_AMOUNT
from domain.policy.parts import Currency
from domain.quote import Quote, Signing
from domain.refusals import InvalidField, QuoteInvalid, TendersDoNotMatch
from domain.returned import refunded, worth

COMPLETED = "pos.purchase.completed.v1"

CardIds = Callable[[str], UUID]
"""Turns a card number into the id that stands for it; the number goes no further."""


class PurchaseData(Message):
    """A receipt. Σ tenders + Σ returned − Σ refund tenders of these = Σ (gross − discount); amounts in minor units."""

    currency: Currency
    store: Store
    channel: Word = Field(default="store", description="Where it was sold: `store`, or another word such as `web`.")
    card: Word | None = Field(default=None, description="The card's number; without it the receipt is anonymous.")
    member: UUID | None = Field(default=None, description="The member, instead of the card.")
    lines: Annotated[list[Line], Field(min_length=1, max_length=2_000)] = Field(
        description="What was sold: 1 to 2,000 lines."
    )
    tenders: Annotated[list[Tender], Field(max_length=100)] = Field(
        description="How it was paid; empty where nothing was."
    )
    coupons: list[CouponUse] = Field(default=[], max_length=200, description="What was handed in.")
    holds: list[UUID] = Field(
        default=[], max_length=20, description="Holds that were placed for the part that is paid by points."
    )
    quote: str | None = Field(
        default=None, description="The `quote_id` by which it was sold; its discounts are in `discount_minor`."
    )
    returned: tuple[ReturnData, ...] = Field(
        default=(),  # copied for no message, as an empty list would be
        max_length=20,
        description="Goods of other purchases, exchanged for these; `tenders` is what of their worth was paid out.",
    )


class PurchaseCompleted(CloudEvent):
    """A CloudEvent of type `pos.purchase.completed.v1`."""

    type: Literal["pos.purchase.completed.v1"]
    data: PurchaseData


class PurchaseBody(PurchaseData):
    """The body of `POST /purchases`: the same receipt with its identity and business time."""

    source: Source
    id: ExternalId
    time: BusinessTime


def purchase_command(
    data: PurchaseData,
    *,
    source: str,
    external_id: str,
    time: datetime,
    card_ids: CardIds,
    answered: bool,
    signing: Signing | None = None,
) -> RecordPurchase:
    """The command of a receipt, once it adds up; without `signing` no quote is known.

    Refused in this order: buyer, goods brought back, lines, tenders, and where somebody is there to be refused, the quote.
    """
    if data.card is not None and data.member is not None:
        raise InvalidField(field="member", problem="give the card or the member, not both")
    purchase_id = message_id(source, external_id)
    brought = _brought(data.returned, purchase_id) if data.returned else []
    _check_sums(data, set_off_minor=sum(goods.set_off_minor for goods in brought))
    card_id = None if data.card is None else card_ids(data.card)
    return RecordPurchase(
        id=purchase_id,
        source=source,
        external_id=external_id,
        occurred_at=time,
        actor=source,
        fingerprint=fingerprint(canonical_time(time), _canonical_data(data), card_id.bytes if card_id else b""),
        answered=answered,
        currency=data.currency,
        store=data.store,
        channel=data.channel,
        card_id=card_id,
        member_id=data.member,
        lines=data.lines,
        tenders=data.tenders,
        coupons=data.coupons,
        holds=data.holds,
        brought=brought,
        quote=None if data.quote is None else _quote(data.quote, signing, strictly=answered),
    )


def _quote(words: str, signing: Signing | None, *, strictly: bool) -> Quote | QuoteInvalid:
    """The quote, or why there is none, where nobody is there to be told."""
    try:
        if signing is None:
            raise QuoteInvalid
        return Quote.read(words, signing)
    except QuoteInvalid as refusal:
        if strictly:
            raise
        return refusal


def _brought(returned: Sequence[ReturnData], exchanged_for: UUID) -> list[GoodsBack]:
    """The goods of other purchases, each of them named once. What they are worth is paid back by what is bought."""
    brought: list[GoodsBack] = []
    for number, one in enumerate(returned):
        place = f"returned.{number}."
        purchase_id = message_id(one.purchase.source, one.purchase.id)
        if purchase_id == exchanged_for or any(purchase_id == other.purchase_id for other in brought):
            raise InvalidField(field=f"{place}purchase", problem="name every other purchase once, and never this one")
        check_goods(one, place=place)
        rest = worth(one.lines) - refunded(one.tenders)
        if rest < 0:
            raise InvalidField(field=f"{place}tenders", problem="more is paid back than goes back")
        tenders = [*one.tenders, *([Tender(kind="other", amount_minor=rest)] if rest else [])]
        brought.append(
            GoodsBack(
                purchase_id=purchase_id, lines=one.lines, tenders=tenders or None, reason=one.reason,
                exchanged_for=exchanged_for, set_off_minor=rest,
            )
        )  # fmt: skip
    return brought


def _check_sums(data: PurchaseData, *, set_off_minor: int) -> None:
    """What was tendered, with what returned goods pay, is what was paid."""
    total = check_lines(data.lines)
    tendered = refunded(data.tenders) + set_off_minor
    if tendered != total:
        raise TendersDoNotMatch(tendered_minor=tendered, paid_minor=total)
    if total > MAX_AMOUNT:
        raise InvalidField(field="lines", problem=f"the total passes {MAX_AMOUNT}")


def check_lines(lines: Sequence[Line]) -> int:
    """What is asked for lines that make sense together. Zeros that say nothing are dropped, so that they make no difference."""
    total = 0
    names: set[str] = set()
    for number, line in enumerate(lines):
        name, gross, discount = line["line"], line["gross_minor"], line.get("discount_minor")
        if name in names:
            raise InvalidField(
                field=f"lines.{number}.line", problem="another line has this id; a return could not tell them apart"
            )
        names.add(name)
        total += gross
        if discount:
            if discount > gross:
                raise InvalidField(field=f"lines.{number}.discount_minor", problem="more than the line's gross_minor")
            total -= discount
        elif discount is not None:
            del line["discount_minor"]
        if line.get("tax_minor") == 0:
            del line["tax_minor"]
    return total


_IDENTITY: Any = frozenset({"card", "source", "id", "time"})


def _canonical_data(data: PurchaseData) -> bytes:
    """The receipt without its card number, which the fingerprint must not help to guess."""
    return canonical(data, without=_IDENTITY)
