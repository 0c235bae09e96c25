"""What the read models tell of a member, beside what the log gives."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import Connection

from domain.programme import programme_id
from infra.kafka import partition_of
from projections.explaining.step import Told
from projections.points import balance_of
from projections.snapshot import Snapshot
from projections.standings import NoProgrammeKnown, tier_of

_POSITION = """
SELECT schema_name, min(last_position) FROM projections_live JOIN projection_offsets USING (projection, generation)
WHERE projection = %s AND partition = ANY(%s) GROUP BY schema_name
"""
_PARKED = """
SELECT 1 FROM parked_facts JOIN projections_live USING (projection, generation) WHERE projection = %s AND key = ANY(%s) LIMIT 1
"""

Ask = Callable[[Snapshot], Awaitable[int | str | None]]


class ReadModels:
    """The live read models; None of them has to be there: that is told, too."""

    def __init__(self, connection: Connection, *, programme: str, partitions: int) -> None:
        self._connection = connection
        self._programme = programme
        self._partitions = partitions

    def balance(self, member_id: UUID, as_of: datetime) -> Told:
        async def ask(snapshot: Snapshot) -> int | None:
            found = await balance_of(snapshot, member_id=member_id, as_of=as_of)
            return None if found is None else found.available

        return self._told("balances", [member_id], ask)

    def next_expiry(self, member_id: UUID, as_of: datetime) -> Told:
        async def ask(snapshot: Snapshot) -> str | None:
            found = await balance_of(snapshot, member_id=member_id, as_of=as_of)
            return None if found is None or found.next_expiry is None else found.next_expiry.at.isoformat()

        return self._told("balances", [member_id], ask)

    def tier(self, member_id: UUID, as_of: datetime) -> Told:
        async def ask(snapshot: Snapshot) -> str | None:
            try:
                found = await tier_of(snapshot, member_id=member_id, programme=self._programme, as_of=as_of)
            except NoProgrammeKnown:
                return None
            return None if found is None else found.tier

        return self._told("tiers", [member_id, programme_id(self._programme)], ask)

    def _told(self, projection: str, subjects: list[UUID], ask: Ask) -> Told:
        """The answer and its position, from one look; or why there is none."""
        keys = [str(subject).encode() for subject in subjects]
        partitions = [partition_of(key, self._partitions) for key in keys]
        try:
            with self._connection.transaction():
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                row = self._connection.execute(_POSITION, (projection, partitions)).fetchone()
                if row is None or row[1] is None:
                    return Told(gives=None, position=None, agrees=None, why_not="not-yet")
                if self._connection.execute(_PARKED, (projection, keys)).fetchone():
                    return Told(gives=None, position=row[1], agrees=None, why_not="member-parked")
                gives = asyncio.run(_asked(ask, Snapshot(self._connection, row[0], row[1])))
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            why_not = "not-yet" if "projections_live" in str(error) else "read-model-outdated"
            return Told(gives=None, position=None, agrees=None, why_not=why_not)
        return Told(gives=gives, position=row[1], agrees=None)


async def _asked(ask: Ask, snapshot: Snapshot) -> int | str | None:
    return await ask(snapshot)
