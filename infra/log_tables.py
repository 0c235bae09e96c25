"""The tables of the log, and those beside it that are written in its transactions; and how far the log goes."""

from psycopg import Connection

from infra.database import UNCOMPRESSED

LOG = (
    """
    CREATE TABLE IF NOT EXISTS facts (
        position bigint PRIMARY KEY,
        originator_id uuid NOT NULL,
        originator_version bigint NOT NULL,
        name text NOT NULL,
        state bytea NOT NULL,
        subject uuid NOT NULL,
        recorded_at timestamptz NOT NULL,
        UNIQUE (originator_id, originator_version)
    )
    """,
    # Facts are read whole and small: compressing them costs more than it saves.
    UNCOMPRESSED.format(table="facts"),
    # Returns that wait for their purchase are few, and must be found in a log of any length.
    "CREATE INDEX IF NOT EXISTS facts_kept_returns ON facts (position) WHERE name = 'ReturnKept.v1'",
    # What is asked of one member's facts reads those alone.
    "CREATE INDEX IF NOT EXISTS facts_subject ON facts (subject, position)",
    # What was known at an instant is found without an index, which every writer would have to keep.
    "DO $$ BEGIN IF to_regclass('facts_recorded') IS NOT NULL THEN DROP INDEX facts_recorded; END IF; END $$",
    # The hashes of the positions from `first` on, one after the other; with the last ones of a block the root over it.
    """
    CREATE TABLE IF NOT EXISTS fact_hashes (
        first bigint PRIMARY KEY,
        hashes bytea NOT NULL,
        root bytea
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS checkpoints (
        size bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        note text NOT NULL
    )
    """,
)
"""The log itself and what vouches for it, which are only inserted into: see `infra.append_only`."""

BESIDE = (
    """
    CREATE TABLE IF NOT EXISTS intake_offsets (
        topic text NOT NULL,
        topic_id uuid NOT NULL,
        partition int NOT NULL,
        next_offset bigint NOT NULL,
        PRIMARY KEY (topic, partition)
    )
    """,
    # A cache, to be deleted at any time: no proof and no answer rests on it.
    """
    CREATE TABLE IF NOT EXISTS account_snapshots (
        stream_id uuid PRIMARY KEY,
        name text NOT NULL,
        version bigint NOT NULL,
        state bytea NOT NULL
    )
    """,
    UNCOMPRESSED.format(table="account_snapshots"),
)

TABLES = (*LOG, *BESIDE)


def last_position(log: Connection) -> int:
    """The position of the last fact; 0 where there is none."""
    row = log.execute("SELECT coalesce(max(position), 0) FROM facts").fetchone()
    assert row is not None, "an aggregate always has a row"
    return int(row[0])
