"""`loyalty letters`: what could not be accepted, why, and driving it again."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.surroundings import surroundings
from infra import letters
from infra.database import connection
from infra.kafka import producer
from infra.keys import load_key_file
from infra.topics import PURCHASES

app = typer.Typer(help="Dead letters.", no_args_is_help=True)
DEADLINE_SECONDS = 60


@app.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only letters with this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Redriven ones, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the letters; their contents stay sealed."""
    with connection(surroundings()) as database:
        kept = list(letters.kept(database, open_only=not everything, reason=reason))
    if as_json:
        for letter in kept:
            typer.echo(json.dumps(letter._asdict(), default=str))
        return
    table = Table("id", "reason", "detail", "from", "recorded", "redriven")
    for letter in kept:
        place = f"{letter.topic}/{letter.partition}/{letter.offset}"
        again = "" if letter.redriven_at is None else f"{letter.redriven_at:%F %T}"
        table.add_row(str(letter.letter_id), letter.reason, letter.detail, place, f"{letter.recorded_at:%F %T}", again)
    Console().print(table)
    typer.echo(f"{len(kept):,} letters")


@app.command()
def show(letter_id: int) -> None:
    """Print the message of a letter as it was sent. It may hold personal data."""
    settings = surroundings()
    with connection(settings) as database:
        message = letters.message(database, letter_id, load_key_file(settings))
    if message is None:
        typer.echo(f"there is no letter {letter_id}", err=True)
        raise typer.Exit(1)
    typer.echo((message.value or b"").decode(errors="backslashreplace"))


@app.command()
def redrive(
    letter_ids: Annotated[list[int] | None, typer.Argument(help="The letters to send again.")] = None,
    reason: Annotated[str | None, typer.Option(help="All open letters with this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All open letters.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only tell what would be sent.")] = False,
) -> None:
    """Send letters to the topic again; what is refused again comes back as a new letter."""
    if not (letter_ids or reason or everything):
        raise typer.BadParameter("name letters, or give --reason or --all")
    settings = surroundings()
    keys = load_key_file(settings)
    with connection(settings) as database:
        open_letters = [one.letter_id for one in letters.kept(database, reason=reason)]
        chosen = [one for one in open_letters if not letter_ids or one in letter_ids]
        missing = sorted(set(letter_ids or ()) - set(chosen))
        if missing:
            typer.echo(f"not open: {', '.join(map(str, missing))}", err=True)
        if dry_run:
            typer.echo(f"{len(chosen):,} letters would be sent again")
            raise typer.Exit(1 if missing else 0)
        with producer(settings) as sender:
            for letter_id in chosen:
                message = letters.message(database, letter_id, keys)
                assert message is not None, "letters are never removed"
                sent = sender.send(PURCHASES, value=message.value, key=message.key, headers=message.headers)
                sent.get(timeout=DEADLINE_SECONDS)
                letters.mark_redriven(database, letter_id)
    typer.echo(f"{len(chosen):,} letters sent again")
    raise typer.Exit(1 if missing else 0)
