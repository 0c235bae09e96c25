"""`loyalty load balances`: opening balances from NDJSON or CSV, rehearsed before anything is written."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from cli.load import AT_ONCE, File, Load, app
from cli.wiring import open_ledger, ready
from domain.commands.corrections import ImportBalance
from domain.loyalty import Decided, Failed, Loyalty, Outcome, Refused
from domain.messages.corrections import OpeningBalanceBody, import_command
from domain.messages.purchases import CardIds
from domain.messages.reading import read
from domain.refusals import Refusal
from infra.keys import load_key_file

COLUMNS = (
    "reference", "card", "member", "time", "points", "earned_at", "expires_at", "never_expires",
    "qualifying_points", "qualifying_at", "debt", "tier", "tier_since", "reason",
)  # fmt: skip
"""Of a CSV file, in any order: one lot a line. `earned_at` and `qualifying_at` are `time` where they are empty."""

ALIKE = {"reference", "card", "member", "time", "tier", "tier_since", "reason"}
"""Columns that are fields of the message as they stand."""


@app.command()
def balances(
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be brought in, and write nothing.")] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Bring in the rest although lines are refused.")] = False,
) -> None:  # fmt: skip
    """Bring in opening balances: NDJSON, one body of `POST /opening-balances` a line, or CSV with a head line (`.csv`).

    The whole file is rehearsed first. Where a line is refused, nothing is brought in, unless told to skip it.
    """
    settings = ready()
    load, card_ids = Load(file), load_key_file(settings).card_id
    with open_ledger(settings) as loyalty:
        now = datetime.now(UTC)
        points = _each(load, card_ids, lambda commands: loyalty.rehearse(commands, recorded_at=now))
        typer.echo(f"rehearsed: {load.done:,} members, {points:,} points, {len(load.refused):,} refused")
        if not dry_run and (skip_refused or not load.refused):
            load = Load(file)
            _each(load, card_ids, lambda commands: _carry_out(loyalty, commands))
            load.end("opening balances brought in, now or before")
            return
    load.done = 0
    load.end("opening balances brought in")


def _carry_out(loyalty: Loyalty, commands: Sequence[ImportBalance]) -> list[Outcome]:
    return loyalty.execute(commands, recorded_at=datetime.now(UTC))


def _each(
    load: Load, card_ids: CardIds, carry_out: Callable[[Sequence[ImportBalance]], Sequence[Decided | Outcome]]
) -> int:
    """Carry the file out in batches; answers the points of the lines that were not refused."""
    points, lines = 0, _readable(load, card_ids)
    while waiting := list(islice(lines, AT_ONCE)):
        outcomes = carry_out([command for _, _, command in waiting])
        for (number, line, command), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Refused):
                load.refuse(number, line, outcome.refusal)
            elif isinstance(outcome, Failed):
                load.refuse(number, line, outcome.error)
            else:
                load.done += 1
                points += sum(lot.points for lot in command.lots)
    return points


def _readable(load: Load, card_ids: CardIds) -> Iterator[tuple[int, bytes, ImportBalance]]:
    """The lines that can be read; the others are set aside."""
    for number, line, raw in _bodies(load):
        try:
            body = read(OpeningBalanceBody, raw, strictly=True)
            yield number, line, import_command(body, actor="/clients/load", card_ids=card_ids)
        except Refusal as refusal:
            load.refuse(number, line, refusal)


def _bodies(load: Load) -> Iterator[tuple[int, bytes, bytes]]:
    """By line: its number, the line itself, and its message."""
    lines = load.lines()
    if load.path.suffix != ".csv":
        yield from ((number, line, line) for number, line in lines)
        return
    _, head = next(lines, (0, b""))
    names = next(csv.reader(io.StringIO(head.decode("utf-8-sig"))), [])
    unknown = set(names) - set(COLUMNS)
    if unknown:
        raise typer.BadParameter(f"unknown columns: {', '.join(sorted(unknown))}; known are {', '.join(COLUMNS)}")
    for number, line in lines:
        cells = next(csv.reader(io.StringIO(line.decode(errors="replace"))), [])
        yield number, line, json.dumps(_message(dict(zip(names, cells, strict=False)))).encode()


def _message(row: dict[str, str]) -> dict[str, Any]:
    """The body that a row of a CSV file stands for; what cannot be a number is left for the reader to refuse."""
    told: dict[str, Any] = {name: cell for name, cell in row.items() if cell}
    message: dict[str, Any] = {name: told[name] for name in told if name in ALIKE}
    if "debt" in told:
        message["debt"] = _number(told["debt"])
    if "points" in told:
        lot = {"points": _number(told["points"]), "earned_at": told.get("earned_at", told.get("time"))}
        if "expires_at" in told:
            lot["expires_at"] = told["expires_at"]
        if told.get("never_expires", "").lower() in {"true", "yes", "1"}:
            lot["never_expires"] = True
        message["lots"] = [lot]
    if "qualifying_points" in told:
        at = told.get("qualifying_at", told.get("time"))
        message["qualifying"] = [{"points": _number(told["qualifying_points"]), "at": at}]
    return message


def _number(cell: str) -> int | str:
    return int(cell) if cell.isascii() and cell.isdigit() else cell
