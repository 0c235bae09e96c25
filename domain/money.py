"""Exact numbers: minor units, points, rational rates, and the one place where a fraction is floored."""

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator

MAX_AMOUNT = 2**53 - 1
"""The largest amount in a message: every JSON reader still holds it exactly, and sums stay far below 2**63."""

AmountMinor = Annotated[
    int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="An amount of money in minor units, such as cents.")
]
"""Never a float."""


_RATE = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}|[0-9]{1,18}(/[1-9][0-9]{0,17})?")
"""What can be read in no time (`1e999999999` is a number as well); what is written from it can be read again."""


def rational(value: object) -> Fraction:
    """Read an exact rate: an integer, or a string such as `1.5` or `3/2`. A float is refused."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a rate is an integer or a string such as '1.5' or '3/2', never a float")  # noqa: TRY004 - pydantic wants it
    if not _RATE.fullmatch(str(value)):
        raise ValueError("a rate has no sign, at most 9 digits beside its point and 18 beside its stroke")
    return Fraction(value)


Rate = Annotated[
    Fraction,
    PlainValidator(rational, json_schema_input_type=int | str),
    PlainSerializer(str, return_type=str),
]
"""An exact rational, written as a string."""


def product(one: Fraction, other: Fraction) -> Fraction:
    """The product of two rates; kept, as every purchase asks for the same few, and each costs several divisions."""
    return _product(one.as_integer_ratio(), other.as_integer_ratio())


@lru_cache(maxsize=4_096)
def _product(one: tuple[int, int], other: tuple[int, int]) -> Fraction:
    return Fraction(*one) * Fraction(*other)


def floor_points(rate: Fraction, basis_minor: int | Fraction) -> tuple[int, str]:
    """Points for a basis, floored once, and the fraction left over as `n/d` (rules 1)."""
    if not isinstance(basis_minor, int):
        exact = rate * basis_minor
        return math.floor(exact), str(exact - math.floor(exact))
    numerator, denominator = rate.as_integer_ratio()
    points, rest = divmod(numerator * basis_minor, denominator)
    return points, f"{rest}/{denominator}" if rest else "0"
