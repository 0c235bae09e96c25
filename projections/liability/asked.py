"""What a liability is asked with: shares and months as people write them. All raise ValueError, with what is wrong."""

import re
from collections.abc import Sequence
from fractions import Fraction

from domain.money import rational

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def shares(texts: Sequence[str]) -> dict[str, Fraction]:
    """The share expected to be redeemed, from a month on: `0.95`, or `2026-03=0.97`."""
    found = {}
    for text in texts:
        since, _, share = text.rpartition("=")
        found[month(since) if since else ""] = rate = worth(share)
        if rate > 1:
            raise ValueError(f"{share} is more than all")
    return found


def worth(text: str) -> Fraction:
    """An exact number, such as 0.8 or 1/3."""
    try:
        return rational(text)
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from None


def month(text: str) -> str:
    """A local month of the programme."""
    if not MONTH.fullmatch(text):
        raise ValueError(f"{text} is no month such as 2026-03")
    return text
