"""Lines of receipts and movements of points, exported: they add up to what is recorded, and the docs' recipes read them."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.main import app
from domain.points_account import PointsAccount, account_id
from domain.purchase import PurchaseRecorded
from projections.exports.tables import TABLES
from tests.builders import ANN
from tests.projections.whatif.recorded import EVERYBODY, Town

DOCS = Path(__file__).parents[2] / "docs" / "analysts.md"


@pytest.fixture(scope="module")
def town() -> Town:
    return Town().lives()


@pytest.fixture(scope="module")
def to(town: Town, module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    town.store(module_database_url)
    where = tmp_path_factory.mktemp("analyst")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOYALTY_DATABASE_URL", module_database_url)
        environment.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
        for name in TABLES:
            done = CliRunner().invoke(app, ["export", name, "--to", str(where / "export"), "--since-last"])
            assert done.exit_code == 0, done.output
        yield where / "export"


def read(to: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(to / name / "*" / "*.parquet").sort("position")


def test_lines_add_up_to_their_receipts(town: Town, to: Path) -> None:
    recorded = [one for one in town.facts if isinstance(one, PurchaseRecorded)]
    rows = read(to, "purchases")
    paid: Counter[str] = Counter()
    for purchase_id, minor in rows.select("purchase_id", "paid_minor").iter_rows():
        paid[purchase_id] += minor
    assert paid == {str(one.originator_id): one.paid_minor for one in recorded}
    first = next(one for one in recorded if len(one.lines) > 1)
    found = rows.filter(pl.col("purchase_id") == str(first.originator_id)).to_dicts()
    assert [row["line"] for row in found] == [line["line"] for line in first.lines]
    assert {(row["occurred_at"], row["store"], row["member_id"], row["currency"]) for row in found} == {
        (first.occurred_at, first.store, str(first.member_id), first.currency)
    }


def test_movements_add_up_to_every_lot_and_debt_of_every_account(town: Town, to: Path) -> None:
    lots: defaultdict[str, Counter[str]] = defaultdict(Counter)
    debts: Counter[str] = Counter()
    for member_id, kind, points, lot_id in (
        read(to, "points").select("member_id", "kind", "points", "lot_id").iter_rows()
    ):
        if lot_id is None:
            debts[member_id] += points if kind == "debt-raised" else -points
        else:
            lots[lot_id]["points" if kind in {"issued", "received"} else kind] += points
    for member in EVERYBODY:
        account = PointsAccount(account_id(member))
        for one in town.facts:
            if one.originator_id == account.id:
                account.evolve(one)
        assert debts[str(member)] == account.debt
        for lot in account.lots.values():
            found = lots.pop(str(lot.id))
            for name in ("points", "revoked", "spent", "settled", "sent"):
                assert found[name] == getattr(lot, name), (member, lot, name)
    assert not lots


def test_columns_are_those_that_are_told(to: Path) -> None:
    manifest = json.loads((to / "manifest.json").read_text())
    told = DOCS.read_text(encoding="utf-8").split("## Exports", 1)[1].split("### Recipes", 1)[0]
    for name, table in TABLES.items():
        frame = read(to, name)
        assert {column: str(kind) for column, kind in frame.schema.items()} == table.told()
        assert manifest["exports"][name]["columns"] == table.told()
        section = told.split(f"### `{name}`", 1)[1].split("###", 1)[0]
        described = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
        assert sorted(re.findall(r"`(\w+)`", " ".join(described))) == sorted(table.columns)


def test_the_recipes_run_as_they_stand(town: Town, to: Path) -> None:
    text = DOCS.read_text(encoding="utf-8").split("### Recipes", 1)[1].split("\n## ", 1)[0]
    with_duckdb, with_polars = re.findall(r"```python\n(import.*?)```", text, re.DOTALL)
    sold = _printed(with_duckdb, to.parent)
    assert "DAIRY" in sold
    assert "basket" in sold
    assert "Gold" in sold or "Silver" in sold
    asked = _printed(with_polars, to.parent)
    assert "cohort" in asked
    assert str(ANN)[:8] in asked
    assert "debt-raised" in asked


def _printed(recipe: str, where: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", recipe],
        cwd=where,
        env={"POLARS_FMT_MAX_COLS": "-1", "POLARS_FMT_STR_LEN": "40", "POLARS_TABLE_WIDTH": "240", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
