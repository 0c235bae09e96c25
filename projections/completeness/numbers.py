"""Receipts that tills number: which numbers are missing between those that are recorded."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import NamedTuple

MOST = 100
"""Numbers that are listed of a day."""

_NUMBERED = re.compile(r"(.*?)(\d{1,15})", re.DOTALL)


class Numbered(NamedTuple):
    """A message by its number, in the order of numbers."""

    number: int
    digits: str
    day: date


class Gap(NamedTuple):
    """Numbers from `first` on that nothing is recorded under, between messages of two days, which may be the same."""

    prefix: str
    width: int
    first: int
    missing: int
    before: date
    after: date

    def split(self, at: int) -> tuple["Gap", "Gap"]:
        """The first so many numbers, and the others."""
        return self._replace(missing=at), self._replace(first=self.first + at, missing=self.missing - at)

    def names(self) -> Iterator[str]:
        """The ids that these numbers would have been, as many as are listed."""
        shown = range(self.first, self.first + min(self.missing, MOST))
        return (f"{self.prefix}{number:0{self.width}}" for number in shown)


def gaps(ids: Mapping[date, Iterable[str]], *, counted: int) -> list[Gap]:
    """What is missing of the numbers of a till that counted so many receipts.

    Ids with a common beginning and a number at the end are numbered by it. Where most of the numbers would be missing, both
    by what is recorded and by what was counted, they are no running ones, and none is.
    """
    runs: dict[str, set[Numbered]] = defaultdict(set)
    for day, named in ids.items():
        for text in named:
            if found := _NUMBERED.fullmatch(text):
                prefix, digits = found.groups()
                runs[prefix].add(Numbered(int(digits), digits, day))
    return [gap for prefix, run in runs.items() for gap in _gaps(prefix, sorted(run), max(counted, len(run)))]


def _gaps(prefix: str, run: list[Numbered], there_were: int) -> Iterator[Gap]:
    if run[-1].number - run[0].number >= 2 * there_were:
        return
    for one, other in pairwise(run):
        if other.number > one.number + 1:
            width = len(one.digits) if one.digits.startswith("0") else 0
            yield Gap(prefix, width, one.number + 1, other.number - one.number - 1, one.day, other.day)


def by_day(found: Iterable[Gap], lacking: Mapping[date, int]) -> dict[date, list[Gap]]:
    """Gaps by the day that they are missing on. Between two days, the first has as many of them as it lacks by its count."""
    missing: dict[date, list[Gap]] = defaultdict(list)
    left = dict(lacking)

    def assign(day: date, gap: Gap) -> None:
        if gap.missing:
            missing[day].append(gap)
            left[day] = left.get(day, 0) - gap.missing

    for gap in sorted(found, key=lambda one: one.before != one.after):  # those within a day leave no choice
        own = gap.missing if gap.before == gap.after else max(0, min(gap.missing, left.get(gap.before, 0)))
        former, latter = gap.split(own)
        assign(gap.before, former)
        assign(gap.after, latter)
    return missing
