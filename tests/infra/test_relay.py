"""The relay: every fact told to Kafka, in order and chained, whatever happens to its process."""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing

import pytest

from infra import kafka as clients
from infra import letters, relay
from infra.bootstrap import bootstrap
from infra.letters import Letter
from infra.relay import RelayOvertaken
from infra.settings import Settings
from infra.topics import CHECKPOINTS
from tests.builders import KEYS
from tests.infra.relaying import MEMBERS, Log, Told, ends, read, running, told_upto, wait_until


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    bootstrap(settings)
    with closing(Log(settings)) as made:
        yield made


def facts_of(told: list[Told]) -> list[Told]:
    return [one for one in told if one.headers["ce_type"] != "loyalty.watermark.v1"]


def assert_chained(told: list[Told]) -> None:
    """Within each partition every record names the last fact before it."""
    last: dict[int, int] = defaultdict(int)
    for one in told:
        assert one.prev == last[one.partition]
        if one in facts_of([one]):
            last[one.partition] = one.position


def test_every_fact_is_told_once_in_order_with_its_bytes_untouched(log: Log) -> None:
    log.record(37)
    log.tell()
    told = facts_of(log.told())
    assert sorted(one.position for one in told) == list(range(1, 38))
    for one in told:
        member = MEMBERS[(one.position - 1) % 5]
        assert (one.key, one.value) == (str(member).encode(), f'{{"n":{one.position - 1}}}'.encode())
        assert one.partition == clients.partition_of(str(member).encode(), log.settings.partitions)
    for partition in {one.partition for one in told}:
        positions = [one.position for one in told if one.partition == partition]
        assert positions == sorted(positions)


def test_a_record_has_five_headers_and_no_more(log: Log) -> None:
    log.record(1)
    log.tell()
    (one,) = facts_of(log.told())
    assert one.headers == {
        "ce_specversion": "1.0", "ce_source": "/loyalty-ledger", "ce_type": "loyalty.Told.v1", "ce_id": f"{MEMBERS[0]}:1", "ce_chain": f"{one.epoch}/1/0",
    }  # fmt: skip


def test_each_record_is_chained_to_the_fact_before_it_in_its_partition(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAGE", 7)
    log.record(40)
    log.tell()
    log.record(15)
    log.tell()
    told = log.told()
    assert len(facts_of(told)) == 55
    assert len({one.epoch for one in told}) == 1
    assert_chained(told)


def test_watermarks_tell_quiet_partitions_how_far_the_log_is(log: Log) -> None:
    log.record(3, MEMBERS[:1])
    log.tell()
    marks = [one for one in log.told() if one.headers["ce_type"] == "loyalty.watermark.v1"]
    assert {one.partition for one in marks} == set(range(log.settings.partitions))
    assert {one.position for one in marks} == {3}
    assert {(one.value, one.headers["ce_id"]) for one in marks} == {(b"{}", "watermark:3")}


def test_facts_that_come_later_are_told_while_it_runs(log: Log) -> None:
    with running(log.settings):
        for _ in range(3):
            log.record(2)
            wait_until(lambda: log.position == log.last)
    assert len(facts_of(log.told())) == 6


def test_a_restart_goes_on_from_the_stored_position_and_repeats_nothing_that_was_stored(log: Log) -> None:
    log.record(10)
    log.tell()
    before = len(log.told())
    with running(log.settings):
        pass
    log.tell()
    assert len(log.told()) == before


def test_what_was_told_and_not_yet_stored_is_repeated_with_the_same_chain(log: Log) -> None:
    """As after a crash between the acknowledgement and the commit."""
    log.record(10)
    log.tell()
    log.database.execute(
        "UPDATE relay_state SET position = 0, prevs = array_fill(0, ARRAY[%s]) WHERE name = 'facts'",
        (log.settings.partitions,),
    )
    log.record(5)
    log.tell()
    links: dict[int, set[int]] = defaultdict(set)
    for one in facts_of(log.told()):
        links[one.position].add(one.prev)
    assert sorted(links) == list(range(1, 16))
    assert all(len(prevs) == 1 for prevs in links.values())


def test_a_relay_that_was_overtaken_ends(log: Log) -> None:
    log.record(5)
    with running(log.settings) as thread:
        wait_until(lambda: log.position == 5)
        log.database.execute("UPDATE relay_state SET position = 2 WHERE name = 'facts'")
        log.record(1)
        wait_until(lambda: thread.error is not None)
    assert isinstance(thread.error, RelayOvertaken)
    log.tell()
    assert {one.position for one in facts_of(log.told())} == {1, 2, 3, 4, 5, 6}


def test_only_one_relay_is_active_and_the_next_takes_over(log: Log) -> None:
    with running(log.settings) as first:
        log.record(1)
        wait_until(lambda: log.position == 1)
        with running(log.settings):
            log.record(1)
            wait_until(lambda: log.position == 2)
            first.stop.set()
            first.join(30)
            log.record(1)
            wait_until(lambda: log.position == 3)
    told = log.told()
    assert [one.position for one in sorted(facts_of(told), key=lambda one: one.position)] == [1, 2, 3]
    assert_chained(told)


def test_a_relay_that_waits_for_its_turn_can_be_stopped(log: Log) -> None:
    with running(log.settings):
        log.record(1)
        wait_until(lambda: log.position == 1)
        with running(log.settings) as second:
            second.stop.set()
            second.join(5)
            assert not second.is_alive()


@pytest.mark.parametrize("position", [1, 6, 12, 13, 10_000])
def test_republished_facts_carry_the_chain_they_had_and_none_is_left_out(log: Log, position: int) -> None:
    log.record(12)
    log.tell()
    first = {one.position: one.prev for one in facts_of(log.told())}
    relay.republish_from(log.database, position, partitions=log.settings.partitions)
    log.record(3)
    log.tell()
    counted: dict[int, list[int]] = defaultdict(list)
    for one in facts_of(log.told()):
        counted[one.position].append(one.prev)
    assert sorted(counted) == list(range(1, 16))
    assert {p for p, prevs in counted.items() if len(prevs) == 2} == set(range(position, 13))
    assert all(prevs[0] == prevs[-1] == first.get(p, prevs[0]) for p, prevs in counted.items())


def test_letters_are_told_still_sealed_with_a_cursor_of_their_own(log: Log) -> None:
    letter = Letter(
        reason="wrong-currency",
        detail='{"currency": "EUR"}',
        topic="pos.purchases.v1",
        partition=3,
        offset=9,
        key=b"k",
        value=b"secret",
        headers=[],
    )
    with log.database.cursor() as cursor:
        letters.insert(cursor, [letters.seal(letter, KEYS)] * 2)
    with running(log.settings):
        wait_until(lambda: told_upto(log, "letters") == 2)
    with running(log.settings):
        log.record(1)
        wait_until(lambda: log.position == 1)
    first, second = log.dead()
    told = json.loads(first.value)
    sealed = b64decode(told.pop("sealed"))
    assert told == {
        "letter_id": 1,
        "reason": "wrong-currency",
        "detail": '{"currency": "EUR"}',
        "topic": "pos.purchases.v1",
        "partition": 3,
        "offset": 9,
    }
    assert b"secret" not in first.value
    assert json.loads(KEYS.open(sealed, context="pos.purchases.v1/3/9"))["value"] == "c2VjcmV0"
    assert first.headers == second.headers == [("reason", b"wrong-currency")]
    assert first.partition == second.partition


def test_checkpoints_are_told_as_they_were_signed(log: Log) -> None:
    starts = ends(log.settings, CHECKPOINTS)
    log.database.execute(
        "INSERT INTO checkpoints VALUES (10, now(), E'origin\\n10\\n'), (20, now(), E'origin\\n20\\n')"
    )
    with running(log.settings):
        wait_until(lambda: told_upto(log, "checkpoints") == 20)
    with running(log.settings):
        log.record(1)
        wait_until(lambda: log.position == 1)
    told = [one for one in read(log.settings, CHECKPOINTS, starts) if one.key == b"origin"]
    assert [one.value for one in told] == [b"origin\n10\n", b"origin\n20\n"]
    headers = [dict(one.headers) for one in told]
    assert [(one["ce_type"], one["ce_id"]) for one in headers] == [
        (b"loyalty.checkpoint.v1", b"checkpoint:10"),
        (b"loyalty.checkpoint.v1", b"checkpoint:20"),
    ]


def test_a_letter_of_the_largest_message_that_a_topic_takes_is_told(log: Log) -> None:
    letter = Letter(
        reason="oversized-message",
        detail="{}",
        topic="t",
        partition=0,
        offset=0,
        key=None,
        value=b"x" * 1_040_000,
        headers=[],
    )
    with log.database.cursor() as cursor:
        letters.insert(cursor, [letters.seal(letter, KEYS)])
    with running(log.settings) as thread:
        wait_until(lambda: thread.error is not None or told_upto(log, "letters") == 1)
    assert thread.error is None
    assert len(log.dead()) == 1
