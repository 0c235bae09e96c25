"""How it was, and as it was known: one member's balance, and everybody's, beside the live answer and the facts read."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from uuid import UUID

from psycopg import AsyncConnection, Connection

from bench.figure import Figure, in_turns
from bench.ground import PROJECTOR, RELAY, ground
from bench.town import Town, member_of
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from projections.all_balances import all_balances, all_balances_known
from projections.balances import Balances
from projections.known import Knowledge, known_position
from projections.past import Past
from projections.points import balance_of
from projections.snapshot import Snapshot

MEMBERS = 400
QUESTIONS = 200
YEAR = 321_000
"""Facts of the demo's year."""
PAGE = 20_000


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Sixty purchases of each member, all recorded within seconds: the hardest for telling what was known."""
    with ground(members=False, servers=servers) as here:
        town = Town(here.settings, here.keys, baskets)
        town.fill(members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), len(baskets)))
        with here.pipeline(RELAY, PROJECTOR):
            pass  # until all is folded
        url = here.settings.database_url or ""
        with connect(url) as log, asyncio.Runner() as runner:
            asking = _Asking(runner, url, log)
            sides: dict[str, Callable[[], float]] = {
                "one, live": lambda: asking.one(asking.live),
                "one, as of": lambda: asking.one(asking.as_of),
                "one, as known": lambda: asking.one(asking.as_known),
                "all, as of": asking.all_as_of,
                "all, as known": asking.all_as_known,
                "facts read": asking.read,
            }
            found = in_turns(sides, repeats=repeats)
            asking.close()
    one = {"unit": "ms", "reference": "the live answer", "reference_values": found["one, live"], "goal": "≤ 30 ms"}
    everybody = {
        "unit": "s a year's facts", "reference": "the same facts merely read, by pages",
        "reference_values": found["facts read"], "goal": "≤ 5 s",
    }  # fmt: skip
    return [
        Figure(name="a member's balance as of a former time, p99", values=found["one, as of"], **one),  # type: ignore[arg-type]
        Figure(name="a member's balance as it was known once, p99", values=found["one, as known"], **one),  # type: ignore[arg-type]
        Figure(name="all balances as of a former time", values=found["all, as of"], **everybody),  # type: ignore[arg-type]
        Figure(name="all balances as they were known once", values=found["all, as known"], **everybody),  # type: ignore[arg-type]
    ]


class _Asking:
    """Questions about the town, at instants chosen at random."""

    def __init__(self, runner: asyncio.Runner, url: str, log: Connection) -> None:
        self._runner, self._url, self._log, self._chance = runner, url, log, Random("asked")
        self._read_model = runner.run(AsyncConnection.connect(url, autocommit=True))
        self._past = Past(url, Balances, Knowledge(url))
        rows = log.execute("SELECT count(*), min(recorded_at), max(recorded_at) FROM facts").fetchone()
        schema = log.execute("SELECT schema_name FROM projections_live WHERE projection = 'balances'").fetchone()
        assert rows is not None
        assert schema is not None
        self._facts: int = rows[0]
        self._first, self._last = rows[1:]
        self._snapshot = Snapshot(self._read_model, schema[0], self._facts)

    def close(self) -> None:
        self._past.close()
        self._runner.run(self._read_model.close())

    def one(self, ask: Callable[[UUID], Awaitable[object]]) -> float:
        """Milliseconds that 99 of 100 questions take at most."""

        async def asked() -> list[float]:
            await ask(member_of(0))  # which connects
            taken = []
            for _ in range(QUESTIONS):
                member, started = member_of(self._chance.randrange(MEMBERS)), time.perf_counter()
                assert await ask(member) is not None
                taken.append((time.perf_counter() - started) * 1_000)
            return sorted(taken)

        taken = self._runner.run(asked())
        print(f"    p50 {taken[QUESTIONS // 2]:.1f} ms", flush=True)
        return taken[QUESTIONS * 99 // 100]

    async def live(self, member: UUID) -> object:
        return await balance_of(self._snapshot, member_id=member, as_of=datetime.now(UTC))

    async def as_of(self, member: UUID) -> object:
        at = self._last - timedelta(days=self._chance.randrange(1, 20))
        return await balance_of(self._snapshot, member_id=member, as_of=at)

    async def as_known(self, member: UUID) -> object:
        """Once everybody had joined."""
        at = self._last - (self._last - self._first) * self._chance.random() / 2
        snapshot = await asyncio.to_thread(self._past.as_known, at, [member])
        return await balance_of(snapshot, member_id=member, as_of=at)

    def all_as_of(self) -> float:
        async def asked() -> int:
            return sum([part.members async for part in all_balances(self._snapshot, as_of=self._last)])

        started = time.perf_counter()
        assert self._runner.run(asked()) == MEMBERS
        return self._of_a_year(started)

    def all_as_known(self) -> float:
        started = time.perf_counter()
        with connect(self._url) as log:
            position = known_position(log, self._last)
        parts = all_balances_known(self._url, position=position, as_of=self._last)
        assert sum(part.members for part in parts) == MEMBERS
        return self._of_a_year(started)

    def read(self) -> float:
        """Seconds for a year's facts, as all are."""
        started, position = time.perf_counter(), 0
        while page := self._log.execute(
            f"SELECT position, subject, name, state FROM facts WHERE position > %s ORDER BY position LIMIT {PAGE}".encode(),
            (position,),
            binary=True,
        ).fetchall():
            position = page[-1][0]
        return self._of_a_year(started)

    def _of_a_year(self, started: float) -> float:
        return (time.perf_counter() - started) / self._facts * YEAR
