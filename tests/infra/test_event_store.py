"""The log in PostgreSQL: rows as they are copied in, and facts as they are read again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent

from infra.database import WRITERS_LOCK, connect, make_tables
from infra.event_store import TABLES, Factory, FactRecorder
from infra.letters import TABLES as LETTERS
from infra.stored_facts import FactMapper, StoredFact, UnknownFactName

NOON = datetime(2024, 5, 2, 4, tzinfo=UTC)
STREAM, OTHER = UUID(int=1), UUID(int=2)


def stored(
    version: int = 1, *, stream: UUID = STREAM, name: str = "Told.v1", state: bytes = b"{}", at: datetime = NOON
) -> StoredFact:
    return StoredFact(stream, version, name, state, subject=uuid4(), recorded_at=at)


@pytest.fixture
def recorder(module_database_url: str) -> Iterator[FactRecorder]:
    with connect(module_database_url) as database:
        make_tables(database, (*TABLES, *LETTERS))
        database.execute("TRUNCATE facts, intake_offsets")
    opened = FactRecorder(module_database_url)
    yield opened
    opened.close()


def rows(recorder: FactRecorder, query: str) -> list[Any]:
    return recorder.connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize(
    "at",
    [
        datetime(2000, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2000, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(1900, 3, 4, 5, 6, 7, 8, tzinfo=UTC), datetime(2262, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), NOON + timedelta(microseconds=123_456),
        datetime.fromisoformat("2024-05-02T12:00:00.000001+08:00"),
    ],
)  # fmt: skip
def test_a_time_is_kept_to_the_microsecond(recorder: FactRecorder, at: datetime) -> None:
    recorder.insert_events([stored(at=at)])
    assert rows(recorder, "SELECT recorded_at FROM facts") == [(at,)]


@pytest.mark.parametrize("state", [b"{}", b"", bytes(range(256)), "中文 ±".encode(), b"x" * 262_144])
def test_the_bytes_of_a_fact_are_kept_as_they_are(recorder: FactRecorder, state: bytes) -> None:
    fact = stored(state=state, name="Näme.v1")
    recorder.insert_events([fact])
    ((position, stream, version, name, kept, subject, _),) = rows(recorder, "SELECT * FROM facts")
    assert (position, stream, version, name, bytes(kept), subject) == (1, STREAM, 1, "Näme.v1", state, fact.subject)


def test_positions_count_on_from_the_last_one(recorder: FactRecorder) -> None:
    assert recorder.max_notification_id() is None
    assert list(recorder.insert_events([stored(1), stored(2)])) == [1, 2]
    assert list(recorder.insert_events([])) == []
    assert list(recorder.insert_events([stored(1, stream=OTHER)])) == [3]
    assert recorder.max_notification_id() == 3
    assert recorder.position_of(OTHER, 1) == 3
    assert recorder.written_since(1) == [(2, STREAM), (3, OTHER)]


def test_a_version_is_written_once(recorder: FactRecorder) -> None:
    recorder.insert_events([stored(1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(1, stream=OTHER), stored(1)])
    assert recorder.max_notification_id() == 1
    assert list(recorder.insert_events([stored(2)])) == [2]


def test_facts_of_a_stream_are_selected_by_version(recorder: FactRecorder) -> None:
    recorder.insert_events([stored(number) for number in range(1, 6)])
    recorder.insert_events([stored(1, stream=OTHER)])

    def versions(**what: Any) -> list[int]:
        return [event.originator_version for event in recorder.select_events(STREAM, **what)]

    assert versions() == [1, 2, 3, 4, 5]
    assert versions(gt=2) == [3, 4, 5]
    assert versions(lte=2) == [1, 2]
    assert versions(gt=1, lte=4, desc=True, limit=2) == [4, 3]
    assert versions(desc=True, limit=1) == [5]


def test_many_streams_are_selected_at_once_each_in_its_order(recorder: FactRecorder) -> None:
    recorder.insert_events([stored(1), stored(1, stream=OTHER), stored(2), stored(1, stream=UUID(int=3))])
    found = recorder.select_streams([OTHER, STREAM, UUID(int=4)])
    assert [(one.id, one.originator_id, one.originator_version) for one in found] == [
        (1, STREAM, 1),
        (3, STREAM, 2),
        (2, OTHER, 1),
    ]


def test_the_log_is_selected_by_position_and_name(recorder: FactRecorder) -> None:
    recorder.insert_events([stored(number, name=f"{'AB'[number % 2]}.v1") for number in range(1, 7)])

    def positions(*place: Any, **what: Any) -> list[int]:
        return [one.id for one in recorder.select_notifications(*place, **what)]

    assert positions(None, 10) == [1, 2, 3, 4, 5, 6]
    assert positions(3, 2) == [3, 4]
    assert positions(3, 10, inclusive_of_start=False) == [4, 5, 6]
    assert positions(2, 10, stop=4) == [2, 3, 4]
    assert positions(1, 10, topics=["A.v1"]) == [2, 4, 6]


class TestTheWritersLock:
    def test_is_held_until_the_block_ends_and_then_let_go(
        self, recorder: FactRecorder, module_database_url: str
    ) -> None:
        def free() -> bool:
            with psycopg.connect(module_database_url) as other:
                row = other.execute("SELECT pg_try_advisory_xact_lock(%s)", (WRITERS_LOCK,)).fetchone()
                return bool(row and row[0])

        with recorder.writing(after=0) as others:
            assert (others, free()) == ([], False)
        assert free()
        with pytest.raises(ZeroDivisionError), recorder.writing(after=0):
            raise ZeroDivisionError
        assert free()

    def test_shows_what_others_wrote_and_numbers_after_it(self, recorder: FactRecorder) -> None:
        recorder.insert_events([stored(1), stored(2)])
        with recorder.writing(after=1) as others:
            assert others == [(2, STREAM)]
            assert list(recorder.insert_events([stored(1, stream=OTHER)])) == [3]

    def test_commits_nothing_that_was_not_inserted(self, recorder: FactRecorder) -> None:
        with recorder.writing(after=0):
            recorder.connection.execute("INSERT INTO intake_offsets VALUES ('t', gen_random_uuid(), 0, 0)")
        assert rows(recorder, "SELECT count(*) FROM intake_offsets") == [(0,)]


def test_a_broken_connection_is_an_error_in_the_librarys_terms_and_replaced_at_the_next_use(
    recorder: FactRecorder, module_database_url: str
) -> None:
    recorder.insert_events([stored(1)])
    with psycopg.connect(module_database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (recorder.connection.info.backend_pid,))
    with pytest.raises(OperationalError):
        recorder.max_notification_id()
    assert recorder.max_notification_id() == 1


def test_a_server_that_cannot_be_reached_is_an_error_in_the_librarys_terms(module_database_url: str) -> None:
    with pytest.raises(OperationalError):
        FactRecorder(module_database_url + "_gone").max_notification_id()


def test_what_is_no_store_of_facts_is_refused() -> None:
    factory = Factory({"DATABASE_URL": "", "FACTS_TOPIC": "domain.fact:FACTS"})
    for ask in (factory.process_recorder, factory.tracking_recorder, lambda: factory.aggregate_recorder("snapshots")):
        with pytest.raises(LookupError):
            ask()


def test_a_name_that_nobody_knows_is_an_error_that_says_where() -> None:
    event = StoredEvent(STREAM, 7, "Melted.v3", b"{}")
    with pytest.raises(UnknownFactName, match=f"Melted.v3 at {STREAM}:7"):
        FactMapper({}).to_domain_event(event)


def test_a_subscription_tells_old_and_new_facts_and_can_be_stopped(recorder: FactRecorder) -> None:
    recorder.insert_events([stored(number) for number in range(1, 4)])
    with recorder.subscribe(gt=1) as subscription:
        assert [next(subscription).id, next(subscription).id] == [2, 3]
        recorder.insert_events([replace(stored(1), originator_id=OTHER)])
        assert next(subscription).id == 4
        subscription.stop()
        assert list(subscription) == []


def test_streams_are_never_looked_up_by_a_plan_made_for_another_number_of_them(recorder: FactRecorder) -> None:
    recorder.insert_events([stored()])
    for _ in range(20):
        assert len(recorder.select_streams([STREAM])) == 1
    ((generic, custom),) = rows(recorder, "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements")
    assert (generic, custom > 0) == (0, True)
