"""The clock: records what time has brought about, in small transactions.

Nothing waits for it. Balances are computed from the clock on the wall, whether this one runs or not; what it records
is for those who read the facts: statements, notices, books. One thing is decided by it: when a return that waits for
its purchase has waited too long, it is closed with the next look.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection

from consumers.birthdays import Birthdays
from consumers.watched import WATCHED, Watched
from domain.books import InClosedBooks
from domain.loyalty import Failed, Loyalty, Recorded
from domain.programme import Programme
from infra.database import CLOCK_LOCK, alone, connect, make_tables
from infra.personal_data import PersonalData
from infra.settings import Settings
from projections import agenda, birth_dates
from projections.agenda import Agenda, Next

log = logging.getLogger(__name__)

T = TypeVar("T")

EVERY_SECONDS = 5
AT_ONCE = 500
"""Streams that are read together."""
MOST_FACTS = 1_000
"""About so many facts are recorded in one transaction: other writers wait for it some tens of milliseconds."""
TRY_AGAIN = timedelta(hours=1)
"""After a stream could not be decided."""
CACHED_FACTS = 50_000
"""A stream is seldom looked at twice, so few are worth keeping in memory."""


class Looked(NamedTuple):
    """What one look at the agenda came to: streams looked at, and facts by name, recorded or (dry) to be recorded."""

    streams: int
    facts: Counter[str]


class Clock:
    """Looks at what is due. One looks at a time; others that run take over when it ends."""

    def __init__(self, settings: Settings, loyalty: Loyalty, personal_data: Callable[[], PersonalData]) -> None:
        self._settings = settings
        self._loyalty = loyalty
        self._birthdays = Birthdays(loyalty, personal_data)

    def run(self, stop: threading.Event) -> None:
        """Look every few seconds until told to stop, which is heard between two transactions."""
        with self._connected() as database:
            while not stop.is_set():
                with alone(database, CLOCK_LOCK, wait=False) as held:
                    if held:
                        self._look(database, datetime.now(UTC), stop=stop)
                stop.wait(EVERY_SECONDS)

    def look(self, now: datetime, *, dry: bool = False) -> Looked:
        """Look once, as soon as no other clock does; `dry` records nothing."""
        with self._connected() as database, alone(database, CLOCK_LOCK, wait=True):
            return self._look(database, now, dry=dry)

    def _look(
        self, database: Connection, now: datetime, *, stop: threading.Event | None = None, dry: bool = False
    ) -> Looked:
        """1. Note what was recorded since. 2. Let each stream that is due tell what came about. 3. Put it back."""
        diary, looked = Agenda(database), Looked(0, Counter())
        diary.follow()
        for watched in WATCHED:
            for some, expected in self._due(diary, watched, now):
                if stop is not None and stop.is_set():
                    return looked
                facts, failed = (expected, set[UUID]()) if dry or not expected else self._record(watched, some, now)
                looked = Looked(looked.streams + len(some), looked.facts + facts)
                if not dry:
                    diary.put_back(self._next(watched, some, now, failed))
        looked = looked._replace(facts=looked.facts + self._birthdays.look(database, now, stop=stop, dry=dry))
        if not dry:
            diary.looked(dict(looked.facts))
        return looked

    def _due(self, diary: Agenda, watched: Watched[Any], now: datetime) -> Iterator[tuple[list[UUID], Counter[str]]]:
        """Streams for one transaction each, with what it will record."""
        self._loyalty.present(watched.stream, (), at=now)  # keep up with the log, though nothing may be due
        for stream_ids in diary.due(watched.kind, now, most=AT_ONCE):
            some: list[UUID] = []
            facts: Counter[str] = Counter()
            for stream in self._loyalty.present(watched.stream, stream_ids, at=now):
                some.append(stream.id)
                facts.update(self._ask(watched, stream, watched.brought, now))
                if facts.total() >= MOST_FACTS:
                    yield some, facts
                    some, facts = [], Counter()
            if some:
                yield some, facts

    def _record(
        self, watched: Watched[Any], stream_ids: Sequence[UUID], now: datetime
    ) -> tuple[Counter[str], set[UUID]]:
        """Facts recorded, by name, and the streams that could not be decided."""
        facts: Counter[str] = Counter()
        failed = set()
        commands = [watched.command(stream_id, now) for stream_id in stream_ids]
        outcomes = self._loyalty.execute(commands, recorded_at=datetime.now(UTC))
        for stream_id, outcome in zip(stream_ids, outcomes, strict=True):
            if isinstance(outcome, Recorded):
                facts.update(outcome.answer)
            elif isinstance(outcome, Failed):
                log.error(
                    "what time brought to %s %s was not recorded", watched.kind, stream_id, exc_info=outcome.error
                )
                failed.add(stream_id)
        return facts, failed

    def _next(
        self, watched: Watched[Any], stream_ids: Sequence[UUID], now: datetime, failed: Collection[UUID]
    ) -> list[Next]:
        return [
            Next(
                stream.id,
                now + TRY_AGAIN if stream.id in failed else self._ask(watched, stream, watched.next_due, now),
                watched.owes(stream),
            )
            for stream in self._loyalty.present(watched.stream, stream_ids, at=now)
        ]

    def _ask(
        self, watched: Watched[Any], stream: Any, question: Callable[[Any, Programme, datetime], T], now: datetime
    ) -> T:
        """What a stream tells; some tiers need the whole of an account."""
        try:
            return question(stream, self._loyalty.programme, now)
        except InClosedBooks:
            return question(self._loyalty.whole(watched.stream, stream.id), self._loyalty.programme, now)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with connect(self._settings.database_url) as database:
            make_tables(database, (*agenda.TABLES, *birth_dates.TABLES))
            yield database
