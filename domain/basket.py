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


Quantity = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=10**9)]
    | Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$"), AfterValidator(_canonical)],
    Field(
        description='Pieces, or for weighed goods a decimal string such as "0.750"; 0 is a fee, or money without goods.'
    ),
]
Store = Annotated[Word, Field(description="The store, by the number or name that its tills know it by.")]
LineId = Annotated[
    Word, Field(description="The line's id, by which a return names it: one of its own within the receipt.")
]
CampaignId = Annotated[Word, Field(description="The campaign's id.")]


class Line(TypedDict):
    """One line of a receipt. `gross_minor` is the price of its whole quantity; paid = gross − discount."""

    line: LineId
    sku: Annotated[Word, Field(description="The article's number.")]
    category: NotRequired[
        Annotated[Word, Field(description="The article's category, as campaigns and programmes name it.")]
    ]
    quantity: Quantity
    gross_minor: Annotated[AmountMinor, Field(description="The price of the whole quantity, in minor units.")]
    discount_minor: NotRequired[Annotated[AmountMinor, Field(description="What is taken off it, in minor units.")]]
    tax_minor: NotRequired[Annotated[AmountMinor, Field(description="The tax that is contained, in minor units.")]]


class Tender(TypedDict):
    """A means of payment and how much of the bill it paid."""

    kind: Annotated[
        Literal["cash", "card", "coupon", "voucher", "gift_card", "mobile", "other", "points"],
        Field(description="The means; `points` are taken from the member's account."),
    ]
    amount_minor: AmountMinor


class CouponUse(TypedDict):
    """A coupon that was handed in, the campaign it belongs to, and the reservation that kept it for this bill."""

    code: Annotated[Word, Field(description="The coupon's code, as it is printed.")]
    campaign: NotRequired[CampaignId]
    reservation: NotRequired[
        Annotated[UUID, Field(description="The `reservation_id` of what was set aside for this bill.")]
    ]


class LineDiscount(TypedDict):
    """What the programme takes off the price of a line: by the tier, as `tier:<name>`, or by a campaign, as its id."""

    line: LineId
    source: Annotated[Word, Field(description="`tier:<name>`, or a campaign's id.")]
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
