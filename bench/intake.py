"""Intake alone: from the topic to committed facts."""

from collections.abc import Sequence

from bench import by_hand, emmett, plain_application, proof
from bench.by_hand import Prepared
from bench.figure import Figure, in_turns
from bench.ground import INTAKE, Ground, ground
from bench.pace import pace, wait_for
from bench.watch import RECORDED, TAKEN_IN, counter
from cli.demo.complete_journey import Basket
from infra.database import connect
from infra.embedded.services import EmbeddedServices


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """One and two real processes, beside a plain application and the same rows inserted by hand."""
    with ground(baskets, servers=servers) as here:
        total, prepared = len(baskets), _recorded_once(here, len(baskets))

        def intake(processes: int) -> float:
            with here.database() as settings, connect(settings.database_url) as database:
                done = counter(database, TAKEN_IN)
                with here.roles(*[INTAKE] * processes, settings=settings):
                    found = pace(done, total=total, within=(0.3, 1))
                proof.counted(database, purchases=total)
                return found

        def plain() -> float:
            with here.database(prepared=False) as settings:
                return plain_application.one_save_each(settings, here.keys, baskets[: max(100, total // 10)])

        def unnest() -> float:
            with here.database(prepared=False) as settings:
                return total / by_hand.by_unnest(settings, prepared)

        def copy() -> float:
            with here.database(prepared=False) as settings:
                return total / by_hand.by_copy(settings, prepared)

        def in_emmett(mode: str, part: int) -> float:
            with here.database(prepared=False) as settings:
                return emmett.pace(settings, baskets[: max(100, total // part)], mode=mode)

        one, two = "intake, one process", "intake, two processes"
        sides = {one: lambda: intake(1), two: lambda: intake(2), "plain": plain, "unnest": unnest, "copy": copy}
        if emmett.ready():
            sides |= {emmett.ONE_EACH: lambda: in_emmett(emmett.ONE_EACH, 20)}
            sides |= {emmett.AT_ONCE: lambda: in_emmett(emmett.AT_ONCE, 2)}
        found = in_turns(sides, repeats=repeats)
    application = "a plain eventsourcing application, one save a purchase"
    by_unnest = "the same rows by hand, unnest, a thousand purchases a batch"
    by_copy = "the same rows by hand, binary COPY"
    compared = [
        (one, application, "plain", "≥ 15, aim 20"),
        (one, by_unnest, "unnest", "≥ 0.28, aim 0.38"),
        (two, by_unnest, "unnest", "≥ 0.45, aim 0.6"),
        (one, by_copy, "copy", ""),
        (one, "Emmett with PostgreSQL, two appends a purchase", emmett.ONE_EACH, ""),
        (one, "Emmett with PostgreSQL, a thousand purchases an append, nothing decided", emmett.AT_ONCE, ""),
    ]
    return [
        Figure(
            name=name,
            unit="purchases/s",
            values=found[name],
            reference=reference,
            reference_values=found[side],
            goal=goal,
        )
        for name, reference, side, goal in compared
        if side in found
    ]


def _recorded_once(here: Ground, total: int) -> Prepared:
    """What there is to insert by hand."""
    with here.database() as settings, connect(settings.database_url) as database:
        before = counter(database, RECORDED)()
        with here.roles(INTAKE, settings=settings):
            wait_for(counter(database, TAKEN_IN), total)
        return by_hand.prepare(database, after=before)
