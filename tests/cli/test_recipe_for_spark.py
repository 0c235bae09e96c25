"""The docs' recipe for PySpark, run as it stands by a real Spark, on the Java that the broker runs on."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from domain.movements import PointsEarned, PointsRevoked
from domain.tier_moves import TierMoved
from infra.embedded.java import java
from tests.cli.market import Market, export_all

DOCS = Path(__file__).parents[2] / "docs" / "analysts.md"
MONTH = "2024-01"
"""From which on the recipe asks for points."""

# Spark names a module that only speeds up its algebra, and that this runtime comes without.
JAVA = """#!/bin/sh
for one; do
    shift
    [ "$one" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$one"
done
exec "{java}" "$@"
"""
SUBMITTED = (
    "--master local[1] --driver-memory 512m --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=1"
    " --conf spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 pyspark-shell"
)

OTHER_MONTHS_DAMAGED = f"""
import pathlib

for file in pathlib.Path("export/points").glob("month=*/*.parquet"):
    if file.parent.name < "month={MONTH}":
        file.write_bytes(b"not Parquet")
pathlib.Path("export/points/month={MONTH}/1-1.parquet.partial").write_bytes(b"not Parquet either")
again = spark.read.schema(points.schema).option("pathGlobFilter", "*.parquet").parquet("export/points")
again = again.where("month >= '{MONTH}' AND kind = 'issued'")
print("PRUNED", again.agg(F.sum("points")).first()[0])
"""
"""What a filter by month leaves out is not opened, and neither is what was being written."""


def test_the_recipe_runs_as_it_stands_and_opens_the_months_that_it_asks_for(database_url: str, tmp_path: Path) -> None:
    market = Market().lives()
    market.store(database_url)
    export_all(database_url, tmp_path / "export", "facts", "points", "tiers", "campaigns")
    printed = _run(_recipe() + OTHER_MONTHS_DAMAGED, tmp_path)
    points, tiers, campaigns, joined = _tables(printed)
    issued: Counter[tuple[str, str]] = Counter()
    given: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    for one in market.facts:
        month = f"{one.recorded_at:%Y-%m}"
        if isinstance(one, PointsEarned):
            for part in one.parts:
                issued[month, part["part"]] += part["points"]
                given[part["part"]] += part["points"]
        elif isinstance(one, PointsRevoked):
            for lost in one.parts:
                given[lost["part"]] -= lost["points"]
        elif isinstance(one, TierMoved):
            moved[month, one.from_tier] += 1
    parts = {part for _, part in issued}
    assert {(month, part): int(sum_) for month, part, sum_ in points if part in parts and sum_ != "0"} == {
        key: sum_ for key, sum_ in issued.items() if sum_ and key[0] >= MONTH
    }
    assert {(month, tier): sum(int(count) for count in to if count != "NULL") for month, tier, *to in tiers} == moved
    assert {name: int(sum_) for name, sum_, _, _ in campaigns} == {one: given[one] for one in parts - {"base"}}
    assert sum(int(count) for _, count in joined) == 12
    assert re.search(rf"PartitionFilters: \[.*\(month#\d+ >= {MONTH}\)\]", printed)
    assert f"PRUNED {sum(int(sum_) for _, _, sum_ in points)}\n" in printed


def _recipe() -> str:
    (recipe,) = re.findall(r"```python\n(from pyspark.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return str(recipe)


def _run(script: str, where: Path) -> str:
    runtime = where / "java" / "bin" / "java"
    runtime.parent.mkdir(parents=True)
    runtime.write_text(JAVA.format(java=java()))
    runtime.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=where,
        env={
            "PATH": os.environ["PATH"], "HOME": str(where), "JAVA_HOME": str(where / "java"), "PYTHONUTF8": "1",
            "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": SUBMITTED,
        },
        capture_output=True, text=True, check=False, timeout=540,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _tables(printed: str) -> list[list[list[str]]]:
    """The rows of each table that was shown, without its head."""
    found: list[list[list[str]]] = []
    rules = 0
    for row in printed.splitlines():
        if re.fullmatch(r"\+[+-]+\+", row):
            rules += 1
            if rules % 3 == 1:
                found.append([])
        elif row.startswith("|") and rules % 3 == 2:
            found[-1].append([cell.strip() for cell in row.split("|")[1:-1]])
    return found
