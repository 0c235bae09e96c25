"""`loyalty export balances`: every member's balance at an instant, as the Query API tells it."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from psycopg import Connection
from typer.testing import CliRunner, Result

from cli.main import app
from infra.database import connect
from projections.exports import balances
from projections.exports.balances import FactsParked
from projections.exports.run import NothingToExport
from projections.points import balance_of
from projections.proofs.slices import NothingProjected
from tests.projections.whatif.recorded import END, EVERYBODY, Town
from tests.read_spec import ReadSide
from tests.spec import NOON

AS_OF = NOON + timedelta(days=400)


@pytest.fixture(scope="module")
def read_side(module_database_url: str) -> Iterator[ReadSide]:
    town = Town().lives().store(module_database_url)
    made = ReadSide(module_database_url)
    made.given(*town.facts)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _surroundings(read_side: ReadSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", read_side.url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")


@pytest.fixture
def database(read_side: ReadSide) -> Connection:
    return read_side.connection


def export(to: Path, *options: str, what: str = "balances") -> Result:
    return CliRunner().invoke(app, ["export", what, "--to", str(to), *options])


def at(as_of: datetime) -> tuple[str, str]:
    return "--as-of", as_of.isoformat()


def test_everybody_has_the_balance_that_the_query_api_tells(
    read_side: ReadSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "SLICE", 3)
    monkeypatch.setattr(balances, "FILE", 4)
    done = export(tmp_path, *at(AS_OF), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"rows": len(EVERYBODY), "files": 2, "position": _position(read_side)}
    rows = {row["member_id"]: row for row in pl.read_parquet(tmp_path / "balances" / "*" / "*.parquet").to_dicts()}
    assert len(rows) == len(EVERYBODY)
    for member_id in EVERYBODY:
        asked = read_side.ask("balances", balance_of, member_id=member_id, as_of=AS_OF)
        assert asked is not None
        told, row = asked.model_dump(), rows[str(member_id)]
        assert {name: row[name] for name in balances.BUCKETS} == {name: told[name] for name in balances.BUCKETS}
        lapses = told["next_expiry"] or {"points": None, "at": None}
        assert (row["next_expiry_points"], row["next_expiry_at"]) == (lapses["points"], lapses["at"])
        assert (row["as_of"], row["position"]) == (AS_OF, _position(read_side))


def _position(read_side: ReadSide) -> int:
    positions: list[int] = [position for _, _, position, _ in read_side.cursors("balances")]
    return min(positions)


def test_its_columns_are_those_that_are_told() -> None:
    told = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")
    section = told.split("### `balances`", 1)[1].split("\n### ", 1)[0]
    described = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert re.findall(r"`(\w+)`", " ".join(described)) == list(balances.COLUMNS)


def test_instants_stand_beside_each_other_and_one_told_anew_takes_its_place(
    read_side: ReadSide, database: Connection, tmp_path: Path
) -> None:
    for as_of in (AS_OF, END, END):
        assert export(tmp_path, *at(as_of)).exit_code == 0
    assert pl.read_parquet(tmp_path / "balances" / "*" / "*.parquet")["as_of"].to_list() == [
        as_of for as_of in (AS_OF, END) for _ in EVERYBODY
    ]
    database.execute("UPDATE projection_offsets SET last_position = last_position + 9 WHERE projection = 'balances'")
    assert export(tmp_path, *at(END)).exit_code == 0
    found = pl.read_parquet(tmp_path / "balances" / "*" / "*.parquet")
    assert found.group_by("as_of", "position").len().sort("as_of").rows() == [
        (AS_OF, _position(read_side) - 9, len(EVERYBODY)), (END, _position(read_side), len(EVERYBODY))
    ]  # fmt: skip
    manifest = json.loads((tmp_path / "manifest.json").read_text())["exports"]["balances"]
    assert sorted(file["path"] for file in manifest["files"]) == sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.glob("balances/*/*")
    )
    assert export(tmp_path, what="facts").exit_code == 0, "other exports stand beside it"


def test_an_instant_before_there_were_points_is_refused(tmp_path: Path) -> None:
    done = export(tmp_path, *at(NOON - timedelta(days=900)))
    assert (done.exit_code, type(done.exception)) == (1, NothingToExport)
    assert "the first ones came at 20" in str(done.exception)


def test_balances_that_would_be_wrong_are_not_exported(database: Connection, tmp_path: Path) -> None:
    database.execute(
        "INSERT INTO parked_facts (projection, generation, position, key, name, value, error)"
        " VALUES ('balances', 1, 5, '', 'PointsEarned.v1', '', 'KeyError')"
    )
    done = export(tmp_path, *at(AS_OF))
    database.execute("DELETE FROM parked_facts")
    assert (done.exit_code, type(done.exception)) == (1, FactsParked)
    assert not list(tmp_path.glob("balances/*"))


def test_without_a_read_model_there_is_nothing_to_tell(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_READ_DATABASE_URL", database_url)
    done = export(tmp_path, *at(AS_OF))
    assert (done.exit_code, type(done.exception)) == (1, NothingProjected)
    with connect(database_url) as nobodys:
        assert nobodys.execute("SELECT to_regclass('facts')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("what", "options", "problem"),
    [
        ("balances", ("--as-of", "yesterday"), "is no instant"),
        ("balances", ("--as-of", "2026-11-02T00:00:00"), "offset"),
        ("balances", ("--since-last",), "of an instant"),
        ("facts", ("--as-of", "2026-11-02T00:00:00Z"), "only balances"),
    ],
)
def test_wrong_usage_is_told(tmp_path: Path, what: str, options: tuple[str, ...], problem: str) -> None:
    done = export(tmp_path, *options, what=what)
    assert done.exit_code == 2
    assert problem in done.output
