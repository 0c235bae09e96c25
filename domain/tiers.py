"""A member's standing: a pure function of qualifying history, policy and instant (semantics 9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from domain.calendar_days import anniversary, day_begins, local_day
from domain.programme import Policy, Tier, Tiers

NO_GRANTS: Mapping[int, int] = {}


class Credit(NamedTuple):
    """Qualifying points, dated at their purchase; below zero where a return took them back."""

    at: datetime
    points: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a member stands, what is missing to the next tier, and what must be reached to keep this one."""

    tier: str
    since: datetime
    qualifying_points: int
    next_tier: str | None
    points_to_next: int | None
    review_on: date | None
    points_to_keep: int | None


@lru_cache(maxsize=65_536)
def period_of(period: str, *, day: date, registered_on: date) -> int:
    """The number of the qualifying period of a local day: 0 is the one of joining; what came before joining counts to it."""
    if period == "lifetime" or day <= registered_on:
        return 0
    years = day.year - registered_on.year
    if period == "calendar_year":
        return years
    # The membership year ends with its anniversary day, as the points of that year do (semantics 3).
    return years if day > anniversary(registered_on, years) else max(0, years - 1)


def last_day_of(period: str, number: int, *, registered_on: date) -> date | None:
    """The last local day of a qualifying period, after which it is reviewed; None where there is no review."""
    if period == "lifetime":
        return None
    if period == "calendar_year":
        return date(registered_on.year + number, 12, 31)
    return anniversary(registered_on, number + 1)


def promoted(tiers: Tiers, rank: int, total: int) -> int:
    """The rank after `total` points in the open period: tiers may be skipped, and nobody falls by earning."""
    reached = [index for index, level in enumerate(tiers.levels) if total >= level.promote_at]
    return max(rank, *reached) if reached else rank


def reviewed(tiers: Tiers, rank: int, total: int) -> int:
    """The rank after the review of a closed period: kept, or one step down."""
    return rank - 1 if rank > 0 and total < tiers.levels[rank].retain_at else rank


def rank_through(tiers: Tiers, periods: Mapping[int, int], last: int, granted: Mapping[int, int] = NO_GRANTS) -> int:
    """The rank in period `last`, given the qualifying points of each period. Within a period order does not matter.

    `granted` are ranks that were given, by period: each holds until the review of its period.
    """
    rank = 0
    for number in range(last):
        held = max(rank, granted.get(number, 0))
        rank = reviewed(tiers, promoted(tiers, held, periods.get(number, 0)), periods.get(number, 0))
    return promoted(tiers, max(rank, granted.get(last, 0)), periods.get(last, 0))


def standing(history: Iterable[Credit], *, policy: Policy, registered_at: datetime, as_of: datetime) -> Standing:
    """Walk the member's history up to `as_of`, instant by instant.

    1. Each credit may promote at once. 2. Each period that closes is reviewed. 3. What is left of the open period is told.
    """
    tiers, zone = policy.tiers, policy.zone
    registered_on = local_day(registered_at, zone)
    rank, since, number, total = 0, registered_at, 0, 0

    def close_periods_before(at: datetime) -> None:
        nonlocal rank, since, number, total
        current = period_of(tiers.period, day=local_day(at, zone), registered_on=registered_on)
        while number < current:
            kept = reviewed(tiers, rank, total)
            if kept != rank:
                rank, since = kept, _review_instant(policy, number, registered_on)
            number, total = number + 1, 0
            rank = promoted(tiers, rank, total)

    for at, together in groupby(sorted(credit for credit in history if credit.at <= as_of), key=itemgetter(0)):
        close_periods_before(at)
        total += sum(credit.points for credit in together)
        higher = promoted(tiers, rank, total)
        if higher != rank:
            rank, since = higher, at
    close_periods_before(as_of)
    return _told(
        tiers, rank=rank, since=since, total=total, last=last_day_of(tiers.period, number, registered_on=registered_on)
    )


def _review_instant(policy: Policy, number: int, registered_on: date) -> datetime:
    last = last_day_of(policy.tiers.period, number, registered_on=registered_on)
    assert last is not None, "a lifetime period never closes"
    return day_begins(last + timedelta(days=1), policy.zone)


def _told(tiers: Tiers, *, rank: int, since: datetime, total: int, last: date | None) -> Standing:
    here: Tier = tiers.levels[rank]
    above = tiers.levels[rank + 1] if rank + 1 < len(tiers.levels) else None
    return Standing(
        tier=here.name,
        since=since,
        qualifying_points=total,
        next_tier=above.name if above else None,
        points_to_next=max(0, above.promote_at - total) if above else None,
        review_on=None if last is None else last + timedelta(days=1),
        points_to_keep=None if last is None or rank == 0 else max(0, here.retain_at - total),
    )
