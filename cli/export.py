"""`loyalty export`: what is recorded, as Parquet for analysts."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from cli.surroundings import surroundings
from infra.database import connect
from projections.whatif.files import check_parquet

PLAIN_EVERY = 100_000
"""Facts between two lines of progress, where there is no terminal."""


def export(
    what: Annotated[str, typer.Argument(help="The export: facts, purchases or points.")],
    to: Annotated[Path, typer.Option(help="The directory; each export has a folder of its own in it.")],
    since_last: Annotated[bool, typer.Option("--since-last", help="Add what is new since the last time.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write what is recorded to a directory, as Parquet by month with a manifest. Nothing of a run that fails stays."""
    check_parquet()
    # They need polars, which is no part of every installation.
    from projections.exports import run  # noqa: PLC0415
    from projections.exports.tables import TABLES  # noqa: PLC0415

    if what not in TABLES:
        raise typer.BadParameter(f"there is no export {what}; there are {', '.join(TABLES)}", param_hint="WHAT")
    with connect(surroundings().database_url) as log, _progress() as progress:
        log.execute("SET default_transaction_read_only = on")
        done = run.export(log, what, to, since_last=since_last, progress=progress)
    if as_json:
        typer.echo(json.dumps(done._asdict()))
    else:
        typer.echo(
            f"{what}: {done.rows:,} rows in {done.files:,} files added to {to}, up to position {done.position:,}"
        )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on terminals, a line now and then elsewhere."""
    console, told = Console(stderr=True), 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("exporting facts", total=None)

        def tell(done: int, total: int) -> None:
            nonlocal told
            bars.update(bar, completed=done, total=total)
            if not console.is_terminal and told // PLAIN_EVERY < done // PLAIN_EVERY:
                typer.echo(f"{done:,} of {total:,} facts read", err=True)
            told = done

        yield tell
