"""The roles, one process each: the two doors, intake, relay and projector."""

from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from cli.wiring import asked_to_stop, open_ledger, surroundings
from command_api.app import create_app as command_app
from consumers import projector
from consumers.purchases import Intake
from infra import relay as relaying
from infra.bootstrap import bootstrap
from infra.database import connection
from infra.keys import Keyring, load_key_file
from infra.personal_data import PersonalData
from infra.process import quiet_gc
from infra.settings import Settings
from query_api.app import create_app as query_app

app = typer.Typer(help="Serve one of the two APIs.", no_args_is_help=True)
consume = typer.Typer(help="Take in messages from Kafka.", no_args_is_help=True)


@app.command("command-api")
def command_api() -> None:
    """Serve the Command API, for tills and staff."""
    settings = _ready()
    keys = load_key_file(settings)
    door = command_app(
        open_ledger(settings),
        keyring=Keyring(settings),
        card_ids=keys.card_id,
        personal_data=PersonalData(settings.database_url, keys),
        signing=keys,
    )
    _serve(door, settings, settings.command_port)


@app.command("query-api")
def query_api() -> None:
    """Serve the Query API, for tills, analysts and auditors."""
    settings = _ready()
    keys = load_key_file(settings)
    personal_data = PersonalData(settings.database_url, keys)
    door = query_app(settings, keyring=Keyring(settings), card_id=keys.card_id, personal_data=personal_data)
    _serve(door, settings, settings.query_port)


@consume.command("purchases")
def purchases() -> None:
    """Take in what tills publish."""
    settings = _ready()
    stop = asked_to_stop()
    intake = Intake(settings, loyalty=open_ledger(settings), keys=load_key_file(settings), stop=stop)
    quiet_gc()
    intake.run()


@consume.callback()
def _consume() -> None:
    """Keep `consume purchases` two words, though there is but one kind of messages yet."""


def relay(
    republish_from: Annotated[
        int | None, typer.Option(min=1, help="First tell the facts from this position on once more, then go on.")
    ] = None,
) -> None:
    """Tell the facts of the log to Kafka, in order."""
    settings = _ready()
    stop = asked_to_stop()
    if republish_from is not None:
        with connection(settings) as database:
            relaying.republish_from(database, republish_from, partitions=settings.partitions)
    quiet_gc()
    relaying.Relay(settings, stop=stop).run()


def project(
    names: Annotated[list[str] | None, typer.Argument(help="Projections; all of them by default.")] = None,
) -> None:
    """Fold the facts into read models."""
    settings = _ready()
    stop = asked_to_stop()
    projector.run(settings, stop=stop, names=names or None)


def _ready() -> Settings:
    settings = surroundings()
    bootstrap(settings)
    return settings


def _serve(door: FastAPI, settings: Settings, port: int) -> None:
    quiet_gc()
    uvicorn.run(
        door, host=settings.host, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
