"""What a till says it sold: lines, tenders and coupons, as they stand in messages and in facts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, NotRequired
from uuid import UUID

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from domain.money import AmountMinor

Word = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
"""A short text. PostgreSQL keeps no NUL in text, and in an identity it would blur where the source ends."""


def _canonical(quantity: str) -> int | str:
    """`2.0` and `2` are one quantity: whole numbers become integers, others lose their trailing zeros."""
    number = Decimal(quantity).normalize()
    return int(number) if number == number.to_integral_value() else format(number, "f")


Quantity = (
    Annotated[int, Field(strict=True, ge=0, le=10**9)]
    | Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$"), AfterValidator(_canonical)]
)
"""Pieces, or a decimal string for weighed goods; 0 is a fee or a correction without goods."""


class Line(TypedDict):
    """One line of a receipt. `gross_minor` is the price of its whole quantity; paid = gross − discount."""

    line: Word
    sku: Word
    category: NotRequired[Word]
    quantity: Quantity
    gross_minor: AmountMinor
    discount_minor: NotRequired[AmountMinor]
    tax_minor: NotRequired[AmountMinor]


class Tender(TypedDict):
    """A means of payment and how much of the bill it paid."""

    kind: Literal["cash", "card", "coupon", "voucher", "gift_card", "mobile", "other", "points"]
    amount_minor: AmountMinor


class CouponUse(TypedDict):
    """A coupon that was handed in, the campaign it belongs to, and the reservation that kept it for this bill."""

    code: Word
    campaign: NotRequired[Word]
    reservation: NotRequired[UUID]


class LineDiscount(TypedDict):
    """What the programme takes off the price of a line: by the tier, as `tier:<name>`, or by a campaign, as its id."""

    line: Word
    source: Word
    amount_minor: AmountMinor


def paid(line: Line) -> int:
    """What was paid for a line, tax contained, in minor units."""
    return line["gross_minor"] - line.get("discount_minor", 0)


def paid_in_all(lines: Sequence[Line]) -> int:
    """What was paid for lines together; in one go, as every purchase is added up several times."""
    return sum([line["gross_minor"] - line.get("discount_minor", 0) for line in lines])


def as_money(tenders: Sequence[Tender]) -> list[Tender]:
    """The same tenders, where points that somebody else paid are money like any other."""
    return [
        Tender(kind="other", amount_minor=one["amount_minor"]) if one["kind"] == "points" else one for one in tenders
    ]
