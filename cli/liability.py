"""`loyalty liability`: what is owed in points, rolled forward month by month, in points and in money."""

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.instants import instant
from cli.progress import one_step
from cli.surroundings import surroundings
from domain.money import rational
from projections.liability import run

Told = dict[str, Any]

LINES = ("opening", "issued", "redeemed", "expired", "revoked", "reestimated", "closing")
WIDE = 120
"""Columns of text: a figure is never cut off."""
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def liability(
    expected: Annotated[
        list[str],
        typer.Option(help="The share of points that will be redeemed, while history is short: 0.95, or 2026-03=0.97."),
    ],
    begins: Annotated[str | None, typer.Option("--from", help="Tell months from this one on, as 2026-03.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last month; default: the latest recorded.")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="An instant: leave out what was recorded later, as it was first reported.")
    ] = None,
    restated_since: Annotated[
        str | None, typer.Option(help="An instant: tell which months reported then are told otherwise, and why.")
    ] = None,
    face: Annotated[
        str | None, typer.Option(help="What a point buys, in minor units; default: the programme's points_as_cash.")
    ] = None,
    horizon: Annotated[
        int, typer.Option(min=1, help="Months after which a cohort's redemptions are taken to be complete.")
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Roll the liability of points forward (IFRS 15): opening, issued, redeemed, expired, revoked, re-estimated, closing."""
    settings = surroundings()
    first, last = _month(begins), _month(until)
    at = instant(known_at, option="--known-at") if known_at else None
    question = run.Question(_expected(expected), horizon, _rate(face) if face else None, known_at=at, until=last)
    before = instant(restated_since, option="--restated-since") if restated_since else None
    with one_step("reading accounts") as progress:
        answer = run.liability(settings, question, progress=progress)
        told = run.told(answer, begins=first)
        if before is not None:
            then = run.liability(settings, run.Question(question.expected, horizon, question.face_minor, before, last))
            told["restated"] = run.told_of_restatement(run.restatement(settings, then, answer))
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _show(told)


def _expected(texts: Sequence[str]) -> dict[str, Fraction]:
    found = {}
    for text in texts:
        month, _, share = text.rpartition("=")
        found[_month(month or None) or ""] = rate = _rate(share)
        if rate > 1:
            raise typer.BadParameter(f"{share} is more than all")
    return found


def _rate(text: str) -> Fraction:
    try:
        return rational(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text}: {error}") from None


def _month(text: str | None) -> str | None:
    if text is not None and not MONTH.fullmatch(text):
        raise typer.BadParameter(f"{text} is no month such as 2026-03")
    return text


def _show(told: Told) -> None:
    typer.echo(
        f"up to position {told['position']:,}; months of {told['time_zone']}; a point buys {told['face_minor']} minor"
        f" units of {told['currency']}"
    )
    for unit in ("points", "money"):
        table = Table(unit, *(line.replace("reestimated", "re-estimated") for line in LINES), "expected")
        for column in table.columns[1:]:
            column.justify = "right"
        for month in told["months"]:
            share = Fraction(month["expected"])
            cells = (f"{month[unit][line]:,}" for line in LINES)
            table.add_row(month["month"], *cells, f"{share.numerator * 100 / share.denominator:.1f} %")
        Console(width=max(Console().width, WIDE)).print(table)
    if "restated" in told:
        _restated(told["restated"])


def _restated(restated: Told) -> None:
    typer.echo(f"months told otherwise than from position {restated['position']:,}: {len(restated['months'])}")
    for one in restated["months"]:
        was, now = one["was"], one["is"]
        changes = [
            f"{unit} {line} {_of(was, unit, line)} → {_of(now, unit, line)}"
            for unit in ("points", "money")
            for line in LINES
            if _of(was, unit, line) != _of(now, unit, line)
        ]
        typer.echo(f"  {(was or now)['month']}: {', '.join(changes) or 'another estimate'}")
    for one in restated["because"]:
        typer.echo(f"  came later, of {one['month']}: {one['facts']:,} {one['fact']}")


def _of(month: Told | None, unit: str, line: str) -> str:
    return "–" if month is None else f"{month[unit][line]:,}"
