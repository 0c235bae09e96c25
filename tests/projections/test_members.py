"""Members by card."""

from projections.members import member_of
from tests.builders import ANN, BOB, card_id
from tests.read_spec import JANUARY, ReadSide, joins


def test_a_card_leads_to_its_holder(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"), *joins(BOB, card="2"))
    found = read_side.ask("members", member_of, card_id=card_id("2"))
    assert found is not None
    assert (found.member_id, found.registered_at) == (BOB, JANUARY)


def test_a_card_that_nobody_holds_leads_nowhere(read_side: ReadSide) -> None:
    assert read_side.ask("members", member_of, card_id=card_id("3")) is None
