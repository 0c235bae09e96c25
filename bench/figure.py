"""A figure: what was measured, and beside what; and how the sides take turns."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. Values and ratios are medians; a ratio is taken within each turn."""

    name: str
    unit: str
    values: Sequence[float]
    reference: str
    reference_values: Sequence[float]
    goal: str = ""

    @property
    def ratios(self) -> list[float]:
        return [value / beside for value, beside in zip(self.values, self.reference_values, strict=True)]

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": _rounded(statistics.median(self.values)),
            "unit": self.unit,
            "reference": self.reference,
            "reference_value": _rounded(statistics.median(self.reference_values)),
            "ratio": _rounded(statistics.median(self.ratios)),
            "goal": self.goal,
            "spread": {
                "value": _spread(self.values),
                "reference_value": _spread(self.reference_values),
                "ratio": _spread(self.ratios),
            },
        }


def in_turns(sides: Mapping[str, Callable[[], T]], *, repeats: int) -> dict[str, list[T]]:
    """Measure all sides once, then all of them again: what else the machine does meets them alike."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for turn in range(1, repeats + 1):
        for name, measure in sides.items():
            found[name].append(measure())
            print(f"  {turn}/{repeats}  {name}: {_told(found[name][-1])}", flush=True)
    return found


def _told(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, float) else str(value)


def _spread(values: Sequence[float]) -> list[float]:
    return [_rounded(min(values)), _rounded(max(values))]


def _rounded(value: float) -> float:
    """Three significant digits: more would be noise."""
    return float(f"{value:.3g}")
