"""The whole pipeline at one look."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from infra import event_store, kafka, keys, letters, relay
from infra.database import connect, make_tables
from infra.settings import Settings
from projections import status as looking
from projections.schema import PROJECTIONS
from projections.status import status
from tests.builders import ANN
from tests.read_spec import JANUARY, PARTITIONS, ReadSide, earns, joins


@pytest.fixture
def pipeline(settings: Settings, unique: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, ReadSide]]:
    """An inbound topic with five messages, an empty log, and read models."""
    monkeypatch.setattr(looking, "PURCHASES", unique)
    with closing(kafka.admin(settings)) as admin:
        admin.create_topics({unique: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    with closing(kafka.producer(settings)) as producer:
        for number in range(5):
            producer.send(unique, value=b"{}", partition=number % PARTITIONS).get(30)
    with connect(settings.database_url) as connection:
        make_tables(connection, (*event_store.TABLES, *keys.TABLES, *letters.TABLES, *relay.TABLES))
        relay.begin(connection, partitions=PARTITIONS, epoch="e1")
    with closing(ReadSide(settings.database_url or "")) as read_side:
        yield settings.model_copy(update={"partitions": PARTITIONS}), read_side


def taken_in(read_side: ReadSide, *, messages: int, facts: int, told: int) -> None:
    """What intake and relay would have written."""
    read_side.connection.execute("DELETE FROM intake_offsets")
    read_side.connection.execute("INSERT INTO intake_offsets VALUES ('t', gen_random_uuid(), 0, %s)", (messages,))
    for position in range(1, facts + 1):
        read_side.connection.execute(
            "INSERT INTO facts VALUES (%s, gen_random_uuid(), 1, 'X.v1', '{}', gen_random_uuid(), now())"
            " ON CONFLICT DO NOTHING",
            (position,),
        )
    read_side.connection.execute("UPDATE relay_state SET position = %s WHERE name = 'facts'", (told,))


def test_every_stage_tells_its_position_and_lag(pipeline: tuple[Settings, ReadSide]) -> None:
    settings, read_side = pipeline
    taken_in(read_side, messages=3, facts=4, told=2)
    found = status(settings)
    assert (found.position, found.intake.lag, found.relay.lag, found.caught_up) == (4, 2, 2, False)
    names = sorted(kind.name for kind in PROJECTIONS)
    assert [(one.name, one.position, one.lag) for one in found.projections] == [(name, 0, 4) for name in names]


def test_it_is_caught_up_when_every_partition_of_every_projection_is(pipeline: tuple[Settings, ReadSide]) -> None:
    settings, read_side = pipeline
    taken_in(read_side, messages=5, facts=4, told=4)
    read_side.given(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY))
    assert not status(settings).caught_up
    read_side.models.take_in(read_side.teller.watermark())
    assert status(settings).caught_up


def test_gaps_and_parked_members_are_counted(pipeline: tuple[Settings, ReadSide]) -> None:
    settings, read_side = pipeline
    read_side.teller.tell(*joins(ANN, card="1"))
    read_side.given(earns(ANN, 5, at=JANUARY))
    read_side.connection.execute(
        "INSERT INTO parked_facts SELECT 'tiers', 1, number, 'ann', 'X.v1', '', 'x' FROM generate_series(1, 3) AS number"
    )
    found = {one.name: one for one in status(settings).projections}
    assert (found["balances"].gaps, found["balances"].parked_members) == (1, 0)
    assert (found["tiers"].gaps, found["tiers"].parked_members) == (1, 1)


def test_generations_beside_the_live_one_and_tables_of_another_version_are_told(
    pipeline: tuple[Settings, ReadSide],
) -> None:
    settings, read_side = pipeline
    read_side.connection.execute("INSERT INTO projection_generations VALUES ('tiers', 2, 'tiers_2', 'filling')")
    read_side.connection.execute("COMMENT ON SCHEMA balances_1 IS 'unknown'")
    found = {one.name: one for one in status(settings).projections}
    assert (found["tiers"].generation, found["tiers"].kept, found["tiers"].outdated) == (1, [2], False)
    assert (found["balances"].kept, found["balances"].outdated) == ([], True)
