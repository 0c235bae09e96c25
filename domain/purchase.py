"""Purchases: what a till sold, to whom, and whether somebody was credited for it."""

from datetime import datetime
from uuid import UUID

from pydantic import SkipValidation

from domain.basket import CouponUse, Line, Tender, paid
from domain.fact import Fact
from domain.stream import Draft, Stream, evolves


class PurchaseRecorded(Fact, name="PurchaseRecorded.v1"):
    """A till sold something. Without a member the purchase is unclaimed; without a card it is anonymous."""

    # Lines, tenders and coupons hold JSON's own types only and were checked when the message was read: not once more.

    currency: str
    store: str
    channel: str
    card_id: UUID | None = None
    member_id: UUID | None = None
    lines: SkipValidation[list[Line]]
    tenders: SkipValidation[list[Tender]]
    coupons: SkipValidation[list[CouponUse]] | None = None
    paid_minor: int
    fingerprint: str


class PurchaseClaimed(Fact, name="PurchaseClaimed.v1"):
    """The card of an unclaimed purchase joined, and its holder was credited."""

    member_id: UUID
    card_id: UUID


class Purchase(Stream):
    """One receipt. Its id is made of the till's source and receipt id: the stream is the claim on them."""

    cached = False

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.recorded: PurchaseRecorded | None = None
        self.member_id: UUID | None = None

    def record(self, *, member_id: UUID | None, **what: object) -> list[Draft]:
        """Record the receipt as the till sent it."""
        return [self.draft(PurchaseRecorded, member_id=member_id, **what)]

    def claim(self, *, member_id: UUID, card_id: UUID) -> list[Draft]:
        """Credit an unclaimed purchase to the member whose card paid for it."""
        return [self.draft(PurchaseClaimed, member_id=member_id, card_id=card_id)]

    @evolves(PurchaseRecorded)
    def _recorded(self, fact: PurchaseRecorded) -> None:
        self.recorded = fact
        self.member_id = fact.member_id

    @evolves(PurchaseClaimed)
    def _claimed(self, fact: PurchaseClaimed) -> None:
        self.member_id = fact.member_id


class Sale:
    """What the rules need to know of a purchase, whether it just arrived or waited for its card."""

    __slots__ = ("coupons", "lines", "occurred_at", "paid_minor", "purchase_id", "store")

    def __init__(
        self, *, purchase_id: UUID, occurred_at: datetime, store: str, lines: list[Line], coupons: list[CouponUse]
    ) -> None:
        self.purchase_id = purchase_id
        self.occurred_at = occurred_at
        self.store = store
        self.lines = lines
        self.coupons = coupons
        self.paid_minor = sum(paid(line) for line in lines)
