"""What is claimed of changes: that nothing was changed since it was signed, and that the database refuses it."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from psycopg import Connection

from infra.append_only import enforced
from infra.evidence.verifying import Verified
from projections.assurance.statement import Statement, number, statement

UNCHANGED = "All that signed checkpoints vouch for is as it was recorded."
_HOW = (
    "The root of the Merkle tree over all facts, in the order of their positions, computed anew and held against each signed"
    " checkpoint (RFC 6962)."
)
_REST = (
    "The signing key, and checkpoints that the operator of the database cannot change: keep copies elsewhere. Facts behind the last"
    " one are not vouched for."
)


def vouched(found: Verified | None, *, told: Sequence[str] = ()) -> Statement:
    """None where nothing was signed yet; `told`: where the checkpoints come from."""
    if found is None:
        return statement(
            "checkpoints",
            UNCHANGED,
            holds="not applicable",
            told="no checkpoint was signed yet",
            checked=_HOW,
            rests_on=_REST,
        )
    wrong = found.first_change
    return statement(
        "checkpoints", UNCHANGED, holds=found.holds,
        figures={
            "facts": found.facts, "checkpoints": found.checkpoints, "vouched_for": found.size, "uncovered": found.uncovered,
        },
        told=f"{number(found.size, 'fact')} by {number(found.checkpoints, 'checkpoint')}, the last one signed"
        f" {found.at.astimezone(UTC):%F %T} UTC with key {found.key_id}; {number(found.uncovered, 'fact')} came later",
        checked=_HOW, rests_on=_REST,
        details=[*([f"position {wrong.position:,}: {wrong.what}: {wrong.told}"] if wrong else []), *told],
    )  # fmt: skip


def guarded(log: Connection[Any]) -> Statement:
    """What the database refuses by itself."""
    guard = enforced(log)
    told = {
        "rights and triggers": "refused by triggers, and the application has no right to it",
        "triggers": "refused by triggers; the application's role owns the tables, and could take them away",
        "rights": "the application has no right to it, but triggers do not refuse it",
        "rights or triggers, in part": "refused in part",
        "nothing": "nothing refuses it",
    }
    return statement(
        "append-only", "The database refuses to change or delete facts.", holds=not guard.without_trigger,
        told="; ".join([told[guard.by], *guard.lacking]),
        checked="Looked up in the database's catalogue.", rests_on="PostgreSQL, and its superusers.",
    )  # fmt: skip
