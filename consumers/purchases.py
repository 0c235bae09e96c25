"""Intake: turns what tills publish into commands, and saves each polled batch in one transaction."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from consumers.cloud_events import Event, event_of
from domain.command import Command
from domain.loyalty import Decided, Failed, Loyalty, Refused
from domain.messages.purchases import CardIds, PurchaseCompleted, purchase_command
from domain.messages.returns import return_event_command
from domain.messages.tills import TillClosedEvent, closing_command
from domain.quote import Signing
from domain.refusals import Refusal
from infra.database import connect
from infra.event_store import Offset, OffsetsMoved
from infra.groups import subscribe
from infra.kafka import consumer
from infra.keys import KeyFile
from infra.letters import Letter, Sealed, seal
from infra.settings import Settings
from infra.topics import PURCHASES

log = logging.getLogger(__name__)

BATCH = 1_000
"""Messages in a transaction: their facts hold the writers' lock for some tens of milliseconds."""
GROUP = "loyalty.purchases"
UNEXPECTED = "unexpected-error"

Records = Mapping[TopicPartition, Sequence[ConsumerRecord]]


class Bookmarks(ConsumerRebalanceListener):  # type: ignore[misc]
    """Where to go on reading: the offsets that were committed with the facts, never those of the broker."""

    def __init__(self, settings: Settings, client: KafkaConsumer, *, settle: Callable[[], None]) -> None:
        """`settle` waits for what is being saved: before that, what is stored is not where to go on."""
        self._url = settings.database_url
        self._client = client
        self._settle = settle
        self.expected: dict[int, tuple[UUID, int]] = {}
        """By partition: the topic's id and the next offset, as stored."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Seek to the stored offsets; a local step, as nothing else is allowed here."""
        self._settle()
        places = {place.partition: place for place in assigned}
        with connect(self._url) as database:
            rows = database.execute(
                "SELECT partition, topic_id, next_offset FROM intake_offsets WHERE topic = %s AND partition = ANY(%s)",
                (PURCHASES, list(places)),
            ).fetchall()
        for partition, topic_id, next_offset in rows:
            self.expected[partition] = (topic_id, next_offset)
            self._client.seek(places[partition], next_offset)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._settle()
        for place in revoked:
            self.expected.pop(place.partition, None)


class Intake:
    """One process of the consumer group that takes purchases in."""

    def __init__(self, settings: Settings, *, loyalty: Loyalty, keys: KeyFile, stop: threading.Event) -> None:
        self._loyalty = loyalty
        self._keys = keys
        self._stop = stop
        self._client = consumer(
            settings,
            group_id=GROUP,
            max_poll_records=BATCH,
            fetch_max_wait_ms=50,
            session_timeout_ms=10_000,  # when a process is killed, the others take over after this
        )
        self._bookmarks = Bookmarks(settings, self._client, settle=self._settle)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._saving: tuple[list[Offset], Future[None]] | None = None

    def run(self) -> None:
        """Poll, read, have it saved; until asked to stop. An error of the store or the broker ends the process."""
        subscribe(self._client, PURCHASES, self._bookmarks)
        try:
            while not self._stop.is_set():
                records = self._client.poll(timeout_ms=200)
                read = [self._read(record) for batch in records.values() for record in batch]
                if self._saved() and records:
                    self._save(records, read)
                elif not records:
                    self._loyalty.follow()
            self._saved()
        finally:
            self._writer.shutdown()
            self._client.close()

    def _read(self, record: ConsumerRecord) -> tuple[ConsumerRecord, Command | Sealed]:
        """What a record asks for, or the letter that it becomes."""
        try:
            return record, self._command(record)
        except Refusal as refusal:
            return record, self._letter(record, refusal.name, refusal.fields())
        except Exception as error:  # a message that our reading trips over is kept: it would only come again
            log.exception("a purchase could not be read")
            return record, self._letter(record, UNEXPECTED, {"error": type(error).__name__})

    def _save(self, records: Records, read: Sequence[tuple[ConsumerRecord, Command | Sealed]]) -> None:
        """Have the writer decide and save; answers once all is decided, so that while PostgreSQL works more can be read."""
        offsets, decided = self._offsets(records), threading.Event()
        self._saving = offsets, self._writer.submit(self._take_in, read, offsets, decided)
        decided.wait()

    def _settle(self) -> None:
        if self._saving is not None:
            wait([self._saving[1]])

    def _saved(self) -> bool:
        """Wait for what is being saved, and remember its offsets; else what was read after it will be read again."""
        if self._saving is None:
            return True
        (offsets, saving), self._saving = self._saving, None
        try:
            saving.result()
        except OffsetsMoved:
            log.warning("another process has taken these messages in; reading the offsets again")
            self._bookmarks.on_partitions_assigned(self._client.assignment())
            return False
        for offset in offsets:
            if self._bookmarks.expected.get(offset.partition) == (offset.topic_id, offset.expected):
                self._bookmarks.expected[offset.partition] = (offset.topic_id, offset.next_offset)
        return True

    def _take_in(
        self,
        read: Sequence[tuple[ConsumerRecord, Command | Sealed]],
        offsets: Sequence[Offset],
        decided: threading.Event,
    ) -> None:
        """In the writer's thread: execute, with the offsets and the letters."""
        commands = [one for _, one in read if isinstance(one, Command)]
        sources = [record for record, one in read if isinstance(one, Command)]
        letters = [one for _, one in read if not isinstance(one, Command)]

        def all_letters(told: Sequence[Decided]) -> list[Sealed]:
            decided.set()
            return [*letters, *self._refused(told, sources)]

        try:
            self._loyalty.execute(commands, recorded_at=datetime.now(UTC), offsets=offsets, letters=all_letters)
        finally:
            decided.set()

    def _command(self, record: ConsumerRecord) -> Command:
        return command_of(event_of(record.value, record.headers), self._keys.card_id, self._keys)

    def _offsets(self, records: Records) -> list[Offset]:
        offsets = []
        for place, batch in records.items():
            topic_id, expected = self._bookmarks.expected[place.partition]
            offsets.append(Offset(PURCHASES, topic_id, place.partition, expected, batch[-1].offset + 1))
        return offsets

    def _refused(self, decided: Sequence[Decided], sources: Sequence[ConsumerRecord]) -> list[Sealed]:
        letters = []
        for one, record in zip(decided, sources, strict=True):
            if isinstance(one, Refused):
                letters.append(self._letter(record, one.refusal.name, one.refusal.fields()))
            elif isinstance(one, Failed):
                log.error("a purchase could not be decided", exc_info=one.error)
                letters.append(self._letter(record, UNEXPECTED, {"error": type(one.error).__name__}))
        return letters

    def _letter(self, record: ConsumerRecord, reason: str, fields: Mapping[str, Any]) -> Sealed:
        letter = Letter(
            reason=reason,
            detail=json.dumps(fields, default=str),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        return seal(letter, self._keys)


def command_of(event: Event, card_ids: CardIds, signing: Signing | None = None) -> Command:
    """What an event asks of the ledger."""
    if isinstance(event, TillClosedEvent):
        return closing_command(event.data, source=event.source, external_id=event.id, time=event.time, answered=False)
    if not isinstance(event, PurchaseCompleted):
        return return_event_command(event)
    return purchase_command(
        event.data, source=event.source, external_id=event.id, time=event.time, card_ids=card_ids, answered=False,
        signing=signing,
    )  # fmt: skip
