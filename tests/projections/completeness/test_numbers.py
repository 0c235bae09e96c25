"""Numbers of receipts that are missing."""

from datetime import date

from hypothesis import given as forall
from hypothesis import strategies

from projections.completeness.numbers import MOST, by_day, gaps

FIRST, SECOND = date(2023, 6, 1), date(2023, 6, 2)


def missing(ids: dict[date, list[str]], *, counted: int = 0, **lacking: int) -> dict[date, list[str]]:
    days = {FIRST: lacking.get("first", 0), SECOND: lacking.get("second", 0)}
    found = by_day(gaps(ids, counted=counted), days)
    return {day: [name for gap in some for name in gap.names()] for day, some in found.items()}


def test_what_lies_between_the_first_and_the_last_of_a_day() -> None:
    assert missing({FIRST: ["R-7", "R-10", "R-8", "R-12"]}) == {FIRST: ["R-9", "R-11"]}
    assert missing({FIRST: ["R-7", "R-8"]}) == {}


def test_leading_zeros_are_kept() -> None:
    assert missing({FIRST: ["T4/0998", "T4/1001"]}) == {FIRST: ["T4/0999", "T4/1000"]}
    assert missing({FIRST: ["98", "101"]}) == {FIRST: ["99", "100"]}


def test_numbers_that_begin_anew_every_day_are_runs_of_their_own() -> None:
    ids = {FIRST: ["0601-1", "0601-2", "0601-4"], SECOND: ["0602-2", "0602-3"]}
    assert missing(ids) == {FIRST: ["0601-3"]}


def test_between_two_days_the_first_has_as_many_as_it_lacks() -> None:
    ids = {FIRST: ["1", "2", "3"], SECOND: ["7", "8"]}
    assert missing(ids, first=2, second=1) == {FIRST: ["4", "5"], SECOND: ["6"]}
    assert missing(ids) == {SECOND: ["4", "5", "6"]}
    ids = {FIRST: ["1", "3"], SECOND: ["5", "6"]}
    assert missing(ids, first=1) == {FIRST: ["2"], SECOND: ["4"]}


def test_ids_that_are_no_running_numbers_tell_nothing() -> None:
    assert missing({FIRST: ["31198570044", "31198570047", "31198570099", "a1b2", "a9c7", "x"]}) == {}
    assert missing({FIRST: ["R-1", "R-9"]}) == {}
    assert len(missing({FIRST: ["R-1", "R-9"]}, counted=9)[FIRST]) == 7


def test_a_long_list_is_cut_and_still_counted() -> None:
    (gap,) = gaps({FIRST: ["R-1", "R-1000"]}, counted=1_000)
    assert (gap.missing, len(list(gap.names()))) == (998, MOST)


@forall(strategies.sets(strategies.integers(1, 60), min_size=30), strategies.integers(1, 60))
def test_every_number_between_the_first_and_the_last_is_recorded_or_missing_once(numbers: set[int], cut: int) -> None:
    ids = {FIRST: [f"R-{n}" for n in numbers if n < cut], SECOND: [f"R-{n}" for n in numbers if n >= cut]}
    found = [name for some in missing(ids).values() for name in some]
    assert sorted(found) == sorted(f"R-{n}" for n in range(min(numbers), max(numbers)) if n not in numbers)
