"""Work parted among processes."""

from collections.abc import Iterator

import pytest

from infra.side_by_side import AHEAD, in_turn


class Parts(list[int]):
    """Tells how many of them were taken."""

    taken = 0

    def __iter__(self) -> Iterator[int]:
        for one in super().__iter__():
            self.taken += 1
            yield one


def test_what_is_told_in_turn_stands_in_the_order_of_its_parts_of_which_few_are_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    parts = Parts(range(-30, 0))
    found = in_turn(abs, parts)
    assert next(found) == 30
    assert parts.taken == 2 * AHEAD + 1
    assert list(found) == list(range(29, 0, -1))
