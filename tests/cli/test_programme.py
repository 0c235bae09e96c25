"""`loyalty programme`: lint, schema, diff, amend and publish, as an author of programmes meets them."""

import json
from pathlib import Path

import psycopg
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from cli.contract import programme_schema
from cli.main import app
from domain.document import amended, read_yaml
from domain.programme import SHIPPED
from domain.refusals import EffectiveDateNotAfterPublished, PolicyRefused
from infra.settings import Settings
from tests.domain.test_lint import CLEAN, PLANS

SCHEMA = Path(__file__).parents[2] / "docs" / "programme.schema.json"


def programme(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["programme", *map(str, words)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "member_experience.yaml"
    path.write_text((SHIPPED / path.name).read_text(encoding="utf-8"), encoding="utf-8")
    return path


def change(path: Path, **changes: str) -> None:
    values = {place.replace("__", "."): value for place, value in changes.items()}
    path.write_text(amended(path.read_text(encoding="utf-8"), values), encoding="utf-8")


def test_the_linter_tells_compilers_lines_and_ends_with_1_on_errors() -> None:
    path = PLANS / "member_experience_as_written.yaml"
    done = programme("lint", path)
    assert done.exit_code == 1
    assert f"{path}:20:49: error: tier-gap (M05): tiers.levels.1.from: 50,001 to 59,999 points" in done.output
    assert "    for example: A member with 55,000 points" in done.output


def test_a_file_that_is_not_there_or_no_yaml_is_told_as_such(tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing.yaml", tmp_path / "broken.yaml"
    broken.write_text("earning: [", encoding="utf-8")
    done = programme("lint", missing)
    assert done.exit_code == 2
    assert "no such file" in done.output
    done = programme("lint", broken)
    assert done.exit_code == 1
    assert f"{broken}:" in done.output
    assert "CloudEvent" not in done.output


def test_programs_are_told_findings_as_json() -> None:
    done = programme("lint", "member_experience", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert {one["rule"] for one in told} == {"marked-assumption"}
    assert [one["clauses"] for one in told][:2] == [["M01"], ["M02"]]


def test_the_schema_for_editors_is_up_to_date() -> None:
    """If not: `make contract`."""
    assert SCHEMA.read_text(encoding="utf-8") == programme_schema() == programme("schema").stdout


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_files_keep_to_the_schema(path: Path) -> None:
    schema = Draft202012Validator(json.loads(programme_schema()))
    text = path.read_text(encoding="utf-8")
    assert list(schema.iter_errors(read_yaml(text).data)) == []
    assert (path.parent / text.splitlines()[0].rpartition("=")[2]).resolve() == SCHEMA
    assert list(schema.iter_errors(read_yaml(text).data | {"surprise": 1}))


def test_a_difference_is_told_in_plain_words(file: Path) -> None:
    change(file, tiers__levels__2__retain_at="50000")
    told = programme("diff", file, "member_experience")
    assert told.output == "Gold is kept from 60,000 qualifying points instead of 50,000\n"
    assert (
        "金卡会员的保级门槛由 50,000 改为 60,000"
        in programme("diff", file, "member_experience", "--language", "zh").output
    )


def test_a_file_is_amended_with_its_comments(file: Path) -> None:
    done = programme("amend", file, "tiers.levels.2.retain_at=50000")
    assert done.stdout == file.read_text(encoding="utf-8").replace("retain_at: 60000", "retain_at: 50000")
    assert done.stderr == ""


def test_an_amendment_that_the_linter_refuses_is_told_beside_the_file() -> None:
    done = programme("amend", "corner_shop", "expiry.months=0")
    assert done.exit_code == 0, "the next change may mend it"
    assert "  months: 0\n" in done.stdout
    assert done.stderr == "as amended:14:3: error: no-policy: expiry.months: input should be greater than 0, not 0\n"


def test_a_file_that_cannot_be_read_is_told_with_all_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(amended(CLEAN, {"earning.points": "1.5", "points_as_cash.largest_share": "0.5"}), encoding="utf-8")
    refused = programme("diff", path, "corner_shop").exception
    assert isinstance(refused, PolicyRefused)
    assert str(refused).splitlines()[1:] == [
        f"{path}:6:11: earning.points: 1.5 is no whole number; points, amounts in minor units, days and months are",
        f"{path}:15:85: points_as_cash.largest_share: a rate is an integer or a string such as '1.5' or '3/2', never a float",
    ]


def test_a_version_is_published_compared_and_forced_only_with_a_reason(
    settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers or "")
    monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")
    assert "member_experience version 1 was published before" in programme("publish", file).output
    change(file, tiers__levels__2__retain_at="5000")
    early = programme("publish", file, "--force", "--reason", "gold for everybody")
    assert isinstance(early.exception, EffectiveDateNotAfterPublished)
    assert f"{file}:6:1: effective_from" in early.output
    change(file, effective_from="2024-01-01T00:00:00+08:00")
    assert isinstance(programme("publish", file).exception, PolicyRefused)
    assert programme("publish", file, "--force").exit_code == 2
    done = programme("publish", file, "--force", "--reason", "gold for everybody")
    assert "member_experience version 2 is published" in done.output, done.output
    told = programme("diff", "member_experience@1", "member_experience@2").output.splitlines()
    assert "Gold is kept from 5,000 qualifying points instead of 60,000" in told
    assert programme("diff", "member_experience@1", "member_experience@3").exit_code == 2
    with psycopg.connect(settings.database_url or "") as database:
        published = database.execute("SELECT state FROM facts WHERE name = 'ProgrammePublished.v1' ORDER BY position")
        reasons = [json.loads(state).get("forced_reason") for (state,) in published]
    assert reasons == [None, "gold for everybody"]
