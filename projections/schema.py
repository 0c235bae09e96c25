"""The tables of the read side: which generation is live, how far each has come, and the projections there are."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from infra.database import making_tables
from projections import shapes
from projections.balances import Balances
from projections.campaigns import Campaigns
from projections.coupons import Coupons
from projections.members import Members
from projections.projection import Projection
from projections.referrals import Referrals
from projections.rewards import Rewards
from projections.segments import Segments
from projections.tiers import Tiers

PROJECTIONS: tuple[type[Projection], ...] = (Members, Balances, Tiers, Campaigns, Segments, Referrals, Rewards, Coupons)
KINDS = {kind.name: kind for kind in PROJECTIONS}

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS projections_live (
        projection text PRIMARY KEY,
        generation int NOT NULL,
        schema_name text NOT NULL
    )
    """,
    # filling: a rebuild moves it. offered: it hands it over. fed: projectors move it. `live_since` is kept with the former ones.
    """
    CREATE TABLE IF NOT EXISTS projection_generations (
        projection text,
        generation int,
        schema_name text NOT NULL,
        state text NOT NULL,
        live_since timestamptz,
        PRIMARY KEY (projection, generation)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS projection_offsets (
        projection text,
        generation int,
        partition int,
        topic_id uuid NOT NULL,
        epoch text,
        next_offset bigint NOT NULL,
        last_position bigint NOT NULL,
        gap_until bigint,
        PRIMARY KEY (projection, generation, partition)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS parked_facts (
        projection text,
        generation int,
        position bigint,
        key bytea NOT NULL,
        name text NOT NULL,
        value bytea NOT NULL,
        error text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (projection, generation, position)
    )
    """,
)


class UnknownProjection(LookupError):
    """There is no projection of this name."""


def ensure(connection: Connection[Any]) -> None:
    """Make every table that is missing; one process at a time, and each time with the same result."""
    with making_tables(connection):
        for statement in TABLES:
            connection.execute(statement)
        for kind in PROJECTIONS:
            connection.execute(
                "INSERT INTO projections_live VALUES (%s, 1, %s) ON CONFLICT DO NOTHING", (kind.name, f"{kind.name}_1")
            )
        connection.execute(
            "INSERT INTO projection_generations SELECT projection, generation, schema_name, 'fed', now()"
            " FROM projections_live ON CONFLICT DO NOTHING"
        )
        for projection in live(connection):
            shapes.make(connection, projection)


def live(connection: Connection[Any], names: Sequence[str] | None = None) -> list[Projection]:
    """The live generation of each projection, or of those that are named."""
    unknown = sorted(set(names or ()) - KINDS.keys())
    if unknown:
        raise UnknownProjection(f"{', '.join(unknown)}: there are {', '.join(KINDS)}")
    rows = connection.execute("SELECT projection, generation, schema_name FROM projections_live ORDER BY projection")
    return [
        KINDS[name](generation=generation, schema=schema)
        for name, generation, schema in rows
        if name in (names or KINDS)
    ]
