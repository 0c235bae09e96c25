"""`loyalty export`: what is recorded, as Parquet for analysts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.instants import instant, known
from cli.progress import one_step
from cli.surroundings import surroundings
from infra.database import connect
from infra.parquet import check_parquet


def export(
    what: Annotated[str, typer.Argument(help="The export: facts, purchases, points, tiers, campaigns or balances.")],
    to: Annotated[Path, typer.Option(help="The directory; each export has a folder of its own in it.")],
    since_last: Annotated[bool, typer.Option("--since-last", help="Add what is new since the last time.")] = False,
    as_of: Annotated[
        str | None, typer.Option(help="Of balances: the instant; default: that of --known-at, or else now.")
    ] = None,
    known_at: Annotated[str | None, typer.Option(help="Leave out what was recorded after this instant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write what is recorded, or everybody's balance, as Parquet with a manifest. Nothing of a run that fails stays."""
    check_parquet()
    # They need polars, which is no part of every installation.
    from projections.exports import run  # noqa: PLC0415
    from projections.exports.balances import NAME, export_balances  # noqa: PLC0415
    from projections.exports.tables import TABLES  # noqa: PLC0415

    if what not in {*TABLES, NAME}:
        raise typer.BadParameter(
            f"there is no export {what}; there are {', '.join([*TABLES, NAME])}", param_hint="WHAT"
        )
    if what == NAME and since_last:
        raise typer.BadParameter("balances are of an instant: name it with --as-of", param_hint="--since-last")
    if what != NAME and as_of is not None:
        raise typer.BadParameter("only balances are of an instant", param_hint="--as-of")
    knew = known(known_at)
    at = (knew or datetime.now(UTC)) if as_of is None else instant(as_of, option="--as-of")
    settings = surroundings()
    with connect(settings.database_url) as log, one_step(f"exporting {what}") as progress:
        log.execute("SET default_transaction_read_only = on")
        if what == NAME:
            url = (settings.read_url if knew is None else settings.database_url) or ""
            done = export_balances(log, url, to, as_of=at, known_at=knew, progress=progress)
        else:
            done = run.export(log, what, to, since_last=since_last, known_at=knew, progress=progress)
    if as_json:
        typer.echo(json.dumps(done._asdict()))
    else:
        typer.echo(
            f"{what}: {done.rows:,} rows in {done.files:,} files added to {to}, up to position {done.position:,}"
        )
