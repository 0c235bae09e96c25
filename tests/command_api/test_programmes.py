"""Programmes over HTTP: drafts are linted as they are, versions published, errors forced only with a reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.document import amended, read_yaml
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.test_lint import CLEAN, PLANS


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    home: Path = tmp_path_factory.mktemp("till")
    with till_of(module_database_url, home) as made:
        yield made


def lint(till: Till, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = till.post("/programmes/lint", body, scope="analyst")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_a_clean_programme_is_met_with_silence(till: Till) -> None:
    assert lint(till, {"yaml": CLEAN}) == lint(till, {"policy": read_yaml(CLEAN).data}) == []


def test_a_plan_as_it_was_written_is_told_with_lines_from_yaml_and_without_from_json(till: Till) -> None:
    text = (PLANS / "member_experience_as_written.yaml").read_text(encoding="utf-8")
    for body, line in ({"yaml": text}, 20), ({"policy": read_yaml(text).data}, None):
        first = next(one for one in lint(till, body) if one["rule"] == "tier-gap")
        assert first["line"] == line
        assert (first["level"], first["place"], first["clauses"]) == ("error", "tiers.levels.1.from", ["M05"])
        assert first["example"].startswith("A member with 55,000 points has too many for Silver")
        assert first["suggestion"]


def test_what_is_no_policy_at_all_is_told_or_refused(till: Till) -> None:
    assert [one["rule"] for one in lint(till, {"yaml": "- a"})][:1] == ["no-policy"]
    refused = problem(till.post("/programmes/lint", {"yaml": "a: ["}, scope="staff"), 400, "malformed-message")
    assert refused["problem"].startswith("yaml:1:5: not valid YAML")
    problem(till.post("/programmes/lint", {}, scope="staff"), 422, "invalid-field")
    problem(till.post("/programmes/lint", {"yaml": "[" * 1_000}, scope="staff"), 400, "malformed-message")


def test_a_version_with_errors_is_published_only_with_a_reason(till: Till) -> None:
    wrong = read_yaml(amended(CLEAN, {"tiers.levels.2.retain_at": "400"})).data
    refused = problem(till.post("/programmes/clean/versions", {"policy": wrong}, scope="admin"), 422, "policy-refused")
    assert refused["findings"] == ["tiers.levels.2.retain_at: Top is kept more easily than Plus"]
    forced = {"policy": wrong, "forced_reason": "as the board decided"}
    assert told(till.post("/programmes/clean/versions", forced, scope="admin"))["version"] == 1
    (fact,) = till.ledger.states("ProgrammePublished.v1")[-1:]
    assert fact["forced_reason"] == "as the board decided"
