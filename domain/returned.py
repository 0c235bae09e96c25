"""What goes back of a purchase, line by line: how much was asked for, how much there is, and what is too much."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from typing_extensions import TypedDict

from domain.basket import LineId, Quantity, Tender
from domain.money import AmountMinor


class ReturnedLine(TypedDict):
    """What came back of a line: pieces limit what can come back, the amount moves what was earned."""

    line: LineId
    quantity: Quantity
    amount_minor: AmountMinor


NOTHING = (Fraction(0), 0)
"""Neither pieces nor money."""


def add(returned: dict[str, tuple[Fraction, int]], back: ReturnedLine) -> None:
    """Count a line in among those that are back, by line: pieces and money."""
    pieces, amount = returned.get(back["line"], NOTHING)
    returned[back["line"]] = (pieces + Fraction(back["quantity"]), amount + back["amount_minor"])


def at_most(asked: ReturnedLine, pieces: Fraction, amount: int) -> ReturnedLine:
    """What was asked for, as far as there is so much."""
    fits = Fraction(asked["quantity"]) <= pieces
    return ReturnedLine(
        line=asked["line"],
        quantity=asked["quantity"] if fits else decimal(pieces),
        amount_minor=min(asked["amount_minor"], amount),
    )


def beyond(asked: ReturnedLine, took: ReturnedLine) -> ReturnedLine:
    """What was asked for and not there."""
    return ReturnedLine(
        line=asked["line"],
        quantity=decimal(Fraction(asked["quantity"]) - Fraction(took["quantity"])),
        amount_minor=asked["amount_minor"] - took["amount_minor"],
    )


def decimal(pieces: Fraction) -> int | str:
    """Quantities have at most six decimals, and so have their differences."""
    return int(pieces) if pieces.denominator == 1 else format(Decimal(pieces.numerator) / pieces.denominator, "f")


def worth(lines: Sequence[ReturnedLine]) -> int:
    """The money that goes back for these lines."""
    return sum(line["amount_minor"] for line in lines)


def refunded(tenders: Sequence[Tender]) -> int:
    """The money that was paid back."""
    return sum(tender["amount_minor"] for tender in tenders)
