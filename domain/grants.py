"""The facts of points that were given without a purchase: for a referral, a birthday, a campaign or as a reward."""

from typing import Literal
from uuid import UUID

from domain.fact import Fact
from domain.movements import GivenLot
from domain.parts import Taken

GrantCause = Literal["referral", "birthday", "campaign", "reward"]


class PointsGranted(Fact, name="PointsGranted.v1"):
    """Points were given for something that is no purchase: a lot like any other, which never counts for the tier."""

    member_id: UUID
    grant_id: UUID
    """Made of what it is for, so that nothing is given twice."""
    cause: GrantCause
    reference: str
    """What it is for, in the words of the cause: the id of a referral, the year of a birthday."""
    lot: GivenLot


class GrantRevoked(Fact, name="GrantRevoked.v1"):
    """What points were given for does not hold any more: granted = Σ `parts` + `debt` + `forgiven` + Σ `forwarded`."""

    member_id: UUID
    grant_id: UUID
    cause: GrantCause
    parts: list[Taken]
    """From the grant's own lot, then where the policy finds them."""
    debt: int = 0
    forgiven: int = 0
    forwarded: tuple[Taken, ...] = ()
    """Moved with a merge: taken from the survivor."""
    from_member_id: UUID | None = None
    """Whom they were given to, if that is an absorbed member and this one its survivor."""
    reason: str


class BirthdayCelebrated(Fact, name="BirthdayCelebrated.v1"):
    """A member had the gift of a calendar year: points or a coupon, as the fact beside it tells."""

    member_id: UUID
    year: int
