"""The projector on a real topic: started, stopped, started again, shared by two, left behind."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

import pytest
from kafka import KafkaConsumer, TopicPartition

from consumers import projector
from infra.groups import TopicUnknown
from infra.topics import FACTS
from projections import offsets
from projections.chain import AnotherEpoch
from projections.read_models import ReadModels
from tests.builders import ANN, BOB
from tests.consumers.facts_topic import Topic, until
from tests.read_spec import JANUARY, PARTITIONS, Polled, ReadSide, Teller, earns, joins

LEAST = "SELECT min(last_position) FROM projection_offsets"
LOTS = "SELECT points FROM balances_1.lots ORDER BY points"


def test_facts_are_folded_and_a_fresh_start_goes_on_where_the_last_one_ended(topic: Topic) -> None:
    topic.publish(topic.teller.tell(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY)))
    topic.publish(topic.teller.watermark())
    with topic.projecting():
        until(lambda: topic.rows(LEAST) == [(4,)])
    topic.publish(topic.teller.tell(*joins(BOB, card="2"), earns(BOB, 6, at=JANUARY)))
    topic.publish(topic.teller.watermark())
    with topic.projecting():
        until(lambda: topic.rows(LEAST) == [(8,)])
    assert topic.rows(LOTS) == [(5,), (6,)]


def test_one_projection_alone_is_folded_by_a_reader_of_its_own(topic: Topic) -> None:
    topic.publish(topic.teller.tell(*joins(ANN, card="1"), earns(ANN, 5, at=JANUARY)))
    with topic.projecting("balances"):
        until(lambda: topic.rows(LOTS) == [(5,)])
    assert topic.rows("SELECT * FROM tiers_1.credits") == []
    with topic.projecting():
        until(lambda: topic.rows("SELECT points FROM tiers_1.credits") == [(5,)])
    assert topic.rows(LOTS) == [(5,)]


def test_two_projectors_share_the_partitions_and_fold_every_fact_once(topic: Topic) -> None:
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    topic.publish(topic.teller.tell(*people))
    with topic.projecting():
        with topic.projecting():
            for points in range(1, 40):
                topic.publish(topic.teller.tell(earns(ANN, points, at=JANUARY), earns(BOB, points, at=JANUARY)))
        topic.publish(topic.teller.watermark())
        until(lambda: topic.rows(LEAST) == [(topic.teller.position,)])
    assert topic.rows(LOTS) == [(points,) for points in range(1, 40) for _ in (ANN, BOB)]


def test_a_topic_that_was_made_anew_stops_the_projector(topic: Topic) -> None:
    topic.publish(topic.teller.tell(*joins(ANN, card="1")))
    with topic.projecting():
        until(lambda: topic.rows("SELECT * FROM members_1.members"))
    topic.make_anew()
    with pytest.raises(offsets.TopicRecreated), topic.projecting() as thread:
        thread.join(30)


def test_another_log_on_the_same_topic_stops_the_projector(topic: Topic) -> None:
    topic.publish(topic.teller.tell(*joins(ANN, card="1")))
    with topic.projecting():
        until(lambda: topic.rows("SELECT * FROM members_1.members"))
    topic.publish(Teller(epoch="restored").tell(*joins(ANN, card="1")))
    with pytest.raises(AnotherEpoch), topic.projecting() as thread:
        thread.join(30)


def test_a_topic_that_is_missing_is_named(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "FACTS", "nowhere")
    with pytest.raises(TopicUnknown, match="nowhere"), topic.projecting() as thread:
        thread.join(30)


class Client:
    """Stands in for a consumer: it polls what is prepared."""

    def __init__(self, *polled: Polled) -> None:
        self.polled = list(polled)
        self.sought: dict[int, int] = {}

    def poll(self, _: int) -> Mapping[TopicPartition, Any]:
        polled = self.polled.pop(0)
        return {TopicPartition(FACTS, partition): records for partition, records in polled.items()}

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(FACTS, partition) for partition in range(PARTITIONS)}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place.partition] = offset


def test_whoever_was_left_behind_drops_all_it_read_and_reads_on_from_where_the_others_are(database_url: str) -> None:
    with closing(ReadSide(database_url)) as read_side, ThreadPoolExecutor(max_workers=1) as writer:
        zombie = ReadModels(read_side.connection, read_side.projections)
        zombie.assign(range(PARTITIONS))
        told, next_told = read_side.teller.tell(*joins(ANN, card="1")), read_side.teller.tell(earns(ANN, 5, at=JANUARY))
        read_side.models.take_in(told)
        client = Client(told, next_told, next_told, {})
        left_behind = projector.Projector(cast("KafkaConsumer", client), zombie, writer)
        left_behind.step()  # what it writes here was written before
        left_behind.step()  # so this is dropped as well
        assert client.sought == {partition: 3 if partition in told else 0 for partition in range(PARTITIONS)}
        assert read_side.rows("balances", "lots") == []
        left_behind.step()
        left_behind.step()
        assert left_behind.settle()
        assert read_side.rows("balances", "lots", "points") == [(5,)]
        assert len(read_side.rows("members", "members")) == 1
