"""How far every stage has come: intake, relay and each projection, with what waits before them."""

from contextlib import closing
from datetime import datetime

from kafka import TopicPartition
from psycopg import Connection
from pydantic import BaseModel, Field

from infra import kafka
from infra.append_only import By, enforced
from infra.database import connect
from infra.evidence.tree import Tree
from infra.settings import Settings
from infra.topics import PURCHASES
from projections.proofs.reconciler import ReconcilerStatus, reconciled
from projections.schema import KINDS
from projections.shapes import same_tables


class IntakeStatus(BaseModel):
    """What tills have published, and what of it is taken in."""

    taken_in: int = Field(description="Messages taken in, over all partitions")
    published: int = Field(description="Messages on the topic, counted alike")
    lag: int = Field(description="Messages that wait")


class RelayStatus(BaseModel):
    """How far the log is told to Kafka."""

    position: int = Field(description="The position up to which it is told.")
    lag: int = Field(description="Facts that wait")
    letters_lag: int = Field(description="Dead letters that wait to be published")


class ProjectionStatus(BaseModel):
    """How far a projection has folded the facts, by its slowest partition."""

    name: str = Field(description="The projection's name.")
    generation: int = Field(description="The number of the generation that is asked; a rebuild fills the next one.")
    position: int = Field(description="All facts up to here are folded")
    lag: int = Field(description="Positions between this and the last fact")
    gaps: int = Field(description="Partitions that wait for the relay to repeat a record")
    parked_members: int = Field(description="Members whose facts could not be folded")
    kept: list[int] = Field(
        description="The generations beside the live one: those before it, and one that is being filled"
    )
    outdated: bool = Field(
        description="Whether its tables are others than this version's: it is not moved until it is rebuilt"
    )


class CheckpointStatus(BaseModel):
    """How far the log is vouched for by a signed checkpoint."""

    size: int = Field(description="Facts that the last one vouches for; 0 if there is none")
    at: datetime | None = Field(description="When it was signed")


class ClockStatus(BaseModel):
    """What the clock has recorded of what time brought about. Nothing waits for it."""

    looked_at: datetime | None = Field(description="When it last had looked at all that was due; null if never")
    due: int = Field(
        description="Accounts and waiting returns that are to be looked at, as far as it has followed the log"
    )
    due_since: datetime | None = Field(description="The earliest instant among them at which something came about")
    lag: int = Field(description="Facts that it has not followed yet")
    recorded_at: datetime | None = Field(description="When it last recorded something")
    recorded: dict[str, int] = Field(description="What that was: how many facts of each name")


class Status(BaseModel):
    """The whole pipeline at one look."""

    position: int = Field(description="The last position of the log")
    append_only: By = Field(
        description="What holds the application to inserting facts and reading them: its rights and triggers, or, where"
        " it owns the tables, triggers only"
    )
    append_only_lacks: list[str] = Field(description="What of that is not as it was made, in words; best nothing")
    checkpoint: CheckpointStatus = Field(description="How far the log is vouched for.")
    intake: IntakeStatus = Field(description="What is taken in of what tills published.")
    relay: RelayStatus = Field(description="The relay of the log to Kafka.")
    projections: list[ProjectionStatus] = Field(description="How far each projection is.")
    clock: ClockStatus = Field(description="What the clock has recorded.")
    reconciler: ReconcilerStatus = Field(description="What the last comparison of the read models with the log found.")
    open_letters: int = Field(description="Dead letters that were not driven again")
    caught_up: bool = Field(description="Whether all that was published has reached every read model")


_PROJECTIONS = """
SELECT projection, generation, min(last_position), count(gap_until),
    (SELECT count(DISTINCT key) FROM parked_facts AS parked
     WHERE (parked.projection, parked.generation) = (offsets.projection, offsets.generation)),
    ARRAY(SELECT kept.generation FROM projection_generations AS kept
     WHERE kept.projection = offsets.projection AND kept.generation <> offsets.generation ORDER BY 1),
    obj_description(to_regnamespace(schema_name)::oid, 'pg_namespace')
FROM projection_offsets AS offsets JOIN projections_live USING (projection, generation)
GROUP BY projection, generation, schema_name ORDER BY projection
"""
_STAGES = """
SELECT
    (SELECT coalesce(max(position), 0) FROM facts),
    (SELECT coalesce(sum(next_offset), 0)::bigint FROM intake_offsets),
    (SELECT position FROM relay_state WHERE name = 'facts'),
    (SELECT count(*) FROM dead_letters WHERE letter_id > (SELECT position FROM relay_state WHERE name = 'letters')),
    (SELECT count(*) FROM dead_letters WHERE redriven_at IS NULL)
"""


_CLOCK = """
SELECT looked_at,
    (SELECT count(*) FROM agenda WHERE due_at <= now()),
    (SELECT min(due_at) FROM agenda WHERE due_at <= now() AND isfinite(due_at)),
    position, recorded_at, recorded
FROM clock_state
"""


def status(settings: Settings) -> Status:
    """Look at every stage, the last one first, so that none seems to be ahead of its source."""
    with connect(settings.read_url) as read_models:
        folded = read_models.execute(_PROJECTIONS).fetchall()
        reconciler = reconciled(read_models)
    with connect(settings.database_url) as log:
        position, taken_in, told, letters_waiting, open_letters = _stages(log)
        clock = _clock(log, position)
        guard, last = enforced(log), Tree(log).last()
    published = _published(settings)
    projections = [_projection(*one, last=position) for one in folded]
    intake = IntakeStatus(taken_in=taken_in, published=published, lag=max(0, published - taken_in))
    relay = RelayStatus(position=told, lag=max(0, position - told), letters_lag=letters_waiting)
    return Status(
        position=position,
        append_only=guard.by,
        append_only_lacks=guard.lacking,
        checkpoint=CheckpointStatus(size=last.size if last else 0, at=last.at if last else None),
        intake=intake,
        relay=relay,
        projections=projections,
        clock=clock,
        reconciler=reconciler,
        open_letters=open_letters,
        caught_up=not (intake.lag or relay.lag or any(one.lag for one in projections) or not projections),
    )


def _projection(
    name: str, generation: int, at: int, gaps: int, parked: int, kept: list[int], shape: str | None, *, last: int
) -> ProjectionStatus:
    return ProjectionStatus(
        name=name, generation=generation, position=at, lag=max(0, last - at), gaps=gaps, parked_members=parked,
        kept=kept, outdated=not same_tables(shape, KINDS[name]),
    )  # fmt: skip


def _clock(log: Connection, last: int) -> ClockStatus:
    """One that never ran has not even made its tables."""
    made = log.execute("SELECT to_regclass('clock_state') IS NOT NULL").fetchone()
    row = log.execute(_CLOCK).fetchone() if made and made[0] else None
    looked_at, due, due_since, position, recorded_at, recorded = row or (None, 0, None, 0, None, {})
    return ClockStatus(
        looked_at=looked_at, due=due, due_since=due_since, lag=max(0, last - position), recorded_at=recorded_at,
        recorded=recorded,
    )  # fmt: skip


def _stages(log: Connection) -> tuple[int, ...]:
    row = log.execute(_STAGES).fetchone()
    assert row is not None, "an aggregate always has a row"
    return row


def _published(settings: Settings) -> int:
    places = [TopicPartition(PURCHASES, number) for number in range(settings.partitions)]
    with closing(kafka.consumer(settings)) as reader:
        return sum(reader.end_offsets(places).values())
