"""What was written while measuring is right: nothing lost, doubled or invented."""

from datetime import UTC, datetime

from psycopg import Connection

from bench.ground import PROJECTOR, RELAY, Ground
from infra.settings import Settings
from projections.proofs.conservation import prove


class NotConserved(AssertionError):
    """The figures are worth nothing: what they counted is not what is there."""


def of_door(here: Ground, settings: Settings, *, purchases: int) -> None:
    """The same for what came over HTTP, once it is told and folded."""
    with here.pipeline(RELAY, PROJECTOR, settings=settings) as pipeline:
        conservation(pipeline.database, settings, purchases=purchases)


def conservation(database: Connection, settings: Settings, *, purchases: int) -> None:
    """Every purchase recorded once and credited once, and every point where the facts put it, in log and read model."""
    counted(database, purchases=purchases)
    proof = prove(settings, as_of=datetime.now(UTC))
    if not proof.holds:
        raise NotConserved(f"log and read model: {proof.first_difference}")
    print(
        f"  proved: {purchases:,} purchases, each recorded and credited once; {proof.lots:,} lots, the same in log and"
        " read model",
        flush=True,
    )


def counted(database: Connection, *, purchases: int) -> None:
    """Every purchase recorded once and credited once, and no letter written."""
    counts = database.execute(
        "SELECT count(*) FILTER (WHERE name = 'PurchaseRecorded.v1'), count(*) FILTER (WHERE name = 'PointsEarned.v1'),"
        " (SELECT count(*) FROM dead_letters) FROM facts"
    ).fetchone()
    if counts != (purchases, purchases, 0):
        raise NotConserved(f"{purchases} purchases were published; recorded, credited, letters: {counts}")
