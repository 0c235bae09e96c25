"""The embedded Kafka: its data outlives stops and kills."""

import os
import signal
from collections.abc import Iterator

import pytest
from kafka import TopicPartition

from infra import kafka as clients
from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.services import EmbeddedServices
from infra.settings import Settings

_TOPIC = "notes"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    home = tmp_path_factory.mktemp("a broker, with spaces and ümlauts")
    with EmbeddedKafka(home, cache=Settings().cache_dir, heap_megabytes=256) as running:
        with clients.admin(_settings(running)) as admin:
            admin.create_topics({_TOPIC: {"num_partitions": 1, "replication_factor": 1}})
        yield running


def _settings(broker: EmbeddedKafka) -> Settings:
    return Settings(kafka_bootstrap_servers=broker.bootstrap_servers)


def _note(broker: EmbeddedKafka, value: bytes) -> int:
    with clients.producer(_settings(broker)) as producer:
        return int(producer.send(_TOPIC, value).get(30).offset)


def _notes(broker: EmbeddedKafka) -> list[bytes]:
    partition = TopicPartition(_TOPIC, 0)
    with clients.consumer(_settings(broker)) as consumer:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        found: list[bytes] = []
        while len(found) < end:
            found += [record.value for record in consumer.poll(1_000).get(partition, [])]
        return found


def test_data_outlives_a_stop_and_a_kill(broker: EmbeddedKafka) -> None:
    _note(broker, b"first")
    broker.stop()
    assert not broker.alive()
    broker.start()
    _note(broker, b"second")
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    broker.restart()
    _note(broker, b"third")
    assert _notes(broker) == [b"first", b"second", b"third"]


def test_a_client_finds_a_restarted_broker_again(broker: EmbeddedKafka) -> None:
    with clients.producer(_settings(broker)) as producer:
        before = producer.send(_TOPIC, b"before").get(30).offset
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGTERM)
        broker.restart()
        assert producer.send(_TOPIC, b"after").get(30).offset == before + 1


def test_two_run_side_by_side(broker: EmbeddedKafka, services: EmbeddedServices) -> None:
    assert services.kafka is not None
    assert set(broker.ports).isdisjoint(services.kafka.ports)
    with clients.admin(_settings(broker)) as ours, clients.admin(services.settings) as theirs:
        assert ours.describe_cluster()["cluster_id"] != theirs.describe_cluster()["cluster_id"]


def test_nothing_is_copied_to_brokers_that_do_not_exist(broker: EmbeddedKafka) -> None:
    stated = (broker.directory / "server.properties").read_text()
    assert "auto.create.topics.enable=false" in stated
    assert "offsets.topic.replication.factor=1" in stated
