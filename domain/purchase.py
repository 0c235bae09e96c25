"""Purchases: what a till sold, to whom, and whether somebody was credited for it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, NamedTuple
from uuid import UUID

from typing_extensions import TypedDict

from domain.basket import CouponUse, Line, Quantity, Tender, Word, paid
from domain.fact import CheckedBefore, Fact
from domain.money import AmountMinor
from domain.refusals import OverReturn, UnknownLine
from domain.stream import Draft, Stream, evolves


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
    paid_minor: int
    holds: list[UUID] | None = None
    """What the till had set aside for the part that was paid by points."""
    fingerprint: str


class ReturnedLine(TypedDict):
    """What came back of a line: pieces limit what can come back, the amount moves what was earned."""

    line: Word
    quantity: Quantity
    amount_minor: AmountMinor


def paid_by_points(tenders: Sequence[Tender]) -> int:
    """How much of a bill, or of what is paid back, is points; in minor units."""
    return sum(tender["amount_minor"] for tender in tenders if tender["kind"] == "points")


class PurchaseReturned(Fact, name="PurchaseReturned.v1"):
    """Goods or money of a purchase went back. `lines` is what was accepted, `excess` what was asked for beyond it."""

    member_id: UUID | None = None
    lines: Annotated[list[ReturnedLine], CheckedBefore()]
    excess: Annotated[list[ReturnedLine], CheckedBefore()] | None = None
    tenders: Annotated[list[Tender], CheckedBefore()] | None = None
    reason: str | None = None
    amount_minor: int


class PurchaseVoided(Fact, name="PurchaseVoided.v1"):
    """A purchase was called off: whatever was left of it went back."""

    member_id: UUID | None = None
    reason: str | None = None
    amount_minor: int


class ReturnKept(Fact, name="ReturnKept.v1"):
    """A return or a void came before its purchase; it waits for it here."""

    lines: Annotated[list[ReturnedLine], CheckedBefore()] | None = None
    tenders: Annotated[list[Tender], CheckedBefore()] | None = None
    reason: str | None = None


class PurchaseClaimed(Fact, name="PurchaseClaimed.v1"):
    """The card of an unclaimed purchase joined, and its holder was credited."""

    member_id: UUID
    card_id: UUID


class Back(NamedTuple):
    """What was left of a purchase after a return or a void."""

    fact: PurchaseReturned | PurchaseVoided
    remaining: "Sale"
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
        self.waiting: list[ReturnKept] = []

    def record(self, *, member_id: UUID | None, **what: object) -> list[Draft]:
        """Record the receipt as the till sent it."""
        return [self.draft(PurchaseRecorded, member_id=member_id, **what)]

    def claim(self, *, member_id: UUID, card_id: UUID) -> list[Draft]:
        """Credit an unclaimed purchase to the member whose card paid for it."""
        return [self.draft(PurchaseClaimed, member_id=member_id, card_id=card_id)]

    def take_back(
        self, lines: list[ReturnedLine], *, strictly: bool, tenders: list[Tender] | None, reason: str | None
    ) -> list[Draft]:
        """Accept a return, up to what is left of each line; what goes beyond is refused, or flagged where it cannot be."""
        accepted, excess, returned = [], [], dict(self.returned)
        for asked in lines:
            left = self._left_of(asked["line"], returned, strictly=strictly)
            took = _at_most(asked, *left)
            if took != asked:
                if strictly:
                    pieces, amount = left
                    raise OverReturn(line=asked["line"], left_minor=amount, left_quantity=str(_decimal(pieces)))
                excess.append(_beyond(asked, took))
            if took["quantity"] or took["amount_minor"]:
                _add(returned, took)
                accepted.append(took)
        return [
            self.draft(
                PurchaseReturned,
                member_id=self.member_id,
                lines=accepted,
                excess=excess or None,
                tenders=tenders,
                reason=reason,
                amount_minor=sum(line["amount_minor"] for line in accepted),
            )
        ]

    def void(self, *, reason: str | None) -> list[Draft]:
        """Call the purchase off: all that is left goes back."""
        return [self.draft(PurchaseVoided, member_id=self.member_id, reason=reason, amount_minor=self.left_minor)]

    def wait(self, **what: object) -> list[Draft]:
        """Keep a return until its purchase arrives."""
        return [self.draft(ReturnKept, **what)]

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

    def remaining(self) -> "Sale":
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
        )

    def sale(self) -> "Sale":
        """The purchase as it was made."""
        recorded = self.recorded
        assert recorded is not None, "only a recorded purchase is a sale"
        return Sale(
            purchase_id=self.id,
            occurred_at=recorded.occurred_at,
            store=recorded.store,
            lines=recorded.lines,
            coupons=recorded.coupons or [],
            points_minor=paid_by_points(recorded.tenders),
        )

    def _left_of(self, name: str, returned: dict[str, tuple[Fraction, int]], *, strictly: bool) -> tuple[Fraction, int]:
        """The pieces and the money of a line that can still go back."""
        assert self.recorded is not None, "a return waits until its purchase is recorded"
        sold = next((line for line in self.recorded.lines if line["line"] == name), None)
        if sold is None and strictly:
            raise UnknownLine(line=name, purchase_id=self.id)
        if sold is None or self.voided:
            return NOTHING
        pieces, amount = returned.get(name, NOTHING)
        return Fraction(sold["quantity"]) - pieces, paid(sold) - amount

    @evolves(PurchaseRecorded)
    def _recorded(self, fact: PurchaseRecorded) -> None:
        self.recorded = fact
        self.member_id = fact.member_id

    @evolves(PurchaseClaimed)
    def _claimed(self, fact: PurchaseClaimed) -> None:
        self.member_id = fact.member_id

    @evolves(PurchaseReturned)
    def _returned(self, fact: PurchaseReturned) -> None:
        for line in fact.lines:
            _add(self.returned, line)
        self.backs.append(Back(fact, self.remaining(), self.nothing_left))

    @evolves(PurchaseVoided)
    def _voided(self, fact: PurchaseVoided) -> None:
        self.void_version = fact.originator_version
        self.backs.append(Back(fact, self.remaining(), self.nothing_left))

    @evolves(ReturnKept)
    def _kept(self, fact: ReturnKept) -> None:
        self.waiting.append(fact)


NOTHING = (Fraction(0), 0)


def _add(returned: dict[str, tuple[Fraction, int]], back: ReturnedLine) -> None:
    pieces, amount = returned.get(back["line"], NOTHING)
    returned[back["line"]] = (pieces + Fraction(back["quantity"]), amount + back["amount_minor"])


def _at_most(asked: ReturnedLine, pieces: Fraction, amount: int) -> ReturnedLine:
    fits = Fraction(asked["quantity"]) <= pieces
    return ReturnedLine(
        line=asked["line"],
        quantity=asked["quantity"] if fits else _decimal(pieces),
        amount_minor=min(asked["amount_minor"], amount),
    )


def _beyond(asked: ReturnedLine, took: ReturnedLine) -> ReturnedLine:
    return ReturnedLine(
        line=asked["line"],
        quantity=_decimal(Fraction(asked["quantity"]) - Fraction(took["quantity"])),
        amount_minor=asked["amount_minor"] - took["amount_minor"],
    )


def _decimal(pieces: Fraction) -> int | str:
    """Quantities have at most six decimals, and so have their differences."""
    return int(pieces) if pieces.denominator == 1 else format(Decimal(pieces.numerator) / pieces.denominator, "f")


class Sale:
    """What the rules need to know of a purchase, whether it just arrived or waited for its card."""

    __slots__ = ("coupons", "lines", "occurred_at", "paid_minor", "points_minor", "purchase_id", "store")

    def __init__(
        self,
        *,
        purchase_id: UUID,
        occurred_at: datetime,
        store: str,
        lines: list[Line],
        coupons: list[CouponUse],
        points_minor: int = 0,
    ) -> None:
        self.purchase_id = purchase_id
        self.occurred_at = occurred_at
        self.store = store
        self.lines = lines
        self.coupons = coupons
        self.paid_minor = sum(paid(line) for line in lines)
        self.points_minor = points_minor
        """How much of it was paid by points."""
