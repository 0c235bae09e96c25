"""Processes that work for this one: what they say, what they fail with, and that none outlives what it was wanted for."""

import os
import signal
import subprocess
import sys
from multiprocessing import active_children
from multiprocessing.connection import Connection
from threading import Event, Thread

import pytest

from infra.workers import ProcessDied, received, tell, workers


def halve(pipe: Connection) -> None:
    """Until nobody asks any more."""
    while True:
        number = pipe.recv()
        if number % 2:
            raise ArithmeticError(f"{number} is odd")
        pipe.send((number // 2, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())))


def test_they_answer_tell_what_they_fail_with_and_are_missed_when_they_are_killed() -> None:
    with workers(halve, 2) as (one, other):
        tell(one, 8)
        tell(other, 6)
        assert [received(pipe) for pipe in (one, other)] == [(4, True), (3, True)], "Ctrl-C is for whoever asked"
        tell(one, 3)
        with pytest.raises(ArithmeticError, match="3 is odd"):
            received(one)
        for process in active_children():
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        with pytest.raises(ProcessDied):
            received(other)
        with pytest.raises(ProcessDied):
            tell(other, 2)


def test_none_is_left_when_whoever_asked_is_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt), workers(halve, 1):
        raise KeyboardInterrupt
    assert not active_children()


KNOWN: list[str] = []
"""What a process has in memory besides what it imports."""


def tell_what_is_known(pipe: Connection) -> None:
    pipe.send(KNOWN)
    pipe.recv()


def inherit_and_wait() -> None:
    """In a process of its own, as that of the tests may have threads."""
    KNOWN.append("it")
    done = Event()
    beside = Thread(target=done.wait)
    beside.start()
    with workers(tell_what_is_known, 1, inheriting=True) as (afresh,):
        print(received(afresh))
    done.set()
    beside.join()
    with workers(tell_what_is_known, 2, inheriting=True) as pipes:
        print(*map(received, pipes), flush=True)
        Event().wait()


def test_they_inherit_what_is_in_memory_where_no_thread_runs_beside_and_end_with_whoever_is_killed() -> None:
    script = "from tests.infra.test_workers import inherit_and_wait; inherit_and_wait()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        assert [asking.stdout.readline() for _ in range(2)] == ["[]\n", "['it'] ['it']\n"]
        asking.kill()
        assert not asking.communicate(timeout=60)[0], "it ends once all have gone that can write to it"
