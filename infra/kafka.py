"""Kafka clients as our settings describe the brokers, and the partition that a key falls into."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.partitioner.default import murmur2

from infra.settings import Settings


class BrokersNotConfigured(RuntimeError):
    """No broker is named in the settings, and none was started for us."""


def producer(settings: Settings, **options: Any) -> KafkaProducer:
    """A producer of raw bytes that waits for all replicas and never repeats within its session."""
    return KafkaProducer(**_connection(settings), **_over(options, metrics_enabled=False))


def consumer(settings: Settings, **options: Any) -> KafkaConsumer:
    """A consumer of raw bytes whose offsets are the caller's affair: nothing is committed by itself, nothing is skipped."""
    safe = _over(options, metrics_enabled=False, enable_auto_commit=False, auto_offset_reset="none")
    return KafkaConsumer(**_connection(settings), **safe)


def admin(settings: Settings) -> KafkaAdminClient:
    """A client that makes and describes topics."""
    return KafkaAdminClient(**_connection(settings))


@lru_cache(maxsize=1 << 17)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as the Java client's default partitioner chooses it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def _over(options: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    return {**defaults, **options}


def _connection(settings: Settings) -> dict[str, Any]:
    if not settings.kafka_bootstrap_servers:
        raise BrokersNotConfigured("set LOYALTY_KAFKA_BOOTSTRAP_SERVERS, or start everything with `loyalty up`")
    password = settings.kafka_sasl_password
    stated = {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
        "ssl_cafile": _text(settings.kafka_ssl_cafile),
        "ssl_certfile": _text(settings.kafka_ssl_certfile),
        "ssl_keyfile": _text(settings.kafka_ssl_keyfile),
    }
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "reconnect_backoff_max_ms": 1_000,  # the default of 30 s would outlast most restarts of a broker
        **{name: value for name, value in stated.items() if value is not None},
    }


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)
