"""The figures as a picture and as a table: `python -m bench.report [results.json]` draws one and prints the other."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

RESULTS = Path(__file__).parent / "results.json"

LESS_IS_BETTER = ("ms", "µs of CPU", "MiB")
TEXT, PICTURE, ROW, TOP, MARGIN = 760, 480, 22, 74, 16
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 } .small { font-size: 11px; fill: #666 } .title { font-size: 15px }
line { stroke: #ccc } .one { stroke: #555; stroke-dasharray: 4 3 }
.more { stroke: #1f6feb; fill: #1f6feb } .less { stroke: #bc4c00; fill: #bc4c00 } .range { stroke-width: 4; opacity: .35 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .small { fill: #999 } line { stroke: #444 } .one { stroke: #aaa }
.more { stroke: #58a6ff; fill: #58a6ff } .less { stroke: #f0883e; fill: #f0883e } }
"""

Told = dict[str, Any]
"""A figure as results.json holds it."""


def plot(figures: Sequence[Told]) -> str:
    """An SVG: each ratio's median on a logarithmic axis, from its least to its greatest. What holds memory is left out."""
    shown = [figure for figure in figures if figure["unit"] != "MiB"]
    low, high = _decades(bound for figure in shown for bound in figure["spread"]["ratio"])
    bottom = TOP + ROW * len(shown)

    def x(ratio: float) -> float:
        return MARGIN + TEXT + PICTURE * (math.log10(ratio) - low) / (high - low)

    def parts() -> Iterator[str]:
        yield _text(MARGIN, 24, "Ratios to what stands beside, median and least to greatest", "title")
        yield _text(MARGIN, 42, "blue: more is better; orange: less is better", "small")
        for decade in range(low, high + 1):
            yield _line(x(10.0**decade), TOP - 8, bottom, "one" if decade == 0 else "")
            yield _text(x(10.0**decade), TOP - 14, f"{10.0**decade:g}", "small", anchor="middle")
        for number, figure in enumerate(shown):
            y = TOP + ROW * number + ROW // 2
            kind = "less" if figure["unit"] in LESS_IS_BETTER else "more"
            least, most = figure["spread"]["ratio"]
            told = f"{figure['name']}: {figure['value']:,.6g} {figure['unit']}"
            yield f"<g><title>{escape(told)} — beside {escape(figure['reference'])}</title>"
            yield _text(MARGIN, y + 4, _short(figure["name"], 62))
            yield _text(MARGIN + 400, y + 4, _short(figure["reference"], 58), "small")
            yield f'<path class="{kind} range" d="M{x(least):.1f} {y}H{x(most):.1f}"/>'
            yield f'<circle class="{kind}" cx="{x(figure["ratio"]):.1f}" cy="{y}" r="4"/>'
            yield _text(x(most) + 9, y + 4, f"{figure['ratio']:.3g}", "small") + "</g>"

    width, height = TEXT + PICTURE + 4 * MARGIN, bottom + MARGIN
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    body = "\n".join(parts())
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def table(figures: Sequence[Told]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield "| figure | value | unit | beside | its value | ratio | min to max | goal |"
    yield "|---|---|---|---|---|---|---|---|"
    for figure in figures:
        least, most = figure["spread"]["ratio"]
        yield (
            f"| {figure['name']} | {figure['value']:,.6g} | {figure['unit']} | {figure['reference']} |"
            f" {figure['reference_value']:,.6g} | {figure['ratio']:.3g} | {least:.3g} to {most:.3g} | {figure['goal']} |"
        )


def _decades(ratios: Iterable[float]) -> tuple[int, int]:
    """The powers of ten between which all lie, and 1."""
    known = [1.0, *ratios]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    return low, max(high, low + 1)


def _line(x: float, top: float, bottom: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def draw(results: Path) -> Path:
    """A picture of the figures of a file, beside it."""
    picture = results.with_suffix(".svg")
    picture.write_text(plot(json.loads(results.read_text())))
    return picture


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    draw(file)
    print(*table(json.loads(file.read_text())), sep="\n")
