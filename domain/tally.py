"""Adding up what qualifies within a window of time (rules 9)."""

from collections import Counter, deque
from datetime import date, datetime
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from domain.calendar_days import local_day
from domain.policy.tiers import Counters


class Credit(NamedTuple):
    """What qualifies, dated at its purchase; below zero where a return took it back.

    Points are those of base parts, money is in minor units and does not count what points paid. `visits` is 1 for a
    purchase in a store and −1 once all of it is gone: a visit is a store and local day with a purchase left.
    """

    at: datetime
    points: int
    spend_minor: int = 0
    store: str = ""
    visits: int = 0
    back_at: datetime | None = None
    """Of a return: when it happened. It counts in no review that was held before."""


class Grant(NamedTuple):
    """A tier that is held at least, from an instant until the next review. It may have been held elsewhere before, `since`."""

    since: datetime
    tier: str
    at: datetime


class Tally:
    """What lies in a window; credits come in the order of their dates and leave in it."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._points = 0
        self._spend_minor = 0
        self._visits: Counter[tuple[str, date]] = Counter()
        self._visited = 0
        self._credits: deque[Credit] = deque()
        self.backs: deque[Credit] = deque()
        """Returns: whether one counts depends on who asks."""

    def copy(self) -> Self:
        other = type(self)(self._zone)
        for credit in self._credits:
            other.add(credit)
        return other

    def add(self, credit: Credit) -> None:
        self._credits.append(credit)
        if credit.back_at is None:
            self._count(credit, 1)
        else:
            self.backs.append(credit)

    def leave_out_days_through(self, day: date) -> None:
        """Let go what is dated on a local day or before it."""
        while self._credits and local_day(self._credits[0].at, self._zone) <= day:
            self._let_go()

    def leave_out_through(self, at: datetime) -> None:
        """Let go what is dated at an instant or before it."""
        while self._credits and self._credits[0].at <= at:
            self._let_go()

    def counted(self, *, by: datetime | None = None) -> Counters:
        """What counts, with the returns that happened before an instant; with all of them, where none is named."""
        backs = [back for back in self.backs if by is None or back.back_at is None or back.back_at < by]
        if not backs:
            return Counters(self._points, self._spend_minor, self._visited)
        gone: Counter[tuple[str, date]] = Counter()
        for back in backs:
            gone[self._visit(back)] += back.visits
        visits = self._visited + sum(
            (self._visits[one] + change > 0) - (self._visits[one] > 0) for one, change in gone.items()
        )
        points = self._points + sum(back.points for back in backs)
        return Counters(points, self._spend_minor + sum(back.spend_minor for back in backs), visits)

    def _let_go(self) -> None:
        credit = self._credits.popleft()
        if credit.back_at is None:
            self._count(credit, -1)
        else:
            self.backs.popleft()

    def _count(self, credit: Credit, sign: int) -> None:
        self._points += sign * credit.points
        self._spend_minor += sign * credit.spend_minor
        if credit.visits:
            visit = self._visit(credit)
            self._visited -= self._visits[visit] > 0
            self._visits[visit] += sign * credit.visits
            self._visited += self._visits[visit] > 0

    def _visit(self, credit: Credit) -> tuple[str, date]:
        return credit.store, local_day(credit.at, self._zone)
