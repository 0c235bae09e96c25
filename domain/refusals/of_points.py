"""Refusals: points, holds, redemptions and debt."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class InsufficientPoints(Refusal):
    """The account cannot cover so many points at that time, and none while it owes. Ask for at most what is available."""

    points: int
    available: int
    debt: int


@dataclass(eq=False)
class PointsAreNotCash(Refusal):
    """The programme gives no rate at which points pay. Publish a version with `points_as_cash`."""

    programme: str


@dataclass(eq=False)
class BelowMinimum(Refusal):
    """Fewer points than the programme lets pay at once. Redeem at least the minimum."""

    points: int
    minimum_points: int


@dataclass(eq=False)
class NotAStep(Refusal):
    """Points pay in steps. Redeem a multiple of the step."""

    points: int
    step_points: int


@dataclass(eq=False)
class AboveShareOfBill(Refusal):
    """Points may pay only a share of the bill. Let them pay at most that."""

    amount_minor: int
    most_minor: int


@dataclass(eq=False)
class AboveDailyLimit(Refusal):
    """The programme lets so many points pay on a local day. Let at most what is left of them pay, or wait for the next day."""

    points: int
    left: int
    paid_per_day: int


@dataclass(eq=False)
class UnknownHold(Refusal):
    """There is no such hold. Holds are named by the id that their creation answered."""

    hold_id: UUID


@dataclass(eq=False)
class HoldEndedBefore(Refusal):
    """The hold was captured, released, or timed out. Place a new one."""

    hold_id: UUID
    how: str


@dataclass(eq=False)
class CaptureAfterTimeout(Refusal):
    """The hold had timed out by the business time of the capture. Redeem without it."""

    hold_id: UUID
    until: datetime


@dataclass(eq=False)
class MoreThanHeld(Refusal):
    """More is to be captured than was held. Capture at most what is held, and redeem the rest."""

    hold_id: UUID
    points: int
    held: int


@dataclass(eq=False)
class UnknownRedemption(Refusal):
    """There is no such redemption. A captured hold is a redemption with the hold's id."""

    redemption_id: UUID


@dataclass(eq=False)
class RedemptionReversedBefore(Refusal):
    """All points of the redemption came back before. There is nothing left to reverse."""

    redemption_id: UUID


@dataclass(eq=False)
class MoreThanRedeemed(Refusal):
    """More is to come back than is left of the redemption. Reverse at most what is left."""

    redemption_id: UUID
    points: int
    left: int


@dataclass(eq=False)
class NoDebt(Refusal):
    """There is not so much debt to waive. Waive at most what is owed."""

    points: int
    debt: int


@dataclass(eq=False)
class PaidForPurchase(Refusal):
    """The points paid for a purchase that stands. They come back with its return or void."""

    redemption_id: UUID
    purchase_id: UUID


@dataclass(eq=False)
class EarlierThanCause(Refusal):
    """It would undo something before that had happened. Give a time that is not earlier."""

    occurred_at: datetime
    cause_at: datetime
