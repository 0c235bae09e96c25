"""A quote: the rules of one sale, bound for identical lines within its life (rules 12).

It is signed words, kept by the till and nowhere else: whoever has the key file can read from them what was promised.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json
from typing_extensions import TypedDict

from domain.basket import CouponUse, Line, LineDiscount
from domain.member import Member
from domain.refusals import QuoteDoesNotMatch, QuoteExpired, QuoteInvalid


class Quoted(TypedDict):
    """What a purchase keeps of the quote by which it was sold: the rules that granted."""

    quote_id: UUID
    version: int
    tier: str
    campaigns: list[str]


class Signing(Protocol):
    """Makes words that nobody else could have made."""

    def sign(self, content: bytes) -> str:
        """The content with its signature, as text that fits into JSON and URLs."""

    def signed(self, words: str) -> bytes | None:
        """The content, or None where the words are not ours."""


class Quote(BaseModel):
    """What was promised to whom, for which bill, and until when. Budgets, limits and balance it binds only if `reserved`."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    member_id: UUID
    version: int
    tier: str
    campaigns: tuple[str, ...] = ()
    """Those that applied."""
    bill: str
    discounts: list[LineDiscount] = []
    reserved: bool = False
    """Whether what it draws on was set aside for it."""
    given_at: datetime
    until: datetime

    def words(self, signing: Signing) -> str:
        """The quote as the till keeps it."""
        return signing.sign(self.__pydantic_serializer__.to_json(self, exclude_defaults=True))

    @classmethod
    def read(cls, words: str, signing: Signing) -> Self:
        """The quote that a till sends back; refused, where it is none of ours."""
        content = signing.signed(words)
        try:
            return cls.model_validate_json(content or b"")
        except ValidationError:  # not signed here, or by a release that quoted otherwise
            raise QuoteInvalid from None

    def check(self, *, buyer: Member | None, bill: str, at: datetime) -> None:
        """Whether a sale is the one that was quoted. Refused in this order: other buyer or bill, outside its life."""
        if buyer is None or (buyer.id != self.member_id and self.member_id not in buyer.brought):
            raise QuoteDoesNotMatch(differs="member")
        if bill != self.bill:
            raise QuoteDoesNotMatch(differs="lines")
        if not self.given_at <= at < self.until:
            raise QuoteExpired(occurred_at=at, given_at=self.given_at, until=self.until)

    def quoted(self) -> Quoted:
        """What the purchase keeps of it, besides its discounts."""
        return Quoted(quote_id=self.id, version=self.version, tier=self.tier, campaigns=list(self.campaigns))


def bill_of(lines: Sequence[Line], *, store: str, currency: str, coupons: Sequence[CouponUse]) -> str:
    """Tells the same bill again, in whatever order its lines stand: what is bought where at which price, and with which coupons."""
    rows = sorted(
        (line["line"], line["sku"], line.get("category"), line["quantity"], line["gross_minor"], line.get("discount_minor", 0))
        for line in lines
    )  # fmt: skip
    content = [store, currency, sorted(coupon["code"] for coupon in coupons), rows]
    return sha256(to_json(content)).hexdigest()


def discounted(lines: Sequence[Line], discounts: Sequence[LineDiscount]) -> list[Line]:
    """The lines at what is asked for them, once these discounts are taken off."""
    off: dict[str, int] = {}
    for one in discounts:
        off[one["line"]] = off.get(one["line"], 0) + one["amount_minor"]
    return [
        Line(**{**line, "discount_minor": line.get("discount_minor", 0) + off[line["line"]]})
        if line["line"] in off
        else line
        for line in lines
    ]
