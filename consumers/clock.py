"""The clock: records what time has brought about, account by account, in small transactions.

Nothing waits for it. Balances are computed from the clock on the wall, whether this one runs or not; what it records
is for those who read the facts: statements, notices, books.
"""

import logging
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.commands.clock import RecordTime
from domain.due import brought_about, next_due
from domain.loyalty import Failed, Loyalty, Recorded
from domain.points_account import PointsAccount
from infra.database import CLOCK_LOCK, connect, make_tables
from infra.settings import Settings
from projections import agenda
from projections.agenda import Agenda, Next

log = logging.getLogger(__name__)

EVERY_SECONDS = 5
AT_ONCE = 500
"""Accounts that are read together."""
MOST_FACTS = 1_000
"""About so many facts are recorded in one transaction: other writers wait for it some tens of milliseconds."""
TRY_AGAIN = timedelta(hours=1)
"""After an account could not be decided."""
CACHED_FACTS = 50_000
"""An account is seldom looked at twice, so few are worth keeping in memory."""


class Looked(NamedTuple):
    """What one look at the agenda came to: accounts looked at, and facts by name, recorded or (dry) to be recorded."""

    accounts: int
    facts: Counter[str]


class Clock:
    """Looks at what is due. One looks at a time; others that run take over when it ends."""

    def __init__(self, settings: Settings, loyalty: Loyalty) -> None:
        self._settings = settings
        self._loyalty = loyalty

    def run(self, stop: threading.Event) -> None:
        """Look every few seconds until told to stop, which is heard between two transactions."""
        with self._connected() as database:
            while not stop.is_set():
                with _alone(database, wait=False) as alone:
                    if alone:
                        self._look(database, datetime.now(UTC), stop=stop)
                stop.wait(EVERY_SECONDS)

    def look(self, now: datetime, *, dry: bool = False) -> Looked:
        """Look once, as soon as no other clock does; `dry` records nothing."""
        with self._connected() as database, _alone(database, wait=True):
            return self._look(database, now, dry=dry)

    def _look(
        self, database: Connection, now: datetime, *, stop: threading.Event | None = None, dry: bool = False
    ) -> Looked:
        """1. Note what was recorded since. 2. Let each account that is due tell what came about. 3. Put it back."""
        diary, looked = Agenda(database), Looked(0, Counter())
        diary.follow()
        self._loyalty.accounts(())
        for account_ids in diary.due(now, most=AT_ONCE):
            for some, expected in _portions(self._loyalty.accounts(account_ids), now):
                if stop is not None and stop.is_set():
                    return looked
                facts, failed = (expected, set[UUID]()) if dry or not expected else self._record(some, now)
                looked = Looked(looked.accounts + len(some), looked.facts + facts)
                if not dry:
                    diary.put_back(self._next(some, now, failed))
        if not dry:
            diary.looked(dict(looked.facts))
        return looked

    def _record(self, account_ids: Sequence[UUID], now: datetime) -> tuple[Counter[str], set[UUID]]:
        """Facts recorded, by name, and the accounts that could not be decided."""
        facts: Counter[str] = Counter()
        failed = set()
        commands = [RecordTime.of(account_id, now=now) for account_id in account_ids]
        outcomes = self._loyalty.execute(commands, recorded_at=datetime.now(UTC))
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Recorded):
                facts.update(outcome.answer)
            elif isinstance(outcome, Failed):
                log.error("what time brought to account %s was not recorded", command.account, exc_info=outcome.error)
                failed.add(command.account)
        return facts, failed

    def _next(self, account_ids: Sequence[UUID], now: datetime, failed: Collection[UUID]) -> list[Next]:
        return [
            Next(account.id, now + TRY_AGAIN if account.id in failed else next_due(account, now), bool(account.debt))
            for account in self._loyalty.accounts(account_ids)
        ]

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with connect(self._settings.database_url) as database:
            make_tables(database, agenda.TABLES)
            yield database


def _portions(accounts: Sequence[PointsAccount], now: datetime) -> Iterator[tuple[list[UUID], Counter[str]]]:
    """Accounts for one transaction each, with what it will record."""
    some: list[UUID] = []
    facts: Counter[str] = Counter()
    for account in accounts:
        some.append(account.id)
        facts.update(draft.kind.stored_name for draft in brought_about(account, now))
        if facts.total() >= MOST_FACTS:
            yield some, facts
            some, facts = [], Counter()
    if some:
        yield some, facts


@contextmanager
def _alone(database: Connection, *, wait: bool) -> Iterator[bool]:
    """Hold the clock's lock, if nobody does or once nobody does any more."""
    if wait:
        database.execute("SELECT pg_advisory_lock(%s)", (CLOCK_LOCK,))
    row = (True,) if wait else database.execute("SELECT pg_try_advisory_lock(%s)", (CLOCK_LOCK,)).fetchone()
    alone = bool(row and row[0])
    try:
        yield alone
    finally:
        if alone and not database.closed:
            database.execute("SELECT pg_advisory_unlock(%s)", (CLOCK_LOCK,))
