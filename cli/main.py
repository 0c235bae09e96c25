"""`loyalty`: the front door, its commands, and how a failure is told."""

import sys
from collections.abc import Mapping
from errno import ENOSPC
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from infra.process import log_to_stderr, uncollected

COMMANDS: Mapping[str, str] = {
    "demo": "cli.demo.command:demo",
    "up": "cli.run:up",
    "serve": "cli.serve:app",
    "consume": "cli.consume:app",
    "relay": "cli.relay:relay",
    "project": "cli.project:project",
    "rebuild": "cli.rebuild:rebuild",
    "clock": "cli.clock:clock",
    "load": "cli.load_balances:app",  # which adds its own command to those of `cli.load`
    "letters": "cli.letters:app",
    "status": "cli.status:status",
    "audit": "cli.assurance:app",  # which adds its own command to those that it imports
    "explain": "cli.explain:app",
    "whatif": "cli.whatif:whatif",
    "liability": "cli.liability:liability",
    "export": "cli.export:export",
    "keys": "cli.keys:app",
    "programme": "cli.programme:app",
}
"""The commands, and where each is kept."""

EXPECTED = frozenset({
    "cli.data_dir.DataDirInUse",
    "cli.demo.command.DemoFailed",
    "cli.demo.dataset.DemoDataMissing",
    "cli.demo.publish.NotPublished",
    "cli.supervisor.PortInUse",
    "cli.surroundings.NothingRuns",
    "cli.tail.NoSuchFactName",
    "consumers.replay.TopicTooShort",
    "domain.refusals.base.Refusal",
    "eventsourcing.persistence.PersistenceError",
    "infra.append_only.LogNotMade",
    "infra.bootstrap.TopicMismatch",
    "infra.bootstrap.TopicsNotReady",
    "infra.database.DatabaseNotConfigured",
    "infra.embedded.jars.BrokerJarsUnavailable",
    "infra.embedded.java.JavaMissing",
    "infra.embedded.postgres.PostgresBinariesMissing",
    "infra.embedded.service.ServiceFailed",
    "infra.evidence.files.CheckpointsMissing",
    "infra.evidence.notes.CheckpointDamaged",
    "infra.evidence.notes.CheckpointOfAnotherKey",
    "infra.evidence.notes.PublicKeyUnreadable",
    "infra.evidence.proofs.NotVouchedFor",
    "infra.evidence.proofs.ProofUnreadable",
    "infra.evidence.sources.ExportDamaged",
    "infra.evidence.tree.LogBroken",
    "infra.evidence.tree.NoCheckpoint",
    "infra.file_lock.LockHeld",
    "infra.kafka.BrokersNotConfigured",
    "infra.keys.KeyFileExposed",
    "infra.keys.KeyFileIncomplete",
    "infra.keys.KeyFileMissing",
    "infra.merkle.ProofWrong",
    "infra.parquet.ParquetNotInstalled",
    "infra.workers.ProcessDied",
    "kafka.errors.KafkaError",
    "projections.assurance.whole_streams.FactsLeftOut",
    "projections.chain.AnotherEpoch",
    "projections.completeness.counting.FactUnreadable",
    "projections.completeness.run.NothingPublished",
    "projections.explaining.case.NothingYet",
    "projections.explaining.recorded.NotRecorded",
    "projections.exports.balances.FactsParked",
    "projections.exports.directory.NotAnExport",
    "projections.exports.run.AlreadyExported",
    "projections.exports.run.AnotherLedger",
    "projections.exports.run.MoreExported",
    "projections.exports.run.NothingToExport",
    "projections.generations.NoGenerationBefore",
    "projections.generations.RebuildUnderWay",
    "projections.liability.run.LogDoesNotAddUp",
    "projections.liability.run.NothingKnown",
    "projections.liability.run.WorthUnknown",
    "projections.offsets.TopicRecreated",
    "projections.parking.TooManyParked",
    "projections.past.CannotBeFolded",
    "projections.known.BeforeFirstFact",
    "projections.proofs.slices.NothingProjected",
    "projections.shapes.AnotherShape",
    "projections.whatif.files.NotWritten",
    "projections.whatif.processes.NothingHappened",
    "projections.whatif.run.NothingToReplay",
    "psycopg.OperationalError",
})  # fmt: skip
"""What an operator can put right: told in one line. Everything else is a fault of ours, told with its trace."""


class Commands(TyperGroup):
    """Imports a command when it is called: a role, of which six start at once, has no use for what the others need."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """In the order in which they are told."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ARG002
        """The command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        with uncollected():
            found = getattr(import_module(module), name)
        alone = typer.Typer(callback=lambda: None)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=cmd_name)
        else:
            alone.command(cmd_name)(found)
        return get_group(alone).commands[cmd_name]


app = typer.Typer(
    name="loyalty",
    cls=Commands,
    callback=lambda: None,
    help="The points ledger of a member programme.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> NoReturn:
    """Run a command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""
    log_to_stderr()
    try:
        app()
    except Exception as error:
        if not _is_expected(error):
            raise
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
    sys.exit(0)


def _is_expected(error: Exception) -> bool:
    full = isinstance(error, OSError) and error.errno == ENOSPC  # wherever it is, standard output included
    return full or any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED for kind in type(error).__mro__)
