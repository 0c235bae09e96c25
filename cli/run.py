"""`loyalty up`: everything on this machine, until Ctrl-C."""

from typing import Annotated

import typer

from cli.roles import ROLES, WITHOUT_CLOCK
from cli.supervisor import Supervisor
from infra.keys import load_key_file
from infra.settings import Settings


def up(
    clock: Annotated[bool, typer.Option(help="Record what time brings about. Balances are right without it.")] = True,
) -> None:
    """Run everything: embedded PostgreSQL and Kafka unless addresses are set, and a process per role."""
    settings = Settings()
    prepare_keys(settings)
    with Supervisor(settings, roles=ROLES if clock else WITHOUT_CLOCK, say=typer.echo) as running:
        typer.echo(f"Command API  {running.urls['command']}/docs")
        typer.echo(f"Query API    {running.urls['query']}/docs")
        typer.echo(f"Kafka        {running.kafka_bootstrap_servers}")
        typer.echo("`loyalty keys create --scope staff` makes a key. Ctrl-C ends everything.")
        running.watch()


def prepare_keys(settings: Settings) -> None:
    """Make the key file beside a database of our own; for another's, one must be there."""
    load_key_file(settings, make=settings.database_url is None)
