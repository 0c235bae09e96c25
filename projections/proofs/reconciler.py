"""The reconciler: holds the read model against the log, some members at a time, for as long as anybody runs it."""

import logging
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field

from domain.points_account import account_id
from infra.beside import Beside
from infra.database import connect, make_tables
from infra.settings import Settings
from projections.projection import in_schema
from projections.proofs.rows import rows_of
from projections.proofs.slices import Difference, Folded, NothingProjected, fold_member, known_by, looking
from projections.proofs.tally import TELLERS

log = logging.getLogger(__name__)

EVERY_SECONDS = 5
AT_ONCE = 20
"""Members in a sample: some thousand facts, folded in some tens of milliseconds."""

TABLES: tuple[LiteralString, ...] = (
    """
    CREATE TABLE IF NOT EXISTS reconciler_state (
        name text PRIMARY KEY,
        last_member uuid,
        checked_at timestamptz,
        members bigint NOT NULL DEFAULT 0,
        difference jsonb
    )
    """,
    "INSERT INTO reconciler_state (name) VALUES ('balances') ON CONFLICT DO NOTHING",
)

_NEXT: LiteralString = "SELECT member_id FROM {schema}.accounts WHERE member_id > %(after)s ORDER BY 1 LIMIT %(most)s"
_FACTS = """
SELECT subject, position, name, state FROM facts
WHERE originator_id = ANY(%s) AND name = ANY(%s) AND position <= %s ORDER BY originator_id, originator_version
"""
_NOTE = """
UPDATE reconciler_state SET last_member = %s, checked_at = now(), members = members + %s, difference = %s
WHERE name = 'balances'
"""


class ReconcilerStatus(BaseModel):
    """What came of comparing members with the log, some every few seconds, one after the other and then all over again."""

    checked_at: datetime | None = Field(None, description="When it last compared members; null if never")
    members: int = Field(0, description="Members compared so far, each as often as their turn came")
    difference: Difference | None = Field(
        None, description="The first one that it found and that is still there; null where read model and log agree"
    )


def reconciled(read_models: Connection) -> ReconcilerStatus:
    """What it came to; where it never ran, not even its table is there."""
    made = read_models.execute("SELECT to_regclass('reconciler_state') IS NOT NULL").fetchone()
    if not made or not made[0]:
        return ReconcilerStatus()
    row = read_models.execute("SELECT checked_at, members, difference FROM reconciler_state").fetchone()
    if row is None:  # the table was made this moment
        return ReconcilerStatus()
    return ReconcilerStatus(checked_at=row[0], members=row[1], difference=row[2])


class Reconciler(Beside):
    """Takes one sample after the other. Several of them harm nobody."""

    name = "reconciler"

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.sample()
            except NothingProjected:
                log.debug("there is no read model yet")
            except psycopg.Error as error:
                log.warning("no sample was taken: %s", error)
            self._stop.wait(EVERY_SECONDS)

    def sample(self) -> Folded:
        """Compare the next members, and again the one that differed, if one did."""
        with connect(self._settings.read_url) as state:
            make_tables(state, TABLES)
            row = state.execute("SELECT last_member, difference FROM reconciler_state").fetchone()
            assert row is not None, "the table was made with its row"
            after, known = row[0], Difference.model_validate(row[1]) if row[1] else None
            members, found = self._compare(after or UUID(int=0), known)
            still = [one for one in found.differences if known is not None and one.member_id == known.member_id]
            first = next(iter([*still, *found.differences]), None)
            if first is not None and first != known:
                log.error("log and read model differ: %s", first)
            told = None if first is None else Jsonb(first.model_dump(mode="json"))
            state.execute(_NOTE, (members[-1] if len(members) == AT_ONCE else None, len(members), told))
        return found

    def _compare(self, after: UUID, difference: Difference | None) -> tuple[list[UUID], Folded]:
        with looking(self._settings.read_url or "") as read_model:
            known = known_by(read_model)
            asked = {"after": after, "most": AT_ONCE}
            members = [member_id for (member_id,) in read_model.execute(in_schema(_NEXT, known.schema), asked)]
            again = {difference.member_id} if difference and difference.member_id else set()
            everyone = {*members, *again}
            rows = rows_of(read_model, known.schema, list(everyone))
            with connect(self._settings.database_url) as facts:
                accounts = [account_id(member_id) for member_id in everyone]
                told = facts.execute(_FACTS, (accounts, list(TELLERS), max(known.positions)), binary=True).fetchall()
        moved = {member_id: list(some) for member_id, some in groupby(told, key=itemgetter(0))}
        found, now = Folded(), datetime.now(UTC)
        for member_id in everyone:
            fold_member(found, known, member_id, moved.get(member_id, []), rows, as_of=now)
        return members, found
