"""What cannot be meant is refused with file, line and reason, as the authors of programmes and campaigns meet it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.wiring import open_ledger
from domain.document import amended
from domain.refusals import EffectiveDateNotAfterPublished, PolicyRefused
from infra.bootstrap import bootstrap
from infra.keys import load_key_file
from infra.settings import Settings
from tests.builders import ANN, join
from tests.domain.story import JOINED_AT
from tests.domain.test_lint import CLEAN
from tests.ledger import execute

FAULTS: list[tuple[str, dict[str, str], str, str, str]] = [
    ("an unknown key", {"earning.rounding": "up"}, "earning.rounding", "rounding: up", "unknown key"),
    ("an unknown key", {"tiers.levels.1.promote": "5"}, "tiers.levels.1.promote", "Plus", "did you mean promote_at?"),
    ("a float where points stand", {"tiers.levels.1.promote_at": "999.5"}, "tiers.levels.1.promote_at", "Plus", "999.5 is no whole number"),
    ("a float where money stands", {"points_as_cash.amount_minor": "10.0"}, "points_as_cash.amount_minor", "points_as_cash", "10.0 is no whole number"),
    ("a float where a rate stands", {"tiers.levels.1.discount": "0.05"}, "tiers.levels.1.discount", "Plus", "never a float"),
    ("unreachable tiers", {"tiers.levels.2.promote_at": "1000"}, "tiers.levels.2.promote_at", "Top", "Top is reached no later than Plus"),
    ("tiers that are kept the wrong way round", {"tiers.levels.2.retain_at": "400"}, "tiers.levels.2.retain_at", "Top", "Top is kept more easily than Plus"),
    ("a rate of zero", {"earning.points": "0"}, "earning.points", "earning", "greater than 0"),
    ("a rate of zero", {"points_as_cash.amount_minor": "0"}, "points_as_cash.amount_minor", "points_as_cash", "greater than 0"),
    ("a window that ends before it begins", {"plan.evaluation.1.to_month": "2"}, "plan.evaluation.1", "Late", "ends in month 2, before it begins in month 4"),
    ("a window that ends before it begins", {"plan.rewards.0.from_day": "2023-05-02", "plan.rewards.0.to_day": "2023-05-01"}, "plan.rewards.0", "Cup", "ends on 2023-05-01, before it begins on 2023-05-02"),
]  # fmt: skip


def loyalty(*words: str | Path) -> Any:
    return CliRunner().invoke(app, list(map(str, words)))


def line_of(text: str, word: str) -> int:
    """The only line that holds a word."""
    (found,) = (number for number, line in enumerate(text.splitlines(), 1) if re.search(rf"\b{word}\b", line))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bad.yaml"


@pytest.mark.parametrize(
    ("changes", "place", "where", "reason"), [one[1:] for one in FAULTS], ids=[f"{one[0]}-{number}" for number, one in enumerate(FAULTS)]
)  # fmt: skip
def test_a_programme_is_refused_with_file_line_and_reason(
    path: Path, changes: dict[str, str], place: str, where: str, reason: str
) -> None:
    text = amended(CLEAN, changes)
    path.write_text(text, encoding="utf-8")
    told = rf"^{re.escape(str(path))}:{line_of(text, where)}:\d+: .*{re.escape(place)}: .*{re.escape(reason)}"
    linted = loyalty("programme", "lint", path)
    assert linted.exit_code == 1
    assert re.search(told, linted.output, re.MULTILINE), linted.output
    refused = loyalty("programme", "publish", path).exception
    assert isinstance(refused, PolicyRefused)
    assert re.search(told, str(refused), re.MULTILINE), refused


def test_overlapping_ranges_of_tiers_are_told_and_no_ranges_are_ever_published(path: Path) -> None:
    text = amended(CLEAN, {"tiers.levels.1.to": "6000", "tiers.levels.2.from": "5000"})
    path.write_text(text, encoding="utf-8")
    place = rf"{re.escape(str(path))}:{line_of(text, 'Top')}:\d+: .*tiers.levels.2.from: "
    linted = loyalty("programme", "lint", path)
    assert linted.exit_code == 1
    assert re.search(f"{place}5,000 to 6,000 points are both Plus and Top", linted.output)
    refused = loyalty("programme", "publish", path).exception
    assert isinstance(refused, PolicyRefused)
    assert re.search(f"{place}unknown key", str(refused))


@pytest.mark.parametrize("command", ["lint", "publish"])
def test_a_key_that_is_said_twice_is_refused_with_file_line_and_reason(path: Path, command: str) -> None:
    text = CLEAN.replace("tiers:\n", "earning: {points: 2, per_minor: 1000}\ntiers:\n")
    path.write_text(text, encoding="utf-8")
    refused = loyalty("programme", command, path)
    assert refused.exit_code == 1
    assert re.search(
        rf'{re.escape(str(path))}:{line_of(text, "points: 2")}:\d+: .*duplicate key "earning"', refused.output
    )


class TestOnARunningLedger:
    @pytest.fixture(autouse=True)
    def _ledger(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOYALTY_DATABASE_URL", settings.database_url or "")
        monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers or "")
        monkeypatch.setenv("LOYALTY_DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")
        bootstrap(settings)
        key_file = load_key_file(settings, make=True)
        with open_ledger(settings) as ledger:
            execute(ledger, replace(join(ANN, at=JOINED_AT), card_id=key_file.card_id("1001")))

    def test_a_version_begins_after_those_that_are_published_and_only_the_first_in_the_past(self, path: Path) -> None:
        for day, refused in (("2023-01-01T00:00:00+08:00", True), ("2023-01-01T00:00:01+08:00", False)):
            path.write_text(amended(CLEAN, {"name": "member_experience", "effective_from": day}), encoding="utf-8")
            done = loyalty("programme", "publish", path)
            assert isinstance(done.exception, EffectiveDateNotAfterPublished) == refused, done.output
            assert (f"{path}:3:1: effective_from" in done.output) == refused

    def test_a_campaign_is_refused_with_file_line_and_reason_and_the_others_are_created(self, tmp_path: Path) -> None:
        good = {
            "campaign_id": "tea", "name": "Tea", "starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-06-01T00:00:00Z",
            "audience": {"members": [str(ANN)]}, "effect": {"multiplier": "2"},
        }  # fmt: skip
        nobody = UUID(int=7)
        faults: list[tuple[dict[str, Any], str]] = [
            ({"audience": {"members": [str(ANN), str(nobody)]}}, f"unknown-members: .*{nobody}.*count=1"),
            ({"ends_at": "2026-04-01T00:00:00Z"}, "window-ends-before-it-begins: .*ends before"),
            ({"audience": {"tiers": ["Platinum"]}}, "unknown-tier: .*Platinum"),
            ({"surprise": 1}, "invalid-field: .*surprise"),
            ({"effect": {"multiplier": 1.5}}, "invalid-field: .*effect.multiplier.*never a float"),
            ({"effect": {"multiplier": "0"}}, "invalid-field: .*larger than 1"),
        ]
        path = tmp_path / "campaigns.ndjson"
        bodies = [
            good,
            *({**good, "campaign_id": f"bad-{number}", **fault} for number, (fault, _) in enumerate(faults)),
        ]
        path.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")
        for _ in range(2):
            done = loyalty("load", "campaigns", path)
            assert done.exit_code == 1
            assert "1 campaigns created, now or before, 6 refused" in done.output
            for number, (_, reason) in enumerate(faults, 2):
                assert re.search(rf"^{re.escape(str(path))}:{number}: {reason}", done.output, re.MULTILINE), done.output
        aside = [json.loads(line) for line in Path(f"{path}.rejected.ndjson").read_text().splitlines()]
        assert [one["line"] for one in aside] == [2, 3, 4, 5, 6, 7]
