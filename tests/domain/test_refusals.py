"""Refusals: named once, told in fields."""

from uuid import UUID

import pytest

from domain.refusals import REFUSALS, InvalidField, TimeWithoutZone, UnknownMember, WrongCurrency


def test_a_refusal_is_named_after_what_stood_in_the_way() -> None:
    assert (WrongCurrency.name, UnknownMember.name) == ("wrong-currency", "unknown-member")


def test_a_refusal_is_told_in_fields() -> None:
    refusal = WrongCurrency(currency="EUR", expected="USD")
    assert refusal.fields() == {"currency": "EUR", "expected": "USD"}
    assert str(refusal).endswith("(currency=EUR, expected=USD)")


def test_refusals_are_equal_by_kind_and_fields() -> None:
    assert UnknownMember(member_id=UUID(int=1)) == UnknownMember(member_id=UUID(int=1))
    assert UnknownMember(member_id=UUID(int=1)) != UnknownMember(member_id=UUID(int=2))
    assert TimeWithoutZone(field="time") != InvalidField(field="time", problem="")


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_says_what_is_the_matter_and_what_to_do(name: str) -> None:
    text = REFUSALS[name].__doc__
    assert text
    assert text.count(".") >= 2
    assert name == name.lower().replace("_", "-")
