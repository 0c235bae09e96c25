"""A member's standing: a pure function of qualifying history, policy and instant (semantics 9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from domain.calendar_days import anniversary, day_begins, local_day
from domain.policy.tiers import Tier, Tiers
from domain.programme import Policy

NO_GRANTS: Mapping[int, int] = {}


class Credit(NamedTuple):
    """Qualifying points, dated at their purchase; below zero where a return took them back."""

    at: datetime
    points: int


class Grant(NamedTuple):
    """A tier that is held at least, since an instant and until the review of a period."""

    since: datetime
    tier: str
    period: int


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


def standing(
    history: Iterable[Credit], *, policy: Policy, registered_at: datetime, as_of: datetime, grants: Iterable[Grant] = ()
) -> Standing:
    """Walk the member's history up to `as_of`, instant by instant.

    1. Each credit may promote at once, or undo a promotion of the open period that is no longer supported; a grant
    lifts. 2. Each period that closes is reviewed. 3. What is left of the open period is told.
    """
    tiers, zone = policy.tiers, policy.zone
    registered_on = local_day(registered_at, zone)
    rank, since, floor, number, total = 0, registered_at, 0, 0, 0

    def stand(at: datetime) -> None:
        nonlocal rank, since
        now = promoted(tiers, floor, total)
        if now != rank:
            rank, since = now, at

    def close_periods_before(at: datetime) -> None:
        nonlocal floor, number, total
        current = period_of(tiers.period, day=local_day(at, zone), registered_on=registered_on)
        while number < current:
            floor, total = reviewed(tiers, rank, total), 0
            stand(_review_instant(policy, number, registered_on))
            number += 1

    moves: list[tuple[datetime, int, Grant | None]] = [
        (max(grant.since, _begins(policy, grant.period, registered_on)), 0, grant) for grant in grants
    ]
    moves += [(credit.at, credit.points, None) for credit in history]
    for at, together in groupby(sorted(moves, key=itemgetter(0)), key=itemgetter(0)):
        if at > as_of:
            break
        close_periods_before(at)
        for _, points, grant in together:
            total += points
            if grant is not None and grant.period == number:
                floor = max(floor, tiers.rank(grant.tier))
                stand(grant.since)
        stand(at)
    close_periods_before(as_of)
    return _told(
        tiers, rank=rank, since=since, total=total, last=last_day_of(tiers.period, number, registered_on=registered_on)
    )


def _begins(policy: Policy, number: int, registered_on: date) -> datetime:
    """The first instant of a period; the first one has none, nor has the only one of a lifetime."""
    if not number or policy.tiers.period == "lifetime":
        return datetime.min.replace(tzinfo=UTC)
    return _review_instant(policy, number - 1, registered_on)


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
