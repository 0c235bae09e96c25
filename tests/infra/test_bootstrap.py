"""What every role makes sure of first."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra import bootstrap as starting
from infra import kafka as clients
from infra.bootstrap import TOPICS, TopicMismatch, TopicsNotReady, bootstrap, wait_for_topics
from infra.database import connect
from infra.settings import Settings
from infra.topics import CHECKPOINTS, DEAD, FACTS, PURCHASES


def state(settings: Settings) -> tuple[list[Any], list[Any], list[Any]]:
    with connect(settings.database_url) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        offsets = database.execute("SELECT * FROM intake_offsets ORDER BY partition").fetchall()
        relays = database.execute("SELECT * FROM relay_state ORDER BY name").fetchall()
    return tables, offsets, relays


def delete(settings: Settings, *topics: str) -> None:
    with clients.admin(settings) as admin:
        admin.delete_topics(sorted(set(topics) & set(admin.list_topics())))
        deadline = time.monotonic() + 30
        while set(topics) & set(admin.list_topics()):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_tables_topics_and_offsets_are_made_once(settings: Settings) -> None:
    bootstrap(settings)
    first = state(settings)
    assert [name for (name,) in first[0]] == [
        "account_snapshots",
        "api_keys",
        "checkpoints",
        "dead_letters",
        "fact_hashes",
        "facts",
        "intake_offsets",
        "member_keys",
        "relay_state",
    ]
    assert len(first[1]) == settings.partitions
    bootstrap(settings)
    assert state(settings) == first


def test_topics_have_the_retention_that_the_contract_says(settings: Settings) -> None:
    bootstrap(settings)
    with clients.admin(settings) as admin:
        topics = {topic["name"]: topic for topic in admin.describe_topics(list(TOPICS))}
    assert {name: len(topic["partitions"]) for name, topic in topics.items()} == dict.fromkeys(
        (PURCHASES, FACTS, CHECKPOINTS, DEAD), 12
    )


def test_a_topic_with_another_number_of_partitions_refuses_to_start(settings: Settings) -> None:
    bootstrap(settings)
    with pytest.raises(TopicMismatch, match="has 12 partitions, LOYALTY_PARTITIONS is 6"):
        bootstrap(settings.model_copy(update={"partitions": 6}))


def test_many_roles_may_begin_at_once_on_nothing(settings: Settings) -> None:
    bootstrap(settings)  # so that there is something to delete
    with connect(settings.database_url) as database:
        database.execute(
            "DROP TABLE facts, dead_letters, intake_offsets, relay_state, api_keys, member_keys, account_snapshots"
        )
    delete(settings, *TOPICS)
    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(bootstrap, settings) for _ in range(5)]:
            done.result()
    tables, offsets, relays = state(settings)
    assert (len(tables), len(offsets), len(relays)) == (9, 12, 3)


def test_topics_that_take_their_time_are_waited_for_aloud_and_not_for_ever(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap(settings)
    monkeypatch.setattr(starting, "_TELL_EVERY_SECONDS", 0.1)
    with clients.admin(settings) as admin:
        wait_for_topics(admin, list(TOPICS), patience=0)
        assert caplog.messages == []
        with pytest.raises(TopicsNotReady, match=r"within 0\.3 s.*(?s:.)*never-made"):
            wait_for_topics(admin, [*TOPICS, "never-made"], patience=0.3)
    assert caplog.messages
    assert all("waiting for the brokers to make the topics" in one and "never-made" in one for one in caplog.messages)


def test_a_role_may_begin_while_others_read(settings: Settings) -> None:
    """It would lock them out, and may wait for one of them for ever, who waits for it."""
    bootstrap(settings)
    with ThreadPoolExecutor(1) as pool, connect(settings.database_url) as reader, reader.transaction():
        reader.execute("SELECT FROM account_snapshots")
        beginning = pool.submit(bootstrap, settings)
        reader.execute("SELECT FROM facts")
        beginning.result(timeout=30)


def test_a_topic_that_was_made_anew_refuses_to_start(settings: Settings) -> None:
    bootstrap(settings)
    before = state(settings)
    delete(settings, PURCHASES)
    with pytest.raises(TopicMismatch, match="was made anew"):
        bootstrap(settings)
    assert state(settings) == before
