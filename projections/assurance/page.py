"""A report of assurance as a page of its own, which loads nothing from anywhere."""

from collections.abc import Iterator
from html import escape
from itertools import chain

from projections.assurance.statement import Report, Statement
from projections.completeness.run import TillDay
from projections.page import whole

MOST_DAYS = 500

STYLE = """
table { width: 100% } th, td { padding: .3em .6em; text-align: left; vertical-align: top } td.n { text-align: right }
section { border-top: 1px solid #d0d7de; margin-top: 1.5em } h2 { font-size: 1.1em } dt { color: #656d76 } dd { margin: 0 0 .5em 1.5em }
.state { font-weight: 600; white-space: nowrap } .yes { color: #1a7f37 } .no { color: #cf222e } .other { color: #656d76 }
@media print { section { break-inside: avoid } }
"""
_KINDS = {"holds": "yes", "does not hold": "no"}


def page(report: Report) -> str:
    """The page, as HTML."""
    title = f"Assurance: {report.programme}, {report.first_day} to {report.last_day}"
    sections = chain.from_iterable(map(_section, report.statements))
    body = chain([f"<h1>{escape(title)}</h1>"], _head(report), _summary(report), sections, _days(report))
    return whole(title, body, style=STYLE)


def _head(report: Report) -> Iterator[str]:
    found = report.found[:1].upper() + report.found[1:]
    yield (
        f"<p><b>{escape(found)}.</b> Made at {report.made_at:%F %T} UTC, of the log up to position {report.position:,}. Days are those of"
        f" {escape(report.time_zone)}; the last day is part of the period.</p>"
    )


def _summary(report: Report) -> Iterator[str]:
    yield "<table><tr><th>statement</th><th></th><th>figures</th></tr>"
    for one in report.statements:
        yield f'<tr><td><a href="#{one.name}">{escape(one.says)}</a></td><td>{_state(one)}</td><td>{escape(one.told)}</td></tr>'
    yield "</table>"


def _section(one: Statement) -> Iterator[str]:
    yield f'<section id="{one.name}"><h2>{escape(one.says)}</h2><p>{_state(one)}: {escape(one.told)}</p>'
    yield f"<dl><dt>How it was checked</dt><dd>{escape(one.checked)}</dd>"
    yield f"<dt>What it rests on</dt><dd>{escape(one.rests_on)}</dd></dl>"
    if one.details:
        yield "<ul>" + "".join(f"<li>{escape(detail)}</li>" for detail in one.details) + "</ul>"
    yield "</section>"


def _state(one: Statement) -> str:
    return f'<span class="state {_KINDS.get(one.state, "other")}">{one.state}</span>'


def _days(report: Report) -> Iterator[str]:
    if not report.till_days:
        return
    yield '<section id="days"><h2>Days of tills that are not complete</h2><table>'
    heads = ("day", "till", "", "counted", "recorded", "paid, counted", "paid, recorded", "missing")
    yield "<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    yield from map(_day, report.till_days[:MOST_DAYS])
    yield "</table>"
    if len(report.till_days) > MOST_DAYS:
        yield f"<p>And {len(report.till_days) - MOST_DAYS:,} more: see the JSON.</p>"
    yield "</section>"


def _day(one: TillDay) -> str:
    figures = (one.counted_receipts, one.recorded_receipts, one.counted_minor, one.recorded_minor)
    cells = "".join(f'<td class="n">{"–" if figure is None else f"{figure:,}"}</td>' for figure in figures)
    missing = escape(", ".join(one.missing_ids)) + (" …" if one.missing > len(one.missing_ids) else "")
    return (
        f"<tr><td>{one.business_day}</td><td>{escape(one.till)}</td><td>{one.state}</td>{cells}<td>{missing}</td></tr>"
    )
