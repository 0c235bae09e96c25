"""`loyalty audit tail`: facts, a line or an object each, and those that come meanwhile."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.tail import NoSuchFactName
from tests.builders import ANN, BOB
from tests.projections.proofs.ledger import Ledger
from tests.read_spec import JANUARY, earns, joins


@pytest.fixture
def ledger(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    return Ledger(database_url).given(*joins(ANN, card="1"), *joins(BOB, card="2"), earns(ANN, 10, at=JANUARY))


def tail(*options: str) -> Result:
    return CliRunner().invoke(app, ["audit", "tail", *options])


def test_the_last_facts_are_told_in_their_order(ledger: Ledger) -> None:
    told = tail("--lines", "2").stdout.splitlines()
    assert [line.split()[:1] + line.split()[3:5] for line in told] == [
        ["6", "AccountOpened.v1", str(BOB)], ["7", "PointsEarned.v1", str(ANN)],
    ]  # fmt: skip
    ledger.close()


def test_programs_are_told_objects_of_one_member_or_name(ledger: Ledger) -> None:
    told = [json.loads(line) for line in tail("--json", "--member", str(ANN), "--after", "2").stdout.splitlines()]
    assert [(one["position"], one["name"]) for one in told] == [(3, "AccountOpened.v1"), (7, "PointsEarned.v1")]
    assert [line.split()[0] for line in tail("--name", "MemberJoined.v1").stdout.splitlines()] == ["1", "4"]
    ledger.close()


def test_a_name_that_nothing_is_stored_under_is_refused(ledger: Ledger) -> None:
    refused = tail("--name", "PointEarned.v1", "--follow").exception
    assert isinstance(refused, NoSuchFactName)
    assert "is it PointsEarned.v1" in str(refused)
    assert isinstance(tail("--name", "Nope.v1").exception, NoSuchFactName)
    assert tail("--name", "PointsExpired.v1").stdout == "", "none of them was recorded yet"
    ledger.tamper("UPDATE facts SET name = 'OfTheNextRelease.v1' WHERE position = 7")
    assert tail("--name", "OfTheNextRelease.v1").stdout.startswith("        7 ")
    ledger.close()


def test_facts_are_told_as_they_come(ledger: Ledger) -> None:
    command = [sys.executable, "-m", "cli", "audit", "tail", "--follow", "--json", "--lines", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True) as following:
        assert following.stdout is not None
        try:
            assert json.loads(following.stdout.readline())["position"] == 7
            ledger.given(earns(BOB, 5, at=JANUARY))
            assert json.loads(following.stdout.readline())["position"] == 8
        finally:
            following.terminate()
    ledger.close()
