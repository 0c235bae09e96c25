"""`loyalty audit report`: statements of assurance about a period, each with how it was checked and what it rests on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.audit import app
from cli.completeness import WIDE, Begins, Ends
from cli.evidence import AsJson, verify_live
from cli.instants import days
from cli.progress import Tell, steps
from cli.surroundings import surroundings
from consumers.rebuild import compare_with_replay
from domain.calendar_days import local_day
from infra.database import connect
from infra.evidence.tree import NoCheckpoint
from infra.log_tables import last_position
from infra.process import quiet_gc
from infra.settings import Settings
from projections.assurance import of_evidence, of_messages, of_points, of_the_log
from projections.assurance.page import page
from projections.assurance.statement import Period, Report, Statement, unreadable
from projections.completeness.counting import FactUnreadable
from projections.completeness.run import Completeness, Question, completeness
from projections.proofs.conservation import prove
from projections.proofs.slices import NothingProjected
from projections.whatif import files, log


@app.command()
def report(
    begins: Begins,
    ends: Ends,
    html: Annotated[
        Path | None, typer.Option(help="Write a page of its own to this file, to be kept or printed.")
    ] = None,
    replay: Annotated[bool, typer.Option(help="Compare all read models with a replay of all facts.")] = True,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="A file of checkpoints; default: the clock's, in the data directory, or the database's."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="The public key, or a file that holds it; default: our own.")] = None,
    as_json: AsJson = False,
) -> None:
    """State what holds of the ledger, and of what was done in a period; exit 1 if anything does not hold."""
    first, last = days(begins, ends)
    settings = surroundings()
    quiet_gc()
    with steps() as tell:
        made = _report(settings, first, last, replay=replay, checkpoints=checkpoints, key=key, tell=tell)
    if html is not None:
        files.write_text(page(made), html)
    if as_json:
        typer.echo(made.model_dump_json(indent=2))
    else:
        _show(made)
    raise typer.Exit(0 if made.holds else 1)


def _report(
    settings: Settings, first: date, last: date, *, replay: bool, checkpoints: Path | None, key: str | None, tell: Tell
) -> Report:
    now = datetime.now(UTC)
    counted = _counted(settings, first, last, tell)
    with connect(settings.database_url) as facts, connect(settings.read_url) as read_models:
        position = last_position(facts)
        policy = log.published(facts, settings.programme, position=position)[-1]
        period = Period.of(first, last, policy)
        statements = [
            *of_messages.of_tills(counted, today=local_day(now, policy.zone)),
            of_messages.letters(facts, period),
            of_the_log.positions(facts),
            of_the_log.versions(facts),
            _vouched(settings, checkpoints, key, tell),
            of_evidence.guarded(facts),
            _conserved(settings, now, tell),
            _replayed(settings, tell) if replay else of_points.replayed(None),
            of_messages.parked(read_models),
            of_the_log.forced(facts, period),
            of_the_log.adjustments(facts, period),
            of_the_log.waivers(facts, period),
            of_the_log.erasures(facts, period),
        ]
    return Report(
        holds=all(one.state != "does not hold" for one in statements), programme=settings.programme, first_day=first,
        last_day=last, time_zone=policy.time_zone, made_at=now, position=position, statements=statements,
        till_days=[] if isinstance(counted, FactUnreadable) else [one for one in counted.items if one.state != "complete"],
    )  # fmt: skip


def _counted(settings: Settings, first: date, last: date, tell: Tell) -> Completeness | FactUnreadable:
    try:
        return completeness(settings, Question(first, last), progress=lambda *step: tell("counting receipts", *step))
    except FactUnreadable as error:
        return error


def _vouched(settings: Settings, checkpoints: Path | None, key: str | None, tell: Tell) -> Statement:
    try:
        found, told = verify_live(settings, checkpoints, key, lambda *step: tell("verifying facts", *step))
    except NoCheckpoint:
        return of_evidence.vouched(None)
    return of_evidence.vouched(found, told=told)


def _conserved(settings: Settings, now: datetime, tell: Tell) -> Statement:
    try:
        proof = prove(settings, as_of=now, progress=lambda *step: tell("folding the log", *step))
    except NothingProjected as error:
        return of_points.conserved(error)
    except (ValueError, LookupError, TypeError) as error:  # the fold trips over a fact that nobody wrote so
        return unreadable("conservation", of_points.CONSERVED, error)
    return of_points.conserved(proof)


def _replayed(settings: Settings, tell: Tell) -> Statement:
    try:
        return of_points.replayed([one.comparison for one in compare_with_replay(settings, [], tell)])
    except NothingProjected as error:
        return of_points.replayed(error)


def _show(made: Report) -> None:
    table = Table("statement", "", "figures", show_lines=True)
    for one in made.statements:
        table.add_row(f"{one.says} ({one.name})", one.state, "\n".join([one.told, *_what_is_wrong(one)]))
    Console(width=max(Console().width, WIDE)).print(table)
    typer.echo(
        f"{made.programme}, {made.first_day} to {made.last_day} ({made.time_zone}), up to position {made.position:,}: {made.found}"
    )


def _what_is_wrong(one: Statement) -> Iterator[str]:
    if one.state == "does not hold":
        yield from one.details[:5]
