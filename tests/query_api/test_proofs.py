"""Proofs over HTTP: for auditors, with the first difference by name."""

from tests.builders import ANN
from tests.query_api.conftest import Door
from tests.read_spec import JANUARY, earns, joins


def test_an_auditor_is_told_that_conservation_holds_and_up_to_where(door: Door) -> None:
    facts = [*joins(ANN, card="1"), earns(ANN, 10, at=JANUARY)]
    door.recorded(*facts)
    door.read_side.given(*facts)
    told = door.ask("/proofs/conservation", "auditor").json()
    assert (told["holds"], told["position"], told["first_difference"]) == (True, 4, None)
    assert told["log"] == told["read_model"]
    assert (told["log"]["issued"], told["log"]["available"]) == (10, 10)


def test_a_difference_is_named(door: Door) -> None:
    facts = [*joins(ANN, card="1"), earns(ANN, 10, at=JANUARY)]
    door.recorded(*facts)
    door.read_side.given(*facts)
    door.read_side.connection.execute("UPDATE balances_1.lots SET points = 11")
    told = door.ask("/proofs/conservation", "auditor").json()
    wrong = told["first_difference"]
    assert (told["holds"], told["differing_members"]) == (False, 1)
    assert (wrong["member_id"], wrong["bucket"], wrong["expected"], wrong["found"]) == (str(ANN), "points", "10", "11")
    assert wrong["position"] == 4


def test_before_any_projector_has_run_there_is_nothing_to_compare(door: Door) -> None:
    door.read_side.connection.execute("DELETE FROM projection_offsets")
    refused = door.ask("/proofs/conservation", "auditor")
    assert (refused.status_code, refused.json()["type"]) == (425, "urn:loyalty:not-yet")


def test_proofs_are_for_auditors(door: Door) -> None:
    assert door.ask("/proofs/conservation", "till").status_code == 403
