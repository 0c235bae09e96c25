"""Processes that work for this one: what they say, what they fail with, and that none outlives what it was wanted for."""

import os
import signal
from multiprocessing import active_children
from multiprocessing.connection import Connection

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
