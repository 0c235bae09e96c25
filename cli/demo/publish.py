"""Publishing purchases to Kafka as a till would: keyed, every acknowledgement waited for, nothing that is known already."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from cli.demo.complete_journey import Basket
from domain.fact import message_id

TUNING = {"linger_ms": 20, "batch_size": 256 * 1024, "acks": "all", "delivery_timeout_ms": 60_000}
"""Options for `infra.kafka.producer`: large batches, and a record is given up before we stop waiting for it."""

CHUNK = 2_000
"""Baskets asked for, and sent, at once."""
DEADLINE_SECONDS = 90.0
"""How long one acknowledgement may take. The client can lose an expired batch and never tell, so it does not decide."""


class NotPublished(Exception):
    """Kafka did not acknowledge a purchase. Nothing is lost: the next run publishes what is not yet claimed."""

    def __init__(self, basket: Basket, error: KafkaError) -> None:
        super().__init__(f"{basket.source} {basket.external_id} was not acknowledged: {error}")
        self.basket = basket


@dataclass(frozen=True)
class Published:
    """What became of the purchases: sent now, or known before."""

    sent: int
    known: int


def publish(
    baskets: Iterable[Basket],
    *,
    producer: KafkaProducer,
    topic: str,
    total: int,
    claimed: Callable[[Sequence[UUID]], set[UUID]],
    progress: Callable[[int, int], None],
    in_flight: int = 3 * CHUNK,
) -> Published:
    """Send what is not yet claimed, never more than `in_flight` and a chunk unacknowledged; tell `progress(done, total)`."""
    waiting: deque[tuple[Basket, FutureRecordMetadata]] = deque()
    sent = known = 0
    for chunk in _chunks(baskets):
        fresh = _unclaimed(chunk, claimed)
        known += len(chunk) - len(fresh)
        sent += len(fresh)
        waiting.extend((basket, _send(producer, topic, basket)) for basket in fresh)
        _settle(waiting, down_to=in_flight)
        progress(known + sent - len(waiting), total)
    _settle(waiting, down_to=0)
    progress(known + sent, total)
    return Published(sent=sent, known=known)


def _chunks(baskets: Iterable[Basket]) -> Iterator[list[Basket]]:
    source = iter(baskets)
    return iter(lambda: list(islice(source, CHUNK)), [])


def _unclaimed(chunk: list[Basket], claimed: Callable[[Sequence[UUID]], set[UUID]]) -> list[Basket]:
    ids = [message_id(basket.source, basket.external_id) for basket in chunk]
    known = claimed(ids)
    return [basket for basket, id_ in zip(chunk, ids, strict=True) if id_ not in known]


def _send(producer: KafkaProducer, topic: str, basket: Basket) -> FutureRecordMetadata:
    try:
        return producer.send(topic, key=basket.key, value=basket.value)
    except KafkaError as error:
        raise NotPublished(basket, error) from error


def _settle(waiting: deque[tuple[Basket, FutureRecordMetadata]], *, down_to: int) -> None:
    while len(waiting) > down_to:
        basket, future = waiting.popleft()
        try:
            future.get(timeout=DEADLINE_SECONDS)
        except KafkaError as error:
            raise NotPublished(basket, error) from error
