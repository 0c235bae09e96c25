"""`loyalty whatif`: history told again under other rules, beside what it came to."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from cli.documents import document
from cli.instants import instant
from cli.progress import one_step
from cli.surroundings import surroundings
from domain.calendar_days import day_begins, day_ends
from domain.lint import lint_document
from domain.messages.programmes import read_policy
from domain.programme import Policy
from infra.database import connect
from infra.log_tables import last_position
from infra.parquet import check_parquet
from infra.process import quiet_gc
from infra.settings import Settings
from projections.whatif import files, log
from projections.whatif.page import page
from projections.whatif.report import report
from projections.whatif.run import what_if
from projections.whatif.telling import Proposal, Question

Told = dict[str, Any]

WIDE = 120
"""Columns of text: a figure is never cut off."""


def whatif(
    programme: Annotated[
        list[str] | None, typer.Option(help="A YAML file, the name of a shipped programme, or @N: a published version.")
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", help="A day or an instant: from when on the proposals had been in force.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="A day or an instant: what happened later is left out.")
    ] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Tell figures of its members too.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Replay history by its own rules, and compare every account.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write every figure to this file, for tools.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures to this file.")] = None,
) -> None:
    """Replay what is recorded under other rules, and compare points, tiers, breakage, liability and cost. Nothing is written.

    Exit 1 when the linter refuses a proposal, or when --check finds a difference.
    """
    if not programme and not check:
        raise typer.BadParameter("name a proposal with --programme, or ask for --check")
    if check and until:
        raise typer.BadParameter("--check compares all that is recorded: leave --to out")
    if parquet is not None:
        check_parquet()
    settings = surroundings()
    published = _published(settings)
    question = Question(
        settings.programme,
        [_proposal(source, published) for source in programme or ()],
        begins=_instant(begins, published, ends=False),
        until=_instant(until, published, ends=True),
        segments=tuple(dict.fromkeys(segment or ())),
        check=check,
    )
    if question.begins is not None and question.until is not None and question.begins > question.until:
        raise typer.BadParameter(f"--from {begins} lies after --to {until}")
    quiet_gc()
    with one_step("telling history again") as progress:
        answer = what_if(settings, question, progress=progress)
    told = report(answer)
    if parquet is not None:
        files.write_parquet(told, parquet)
    if html is not None:
        files.write_text(page(told), html)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _show(told)
    raise typer.Exit(1 if answer.differing else 0)


def _published(settings: Settings) -> list[Policy]:
    with connect(settings.database_url) as facts:
        return log.published(facts, settings.programme, position=last_position(facts))


def _proposal(source: str, published: Sequence[Policy]) -> Proposal:
    """A file is linted first; what is wrong with it is told, and it is not tried."""
    name, at, number = source.rpartition("@")
    if at and not name and number.isdecimal():
        if not 0 < int(number) <= len(published):
            raise typer.BadParameter(f"{len(published)} versions are published: there is no {source}")
        return Proposal(source, published[int(number) - 1])
    proposed = document(source)
    errors = [finding for finding in lint_document(proposed) if finding.level == "error"]
    for finding in errors:
        typer.echo(finding.told(proposed.file), err=True)
    if errors:
        raise typer.Exit(1)
    return Proposal(source, read_policy(proposed))


def _instant(text: str | None, published: Sequence[Policy], *, ends: bool) -> datetime | None:
    """A day begins, or ends, in the programme's time zone; an instant tells its own."""
    if text is None:
        return None
    zone = published[-1].zone if published else ZoneInfo("UTC")
    with suppress(ValueError):  # it is no day, then
        if len(text) == len("2026-11-02"):
            return (day_ends if ends else day_begins)(date.fromisoformat(text), zone)
    return instant(text, option="--to" if ends else "--from", kind="day such as 2026-11-02, nor an instant")


def _show(told: Told) -> None:
    sides = files.sides(told)
    typer.echo(
        f"{told['members']:,} members, {told['purchases']:,} purchases up to position {told['position']:,};"
        f" as of {told['as_of']}, proposals from {told['begins']}"
    )
    if len(sides) > 1:
        _compare("points", {name: side["all"] for name, side in sides.items()})
        for by, title in (("tiers", "tier in history"), ("segments", "segment"), ("months", "month")):
            _by(title, {name: side[by] for name, side in sides.items()})
    for one in told["proposals"]:
        _of_proposal(one, told)
    if "check" in told:
        _checked(told["check"])


def _table(*columns: str) -> Table:
    table = Table(*columns)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _compare(title: str, sides: dict[str, dict[str, int | None]]) -> None:
    """One column for each side, and for a proposal its difference from history."""
    table = _table(title, *sides)
    for measure, was in sides["history"].items():
        cells = [_number(was)]
        for name, side in sides.items():
            if name != "history":
                cells.append(_number(side[measure]) + _change(was, side[measure]))
        table.add_row(measure.replace("_", " "), *cells)
    Console(width=max(Console().width, WIDE)).print(table)


BREAKDOWN = ("issued", "spent", "expired", "outstanding", "cost_points", "cost_minor")


def _by(title: str, sides: dict[str, dict[str, dict[str, int | None]]]) -> None:
    """What was issued, spent, lapsed, outstanding, and what it cost: one line for each side."""
    if not sides["history"]:
        return
    table = _table(title, "", *(measure.replace("_", " ") for measure in BREAKDOWN))
    for name in sides["history"]:
        for number, (source, side) in enumerate(sides.items()):
            table.add_row("" if number else name, source, *(_number(side[name][measure]) for measure in BREAKDOWN))
    Console(width=max(Console().width, WIDE)).print(table)


def _of_proposal(one: Told, told: Told) -> None:
    typer.echo(f"{one['source']}: {one['title']['en']}")
    if one["amounts_taken_from"]:
        typer.echo(f"  its amounts are {one['amounts_taken_from']}: they are taken as {told['currency']}, one for one")
    members = {(row["from"], row["to"]): row["members"] for row in one["members_by_tier"]}
    table = _table("members: tier in history, and here", *one["levels"])
    for left in told["history"]["tiers"]:
        table.add_row(left, *(_number(members.get((left, reached), 0)) for reached in one["levels"]))
    Console().print(table)
    missing = one["redemptions_not_covered"]
    if missing["redemptions"]:
        typer.echo(f"  redemptions not covered: {missing['redemptions']:,}, {missing['points']:,} points, owed instead")
    for refusal, times in one["not_carried_out"].items():
        typer.echo(f"  could not be carried out in full: {times:,} times {refusal}")


def _checked(check: Told) -> None:
    typer.echo(
        f"replayed by its own rules: {check['differences']:,} differences from what is recorded, over"
        f" {check['members']:,} members"
    )
    for one in check["first"]:
        for place in one["places"]:
            recorded, replayed = ("–" if place[side] is None else place[side] for side in ("recorded", "replayed"))
            typer.echo(f"  member {one['member_id']}, {place['place']}: recorded {recorded}; replayed {replayed}")
        if one["more"]:
            typer.echo(f"  member {one['member_id']}, {one['field']}: {one['more']:,} more places")
    if check["more"]:
        typer.echo(f"  and {check['more']:,} more differences")


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _change(was: int | None, now: int | None) -> str:
    if was is None or now is None or was == now:
        return ""
    return f" ({now - was:+,})"
