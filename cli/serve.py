"""`loyalty serve`: the two doors, one process each."""

import typer
import uvicorn
from fastapi import FastAPI

from cli.wiring import open_ledger, ready
from infra.keys import Keyring, load_key_file
from infra.personal_data import PersonalData
from infra.process import quiet_gc
from infra.settings import Settings
from infra.web import find_routes

app = typer.Typer(help="Serve one of the two APIs.", no_args_is_help=True)


@app.command("command-api")
def command_api() -> None:
    """Serve the Command API, for tills and staff."""
    from command_api.app import create_app  # noqa: PLC0415  a door opens sooner without the other one's routes

    settings = ready()
    keys = load_key_file(settings)
    door = create_app(
        open_ledger(settings),
        keyring=Keyring(settings),
        card_ids=keys.card_id,
        personal_data=PersonalData(settings.database_url, keys),
        signing=keys,
        most_waiting=settings.command_queue,
    )
    _serve(door, settings, settings.command_port)


@app.command("query-api")
def query_api() -> None:
    """Serve the Query API, for tills, analysts and auditors."""
    from query_api.app import create_app  # noqa: PLC0415

    settings = ready()
    keys = load_key_file(settings)
    personal_data = PersonalData(settings.database_url, keys)
    door = create_app(settings, keyring=Keyring(settings), card_id=keys.card_id, personal_data=personal_data)
    _serve(door, settings, settings.query_port)


def _serve(door: FastAPI, settings: Settings, port: int) -> None:
    find_routes(door)
    quiet_gc()
    uvicorn.run(
        door, host=settings.host, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning",
        proxy_headers=False,  # nobody asks who the client was
    )  # fmt: skip
