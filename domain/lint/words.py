"""Numbers in the words of a finding."""

from datetime import date
from fractions import Fraction

WITHOUT_CENTS = frozenset(("JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF"))


def points(number: int) -> str:
    return f"{number:,} point" if number == 1 else f"{number:,} points"


def days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def money(amount_minor: int, currency: str | None) -> str:
    """An amount as people write it; currencies have two decimals, but for those that have none."""
    if currency in WITHOUT_CENTS:
        return f"{amount_minor:,} {currency}"
    return f"{amount_minor // 100:,}.{amount_minor % 100:02} {currency or ''}".strip()


def percent(share: Fraction) -> str:
    """A share of 100, to a tenth."""
    tenths = round(share * 1000)
    return f"{tenths // 10}.{tenths % 10} %" if tenths % 10 else f"{tenths // 10} %"


def day(at: date) -> str:
    return f"{at:%Y-%m-%d}"
