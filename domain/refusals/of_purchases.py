"""Refusals: purchases, their returns and their receipts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class WrongCurrency(Refusal):
    """The programme counts in another currency. Send amounts in the programme's currency."""

    currency: str
    expected: str


@dataclass(eq=False)
class TendersDoNotMatch(Refusal):
    """What was tendered is not what was paid for the lines. Σ tenders, with what returned goods pay, must equal Σ (gross − discount)."""

    tendered_minor: int
    paid_minor: int


@dataclass(eq=False)
class UnknownPurchase(Refusal):
    """There is no such purchase. Over Kafka a return may come first; here it comes after."""

    purchase_id: UUID


@dataclass(eq=False)
class UnknownLine(Refusal):
    """The purchase has no such line. Name lines as the purchase did."""

    line: str
    purchase_id: UUID


@dataclass(eq=False)
class OverReturn(Refusal):
    """More is to go back than is left of the line. Return at most what is left."""

    line: str
    left_minor: int
    left_quantity: int | str


@dataclass(eq=False)
class RefundsDoNotMatch(Refusal):
    """What was paid back is not what goes back. Σ refund tenders must equal Σ returned amounts."""

    refunded_minor: int
    returned_minor: int


@dataclass(eq=False)
class PurchaseVoidedBefore(Refusal):
    """The purchase was voided: nothing is left of it. Look up which purchase was meant."""

    purchase_id: UUID


@dataclass(eq=False)
class PurchaseClaimedBefore(Refusal):
    """The purchase belongs to a member or to a card already. Put a wrong card right by a reassignment."""

    purchase_id: UUID


@dataclass(eq=False)
class ClaimTooLate(Refusal):
    """The receipt is older than receipts may be to be claimed. Staff may adjust the balance instead."""

    purchase_id: UUID
    until: datetime


@dataclass(eq=False)
class ReceiptWithoutCard(Refusal):
    """The receipt names neither card nor member: there is nothing to put right. Claim it instead."""

    purchase_id: UUID


@dataclass(eq=False)
class SameHolder(Refusal):
    """The purchase belongs to this member already. Name the member who bought it."""

    purchase_id: UUID
    member_id: UUID


@dataclass(eq=False)
class PointsWithoutBuyer(Refusal):
    """Points were to pay, and nobody is named who has them. Name the member, or the card."""

    amount_minor: int


@dataclass(eq=False)
class QuoteInvalid(Refusal):
    """The quote was not given here, or was changed since. Send the `quote_id` as it was answered, or ask for another quote."""


@dataclass(eq=False)
class QuoteDoesNotMatch(Refusal):
    """The quote was given to another member, or for another bill. Sell what was quoted, at the prices quoted, or ask anew."""

    differs: str


@dataclass(eq=False)
class QuoteExpired(Refusal):
    """The time of the purchase lies outside the life of the quote. Ask for another quote, or sell without one."""

    occurred_at: datetime
    given_at: datetime
    until: datetime


@dataclass(eq=False)
class NothingReserved(Refusal):
    """Nothing was set aside for the quote. Only what was asked for with `reserve` can be released."""


@dataclass(eq=False)
class ReservationEndedBefore(Refusal):
    """What was set aside for the quote is not any more: the sale was made, or it timed out. There is nothing to release."""

    how: str
    """`sold` or `timed-out`."""
    until: datetime
