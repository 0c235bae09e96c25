"""Exact numbers."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies
from pydantic import TypeAdapter, ValidationError

from domain.money import MAX_AMOUNT, AmountMinor, Rate, floor_points

RATE: TypeAdapter[Fraction] = TypeAdapter(Rate)
AMOUNT: TypeAdapter[int] = TypeAdapter(AmountMinor)


@pytest.mark.parametrize(("text", "rate"), [("1.5", "3/2"), ("3/2", "3/2"), ("2", "2"), (2, "2"), ("0.1", "1/10")])
def test_a_rate_is_read_exactly(text: object, rate: str) -> None:
    assert RATE.validate_python(text) == Fraction(rate)


@pytest.mark.parametrize(
    "bad", [1.5, True, None, "", "x", "-1", "1/0", "1/00", "1e5", "1e999999999", "nan", " 1", "1_0", "9" * 5000, 10**18]
)
def test_a_rate_that_is_no_plain_number_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        RATE.validate_python(bad)


@given(
    strategies.from_regex(r"\A[0-9]{1,9}\.[0-9]{1,9}\Z", alphabet="0123456789.")
    | strategies.from_regex(r"\A[0-9]{1,18}(/[1-9][0-9]{0,17})?\Z", alphabet="0123456789/")
)
def test_a_rate_that_was_written_can_be_read_again(text: str) -> None:
    rate = RATE.validate_python(text)
    assert RATE.validate_json(RATE.dump_json(rate)) == rate


@pytest.mark.parametrize("bad", [-1, MAX_AMOUNT + 1, 1.0, "1", True, None, 10**40])
def test_an_amount_is_a_whole_number_of_minor_units_that_every_reader_holds_exactly(bad: object) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(bad)


@pytest.mark.parametrize(
    ("rate", "basis", "points", "residue"),
    [
        ("1/1000", 1500, 1, "500/1000"),
        ("1/2000", 1500, 0, "1500/2000"),
        ("1/1000", 9000, 9, "0"),
        ("1/1000", 0, 0, "0"),
        ("3/2", 1, 1, "1/2"),
    ],
)
def test_points_are_floored_once_and_the_fraction_left_over_is_told(
    rate: str, basis: int, points: int, residue: str
) -> None:
    assert floor_points(Fraction(rate), basis) == (points, residue)


@given(strategies.fractions(min_value=0, max_value=1000, max_denominator=10**6), strategies.integers(0, MAX_AMOUNT))
def test_points_and_residue_together_are_the_exact_product(rate: Fraction, basis: int) -> None:
    points, residue = floor_points(rate, basis)
    assert points + Fraction(residue) == rate * basis
    assert 0 <= Fraction(residue) < 1
