"""`loyalty audit`: proofs that the ledger is right, from the facts themselves."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.progress import one_step
from cli.surroundings import surroundings
from infra.process import quiet_gc
from projections.proofs.conservation import Conservation, prove

app = typer.Typer(help="Prove that the ledger is right.", no_args_is_help=True)


@app.command()
def conservation(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Fold the whole log anew, check every equation of points and debt, and compare the read model; exit 1 if one does not hold."""
    settings = surroundings()
    quiet_gc()
    with one_step("folding the log") as progress:
        proof = prove(settings, as_of=datetime.now(UTC), progress=progress)
    if as_json:
        typer.echo(proof.model_dump_json(indent=2))
    else:
        _show(proof)
    raise typer.Exit(0 if proof.holds else 1)


def _show(proof: Conservation) -> None:
    table = Table("points", "by the log", "by the read model")
    for column in table.columns[1:]:
        column.justify = "right"
    for bucket, points in asdict(proof.log).items():
        table.add_row(bucket, f"{points:,}", f"{getattr(proof.read_model, bucket):,}")
    Console().print(table)
    typer.echo(
        f"{proof.facts:,} facts up to position {proof.position:,}: {proof.moving_facts:,} of them open accounts or move"
        f" points, of {proof.members:,} members in {proof.lots:,} lots"
    )
    behind = proof.position - proof.read_model_position
    if behind:
        typer.echo(f"the read model is {behind:,} positions behind; it was compared as far as it went")
    wrong = proof.first_difference
    if wrong is None:
        typer.echo("conservation holds: of every lot, of every member, and in all")
        return
    typer.echo(f"CONSERVATION DOES NOT HOLD. {proof.left_out}")
    typer.echo(
        f"first at position {wrong.position:,}: does not hold: {wrong.what}: {wrong.place}:"
        f" {wrong.expected} expected, {wrong.found} found"
    )
