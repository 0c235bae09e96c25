"""`loyalty consume`: intake, a process of its own."""

import typer

from cli.wiring import asked_to_stop, open_ledger, ready
from consumers.purchases import Intake
from infra.keys import load_key_file
from infra.process import quiet_gc

app = typer.Typer(help="Take in messages from Kafka.", no_args_is_help=True)


@app.command("purchases")
def purchases() -> None:
    """Take in what tills publish."""
    settings = ready()
    stop = asked_to_stop()
    intake = Intake(settings, loyalty=open_ledger(settings), keys=load_key_file(settings), stop=stop)
    quiet_gc()
    intake.run()


@app.callback()
def _consume() -> None:
    """Keep `consume purchases` two words, though there is but one kind of messages yet."""
