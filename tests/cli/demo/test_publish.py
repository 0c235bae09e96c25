"""Publishing to Kafka: only what is not yet claimed, every acknowledgement waited for, within bounds."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, NotLeaderForPartitionError

from cli.demo.complete_journey import Basket
from cli.demo.publish import CHUNK, DEADLINE_SECONDS, NotPublished, Published, publish
from domain.fact import message_id

BASKETS = [Basket("/stores/1/tills/1", f"R-{n}", b"900000001", b"{}") for n in range(5 * CHUNK + 7)]


class FakeFuture:
    """An acknowledgement that comes when it is waited for."""

    def __init__(self, producer: "FakeProducer", error: KafkaError | None) -> None:
        self.producer, self.error = producer, error

    def get(self, timeout: float | None = None) -> None:
        assert timeout == DEADLINE_SECONDS, "an acknowledgement is never waited for without end"
        self.producer.outstanding -= 1
        if self.error:
            raise self.error


class FakeProducer:
    """A broker that acknowledges nothing before it is asked, and may fail one record."""

    def __init__(self, *, fails: str = "", refuses: str = "") -> None:
        self.sent: list[tuple[str, bytes, bytes]] = []
        self.outstanding = self.most_outstanding = 0
        self.fails, self.refuses = fails, refuses

    def send(self, topic: str, *, key: bytes, value: bytes) -> FakeFuture:
        external_id = f"R-{len(self.sent)}"
        if external_id == self.refuses:
            raise KafkaTimeoutError("no room in the buffer")
        self.sent.append((topic, key, value))
        self.outstanding += 1
        self.most_outstanding = max(self.most_outstanding, self.outstanding)
        return FakeFuture(self, NotLeaderForPartitionError() if external_id == self.fails else None)


def run(
    producer: FakeProducer, claimed: set[UUID] | None = None, **options: Any
) -> tuple[Published, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []

    def known(ids: Sequence[UUID]) -> set[UUID]:
        return (claimed or set()).intersection(ids)

    published = publish(
        BASKETS,
        producer=producer,
        topic="pos.purchases.v1",
        total=len(BASKETS),
        claimed=known,
        progress=lambda done, total: told.append((done, total)),
        **options,
    )
    return published, told


def test_everything_is_sent_in_order_and_acknowledged() -> None:
    producer = FakeProducer()
    published, told = run(producer)
    assert published == Published(sent=len(BASKETS), known=0)
    assert producer.sent == [("pos.purchases.v1", basket.key, basket.value) for basket in BASKETS]
    assert producer.outstanding == 0
    assert told[-1] == (len(BASKETS), len(BASKETS))
    assert told == sorted(told)


def test_what_is_claimed_is_not_sent_again() -> None:
    claimed = {message_id(basket.source, basket.external_id) for basket in BASKETS[: CHUNK + 10]}
    producer = FakeProducer()
    published, told = run(producer, claimed)
    assert published == Published(sent=len(BASKETS) - CHUNK - 10, known=CHUNK + 10)
    assert len(producer.sent) == published.sent
    assert told[-1] == (len(BASKETS), len(BASKETS))


def test_when_all_is_claimed_nothing_is_sent() -> None:
    producer = FakeProducer()
    published, _ = run(producer, {message_id(basket.source, basket.external_id) for basket in BASKETS})
    assert published == Published(sent=0, known=len(BASKETS))
    assert producer.sent == []


def test_unacknowledged_messages_are_bounded() -> None:
    producer = FakeProducer()
    run(producer, in_flight=CHUNK)
    assert producer.most_outstanding == 2 * CHUNK


def test_a_failed_acknowledgement_ends_the_run_and_names_the_purchase() -> None:
    with pytest.raises(NotPublished, match=r"/stores/1/tills/1 R-4321 was not acknowledged") as failure:
        run(FakeProducer(fails="R-4321"))
    assert failure.value.basket == BASKETS[4321]


def test_a_record_that_finds_no_room_ends_the_run_too() -> None:
    with pytest.raises(NotPublished, match=r"R-77 .*no room"):
        run(FakeProducer(refuses="R-77"))
