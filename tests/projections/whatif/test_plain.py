"""Facts that are read plainly say the same as those that are read whole, of all that a replay asks for."""

import pytest

from domain.fact import Fact
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded, sale_of
from domain.sale import Sale
from projections.whatif.plain import Earned, Sold, kind_of, read
from tests.projections.whatif.recorded import Town

ASKED_OF_SALES = (*(name for name in Sale.__slots__ if not name.startswith("_")), "categories", "earns_nothing_minor")


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return [one for one in Town().lives().facts if isinstance(one, PurchaseRecorded | PointsEarned)]


def test_purchases_are_the_same_sales(facts: list[Fact]) -> None:
    compared = 0
    for fact in facts:
        told = read(fact.stored_name, fact.model_dump_json(exclude_none=True).encode(), told_of_again=())
        assert kind_of(told) is type(fact)
        if isinstance(told, Sold) and isinstance(fact, PurchaseRecorded):
            compared += 1
            ours, theirs = told.sale(), sale_of(fact)
            assert [getattr(ours, name) or None for name in ASKED_OF_SALES] == [
                getattr(theirs, name) or None for name in ASKED_OF_SALES
            ]
            assert (told.member_id, told.correlation_id) == (fact.member_id, fact.correlation_id)
    assert compared > 50


def test_what_purchases_earned_is_the_same(facts: list[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, PointsEarned):
            told = read(fact.stored_name, fact.model_dump_json(exclude_none=True).encode(), told_of_again=())
            assert isinstance(told, Earned)
            parts = [{name: part for name, part in one.items() if part is not None} for one in fact.parts]
            assert told.parts == parts
            for name in set(Earned.__struct_fields__) - {"parts"}:
                assert getattr(told, name) == getattr(fact, name), name


def test_a_purchase_of_which_something_goes_back_is_read_whole(facts: list[Fact]) -> None:
    fact = next(one for one in facts if isinstance(one, PurchaseRecorded))
    told = read(fact.stored_name, fact.model_dump_json(exclude_none=True).encode(), told_of_again={fact.originator_id})
    assert told == fact
