"""The liability over HTTP: what `loyalty liability --json` prints, for analysts and auditors."""

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.builders import ANN, policy, published
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.read_spec import JANUARY, earns, joins

FEBRUARY, MARCH = (JANUARY.replace(month=month) for month in (2, 3))


@pytest.fixture
def told(door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A purchase of January, recorded in time, and one of February that came in March."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", door.settings.database_url or "")
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    monkeypatch.setenv("LOYALTY_PROGRAMME", door.settings.programme)
    facts = [published(policy()), *joins(ANN, card="1"), earns(ANN, 1_000, at=JANUARY, paid_minor=100_000)]
    late = earns(ANN, 70, at=FEBRUARY, paid_minor=7_000)
    door.recorded(*(one.model_copy(update={"recorded_at": FEBRUARY}) for one in facts))
    door.recorded(late.model_copy(update={"recorded_at": MARCH}))
    return door


def test_it_is_what_the_command_prints_now_and_as_known_then(told: Door) -> None:
    since = (MARCH - timedelta(days=1)).isoformat()
    for asked in (
        {},
        {"known_at": since},
        {"restated_since": since},
        {"from": "2024-02", "to": "2024-03", "face": "1/3"},
    ):
        found = [
            told.ask("/liability", scope, expected=["0.8", "2024-02=0.9"], **asked).json() for scope in ("analyst", "auditor")
        ]  # fmt: skip
        options = [part for name, at in asked.items() for part in (f"--{name.replace('_', '-')}", at)]
        shares = ["--expected", "0.8", "--expected", "2024-02=0.9"]
        printed = CliRunner().invoke(app, ["liability", "--json", *shares, *options])
        assert printed.exit_code == 0, printed.output
        assert all({"restated": None} | json.loads(printed.stdout) == one for one in found)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"expected": "1.5"}, "query.expected"), ({"expected": "2024-13=0.5"}, "query.expected"), ({}, "query.expected"),
        ({"expected": "0.9", "from": "March"}, "query.from"), ({"expected": "0.9", "face": "-1"}, "query.face"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(told: Door, asked: dict[str, Any], field: str) -> None:
    assert problem(told.ask("/liability", **asked), 422, "invalid-request")["fields"] == [field]


def test_what_nobody_knew_and_who_may_not_ask(told: Door) -> None:
    problem(told.ask("/liability", expected="0.9", known_at="2020-01-01T00:00:00Z"), 404, "nothing-known")
    problem(told.ask("/liability", expected="0.9", known_at="2199-01-01T00:00:00Z"), 422, "known-at-in-future")
    problem(told.ask("/liability", "till", expected="0.9"), 403, "forbidden")
