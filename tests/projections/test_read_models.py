"""How batches move the read models: positions, repeats, fences, and facts that cannot be digested."""

from uuid import UUID

import pytest

from projections import offsets, parking
from projections.offsets import Fenced, TopicRecreated
from projections.parking import TooManyParked
from projections.read_models import ReadModels
from projections.schema import UnknownProjection, live
from tests.builders import ANN, BOB
from tests.read_spec import JANUARY, PARTITIONS, TOPIC_ID, Message, Polled, ReadSide, earns, joins


def spoiled(polled: Polled, member: UUID, value: bytes = b'{"points":') -> Polled:
    """The same records, but the member's cannot be read."""
    key = str(member).encode()
    return {
        partition: [Message(m.offset, m.key, value if m.key == key else m.value, m.headers) for m in messages]
        for partition, messages in polled.items()
    }


def test_a_batch_that_is_told_again_changes_nothing(read_side: ReadSide) -> None:
    told = read_side.teller.tell(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY), *joins(BOB, card="2"))
    read_side.models.take_in(told)
    before = read_side.all_rows()
    read_side.models.take_in(told)
    read_side.models.take_in(read_side.teller.again(told))
    assert read_side.all_rows() == before


def test_a_gap_is_shown_until_the_relay_tells_everything_again(read_side: ReadSide) -> None:
    teller = read_side.teller
    lost, after = teller.tell(*joins(ANN, card="1")), teller.tell(earns(ANN, 5, at=JANUARY))
    read_side.models.take_in(after)
    (partition,) = after
    assert read_side.cursors("balances")[partition] == (partition, 4, 0, 4)
    assert read_side.rows("balances", "lots") == []
    read_side.models.take_in(teller.again(lost))
    read_side.models.take_in(teller.again(after))
    assert read_side.cursors("balances")[partition] == (partition, 8, 4, None)
    assert read_side.rows("balances", "lots", "points") == [(5,)]


def test_watermarks_move_quiet_partitions(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY))
    read_side.models.take_in(read_side.teller.watermark())
    assert [last for _, _, last, _ in read_side.cursors("tiers")] == [4] * PARTITIONS


def test_projections_that_stand_elsewhere_come_together_again(read_side: ReadSide) -> None:
    first = read_side.teller.tell(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY))
    alone = ReadModels(read_side.connection, live(read_side.connection, ["balances"]))
    alone.assign(range(PARTITIONS))
    alone.take_in(first)
    starts = read_side.models.assign(range(PARTITIONS))
    assert set(starts.values()) == {0}, "the one that is behind decides where to read from"
    read_side.models.take_in(first)
    assert read_side.rows("balances", "lots", "points") == read_side.rows("tiers", "credits", "points") == [(5,)]


def test_a_zombie_is_fenced_and_nothing_of_its_batch_stays(read_side: ReadSide) -> None:
    zombie = ReadModels(read_side.connection, read_side.projections)
    zombie.assign(range(PARTITIONS))
    told = read_side.teller.tell(*joins(ANN, card="1"))
    read_side.models.take_in(told)
    before = read_side.all_rows()
    with pytest.raises(Fenced):
        zombie.take_in(told)
    assert read_side.all_rows() == before
    zombie.assign(range(PARTITIONS))
    zombie.take_in(read_side.teller.tell(earns(ANN, 5, at=JANUARY)))
    assert read_side.rows("balances", "lots", "points") == [(5,)]


def test_a_revoked_partition_is_left_alone(read_side: ReadSide) -> None:
    read_side.models.revoke(range(PARTITIONS))
    read_side.given(*joins(ANN, card="1"))
    assert read_side.rows("members", "members") == []


def test_a_topic_that_was_made_anew_is_refused(read_side: ReadSide) -> None:
    with pytest.raises(TopicRecreated):
        offsets.begin(read_side.connection, read_side.projections, topic_id=UUID(int=8), partitions=PARTITIONS)
    offsets.begin(read_side.connection, read_side.projections, topic_id=TOPIC_ID, partitions=PARTITIONS)


def test_an_unknown_projection_is_refused_by_name(read_side: ReadSide) -> None:
    with pytest.raises(UnknownProjection, match="ledger"):
        live(read_side.connection, ["balances", "ledger"])


MEMBERS = [UUID(int=number) for number in range(1, 41)]


@pytest.mark.parametrize(
    "value", [b'{"points":', b"[]", b"null", b"{}", b'{"member_id":"x","registered_at":"y","originator_id":"z"}']
)
def test_a_fact_that_cannot_be_digested_parks_its_member_alone(read_side: ReadSide, value: bytes) -> None:
    people = [one for number, member in enumerate(MEMBERS) for one in joins(member, card=str(number))]
    read_side.models.take_in(spoiled(read_side.teller.tell(*people), MEMBERS[17], value))
    kept = [(member,) for member in MEMBERS if member != MEMBERS[17]]
    assert read_side.rows("members", "members", "member_id") == sorted(kept, key=repr)
    assert read_side.rows("balances", "accounts", "member_id") == sorted(kept, key=repr)
    key = str(MEMBERS[17]).encode()
    parked = parking.parked_keys(read_side.connection, read_side.projections)
    names = {one.stored_name for one in joins(MEMBERS[17], card="18")}
    told = {one.name for one in read_side.projections if one.handlers.keys() & names}
    assert {"balances", "campaigns", "members", "segments", "tiers"} <= told
    assert {place: keys for place, keys in parked.items() if keys} == {f"{name}_1": {key} for name in told}


def test_later_facts_of_a_parked_member_are_kept_aside_too(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"), *joins(BOB, card="2"))
    read_side.models.take_in(spoiled(read_side.teller.tell(earns(ANN, 5, at=JANUARY)), ANN))
    for models in (read_side.models, ReadModels(read_side.connection, read_side.projections)):
        models.assign(range(PARTITIONS))
        models.take_in(read_side.teller.tell(earns(ANN, 6, at=JANUARY), earns(BOB, 7, at=JANUARY)))
    assert read_side.rows("balances", "lots", "points") == [(7,), (7,)]
    aside = read_side.connection.execute(
        "SELECT position, error FROM parked_facts WHERE projection = 'balances' ORDER BY position"
    ).fetchall()
    assert aside == [(7, "ValidationError"), (8, "parked before"), (10, "parked before")]


def test_many_parked_members_stop_the_projector_and_nothing_is_written(read_side: ReadSide) -> None:
    people = read_side.teller.tell(*(one for n, member in enumerate(MEMBERS) for one in joins(member, card=str(n))))
    for member in MEMBERS[: parking.MOST_PARKED + 1]:
        people = spoiled(people, member)
    with pytest.raises(TooManyParked):
        read_side.models.take_in(people)
    assert read_side.rows("members", "members") == []
    assert parking.parked_keys(read_side.connection, read_side.projections)["members_1"] == set()
