"""With expiry by inactivity: the purchases that keep a member's points alive, whatever order they arrived in."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class KeepAlive(NamedTuple):
    """All points alive at an instant live until another one at least."""

    at: datetime
    until: datetime


def prolonged(ends_at: datetime, activity: Sequence[KeepAlive], *, since: datetime) -> datetime:
    """When points lapse that are there since an instant and lapse at another, unless they are kept alive before.

    `activity` stands in the order of business time. Expired stays expired: what comes later than that revives nothing.
    Each step takes all that lies within the life so far; the life that it gives may reach further.
    """
    first = bisect_left(activity, since, key=_at)
    while (reached := bisect_left(activity, ends_at, key=_at)) > first:
        ends_at = max(ends_at, *(one.until for one in activity[first:reached]))
        first = reached
    return ends_at


def _at(one: KeepAlive) -> datetime:
    return one.at
