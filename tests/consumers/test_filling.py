"""A generation filled by several processes: what each reads, and what becomes of it when one of them ends early."""

import os
import signal
from multiprocessing import active_children

import pytest
from kafka import TopicPartition

from consumers import filling
from consumers.filling import HEAD_START, parted
from consumers.rebuild import rebuilding
from infra.workers import ProcessDied
from tests.builders import ANN, BOB
from tests.consumers.facts_topic import Topic, until
from tests.read_spec import JANUARY, PARTITIONS, earns, joins


def sizes(*partitions: int, processes: int = 2) -> list[list[int]]:
    parts = parted({TopicPartition("t", n): size for n, size in enumerate(partitions)}, processes=processes)
    return [list(part.values()) for part in parts]


def test_what_is_little_is_read_by_one_process_alone() -> None:
    assert sizes(HEAD_START // 2, HEAD_START // 2, 0) == [[HEAD_START // 2, HEAD_START // 2, 0]]
    assert sizes(0, 0) == [[0, 0]]
    assert sizes(HEAD_START * 9) == [[HEAD_START * 9]], "a partition is read by one process"
    assert sizes(*[HEAD_START * 9] * 3, processes=1) == [[HEAD_START * 9] * 3]


def test_whoever_has_to_be_started_reads_less_and_all_is_read_once() -> None:
    year = [27_000] * 12
    ours, theirs = sizes(*year)
    assert len(ours) + len(theirs) == 12
    assert abs(sum(ours) - sum(theirs) - HEAD_START) <= 27_000
    assert len(sizes(*year, processes=64)) <= 12
    assert sorted(size for part in sizes(5, 300_000, 0, 200_000, processes=3) for size in part) == [
        0,
        5,
        200_000,
        300_000,
    ]


@pytest.fixture
def told(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """Facts in every partition, folded, and so many processors that nobody reads more than one."""
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    topic.publish(topic.teller.tell(*people, *(earns(who, n, at=JANUARY) for n in range(1, 21) for who in (ANN, BOB))))
    topic.publish(topic.teller.watermark())
    with topic.projecting():
        until(lambda: topic.rows("SELECT min(last_position) FROM projection_offsets") == [(46,)])
    monkeypatch.setattr(filling, "HEAD_START", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: PARTITIONS)
    monkeypatch.setattr("consumers.rebuild.HANDOVER_SECONDS", 0.1)
    return topic


def test_all_read_models_are_filled_by_several_processes_to_the_same_rows_and_one_that_is_killed_is_told(
    told: Topic,
) -> None:
    steps: list[tuple[int, int]] = []

    def kill(_step: str, _done: int, _total: int) -> None:
        for process in active_children():
            os.kill(process.pid or 0, signal.SIGKILL)

    with rebuilding(told.settings, ["balances"], kill) as work, pytest.raises(ProcessDied):
        list(work.fill())
    assert not active_children()
    assert told.rows("SELECT generation FROM projections_live WHERE projection = 'balances'") == [(1,)]

    def progress(step: str, done: int, total: int) -> None:
        if step == "reading the facts":
            steps.append((done, total))

    with rebuilding(told.settings, [], progress) as work:
        done = list(work.fill())
    assert all(one.comparison.equal and one.switched for one in done)
    assert told.rows("SELECT count(*) FROM balances_2.lots") == [(40,)]
    assert [now for now, _ in steps] == sorted(now for now, _ in steps)
    assert steps[-1] == (steps[0][1], steps[0][1]), "what all of them have read adds up"
