"""Kafka clients, on a real broker."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError
from pydantic import SecretStr

from infra import kafka as clients
from infra.settings import Settings


def test_what_is_sent_is_received_in_order_as_bytes(kafka: str, unique: str) -> None:
    settings = Settings(kafka_bootstrap_servers=kafka)
    with clients.admin(settings) as admin:
        admin.create_topics({unique: {"num_partitions": 3, "replication_factor": 1}})
    sent = [(f"key {number % 5}".encode(), f"value {number}".encode()) for number in range(200)]
    with clients.producer(settings) as producer:
        acknowledgements = [producer.send(unique, value, key=key) for key, value in sent]
        places = [acknowledgement.get(10) for acknowledgement in acknowledgements]
    with clients.consumer(settings) as consumer:
        partitions = [TopicPartition(unique, number) for number in range(3)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        records: list[Any] = []
        while len(records) < len(sent):
            records += [record for batch in consumer.poll(1_000).values() for record in batch]
    for key in {key for key, _ in sent}:
        assert [record.value for record in records if record.key == key] == [value for k, value in sent if k == key]
    # the relay computes partitions itself; it must agree with the client, and so with Java
    assert [place.partition for place in places] == [clients.partition_of(key, 3) for key, _ in sent]


@pytest.mark.parametrize(
    ("key", "java_hash"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_partitions_are_those_of_the_java_client(key: bytes, java_hash: int) -> None:
    """The hashes are those of Kafka's own tests; a key that moved to another partition would lose its order."""
    assert clients.partition_of(key, 12) == (java_hash & 0x7FFFFFFF) % 12


def test_topics_do_not_come_into_being_by_themselves(kafka: str, unique: str) -> None:
    with clients.admin(Settings(kafka_bootstrap_servers=kafka)) as admin:
        assert unique not in admin.list_topics()
        with pytest.raises(UnknownTopicOrPartitionError):
            admin.list_partition_offsets({TopicPartition(unique, 0): "latest"})


@pytest.mark.parametrize("make", [clients.producer, clients.consumer, clients.admin])
def test_without_brokers_it_is_said_what_to_do(make: Callable[[Settings], Any]) -> None:
    with pytest.raises(clients.BrokersNotConfigured, match="LOYALTY_KAFKA_BOOTSTRAP_SERVERS"):
        make(Settings())


def test_logins_and_certificates_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(clients, "KafkaProducer", lambda **options: seen.update(options))
    settings = Settings(
        kafka_bootstrap_servers="a:1,b:2",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="till",
        kafka_sasl_password=SecretStr("secret"),
        kafka_ssl_cafile="/ca.pem",  # type: ignore[arg-type]
    )
    clients.producer(settings, linger_ms=5, metrics_enabled=True)
    assert seen == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "till",
        "sasl_plain_password": "secret",
        "ssl_cafile": "/ca.pem",
        "linger_ms": 5,
        "metrics_enabled": True,
        "reconnect_backoff_max_ms": 1_000,
    }
