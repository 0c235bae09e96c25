"""The answer of a what-if as a page of its own: tables and pictures, and nothing that it loads from anywhere."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from projections.page import whole
from projections.whatif.files import sides

Told = dict[str, Any]
Measures = Mapping[str, int | None]

MEASURES = ("issued", "spent", "expired", "outstanding", "cost_points", "cost_minor")
WIDTH, HEIGHT, LEFT, BOTTOM = 760, 260, 90, 24
COLOURS = ("#6e7781", "#1f6feb", "#bc4c00", "#1a7f37", "#8250df", "#bf3989")
STYLE = """
svg text { font: 11px system-ui, sans-serif; fill: #656d76 } .grid { stroke: #d0d7de } .less { color: #cf222e } .more { color: #1a7f37 }
"""


def page(told: Told) -> str:
    """The page, as HTML."""
    return whole(f"What if: {told['programme']}", _body(told), style=STYLE)


def _body(told: Told) -> Iterator[str]:
    named = sides(told)
    yield f"<h1>What if: {escape(told['programme'])}</h1>"
    yield (
        f"<p>{told['members']:,} members, {told['purchases']:,} purchases up to position {told['position']:,}, as of"
        f" {escape(told['as_of'])}; proposals in force from {escape(told['begins'])}.</p>"
    )
    for (name, side), colour in zip(named.items(), _colours(named), strict=True):
        yield f'<p><b style="color: {colour}">■</b> <b>{escape(name)}</b>: {escape(side["title"]["en"])}{_notes(side, told)}</p>'
    yield from _totals(named)
    for measure in ("issued", "outstanding", "expired", "cost_points"):
        yield f"<h2>{escape(measure.replace('_', ' '))} by month, in points</h2>"
        yield from lines({name: _series(side, measure) for name, side in named.items()})
    for by, title in (("tiers", "Tier in history"), ("segments", "Segment"), ("months", "Month")):
        if named["history"][by]:
            yield from _breakdown(title, {name: side[by] for name, side in named.items()})
    for name, side in named.items():
        if "members_by_tier" in side:
            yield from _matrix(name, side, named["history"])


def _colours(named: Collection[str]) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(named))]


def _notes(side: Told, told: Told) -> str:
    """What could not have been."""
    missing = side.get("redemptions_not_covered", {})
    notes = [f"{times:,} times {refusal}" for refusal, times in side.get("not_carried_out", {}).items()]
    if missing.get("redemptions"):
        notes.insert(
            0, f"{missing['redemptions']:,} redemptions not covered, {missing['points']:,} points owed instead"
        )
    if side.get("amounts_taken_from"):
        notes.append(f"amounts in {side['amounts_taken_from']} taken as {told['currency']}, one for one")
    return f" ({escape('; '.join(notes))})" if notes else ""


def _totals(named: Mapping[str, Told]) -> Iterator[str]:
    yield "<table><caption>All members, in points</caption><tr><th></th>"
    yield "".join(f"<th>{escape(name)}</th>" for name in named) + "</tr>"
    for measure, was in named["history"]["all"].items():
        cells = "".join(_cell(side["all"][measure], was) for side in named.values())
        yield f"<tr><th>{escape(measure.replace('_', ' '))}</th>{cells}</tr>"
    yield "</table>"


def _cell(value: int | None, was: int | None) -> str:
    if value is None or was is None or value == was:
        return f"<td>{_number(value)}</td>"
    kind = "more" if value > was else "less"
    return f'<td>{_number(value)} <small class="{kind}">{value - was:+,}</small></td>'


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _breakdown(title: str, named: Mapping[str, Mapping[str, Measures]]) -> Iterator[str]:
    heads = "".join(f"<th>{escape(measure.replace('_', ' '))}</th>" for measure in MEASURES)
    yield f"<table><caption>{escape(title)}</caption><tr><th></th><th></th>{heads}</tr>"
    for name, of_history in named["history"].items():
        for number, (source, side) in enumerate(named.items()):
            cells = "".join(_cell(side[name][measure], of_history[measure]) for measure in MEASURES)
            yield f"<tr><th>{'' if number else escape(name)}</th><th>{escape(source)}</th>{cells}</tr>"
    yield "</table>"


def _matrix(name: str, side: Told, history: Told) -> Iterator[str]:
    """Members by their tier in history and under a proposal; the darker, the more of them."""
    members = {(one["from"], one["to"]): one["members"] for one in side["members_by_tier"]}
    most = max(members.values(), default=1)
    yield f"<table><caption>Members by tier: in history, and by {escape(name)}</caption><tr><th></th>"
    yield "".join(f"<th>{escape(to)}</th>" for to in side["levels"]) + "</tr>"
    for left in history["tiers"]:
        row = ""
        for to in side["levels"]:
            count = members.get((left, to), 0)
            row += f'<td style="background: rgb(31 111 235 / {50 * count // most}%)">{count:,}</td>'
        yield f"<tr><th>{escape(left)}</th>{row}</tr>"
    yield "</table>"


def _series(side: Told, measure: str) -> list[tuple[str, int]]:
    return [(month, measures[measure]) for month, measures in side["months"].items()]


def lines(named: Mapping[str, Sequence[tuple[str, int]]]) -> Iterator[str]:
    """A line for each side, over the months."""
    months = [month for month, _ in next(iter(named.values()))]
    values = [value for series in named.values() for _, value in series]
    low, high = min([0, *values]), max([1, *values])
    step = (WIDTH - LEFT - 10) / max(1, len(months) - 1)

    def x(number: int) -> str:
        return f"{LEFT + number * step:.1f}"

    def y(value: int) -> str:
        return f"{10 + (HEIGHT - BOTTOM - 20) * (high - value) / (high - low):.1f}"

    yield f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
    for mark in sorted({low, (low + high) // 2, high}):
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y(mark)}" y2="{y(mark)}"/>'
        yield f'<text x="{LEFT - 6}" y="{y(mark)}" dy="4" text-anchor="end">{mark:,}</text>'
    for number in range(0, len(months), max(1, len(months) // 8)):
        yield f'<text x="{x(number)}" y="{HEIGHT - 6}" text-anchor="middle">{escape(months[number])}</text>'
    for (name, series), colour in zip(named.items(), _colours(named), strict=True):
        points = " ".join(f"{x(number)},{y(value)}" for number, (_, value) in enumerate(series))
        yield f'<g stroke="{colour}" fill="none" stroke-width="2"><title>{escape(name)}</title><polyline points="{points}"/></g>'
    yield "</svg>"
