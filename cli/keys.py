"""`loyalty keys`: bearer keys for the APIs, and the key file."""

from typing import Annotated

import typer

from cli.wiring import ready
from infra.keys import Scope, create_key, load_key_file
from infra.settings import Settings

app = typer.Typer(help="Bearer keys for the APIs, and the key file.", no_args_is_help=True)


@app.command()
def create(
    scope: Annotated[Scope, typer.Option(help="What the key opens.")],
    owner: Annotated[str, typer.Option(help="Whose key it is: their Idempotency-Keys never meet another's.")] = "",
) -> None:
    """Make a bearer key and print it, this once; only its hash is kept."""
    settings = ready()
    typer.echo(create_key(settings, scope=scope, owner=owner or scope))


@app.command()
def init() -> None:
    """Make the key file of a new ledger on an external database. Keep a copy: it cannot be made again."""
    settings = Settings()
    load_key_file(settings, make=True)
    typer.echo(f"{settings.keys_path}: keep a copy of this file outside the database and its backups", err=True)
