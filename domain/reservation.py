"""A reservation: what a quoted sale will draw on, set aside for it until the quote ends (rules 12).

The streams that are drawn on hold what is set aside, each by itself, and judge for themselves whether it has lapsed;
this one tells which they are, and what became of it. A reservation that times out needs no fact.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.fact import Fact
from domain.quote import Quote
from domain.refusals import NothingReserved, ReservationEndedBefore
from domain.stream import Draft, Stream, evolves

RESERVATIONS = UUID("3f7a1d64-92c0-5b4e-8a17-6d0e5c28b9f3")
"""The name space of the streams of reservations."""


class QuoteReserved(Fact, name="QuoteReserved.v1"):
    """What a quoted sale will draw on was set aside until the quote ends: points, coupons, and what campaigns give."""

    member_id: UUID
    quote: Quote
    points: int = 0
    """Held to pay."""
    coupons: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    answer: dict[str, Any]
    """What the till was told besides."""


class QuoteSold(Fact, name="QuoteSold.v1"):
    """The sale was made: it draws by itself on what had been set aside for it."""

    member_id: UUID
    quote_id: UUID
    purchase_id: UUID


class QuoteReleased(Fact, name="QuoteReleased.v1"):
    """The sale will not be made: what was set aside for it is free again."""

    member_id: UUID
    quote_id: UUID


def reservation_stream(quote_id: UUID) -> UUID:
    return uuid5(RESERVATIONS, str(quote_id))


def hold_of(quote_id: UUID) -> UUID:
    """The hold of the points that are to pay."""
    return uuid5(quote_id, "points")


class Reservation(Stream):
    """What was set aside for one quote."""

    leads_on = True

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.made: QuoteReserved | None = None
        self.sold = False
        self.released_by: int | None = None
        """The version of the fact."""

    @property
    def open(self) -> QuoteReserved | None:
        """What was set aside and neither sold nor released; whether it has lapsed depends on when."""
        return None if self.sold or self.released_by is not None else self.made

    def make(self, **what: object) -> list[Draft]:
        """Set aside; the streams that are drawn on do it."""
        return [self.draft(QuoteReserved, **what)]

    def sell(self, *, purchase_id: UUID) -> list[Draft]:
        """It became a sale."""
        return self._end(QuoteSold, purchase_id=purchase_id)

    def release(self, at: datetime) -> list[Draft]:
        """Give it up. Refused in this order: never made, sold, timed out by business time."""
        if self.made is None:
            raise NothingReserved
        if self.sold:
            raise ReservationEndedBefore(how="sold", until=self.made.quote.until)
        if at >= self.made.quote.until:
            raise ReservationEndedBefore(how="timed-out", until=self.made.quote.until)
        return self._end(QuoteReleased)

    def _end(self, kind: type[Fact], **what: object) -> list[Draft]:
        assert self.made is not None, "only what was made ends"
        return [self.draft(kind, member_id=self.made.member_id, quote_id=self.made.quote.id, **what)]

    @evolves(QuoteReserved)
    def _made(self, fact: QuoteReserved) -> None:
        self.made = fact

    @evolves(QuoteSold)
    def _sold(self, fact: QuoteSold) -> None:  # noqa: ARG002 - to whom it was sold is told by the purchase
        self.sold = True

    @evolves(QuoteReleased)
    def _released(self, fact: QuoteReleased) -> None:
        self.released_by = fact.originator_version
