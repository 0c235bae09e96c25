"""Points by lot: what a purchase earned, what a return took, what was spent of each."""

from datetime import datetime
from typing import NotRequired
from uuid import UUID

from typing_extensions import TypedDict


class Taken(TypedDict):
    """Points of a lot."""

    lot_id: UUID
    points: int


class EarnedPart(TypedDict):
    """The points of one part of a purchase: a lot. `residue` is the fraction that the floor left over."""

    lot_id: UUID
    part: str
    points: int
    basis_minor: int
    residue: str
    qualifies: bool
    bonus: NotRequired[bool]
    """Whether it counts once per member, store and local day."""
    coupon: NotRequired[str]
    """The kind of the coupon that was issued, instead of points."""
    code: NotRequired[str]
    """The code of that coupon."""
    discount_minor: NotRequired[int]
    """What the campaign took off, as it was quoted, and its budget bore."""
    uncapped: NotRequired[int]
    """What it would have been, had a budget or a limit, of the campaign or the programme, not ended."""
    limited_until: NotRequired[datetime]
    """It counts towards the member's limits; what goes back before this can be given again."""


class RevokedPart(TypedDict):
    """`points` of a part that a return took back: from its lot, but for what stands in the other fields."""

    lot_id: UUID
    part: str
    points: int
    qualifies: bool
    debt: NotRequired[int]
    """Spent, held or settled by then: owed now."""
    forgiven: NotRequired[int]
    others: NotRequired[list[Taken]]
    """Taken from other lots instead: those that it lives on in, and others by the policy `next_lots_then_debt`."""
    forwarded: NotRequired[int]
    """Moved with a merge: taken back from the survivor."""
    discount_minor: NotRequired[int]
    """What the budget of the campaign need not bear any more."""
    coupon: NotRequired[str]
    """The code of the coupon that had come with it, and is void now."""
