"""The analysts' notebook, run without a screen on a real export: its figures are those of the facts themselves."""

import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from domain.member import MemberJoined
from domain.movements import PointsEarned
from domain.programme import ProgrammePublished
from domain.purchase import PurchaseRecorded
from domain.tier_moves import TierMoved
from tests.builders import ANN
from tests.cli.market import SPRING, Market, export_all

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook" / "programme.py"


@pytest.fixture(scope="module")
def market() -> Market:
    return Market().lives()


@pytest.fixture(scope="module")
def export(market: Market, module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    market.store(module_database_url)
    to = tmp_path_factory.mktemp("notebook") / "export"
    return export_all(module_database_url, to, "facts", "purchases", "points", "tiers", "campaigns")


@pytest.fixture(scope="module")
def figures(export: Path) -> Mapping[str, Any]:
    """What the notebook's cells define."""
    return _run(export)[1]


def test_cohorts_are_those_of_the_facts(market: Market, figures: Mapping[str, Any]) -> None:
    zone = next(one.policy.zone for one in market.facts if isinstance(one, ProgrammePublished))
    cohort = {one.member_id: _month(one.registered_at, zone) for one in market.facts if isinstance(one, MemberJoined)}
    active: defaultdict[tuple[date, int], set[UUID]] = defaultdict(set)
    points: Counter[tuple[date, int]] = Counter()
    for one in market.facts:
        if isinstance(one, PurchaseRecorded | PointsEarned) and one.member_id is not None:
            joined, now = cohort[one.member_id], _month(one.occurred_at, zone)
            key = joined, (now.year - joined.year) * 12 + now.month - joined.month
            if isinstance(one, PointsEarned):
                points[key] += sum(part["points"] for part in one.parts)
            else:
                active[key].add(one.member_id)
    found = {(row["cohort"], row["after"]): row for row in figures["cohorts"].to_dicts()}
    assert {key: row["active"] for key, row in found.items() if row["active"]} == {
        key: len(them) for key, them in active.items()
    }
    assert {key: row["points"] for key, row in found.items() if row["points"]} == {k: n for k, n in points.items() if n}
    assert {key[0]: row["members"] for key, row in found.items()} == Counter(cohort.values())


def test_both_sides_of_a_campaign_are_those_of_the_facts(market: Market, figures: Mapping[str, Any]) -> None:
    starts_at, ends_at = SPRING
    members = {one.member_id for one in market.facts if isinstance(one, MemberJoined)}
    took = {
        one.member_id
        for one in market.facts
        if isinstance(one, PointsEarned) and any(part["part"] == "spring" for part in one.parts)
    }
    assert took == {ANN}
    sums: Counter[tuple[bool, str]] = Counter()
    for one in market.facts:
        if isinstance(one, PurchaseRecorded) and one.member_id is not None:
            if starts_at - (ends_at - starts_at) <= one.occurred_at < starts_at:
                sums[one.member_id in took, "before"] += one.paid_minor
            elif starts_at <= one.occurred_at < ends_at:
                sums[one.member_id in took, "during"] += one.paid_minor
    rows = {row["took_part"]: row for row in figures["campaigns"].to_dicts() if row["campaign_id"] == "spring"}
    assert {side: row["members"] for side, row in rows.items()} == {True: len(took), False: len(members - took)}
    for side, row in rows.items():
        assert (row["before_minor"], row["during_minor"]) == (sums[side, "before"], sums[side, "during"])
        assert row["before_minor"]
        assert not row["ends_later"]
    others = [row for row in figures["campaigns"].to_dicts() if row["campaign_id"] != "spring"]
    assert {row["before_minor"] for row in others} == {None}, "nothing was sold before they began"
    assert all(row["ends_later"] for row in others)


def test_moves_of_tiers_are_those_of_the_facts(market: Market, figures: Mapping[str, Any]) -> None:
    zone = next(one.policy.zone for one in market.facts if isinstance(one, ProgrammePublished))
    moves = Counter(
        (_month(one.occurred_at, zone), one.from_tier, one.to_tier)
        for one in market.facts
        if isinstance(one, TierMoved)
    )
    found: Counter[tuple[date, str, str]] = Counter()
    for row in figures["moves"].to_dicts():
        found[row["month"], row["from_tier"], row["to_tier"]] += row["moves"]
    assert found == moves


def test_only_files_that_the_manifest_names_are_read(export: Path, figures: Mapping[str, Any]) -> None:
    left = next(export.glob("tiers/*/*.parquet"))
    copy = left.with_name("999998-999999.parquet")
    copy.write_bytes(left.read_bytes())
    try:
        assert _run(export)[1]["moves"].equals(figures["moves"])
    finally:
        copy.unlink()


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    outputs, figures = _run(tmp_path)
    told = re.sub("<[^>]*>", "", " ".join(one.text for one in outputs if one is not None))
    assert f"loyalty export facts --to {tmp_path}" in told
    assert "cohorts" not in figures


def test_every_cell_shows_something(export: Path) -> None:
    outputs, _ = _run(export)
    shown = " ".join(one.text for one in outputs if one is not None)
    assert all(what in shown for what in ("Cohorts", "Campaigns", "spring", "Silver → Gold", "review"))


def test_shares_and_points_are_shaded_and_the_number_of_members_is_not(export: Path) -> None:
    shaded = _run(export)[1]["shaded"]
    frame = pl.DataFrame({"cohort": ["2023-05"], "members": [7], "0": [0.5], "1": [0.0]})
    assert re.findall(r"<td[^>]*>[^<]*", shaded(frame, 1).text) == [
        "<td>2023-05", "<td style='text-align:right'>7",
        "<td style='text-align:right;background:rgba(0,120,120,0.25)'>50%", "<td style='text-align:right'>0%",
    ]  # fmt: skip
    assert "rgba(0,120,120,0.50)'>50%" in shaded(frame).text, "without a limit, the most that there is"


def test_its_page_needs_nothing_from_elsewhere(export: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "marimo", "run", str(NOTEBOOK), "--headless", "--no-token", "--", "--export", str(export)],
        env={**os.environ, "MARIMO_SKIP_UPDATE_CHECK": "1", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            address = next(found[0] for line in server.stdout if (found := re.search(r"http://[\w.]+:\d+", line)))
            resources = re.findall(r'(?:src|href)="([^"]+)"', _asked(address))
            assert resources
            assert not [one for one in resources if "//" in one]
        finally:
            server.terminate()


def _run(export: Path) -> tuple[list[Any], Mapping[str, Any]]:
    """Its outputs and definitions."""
    spec = importlib.util.spec_from_file_location("notebook", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    outputs, figures = notebook.app.run(defs={"export": export})
    return list(outputs), figures


@retry(retry=retry_if_exception_type(OSError), stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True)
def _asked(address: str) -> str:
    """It tells its address before it listens there."""
    with urlopen(address, timeout=60) as answer:
        told: bytes = answer.read()
    return told.decode()


def _month(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date().replace(day=1)
