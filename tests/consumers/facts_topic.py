"""A facts topic of the test's own, and projectors that follow it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from consumers import projector, replay
from infra import kafka as clients
from infra.database import connect
from infra.settings import Settings
from projections import schema
from tests.read_spec import PARTITIONS, Polled, Teller


class Topic:
    """A facts topic of the test's own, and projectors that follow it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.teller = Teller()
        self.make()

    def make(self) -> None:
        with closing(clients.admin(self.settings)) as admin:
            admin.create_topics({self.name: {"num_partitions": PARTITIONS, "replication_factor": 1}})

    def make_anew(self) -> None:
        with closing(clients.admin(self.settings)) as admin:
            admin.delete_topics([self.name])
            while self.name in admin.list_topics():
                time.sleep(0.05)
        self.make()

    def publish(self, polled: Polled) -> None:
        with closing(clients.producer(self.settings)) as producer:
            sent = [
                producer.send(self.name, key=one.key, value=one.value, headers=one.headers, partition=partition)
                for partition, messages in polled.items()
                for one in messages
            ]
            for future in sent:
                future.get(30)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.settings.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    @contextmanager
    def projecting(self, *names: str) -> Iterator[threading.Thread]:
        """A projector in a thread; what it raises is raised here."""
        stop = threading.Event()
        failures: list[Exception] = []

        def run() -> None:
            try:
                projector.run(self.settings, stop=stop, names=names or None)
            except Exception as error:  # noqa: BLE001 - raised again below
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield thread
        finally:
            stop.set()
            thread.join()
        if failures:
            raise failures[0]


def topic_of(settings: Settings, name: str, patch: pytest.MonkeyPatch) -> Topic:
    """Of that name for projectors and rebuilds of this process."""
    for reader in (projector, replay):
        patch.setattr(reader, "FACTS", f"{name}.facts")
    patch.setattr(projector, "GROUP", f"{name}.projector")
    with connect(settings.database_url) as connection:
        schema.ensure(connection)
    return Topic(settings.model_copy(update={"partitions": PARTITIONS}), f"{name}.facts")


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
