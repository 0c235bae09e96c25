"""Purchases: what a till sold, to whom, and whether somebody was credited for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from typing_extensions import TypedDict

from domain.basket import CouponUse, Line, LineDiscount, Tender, as_money, paid
from domain.discounts import still_off
from domain.fact import CheckedBefore, Fact
from domain.quote import Quoted
from domain.refusals import OverReturn, RefundsDoNotMatch, UnknownLine
from domain.returned import NOTHING, ReturnedLine, add, at_most, beyond, decimal, refunded, worth
from domain.sale import NO_COUPONS, Sale
from domain.stream import Draft, Stream, evolves


class SetOff(TypedDict):
    """Goods of another purchase that were taken back on the same receipt, and how much of the bill they paid."""

    purchase_id: UUID
    amount_minor: int


class PurchaseRecorded(Fact, name="PurchaseRecorded.v1"):
    """A till sold something. Without a member the purchase is unclaimed; without a card it is anonymous."""

    currency: str
    store: str
    channel: str
    card_id: UUID | None = None
    member_id: UUID | None = None
    lines: Annotated[list[Line], CheckedBefore()]
    tenders: Annotated[list[Tender], CheckedBefore()]
    coupons: Annotated[list[CouponUse], CheckedBefore()] | None = None
    coupon_kinds: dict[str, str] | None = None
    """Of those coupons that were issued to the buyer and used with this, by code; any others are paper."""
    funded_minor: int | None = None
    """What coupons paid of it that points had bought: like what points paid, it earns nothing."""
    paid_minor: int
    discounts: Annotated[list[LineDiscount], CheckedBefore()] | None = None
    """Of the lines' discounts, those that were quoted by the programme."""
    quote: Annotated[Quoted, CheckedBefore()] | None = None
    """The quote by which it was sold: the rules that grant, whatever is in force."""
    quote_refused: str | None = None
    """Why the quote that the till sent was not honoured, where the purchase could not be refused for it."""
    holds: list[UUID] | None = None
    """What the till had set aside for the part that was paid by points."""
    set_off: Annotated[list[SetOff], CheckedBefore()] | None = None
    """In an exchange: Σ `tenders` + Σ `set_off` = `paid_minor`."""
    corrects: UUID | None = None
    """The purchase that this one stands in for, as it had been recorded under the wrong card."""
    fingerprint: str


def paid_by_points(tenders: Sequence[Tender]) -> int:
    """How much of a bill, or of what is paid back, is points; in minor units."""
    return sum([tender["amount_minor"] for tender in tenders if tender["kind"] == "points"])


class PurchaseReturned(Fact, name="PurchaseReturned.v1"):
    """Goods or money of a purchase went back. `lines` is what was accepted, `excess` what was asked for beyond it."""

    member_id: UUID | None = None
    lines: Annotated[list[ReturnedLine], CheckedBefore()]
    excess: Annotated[list[ReturnedLine], CheckedBefore()] | None = None
    tenders: Annotated[list[Tender], CheckedBefore()] | None = None
    refund_difference_minor: int | None = None
    """What was paid back less what went back, where the till says that these differ."""
    exchanged_for: UUID | None = None
    """The purchase on the same receipt that it was set off against."""
    reason: str | None = None
    amount_minor: int


class PurchaseVoided(Fact, name="PurchaseVoided.v1"):
    """A purchase was called off: whatever was left of it went back."""

    member_id: UUID | None = None
    reason: str | None = None
    amount_minor: int
    replaced_by: UUID | None = None
    """The purchase that was recorded in its stead: what still comes back of this one comes back of that."""


class ReturnKept(Fact, name="ReturnKept.v1"):
    """A return or a void came before its purchase; it waits for it here."""

    lines: Annotated[list[ReturnedLine], CheckedBefore()] | None = None
    tenders: Annotated[list[Tender], CheckedBefore()] | None = None
    exchanged_for: UUID | None = None
    reason: str | None = None


class ReturnClosed(Fact, name="ReturnClosed.v1"):
    """A return waited too long for its purchase: it is not taken in any more, should the purchase still come."""

    return_id: UUID
    """The message that it came with."""
    waited_since: datetime


class PurchaseClaimed(Fact, name="PurchaseClaimed.v1"):
    """A purchase that nobody had been credited for found its member: the card joined, or the receipt was claimed."""

    member_id: UUID
    card_id: UUID | None = None


class Back(NamedTuple):
    """What was left of a purchase after a return or a void."""

    fact: PurchaseReturned | PurchaseVoided
    remaining: Sale
    nothing_left: bool


class Purchase(Stream):
    """One receipt. Its id is made of the till's source and receipt id: the stream is the claim on them."""

    cached = False
    leads_on = True

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.recorded: PurchaseRecorded | None = None
        self.member_id: UUID | None = None
        self.returned: dict[str, tuple[Fraction, int]] = {}
        """By line: how many pieces, and how much money, went back."""
        self.backs: list[Back] = []
        self.void_version: int | None = None
        self.replaced_by: UUID | None = None
        self.claimed: PurchaseClaimed | None = None
        self.waiting: list[ReturnKept] = []

    def record(self, what: dict[str, Any]) -> list[Draft]:
        """Record the receipt as the till sent it."""
        return [Draft(self, PurchaseRecorded, what)]

    def claim(self, *, member_id: UUID, card_id: UUID | None) -> list[Draft]:
        """Credit an unclaimed purchase to a member: the holder of its card, or who brought the receipt."""
        return [self.draft(PurchaseClaimed, member_id=member_id, card_id=card_id)]

    def stand_in_for(self, wrong: "Purchase", *, member_id: UUID, card_id: UUID | None) -> list[Draft]:
        """Record what another purchase had recorded under a wrong card, and what had gone back of it, each at its time.

        What points had paid for counts as money: they were the first holder's, and are given back.
        """
        recorded = wrong.recorded
        assert recorded is not None, "only a recorded purchase can be put right"
        when = {"occurred_at": recorded.occurred_at, "programme_version": recorded.programme_version}
        what = recorded.model_dump(
            include={"currency", "store", "channel", "lines", "coupons", "paid_minor", "discounts", "set_off"}
        )
        again = self.record({
            **what, **when, "member_id": member_id, "card_id": card_id, "tenders": as_money(recorded.tenders),
            "corrects": wrong.id, "fingerprint": recorded.fingerprint,
        })  # fmt: skip
        backs = [one.fact for one in wrong.backs if isinstance(one.fact, PurchaseReturned)]
        return [*again, *(self._return_again(back, member_id) for back in backs)]

    def _return_again(self, back: PurchaseReturned, member_id: UUID) -> Draft:
        kept = {"occurred_at", "source", "external_id", "lines", "exchanged_for", "reason", "amount_minor"}
        tenders = None if back.tenders is None else as_money(back.tenders)
        return self.draft(PurchaseReturned, member_id=member_id, tenders=tenders, **back.model_dump(include=kept))

    def take_back(
        self,
        lines: list[ReturnedLine],
        *,
        strictly: bool,
        tenders: list[Tender] | None,
        reason: str | None,
        exchanged_for: UUID | None = None,
    ) -> list[Draft]:
        """Accept a return, up to what is left of each line; what goes beyond is refused, or flagged where it cannot be.

        Refused in this order: refunds, then line by line.
        """
        difference = 0 if tenders is None else refunded(tenders) - worth(lines)
        if difference and strictly:
            raise RefundsDoNotMatch(refunded_minor=refunded(tenders or []), returned_minor=worth(lines))
        accepted, excess, returned = [], [], dict(self.returned)
        for asked in lines:
            left = self._left_of(asked["line"], returned, strictly=strictly)
            took = at_most(asked, *left)
            if took != asked:
                if strictly:
                    pieces, amount = left
                    raise OverReturn(line=asked["line"], left_minor=amount, left_quantity=decimal(pieces))
                excess.append(beyond(asked, took))
            if took["quantity"] or took["amount_minor"]:
                add(returned, took)
                accepted.append(took)
        return [
            self.draft(
                PurchaseReturned,
                member_id=self.member_id,
                lines=accepted,
                excess=excess or None,
                tenders=tenders,
                refund_difference_minor=difference or None,
                exchanged_for=exchanged_for,
                reason=reason,
                amount_minor=worth(accepted),
            )
        ]

    def void(self, *, reason: str | None, replaced_by: UUID | None = None) -> list[Draft]:
        """Call the purchase off: all that is left goes back."""
        return [
            self.draft(
                PurchaseVoided, member_id=self.member_id, reason=reason, amount_minor=self.left_minor,
                replaced_by=replaced_by,
            )
        ]  # fmt: skip

    def wait(self, **what: object) -> list[Draft]:
        """Keep a return until its purchase arrives."""
        return [self.draft(ReturnKept, **what)]

    def close(self, kept: ReturnKept, *, at: datetime) -> list[Draft]:
        """Let a return that waited in vain wait no longer."""
        return [
            self.draft(
                ReturnClosed, occurred_at=at, return_id=kept.correlation_id, waited_since=kept.recorded_at,
            )
        ]  # fmt: skip

    @property
    def voided(self) -> bool:
        return self.void_version is not None

    @property
    def nothing_left(self) -> bool:
        """Whether all of it went back: money, and every piece of every line."""
        if self.voided:
            return True
        assert self.recorded is not None, "only a recorded purchase has something left"
        pieces = ((line, self.returned.get(line["line"], NOTHING)[0]) for line in self.recorded.lines)
        return not self.left_minor and all(Fraction(line["quantity"]) <= back for line, back in pieces)

    @property
    def left_minor(self) -> int:
        """What is still paid for the purchase."""
        assert self.recorded is not None, "only a recorded purchase has something left"
        return 0 if self.voided else self.recorded.paid_minor - sum(amount for _, amount in self.returned.values())

    @property
    def coupon_kinds(self) -> Mapping[str, str]:
        """The issued coupons that were used with it: their kinds by code."""
        return (self.recorded.coupon_kinds if self.recorded else None) or NO_COUPONS

    def kept_minor(self, at: datetime) -> int:
        """What is kept of it after what went back by an instant, by business time."""
        assert self.recorded is not None, "only a recorded purchase is worth anything"
        return self.recorded.paid_minor - sum(one.fact.amount_minor for one in self.backs if one.fact.occurred_at <= at)

    def remaining(self) -> Sale:
        """The purchase without what went back: each line at what is still paid for it, as long as anything is.

        A line that cost nothing stays until its last piece is back.
        """
        recorded = self.recorded
        assert recorded is not None, "only a recorded purchase has something left"
        lines: list[Line] = []
        for line in recorded.lines:
            pieces, amount = self.returned.get(line["line"], NOTHING)
            left = paid(line) - amount
            gone = not left if paid(line) else pieces and pieces >= Fraction(line["quantity"])
            if self.voided or gone:
                continue
            kept = line.copy()
            kept["gross_minor"] = left
            kept.pop("discount_minor", None)
            lines.append(kept)
        return Sale(
            purchase_id=self.id,
            occurred_at=recorded.occurred_at,
            store=recorded.store,
            lines=lines,
            coupons=recorded.coupons or [],
            coupon_kinds=self.coupon_kinds,
            discounts=still_off(recorded.discounts or (), sold=recorded.lines, left=lines),
        )

    def sale(self) -> Sale:
        """The purchase as it was made."""
        assert self.recorded is not None, "only a recorded purchase is a sale"
        return sale_of(self.recorded, claimed=self.claimed is not None and self.recorded.card_id is None)

    def left_of(self, sold: Line, returned: Mapping[str, tuple[Fraction, int]]) -> tuple[Fraction, int]:
        """The pieces and the money of a line that can still go back, where so much is back already."""
        if self.voided:
            return NOTHING
        pieces, amount = returned.get(sold["line"], NOTHING)
        return Fraction(sold["quantity"]) - pieces, paid(sold) - amount

    def _left_of(self, name: str, returned: dict[str, tuple[Fraction, int]], *, strictly: bool) -> tuple[Fraction, int]:
        assert self.recorded is not None, "a return waits until its purchase is recorded"
        sold = next((line for line in self.recorded.lines if line["line"] == name), None)
        if sold is None and strictly:
            raise UnknownLine(line=name, purchase_id=self.id)
        return NOTHING if sold is None else self.left_of(sold, returned)

    @evolves(PurchaseRecorded)
    def _recorded(self, fact: PurchaseRecorded) -> None:
        self.recorded = fact
        self.member_id = fact.member_id
        self.waiting = []  # they are taken in with it

    @evolves(PurchaseClaimed)
    def _claimed(self, fact: PurchaseClaimed) -> None:
        self.claimed = fact
        self.member_id = fact.member_id

    @evolves(PurchaseReturned)
    def _returned(self, fact: PurchaseReturned) -> None:
        for line in fact.lines:
            add(self.returned, line)
        self.backs.append(Back(fact, self.remaining(), self.nothing_left))

    @evolves(PurchaseVoided)
    def _voided(self, fact: PurchaseVoided) -> None:
        self.void_version = fact.originator_version
        self.replaced_by = fact.replaced_by
        self.backs.append(Back(fact, self.remaining(), self.nothing_left))

    @evolves(ReturnKept)
    def _kept(self, fact: ReturnKept) -> None:
        self.waiting.append(fact)

    @evolves(ReturnClosed)
    def _closed(self, fact: ReturnClosed) -> None:
        self.waiting = [kept for kept in self.waiting if kept.correlation_id != fact.return_id]


def sale_of(recorded: PurchaseRecorded, *, claimed: bool = False) -> Sale:
    """The sale that was recorded. `claimed`: somebody brought the receipt later."""
    return Sale(
        purchase_id=recorded.originator_id, occurred_at=recorded.occurred_at, recorded_at=recorded.recorded_at,
        store=recorded.store, lines=recorded.lines, coupons=recorded.coupons or [],
        coupon_kinds=recorded.coupon_kinds or NO_COUPONS, points_minor=paid_by_points(recorded.tenders),
        funded_minor=recorded.funded_minor or 0, discounts=recorded.discounts or (), claimed=claimed,
    )  # fmt: skip
