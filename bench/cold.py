"""A cold start: intake with an empty cache, where every buyer must be brought from the log."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Self

from bench import proof
from bench.figure import Figure, in_turns
from bench.ground import INTAKE, Ground, ground
from bench.pace import wait_for
from bench.spent import Spent
from bench.town import Town, member_of
from bench.watch import TAKEN_IN, counter
from cli.demo.complete_journey import Basket
from cli.wiring import open_ledger
from domain.points_account import PointsAccount, account_id
from infra.database import connect
from infra.embedded.services import EmbeddedServices

MEMBERS = 100_000
BUYERS = 5_000
"""In a turn; in each others, of whom nothing is in memory. All of them bought once before."""
GREETING = 100
AT_ONCE = 1_000
ONE_BY_ONE = 1_000


def measure(
    baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int, members: int = MEMBERS
) -> list[Figure]:
    """A fresh intake process meets buyers for the first time, then the same ones again."""
    buyers = min(BUYERS, members // (repeats + 1))
    with ground(members=False, servers=servers) as here, ExitStack() as stack:
        town = Town(here.settings, here.keys, baskets)
        filled = buyers * (repeats + 1)
        town.fill(members=range(members), buyers=range(filled))
        process = stack.enter_context(Fresh(here, town))
        groups = iter([range(turn * buyers, (turn + 1) * buyers) for turn in range(1, repeats + 1)])

        def cold() -> float:
            process.renew()
            process.meet(range(GREETING))
            process.group = next(groups)
            return process.meet(process.group)

        sides = {"cold": cold, "warm": lambda: process.meet(process.group)}
        met = in_turns(sides, repeats=repeats)
        process.prove(filled)
        loaded = in_turns(
            {
                f"{AT_ONCE:,} a query": lambda: _loaded(here, range(buyers), AT_ONCE),
                "one a query": lambda: _loaded(here, range(min(buyers, ONE_BY_ONE)), 1),
            },
            repeats=repeats,
        )
    return [
        Figure(
            name=f"a purchase taken in by a fresh process, {members:,} members, none in memory",
            unit="µs of CPU",
            values=met["cold"],
            reference="the same buyers once more",
            reference_values=met["warm"],
            goal="≤ 2.0",
        ),
        Figure(
            name=f"accounts brought from the log, {AT_ONCE:,} a query",
            unit="accounts/s",
            values=loaded[f"{AT_ONCE:,} a query"],
            reference="the same, a query for each",
            reference_values=loaded["one a query"],
            goal="≥ 3",
        ),
    ]


class Fresh(ExitStack):
    """One intake process after the other."""

    group = range(0)

    def __init__(self, here: Ground, town: Town) -> None:
        super().__init__()
        self._here = here
        self._town = town
        self._process = ExitStack()
        self._published = 0

    def __enter__(self) -> Self:
        self._database = self.enter_context(connect(self._here.settings.database_url))
        self.callback(lambda: self._process.close())  # noqa: PLW0108 - that of the last one
        return self

    def renew(self) -> None:
        """End the process, and start another with nothing in memory."""
        self._process.close()
        self._process = ExitStack()
        roles = self._process.enter_context(self._here.roles(INTAKE, settings=self._here.settings))
        self._spent = Spent(roles, self._database)

    def meet(self, buyers: Sequence[int]) -> float:
        """Microseconds of processor time for the purchase of each."""
        before = self._spent.seconds()
        self._here.publish(list(self._town.sell(buyers)))
        self._published += len(buyers)
        wait_for(counter(self._database, TAKEN_IN), self._published)
        return (self._spent.seconds() - before) / len(buyers) * 1e6

    def prove(self, filled: int) -> None:
        proof.counted(self._database, purchases=filled + self._published)


def _loaded(here: Ground, members: Sequence[int], at_once: int) -> float:
    """Accounts a second, by a ledger that has just been opened."""
    ids = [account_id(member_of(number)) for number in members]
    with open_ledger(here.settings) as loyalty:
        now, started = datetime.now(UTC), time.perf_counter()
        for start in range(0, len(ids), at_once):
            found = loyalty.present(PointsAccount, ids[start : start + at_once], at=now)
            assert all(account.exists for account in found)
        return len(ids) / (time.perf_counter() - started)
