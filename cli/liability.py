"""`loyalty liability`: what is owed in points, rolled forward month by month, in points and in money."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from cli.instants import known
from cli.progress import one_step
from cli.surroundings import surroundings
from projections.liability import run
from projections.liability.asked import month, shares, worth
from projections.liability.page import LINES, page, percent
from projections.whatif import files

A = TypeVar("A")
T = TypeVar("T")
Told = dict[str, Any]

WIDE = 120
"""Columns of text: a figure is never cut off."""


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
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Roll the liability of points forward (IFRS 15): opening, issued, redeemed, expired, revoked, re-estimated, closing."""
    settings = surroundings()
    first, last = (_read(month, text) if text else None for text in (begins, until))
    at = known(known_at)
    question = run.Question(
        _read(shares, expected), horizon, _read(worth, face) if face else None, known_at=at, until=last
    )  # fmt: skip
    before = known(restated_since, option="--restated-since")
    with one_step("reading accounts") as progress:
        told = run.asked(settings, question, begins=first, restated_since=before, progress=progress)
    if html is not None:
        files.write_text(page(told), html)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _show(told)


def _read(read: Callable[[A], T], text: A) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _show(told: Told) -> None:
    typer.echo(
        f"up to position {told['position']:,}; months of {told['time_zone']}; a point buys {told['face_minor']} minor"
        f" units of {told['currency']}"
    )
    for unit in ("points", "money"):
        table = Table(unit, *(line.replace("reestimated", "re-estimated") for line in LINES), "expected")
        for column in table.columns[1:]:
            column.justify = "right"
        for one in told["months"]:
            cells = (f"{one[unit][line]:,}" for line in LINES)
            table.add_row(one["month"], *cells, percent(one["expected"]))
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
