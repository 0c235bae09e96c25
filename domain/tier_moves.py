"""The facts about tiers: moves, grants and warnings. What qualifies stands in the movements of points."""

from datetime import date, datetime
from uuid import UUID

from typing_extensions import TypedDict

from domain.fact import Fact
from domain.policy.tiers import Counters


class Counted(TypedDict):
    """What a decision about a tier looked at: points, money in minor units, visits, and their sum by the metric."""

    points: int
    spend_minor: int
    visits: int
    total: int


def counted(counters: Counters, total: int) -> Counted:
    return Counted(points=counters.points, spend_minor=counters.spend_minor, visits=counters.visits, total=total)


class TierMoved(Fact, name="TierMoved.v1"):
    """A member's tier changed; the inputs of the evaluation are kept.

    `qualifying_points` are the sums by period, in units of the metric; where a period depends on what the member did, or
    more than points count, only that of `period`, whose counters are then kept too.
    """

    member_id: UUID
    from_tier: str
    to_tier: str
    period: int
    qualifying_points: dict[int, int]
    counted: Counted | None = None
    reviewed: bool | None = None
    """Whether a review took it, which is when this occurred."""


class TierWarned(Fact, name="TierWarned.v1"):
    """Recorded by the clock: unless the member buys more, the next review takes the tier."""

    member_id: UUID
    tier: str
    falls_to: str
    review_on: date
    """The local day of the review, or of the end of the grace."""
    missing: int
    """In units of the metric."""
    counted: Counted


class TierGranted(Fact, name="TierGranted.v1"):
    """A member holds at least this tier from `since` until the review of its period: after an import or a merge."""

    member_id: UUID
    tier: str
    since: datetime
    period: int
    transfer_id: UUID | None = None
    """The merge that it came with, and goes with if that is undone."""
    reason: str
