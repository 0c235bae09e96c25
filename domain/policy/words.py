"""Numbers of a policy in words."""

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
    """A share of 100, to a tenth; what has no tenths stays a fraction."""
    tenths = share * 1000
    if tenths.denominator != 1:
        return str(share)
    whole, rest = divmod(tenths.numerator, 10)
    return f"{whole}.{rest} %" if rest else f"{whole} %"


def day(at: date) -> str:
    return f"{at:%Y-%m-%d}"
