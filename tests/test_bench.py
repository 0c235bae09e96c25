"""The benchmark works: one tiny figure, measured for real. How fast is never asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.figure import Figure, in_turns
from bench.pace import Stalled, pace


def test_a_small_measurement_ends_with_its_figures_in_a_file(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--size", "300", "--repeats", "1", "--only", "relay"]
    subprocess.run([*command, "--results", str(results)], check=True, timeout=300, cwd=Path(__file__).parents[1])
    figures = json.loads(results.read_text())
    assert [figure["name"] for figure in figures] == ["relay", "relay"]
    for figure in figures:
        assert figure.keys() >= {"name", "value", "unit", "reference", "reference_value", "ratio", "goal"}
        assert figure["value"] > 0


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
