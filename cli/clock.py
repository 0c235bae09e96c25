"""`loyalty clock`: record what time has brought about, all the time or once."""

import logging
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.instants import instant
from cli.wiring import asked_to_stop, open_ledger, ready
from consumers.clock import CACHED_FACTS, Clock, Looked
from infra.evidence.notary import Notary
from infra.keys import KeyFileExposed, KeyFileIncomplete, KeyFileMissing, load_key_file, load_signer
from infra.personal_data import PersonalData
from infra.process import quiet_gc
from infra.settings import Settings
from projections.proofs.reconciler import Reconciler

log = logging.getLogger(__name__)


def clock(
    now: Annotated[
        str | None, typer.Option(help="Once, up to this instant, as in 2024-03-01T00:00:00Z; then exit.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Once; only tell what would be recorded.")] = False,
) -> None:
    """Record what time has brought about: points lapsed, holds timed out, debt settled, returns that waited in vain.

    Balances are right whether it runs or not. Nothing is recorded ahead of time: an instant to come needs --dry-run.
    As long as it runs, it also holds the read model against the log, some members every few seconds, and signs
    checkpoints of the log.
    """
    at = None if now is None else instant(now, option="--now").astimezone(UTC)
    if at is not None and at > datetime.now(UTC) and not dry_run:
        raise typer.BadParameter(f"{now} is still to come: add --dry-run to see what it will bring", param_hint="--now")
    settings = ready()
    stop = asked_to_stop()
    with open_ledger(settings, cached_facts=CACHED_FACTS) as loyalty:
        keeper = Clock(settings, loyalty, lambda: PersonalData(settings.database_url, load_key_file(settings)))
        if at is None and not dry_run:
            quiet_gc()
            with Reconciler(settings).running(), _notary(settings):
                keeper.run(stop)
        else:
            typer.echo(_told(keeper.look(at or datetime.now(UTC), dry=dry_run), dry=dry_run))


def _notary(settings: Settings) -> AbstractContextManager[None]:
    """At work, where there is a key to sign with; the clock goes on without."""
    try:
        return Notary(settings, load_signer(settings)).running()
    except (KeyFileExposed, KeyFileIncomplete, KeyFileMissing) as error:
        log.error("no checkpoints are signed: %s", error)  # noqa: TRY400 - it is told whole
        return nullcontext()


def _told(looked: Looked, *, dry: bool) -> str:
    facts = ", ".join(f"{count:,} {name.removesuffix('.v1')}" for name, count in sorted(looked.facts.items()))
    done = "would be recorded" if dry else "recorded"
    return f"{looked.streams:,} looked at; {done}: {facts or 'nothing'}"
