"""`loyalty`: the front door, its commands, and how a failure is told."""

import logging
import sys
from typing import NoReturn

import typer
from eventsourcing.persistence import PersistenceError
from kafka.errors import KafkaError
from psycopg import OperationalError

from cli import audit, clock, keys, letters, load, load_balances, programme, run, serve, status
from cli.data_dir import DataDirInUse
from cli.demo import command as demo
from cli.demo.command import DemoFailed
from cli.demo.dataset import DemoDataMissing
from cli.demo.publish import NotPublished
from cli.supervisor import PortInUse
from cli.wiring import NothingRuns
from domain.refusals import Refusal
from infra.bootstrap import TopicMismatch
from infra.database import DatabaseNotConfigured
from infra.embedded.jars import BrokerJarsUnavailable
from infra.embedded.java import JavaMissing
from infra.embedded.postgres import PostgresBinariesMissing
from infra.embedded.service import ServiceFailed
from infra.kafka import BrokersNotConfigured
from infra.keys import KeyFileExposed, KeyFileIncomplete, KeyFileMissing
from projections.chain import AnotherEpoch
from projections.offsets import TopicRecreated
from projections.proofs.slices import NothingProjected

app = typer.Typer(
    name="loyalty",
    help="The points ledger of a member programme.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("up")(run.up)
app.add_typer(serve.app, name="serve")
app.add_typer(serve.consume, name="consume")
app.command("relay")(serve.relay)
app.command("project")(serve.project)
app.command("clock")(clock.clock)
load.app.command("balances")(load_balances.balances)
app.add_typer(load.app, name="load")
app.add_typer(letters.app, name="letters")
app.command("status")(status.status)
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(programme.app, name="programme")

# What an operator can put right: told in one line. Everything else is a fault of ours, told with its trace.
EXPECTED = (
    AnotherEpoch,
    BrokerJarsUnavailable,
    BrokersNotConfigured,
    DataDirInUse,
    DatabaseNotConfigured,
    DemoDataMissing,
    DemoFailed,
    JavaMissing,
    KafkaError,
    KeyFileExposed,
    KeyFileIncomplete,
    KeyFileMissing,
    NotPublished,
    NothingProjected,
    NothingRuns,
    OperationalError,
    PersistenceError,
    PortInUse,
    PostgresBinariesMissing,
    Refusal,
    ServiceFailed,
    TopicMismatch,
    TopicRecreated,
)


def main() -> NoReturn:
    """Run a command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells each try; what matters is raised to us
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app()
    except EXPECTED as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
    sys.exit(0)
