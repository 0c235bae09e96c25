"""Growth: what a purchase costs, and what the roles hold in memory, where much is stored already."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from typing import NamedTuple

from bench import copies, proof
from bench.figure import Figure, in_turns
from bench.ground import CLOCK, PROJECTOR, RELAY, Ground, ground
from bench.pace import wait_for
from bench.spent import Spent, process_of
from bench.town import OF_A_JOIN, OF_A_PURCHASE, Town
from bench.watch import NOTED, RECORDED, RESTING, SIGNED, counter
from cli.demo.complete_journey import Basket
from cli.roles import ROLES
from infra.database import connect
from infra.embedded.ports import free_ports

ACTIVE = 1_000
"""Members who buy while it is measured, the same at every size: what else there is, is only stored."""
TURNS = 3
"""For each that other measurements take: many short ones, between which the machine has no time to change its pace."""
BLOCK = 3_000
"""Members whose history is copied, where there are to be many more."""


class Size(NamedTuple):
    """What is stored before it is measured."""

    facts: int
    members: int

    def __str__(self) -> str:
        return f"{self.facts:,} facts of {self.members:,} members"

    @property
    def purchases(self) -> int:
        return (self.facts - OF_A_JOIN * self.members) // OF_A_PURCHASE

    @classmethod
    def read(cls, text: str) -> "Size":
        """FACTS:MEMBERS."""
        size = cls(*map(int, text.split(":")))
        if size.purchases < size.members // 2 or size.members < ACTIVE:
            raise ValueError(text)
        return size


SIZES = (Size(20_000, 1_000), Size(80_000, 10_000), Size(250_000, 60_000))


class Grown:
    """A ledger of one size with all of its roles at work."""

    def __init__(
        self, here: Ground, size: Size, *, of_the_active: int, baskets: Sequence[Basket], stack: ExitStack
    ) -> None:
        self._here = here
        self._town = Town(here.settings, here.keys, baskets)
        self._stored = self._fill(size, of_the_active)
        self._published = 0
        command_port, query_port = free_ports(2)
        settings = here.settings.model_copy(update={"command_port": command_port, "query_port": query_port})
        self._pipeline = stack.enter_context(here.pipeline(*ROLES, settings=settings, patience=1_200))
        self._spent = Spent(self._pipeline.roles, self._pipeline.database)
        self._rest(settings.checkpoint_facts)
        self.cost()

    def _rest(self, a_checkpoint: int) -> None:
        """Until nothing is behind: all that was stored is signed, and what was due is looked at."""
        database = self._pipeline.database
        recorded = counter(database, RECORDED)()
        wait_for(counter(database, SIGNED), recorded - recorded % a_checkpoint, pause=1, patience=1_200)
        wait_for(counter(database, RESTING), 1, pause=1, patience=1_200)

    def _fill(self, size: Size, of_the_active: int) -> int:
        """Purchases stored. The active have bought as often at every size; the rest is for others, who come in blocks:
        the first by the ledger itself, all further ones as copies of it.
        """
        of_the_active = min(of_the_active, size.purchases)
        others, bought = size.members - ACTIVE, size.purchases - of_the_active
        blocks = max(1, others // BLOCK)
        before = ACTIVE + others % blocks
        block = range(before, before + others // blocks)
        self._town.fill(members=range(before), buyers=islice(cycle(range(ACTIVE)), of_the_active))
        with connect(self._here.settings.database_url) as database:
            after, noted, resting = counter(database, RECORDED)(), counter(database, NOTED), counter(database, RESTING)
            self._town.fill(members=block, buyers=islice(cycle(block or range(ACTIVE)), bought // blocks))
            if blocks > 1:
                with self._here.pipeline(RELAY, PROJECTOR, CLOCK):
                    wait_for(noted, counter(database, RECORDED)())
                    wait_for(resting, 1, pause=1)  # else what is due is copied, and the copies are looked at later
                copies.copy(self._here.settings, after=after, times=blocks - 1)
        copies.settle(self._here.settings)
        return of_the_active + bought // blocks * blocks

    def cost(self) -> float:
        """Microseconds of processor time for a purchase, from the topic to the read models: all roles, and PostgreSQL."""
        before = self._spent.seconds()
        bought = list(self._town.sell(range(ACTIVE)))
        self._here.publish(bought)
        self._published += len(bought)
        self._pipeline.wait_for(self._published)
        return (self._spent.seconds() - before) / len(bought) * 1e6

    def memory(self) -> dict[str, float]:
        """Mebibytes that each role holds."""
        return {one.name: process_of(one).memory_info().rss / (1 << 20) for one in self._pipeline.roles}

    def prove(self) -> None:
        proof.conservation(self._pipeline.database, self._here.settings, purchases=self._stored + self._published)


def measure(baskets: Sequence[Basket], *, repeats: int, sizes: Sequence[Size] = SIZES) -> list[Figure]:
    """Ledgers of all sizes stand beside each other; the same members buy in each of them in turns."""
    with ExitStack() as stack:
        grown = {}
        for size in sizes:
            here = stack.enter_context(ground(members=False))
            grown[str(size)] = Grown(here, size, of_the_active=sizes[0].purchases, baskets=baskets, stack=stack)
            print(f"  stored: {size}", flush=True)
        costs = in_turns({name: one.cost for name, one in grown.items()}, repeats=TURNS * repeats)
        memory = {name: one.memory() for name, one in grown.items()}
        for one in grown.values():
            one.prove()
    smallest = str(sizes[0])
    figures = []
    for stored in map(str, sizes[1:]):
        figures.append(
            Figure(
                name=f"a purchase, topic to read models, {stored} stored",
                unit="µs of CPU",
                values=costs[stored],
                reference=f"{smallest} stored",
                reference_values=costs[smallest],
                goal="≤ 1.2",
            )
        )
        figures += [
            Figure(
                name=f"memory of {role}, {stored} stored",
                unit="MiB",
                values=[held],
                reference=f"{smallest} stored",
                reference_values=[memory[smallest][role]],
            )
            for role, held in memory[stored].items()
        ]
    return figures
