"""`loyalty whatif`: tables for people, JSON for programs, and what is asked in vain."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from domain.refusals import UnknownSegment
from infra.parquet import ParquetNotInstalled
from projections.whatif.files import NotWritten
from projections.whatif.history import Difference
from projections.whatif.processes import NothingHappened
from tests.builders import ANN, BOB
from tests.projections.whatif.recorded import Town

PROPOSAL = "member_experience_m05"


@pytest.fixture(scope="module")
def url(module_database_url: str) -> str:
    Town().lives().store(module_database_url)
    return module_database_url


@pytest.fixture(autouse=True)
def _surroundings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")


def whatif(*options: str) -> Result:
    return CliRunner().invoke(app, ["whatif", *options], env={"COLUMNS": "160"})


def test_a_proposal_stands_beside_history() -> None:
    done = whatif("--programme", PROPOSAL, "--segment", "regulars")
    assert done.exit_code == 0, done.output
    assert "8 members, 101 purchases" in done.output
    for part in ("outstanding", "cost minor", "regulars", "2024-05", "members: tier in history, and here", "Diamond"):
        assert part in done.output


def test_programs_are_told_the_same_bytes_each_time() -> None:
    asked = (
        "--programme",
        PROPOSAL,
        "--programme",
        "@1",
        "--from",
        "2024-01-01",
        "--to",
        "2025-01-31T00:00:00Z",
        "--json",
    )
    first, second = whatif(*asked), whatif(*asked)
    assert first.stdout_bytes == second.stdout_bytes
    told = json.loads(first.stdout)
    assert [one["source"] for one in told["proposals"]] == [PROPOSAL, "@1"]
    assert (told["begins"], told["as_of"]) == ("2023-12-31T16:00:00+00:00", "2025-01-31T00:00:00+00:00")
    assert told["proposals"][1]["all"] == told["history"]["all"]


def test_every_figure_is_written_for_tools_and_people(tmp_path: Path) -> None:
    table, page = tmp_path / "figures.parquet", tmp_path / "page.html"
    asked = ("--programme", PROPOSAL, "--programme", "@1", "--segment", "regulars", "--json")
    told = json.loads(whatif(*asked, "--parquet", str(table), "--html", str(page)).stdout)
    found = pl.read_parquet(table)
    assert found.columns == ["side", "by", "name", "to", "measure", "value"]
    for side, figures in (("history", told["history"]), ("@1", told["proposals"][1])):
        of_side = found.filter(pl.col("side") == side)
        assert of_side.filter(by="all", measure="issued")["value"].to_list() == [figures["all"]["issued"]]
        assert of_side.filter(by="month", measure="expired")["value"].sum() == figures["all"]["expired"]
        assert of_side.filter(by="tier", measure="spent")["value"].sum() == figures["all"]["spent"]
    members = found.filter(side=PROPOSAL, by="members_by_tier")["value"].sum()
    assert members == told["members"]
    shown = page.read_text(encoding="utf-8")
    assert f"{told['proposals'][0]['all']['issued']:,}" in shown
    assert shown.count("<svg") == 4
    assert not re.search(r"(src|href)=|url\(|@import", shown), "it loads nothing"
    before = table.read_bytes(), page.read_bytes()
    whatif(*asked, "--parquet", str(table), "--html", str(page))
    assert (table.read_bytes(), page.read_bytes()) == before


def test_a_file_that_cannot_be_written_is_told_and_left_alone(tmp_path: Path) -> None:
    for option in ("--parquet", "--html"):
        done = whatif("--programme", PROPOSAL, option, str(tmp_path / "nowhere" / "file"))
        assert (done.exit_code, type(done.exception)) == (1, NotWritten)
    assert not list(tmp_path.iterdir())


def test_parquet_without_polars_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("infra.parquet.find_spec", lambda _: None)
    done = whatif("--programme", PROPOSAL, "--parquet", str(tmp_path / "file"))
    assert type(done.exception) is ParquetNotInstalled
    assert "loyalty-ledger[analysts]" in str(done.exception)


def test_the_self_test_finds_no_difference() -> None:
    done = whatif("--check")
    assert done.exit_code == 0, done.output
    assert "0 differences from what is recorded, over 8 members" in done.output


def test_differences_are_told_one_by_one_and_the_rest_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where campaigns have budgets all is told in one process: this one."""
    found = [
        Difference(ANN, "debt", 0, 5),
        Difference(ANN, "tier", None, "Gold"),
        *[Difference(BOB, "debt", 1, 2)] * 25,
    ]
    monkeypatch.setattr("projections.whatif.telling.differences", lambda *_: found)
    done = whatif("--check")
    assert done.exit_code == 1, done.output
    for line in (
        "27 differences from what is recorded, over 8 members",
        f"  member {ANN}, debt: recorded 0; replayed 5",
        f"  member {ANN}, tier: recorded –; replayed Gold",
        "  and 7 more differences",
    ):
        assert line in done.stdout
    assert done.stdout.count(str(BOB)) == 18


def test_a_proposal_that_the_linter_refuses_is_told_by_its_findings(tmp_path: Path) -> None:
    path = tmp_path / "proposal.yaml"
    path.write_text("name: corner_shop\ntitle: {en: A}\nearning: {points: 1, per_minor: 0}\n", encoding="utf-8")
    done = whatif("--programme", str(path))
    assert done.exit_code == 1
    assert f"{path}:3:" in done.output
    assert "per_minor" in done.output


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "proposal.yaml"
    path.write_text("earning: [", encoding="utf-8")
    done = whatif("--programme", str(path))
    assert done.exit_code == 1
    assert f"{path}:" in done.output
    assert "CloudEvent" not in done.output


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    done = whatif("--programme", "nowhere")
    assert done.exit_code == 2
    assert "no such file" in done.output


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "proposal.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    for unreadable in (path, tmp_path):
        done = whatif("--programme", str(unreadable))
        assert done.exit_code == 2
        assert "cannot be read" in done.output


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "name a proposal"),
        (("--programme", PROPOSAL, "--from", "2025-01-01", "--to", "2024-01-01"), "lies after"),
        (("--check", "--to", "2024-01-01"), "leave --to out"),
        (("--programme", PROPOSAL, "--from", "yesterday"), "is no day such as"),
        (("--programme", PROPOSAL, "--to", "2024-01-01T10:00:00"), "needs its offset"),
        (("--programme", "@2"), "1 versions are published"),
    ],
)
def test_wrong_usage_is_told(options: tuple[str, ...], problem: str) -> None:
    done = whatif(*options)
    assert done.exit_code == 2
    assert problem in done.output


def test_what_nothing_is_recorded_of_is_told_in_a_line() -> None:
    for options, error in (
        (("--segment", "nobody"), UnknownSegment),
        (("--to", "2023-02-01"), NothingHappened),
    ):
        done = whatif("--programme", PROPOSAL, *options)
        assert (done.exit_code, type(done.exception)) == (1, error)
