"""`loyalty audit conservation`: a table for people, JSON for programs, and exit 1 where something does not add up."""

import json

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from projections.proofs.slices import NothingProjected
from tests.builders import ANN
from tests.projections.proofs.ledger import Ledger
from tests.read_spec import JANUARY, earns, joins


@pytest.fixture
def ledger(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    return Ledger(database_url).given(*joins(ANN, card="1"), earns(ANN, 10_000, at=JANUARY))


def audit(*options: str) -> Result:
    return CliRunner().invoke(app, ["audit", "conservation", *options])


def test_what_holds_is_shown_by_bucket(ledger: Ledger) -> None:
    done = audit()
    assert done.exit_code == 0, done.output
    assert "10,000" in done.output
    assert "4 facts up to position 4" in done.output
    assert "conservation holds" in done.output


def test_programs_are_told_all_of_it(ledger: Ledger) -> None:
    done = audit("--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["holds"], told["position"], told["log"]["issued"]) == (0, True, 4, 10_000)


def test_a_difference_is_named_and_ends_with_1(ledger: Ledger) -> None:
    ledger.tamper("UPDATE balances_1.lots SET points = 10001")
    done = audit()
    assert done.exit_code == 1
    assert (
        "CONSERVATION DOES NOT HOLD. 1 member differs or cannot be folded, and is left out of the sums" in done.output
    )
    assert f"first at position 4: does not hold: the read model is what the log says: member {ANN}" in done.output
    assert "points: 10000 expected, 10001 found" in done.output


def test_a_read_model_that_is_behind_is_told(ledger: Ledger) -> None:
    ledger.given(earns(ANN, 5, at=JANUARY), told=0)
    done = audit()
    assert done.exit_code == 0
    assert "positions behind" in done.output


def test_without_a_read_model_it_says_so(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM projection_offsets")
    assert isinstance(audit().exception, NothingProjected)
