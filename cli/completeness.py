"""`loyalty audit completeness`: whether all that tills counted is recorded."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import cli.tail  # noqa: F401 - whose command stands before this one
from cli.audit import app
from cli.evidence import AsJson
from cli.instants import days, known
from cli.progress import one_step
from cli.surroundings import surroundings
from infra.process import quiet_gc
from projections.completeness.run import Completeness, Question, TillDay, completeness

WIDE = 120
"""Columns of text: a figure is never cut off."""
MOST_TOLD = 200
"""Days that are shown; all of them are in the JSON."""
MOST_IDS = 10

Begins = Annotated[str, typer.Option("--from", help="The first business day, such as 2026-11-01.")]
Ends = Annotated[str, typer.Option("--to", help="The last business day.")]


@app.command("completeness")
def completeness_(
    begins: Begins,
    ends: Ends,
    store: Annotated[str | None, typer.Option(help="Only tills of this store.")] = None,
    till: Annotated[str | None, typer.Option(help="Only this till, by the source of its messages.")] = None,
    known_at: Annotated[str | None, typer.Option(help="Leave out what was recorded after this instant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold what tills counted against what is recorded, per till and business day; exit 1 where it differs."""
    question = Question(*days(begins, ends), store, till, known(known_at))
    settings = surroundings()
    quiet_gc()
    with one_step("reading the log") as progress:
        found = completeness(settings, question, progress=progress)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(found)
    raise typer.Exit(0 if found.holds else 1)


def _show(found: Completeness) -> None:
    wrong = [one for one in found.items if one.state != "complete"]
    if wrong:
        table = Table("day", "till", "", "counted", "recorded", "paid, counted", "paid, recorded", "missing")
        for column in table.columns[3:7]:
            column.justify = "right"
        for one in wrong[:MOST_TOLD]:
            table.add_row(str(one.business_day), one.till, one.state.replace("-", " "), *_figures(one), _missing(one))
        Console(width=max(Console().width, WIDE)).print(table)
    if len(wrong) > MOST_TOLD:
        typer.echo(f"and {len(wrong) - MOST_TOLD:,} more days: see --json")
    typer.echo(
        f"{found.tills:,} tills up to position {found.position:,}: {found.complete:,} days complete, {found.differing:,} differ,"
        f" {found.not_closed:,} were not closed; days are those of {found.time_zone}"
    )
    typer.echo(
        f"on closed days {found.counted_receipts:,} receipts of {found.counted_minor:,} minor units were counted,"
        f" {found.recorded_receipts:,} of {found.recorded_minor:,} are recorded"
    )
    if found.holds:
        typer.echo(
            "complete: all that tills counted is recorded" if found.complete else "no till was closed: nothing tells"
        )
    else:
        typer.echo("NOT COMPLETE: tills counted otherwise than is recorded")


def _figures(one: TillDay) -> list[str]:
    figures = (one.counted_receipts, one.recorded_receipts, one.counted_minor, one.recorded_minor)
    return ["–" if figure is None else f"{figure:,}" for figure in figures]


def _missing(one: TillDay) -> str:
    more = one.missing - min(len(one.missing_ids), MOST_IDS)
    return ", ".join(one.missing_ids[:MOST_IDS]) + (f" and {more:,} more" if more else "")
