"""The benchmark works: one tiny figure, measured for real. How fast is never asserted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import report
from bench.figure import Figure, in_turns
from bench.pace import Stalled, pace
from bench.town import Town
from cli.demo.complete_journey import Basket
from consumers.cloud_events import event_of
from domain.messages.purchases import PurchaseCompleted
from infra.keys import KeyFile
from infra.settings import Settings


def test_a_small_measurement_ends_with_its_figures_in_a_file(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--size", "300", "--repeats", "1", "--only", "relay"]
    subprocess.run([*command, "--results", str(results)], check=True, timeout=300, cwd=Path(__file__).parents[1])
    figures = json.loads(results.read_text())
    assert [figure["name"] for figure in figures] == ["relay", "relay"]
    for figure in figures:
        assert figure.keys() >= {"name", "value", "unit", "reference", "reference_value", "ratio", "goal"}
        assert figure["value"] > 0
    assert results.with_suffix(".svg").exists()


def test_ratios_are_taken_within_each_turn() -> None:
    figure = Figure(name="n", unit="u", values=[10, 40], reference="r", reference_values=[10, 20], goal="")
    assert figure.ratios == [1, 2]
    assert figure.as_json()["ratio"] == 1.5


def test_sides_take_turns() -> None:
    order: list[str] = []
    in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=2)
    assert order == ["a", "b", "a", "b"]


def test_a_pace_is_counted_from_when_a_part_is_done() -> None:
    seen = iter([0, 0, 30, 60, 100])
    assert pace(lambda: next(seen), total=100, within=(0.2, 1), pause=0) > 0


def test_what_does_not_proceed_is_told() -> None:
    with pytest.raises(Stalled):
        pace(lambda: 5, total=100, pause=0.001, patience=0.05)


def test_the_picture_has_a_mark_for_each_ratio() -> None:
    fast = Figure(name="fast & <new>", unit="facts/s", values=[400], reference="old", reference_values=[2])
    slow = Figure(name="slow", unit="ms", values=[3, 2], reference="old", reference_values=[300, 40])
    held = Figure(name="memory of it", unit="MiB", values=[1], reference="old", reference_values=[1])
    drawn = ET.fromstring(report.plot([figure.as_json() for figure in (fast, slow, held)]))
    marks = drawn.findall(".//{http://www.w3.org/2000/svg}circle")
    assert [mark.get("class") for mark in marks] == ["more", "less"]
    assert float(marks[0].get("cx", 0)) > float(marks[1].get("cx", 0))


def test_a_town_sells_messages_that_the_ledger_reads() -> None:
    receipt = {
        "specversion": "1.0",
        "type": "pos.purchase.completed.v1",
        "source": "/s",
        "id": "R-1",
        "subject": "card:9",
    }
    line = {"line": "1", "sku": "50%", "quantity": 1, "gross_minor": 50, "discount_minor": 0, "tax_minor": 0}
    told: dict[str, Any] = {"currency": "USD", "store": "1", "card": "9", "lines": [line], "coupons": [], "holds": []}
    told["tenders"] = [{"kind": "card", "amount_minor": 50}]
    real = Basket("/s", "R-1", b"9", json.dumps({**receipt, "time": "2017-01-01T00:00:00Z", "data": told}).encode())
    keys = KeyFile(cards=b"1" * 32, letters=b"2" * 32, members=b"3" * 32, fingerprints=b"4" * 32)
    sold = [event_of(one.value, []) for one in Town(Settings(), keys, [real]).sell([4, 5, 4])]
    assert [(one.id, one.data.card) for one in sold if isinstance(one, PurchaseCompleted)] == [
        ("T-1", "700000004"), ("T-2", "700000005"), ("T-3", "700000004"),
    ]  # fmt: skip
