"""`loyalty status`: how far everything has come."""

import time
from datetime import UTC
from typing import Annotated

import typer

from cli.wiring import ready
from projections.proofs.reconciler import ReconcilerStatus
from projections.status import CheckpointStatus, ClockStatus, ProjectionStatus, Status
from projections.status import status as status_of

LOOK_AGAIN_SECONDS = 0.5


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until intake, relay and projections have caught up.")
    ] = False,
    timeout_seconds: Annotated[int, typer.Option(min=1, help="How long to wait; then exit 1.")] = 600,
) -> None:
    """Tell positions and lags of intake, relay and projections."""
    settings = ready()
    deadline = time.monotonic() + timeout_seconds
    found = status_of(settings)
    while wait and not found.caught_up and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_SECONDS)
        found = status_of(settings)
    typer.echo(found.model_dump_json(indent=2) if as_json else _told(found))
    raise typer.Exit(1 if wait and not found.caught_up else 0)


def _told(found: Status) -> str:
    lines = [
        f"log            position {found.position:,}, append-only by {'; '.join([found.append_only, *found.append_only_lacks])}",
        f"checkpoints    {_signed(found.checkpoint)}",
        f"intake         {found.intake.taken_in:,} messages taken in, {found.intake.lag:,} waiting",
        f"relay          position {found.relay.position:,}, {found.relay.lag:,} facts waiting",
        *(
            f"{one.name:14} position {one.position:,}, {one.lag:,} behind, {one.gaps} gaps, {one.parked_members} parked"
            + _generations(one)
            for one in found.projections
        ),
        f"clock          {_looked(found.clock)}",
        f"reconciler     {_compared(found.reconciler)}",
        f"dead letters   {found.open_letters:,} open",
        "caught up" if found.caught_up else "not caught up",
    ]
    return "\n".join(lines)


def _generations(one: ProjectionStatus) -> str:
    """Nothing, where there is but the first one."""
    kept = f" ({', '.join(map(str, one.kept))} beside it)" if one.kept else ""
    told = f", generation {one.generation}{kept}" if one.kept or one.generation > 1 else ""
    return told + (f", OTHER TABLES: run `loyalty rebuild {one.name}`" if one.outdated else "")


def _signed(last: CheckpointStatus) -> str:
    if last.at is None:
        return "none was signed: the clock does"
    return f"{last.size:,} facts vouched for, last {last.at.astimezone(UTC):%F %T} UTC"


def _looked(clock: ClockStatus) -> str:
    if clock.looked_at is None:
        return "has not run"
    since = "" if clock.due_since is None else f", the first since {clock.due_since.astimezone(UTC):%F %T} UTC"
    return f"looked at {clock.looked_at.astimezone(UTC):%F %T} UTC, {clock.due:,} due{since}"


def _compared(one: ReconcilerStatus) -> str:
    if one.checked_at is None:
        return "has not run"
    wrong = "" if one.difference is None else f"; DIFFERS: member {one.difference.member_id}, see `audit conservation`"
    return (
        f"{one.members:,} times a member compared with the log, last {one.checked_at.astimezone(UTC):%F %T} UTC{wrong}"
    )
