"""Evidence against changes: what checkpoints cost, and how fast a log is held against them."""

import time
from collections.abc import Sequence
from itertools import cycle, islice

from psycopg import Connection

from bench.figure import Figure, in_turns
from bench.ground import ground
from bench.town import Town
from cli.demo.complete_journey import Basket
from infra.append_only import GUARDED
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.evidence.notary import Notary
from infra.evidence.notes import opened_in_order
from infra.evidence.sources import Live
from infra.evidence.tree import Tree
from infra.evidence.verifying import verify
from infra.keys import load_signer
from infra.settings import Settings

FACTS = 96_000
MEMBERS, PURCHASES = 500, 3_000
PAGE = 20_000

_COPIES = """
INSERT INTO facts SELECT position + facts * n, gen_random_uuid(), originator_version, name, state, subject, recorded_at
FROM facts, (SELECT count(*) AS facts FROM facts) AS counted, generate_series(1, %s / facts) AS n
"""


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:
    """Copies of the facts of a town; beside it, the same facts merely read, by a cursor that counts them."""
    with ground(members=False, servers=servers) as here, connect(here.settings.owner_database_url) as database:
        Town(here.settings, here.keys, baskets).fill(
            members=range(MEMBERS), buyers=islice(cycle(range(MEMBERS)), PURCHASES)
        )  # fmt: skip
        database.execute(_COPIES, (FACTS,))
        facts = Live(database).facts
        signer = load_signer(here.settings)

        def signed() -> float:
            _forget(database, here.settings)
            started = time.process_time()
            Notary(here.settings, signer).sign_now(database)
            return (time.process_time() - started) / facts * 1e6

        def read_by_us() -> float:
            started = time.process_time()
            _read(database)
            return (time.process_time() - started) / facts * 1e6

        def verified() -> float:
            started = time.perf_counter()
            tree = Tree(database)
            checkpoints = opened_in_order((one.note for one in tree.kept()), signer.public)
            found = verify(Live(database), checkpoints, [tree.leaves], key_id=signer.public.id)
            assert found.holds, found.first_change
            assert found.size == facts
            return facts / (time.perf_counter() - started)

        def merely_read() -> float:
            started = time.perf_counter()
            _read(database)
            return facts / (time.perf_counter() - started)

        sides = {"signed": signed, "read (CPU)": read_by_us, "verified": verified, "read": merely_read}
        found = in_turns(sides, repeats=repeats)
    reference = "the same facts merely read, by pages"
    return [
        Figure(
            name="checkpoints signed, our own CPU a fact", unit="µs", values=found["signed"],
            reference=reference, reference_values=found["read (CPU)"], goal="≤ 2 µs",
        ),
        Figure(
            name="log verified against its checkpoints", unit="facts/s", values=found["verified"],
            reference=reference, reference_values=found["read"], goal="≥ 80,000/s: a year in 4 s",
        ),
    ]  # fmt: skip


def _forget(database: Connection, settings: Settings) -> None:
    """As only an owner can, and only once the guard is taken away."""
    for table in GUARDED[1:]:
        database.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only".encode())
        database.execute(f"TRUNCATE {table}".encode())
    settings.checkpoints_path.unlink(missing_ok=True)


def _read(database: Connection) -> None:
    position = 0
    while page := database.execute(
        f"SELECT position, originator_id, originator_version, name, state, subject, recorded_at FROM facts WHERE position > %s ORDER BY position LIMIT {PAGE}".encode(),
        (position,),
        binary=True,
    ).fetchall():
        position = page[-1][0]
