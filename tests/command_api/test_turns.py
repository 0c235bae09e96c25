"""Turns: who waits is answered, the thread goes on by itself, and a turn that fails leaves the next one alone."""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError

from command_api.turns import StoreUnavailable, TooBusy, Turns


class Work:
    """Doubles numbers, turn by turn; the first turn waits until it may go on."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.first, self.second, self.go_on = Event(), Event(), Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.turns.append(list(items))
        if len(self.turns) == 1:
            self.first.set()
            assert self.go_on.wait(20)
        else:
            self.second.set()
        if 0 in items:
            raise OperationalError("the store is away")
        return [2 * item for item in items]


def with_turns(work: Work, story: Any, *, most: int = 100, most_waiting: int = 100) -> None:
    """Tell a story to turns in an event loop."""
    with ThreadPoolExecutor(1) as thread:
        turns: Turns[int, int] = Turns(work, thread, most=lambda _: most, most_waiting=most_waiting)
        asyncio.run(asyncio.wait_for(story(turns), 30))


async def asked(*questions: Coroutine[Any, Any, list[int]]) -> list["asyncio.Task[list[int]]"]:
    """The questions, each on its way by now."""
    tasks = [asyncio.create_task(one) for one in questions]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_each_is_answered_for_its_own_items_and_those_that_come_together_share_a_turn() -> None:
    work = Work()
    work.go_on.set()

    async def story(turns: Turns[int, int]) -> None:
        answers = await asyncio.gather(turns.outcomes([1, 2]), turns.outcomes([]), turns.outcomes([3]))
        assert list(answers) == [[2, 4], [], [6]]

    with_turns(work, story)
    assert work.turns == [[1, 2, 3]]


def test_a_turn_takes_no_more_than_it_may_and_never_half_a_request() -> None:
    work = Work()
    work.go_on.set()

    async def story(turns: Turns[int, int]) -> None:
        await asyncio.gather(*(turns.outcomes([number, number]) for number in range(1, 5)))

    with_turns(work, story, most=3)
    assert work.turns == [[1, 1, 2, 2], [3, 3, 4, 4]]


def test_the_next_turn_does_not_wait_for_the_event_loop() -> None:
    work = Work()

    async def story(turns: Turns[int, int]) -> None:
        first, second = await asked(turns.outcomes([1]), turns.outcomes([2]))
        work.go_on.set()
        assert work.second.wait(20), "and the loop stands still meanwhile"
        assert not first.done()
        assert [await first, await second] == [[2], [4]]

    with_turns(work, story, most=1)
    assert work.turns == [[1], [2]]


def test_who_is_one_too_many_is_sent_away_and_the_others_are_answered() -> None:
    work = Work()

    async def story(turns: Turns[int, int]) -> None:
        (first,) = await asked(turns.outcomes([1]))
        assert await asyncio.to_thread(work.first.wait, 20)
        (many,) = await asked(turns.outcomes([2, 3, 4]))
        with pytest.raises(TooBusy):
            await turns.outcomes([5])
        work.go_on.set()
        assert [await first, await many] == [[2], [4, 6, 8]]

    with_turns(work, story, most_waiting=2)


def test_a_turn_that_fails_is_told_to_all_in_it_and_the_next_one_is_taken() -> None:
    work = Work()

    async def story(turns: Turns[int, int]) -> None:
        waiting = await asked(turns.outcomes([1]), turns.outcomes([0]))
        work.go_on.set()
        for one in waiting:
            with pytest.raises(StoreUnavailable):
                await one
        assert await turns.outcomes([7]) == [14]

    with_turns(work, story)
