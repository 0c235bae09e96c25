"""What became of a command, told as an HTTP answer."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from command_api.refusals import problem_of
from domain.loyalty import Failed, Outcome, Recorded, Refused, Repeated
from domain.refusals import Refusal

Position = Field(description="The position of the last fact recorded: a query may ask for at least this one.")
RESTORED_UNTIL = "Until when points live that came back after they had lapsed; only where there are such."


class Answer(BaseModel):
    """A command was carried out, now or, for a repeat, before."""

    position: int = Position


class MemberAnswer(Answer):
    """The member."""

    member_id: UUID


class ErasedAnswer(MemberAnswer):
    """The member, and when the personal data were erased."""

    erased_at: datetime


class CampaignCreatedAnswer(Answer):
    """The campaign."""

    campaign_id: str


class SegmentDefinedAnswer(Answer):
    """The segment, and the version that was defined."""

    segment_id: str
    version: int


class VersionPublishedAnswer(Answer):
    """The version."""

    programme: str
    version: int


class FindingTold(BaseModel):
    """What the linter found, and what to do. Errors keep a version from being published."""

    level: Literal["error", "warning", "assumption"]
    rule: str = Field(description="The stable name of the rule.")
    place: str
    message: str
    example: str | None = Field(description="A member for whom it bites, in words.")
    suggestion: str | None
    against: str | None = Field(description="The other place, where two contradict each other.")
    clauses: list[str] = Field(description="The clauses of the plan that speak of it.")
    line: int | None = Field(description="Where the place stands in a YAML text, from 1; null for JSON.")
    column: int | None


class PointsOfPart(BaseModel):
    """What one part of a purchase earned: `base`, or a campaign."""

    part: str
    points: int


class WentBack(BaseModel):
    """What went back of another purchase in an exchange, and the points that it took."""

    purchase_id: UUID
    returned_minor: int
    revoked: list[PointsOfPart]


class CouponTold(BaseModel):
    """A coupon: good from `valid_from` until, and not at, `valid_until`."""

    code: str
    kind: str
    valid_from: datetime
    valid_until: datetime
    amount_minor: int | None = Field(description="What it takes off a bill, in minor units, where it is money.")


class PurchaseAnswer(Answer):
    """What a receipt prints, as of the time of the purchase. Without a member nothing was credited yet."""

    purchase_id: UUID
    member_id: UUID | None
    points: list[PointsOfPart]
    redeemed: int = Field(default=0, description="The points that paid for it.")
    debt: int = Field(default=0, description="Those of them that the account could not cover: owed now.")
    returned: list[WentBack] = Field(default=[], description="In an exchange: what went back of other purchases.")
    coupons: list[CouponTold] = Field(default=[], description="Issued with it by campaigns, to be printed.")
    available: int | None = None
    tier: str | None = None
    next_tier: str | None = None
    points_to_next: int | None = None


class ClosingAnswer(Answer):
    """What a till counted on a day. Of several closings of a day the last by business time counts."""

    source: str
    business_day: date
    receipts: int
    paid_minor: int
    supersedes: UUID | None = Field(description="The message of the closing that this one stands in for.")
    superseded_by: UUID | None = Field(description="The message of a later closing, which goes on counting.")


class ReceiptAnswer(Answer):
    """What a receipt brought that is credited late, what of it its returns took again, and where the member stands."""

    purchase_id: UUID
    member_id: UUID
    points: list[PointsOfPart]
    revoked: list[PointsOfPart]
    available: int
    tier: str
    next_tier: str | None
    points_to_next: int | None


class ReassignedAnswer(ReceiptAnswer):
    """The purchase that stands in for the one it corrects."""

    corrects: UUID


class TakenBackAnswer(Answer):
    """What went back, the points that it took, and where the member stands."""

    purchase_id: UUID
    member_id: UUID | None
    returned_minor: int
    revoked: list[PointsOfPart]
    restored: int = Field(default=0, description="Points that had paid for what went back, and came back.")
    restored_until: datetime | None = Field(default=None, description=RESTORED_UNTIL)
    available: int | None = None
    tier: str | None = None
    next_tier: str | None = None
    points_to_next: int | None = None


class ReferralCodeAnswer(Answer):
    """The code, and whose it is."""

    referrer: UUID
    code: str


class ReviewedAnswer(Answer):
    """What was decided of a referral; it goes by its referee."""

    member_id: UUID
    approved: bool


class AdjustedAnswer(Answer):
    """What was given or, below zero, taken; what of that is owed; and what is available."""

    member_id: UUID
    points: int
    debt: int
    available: int


class WaivedAnswer(Answer):
    """The debt that was let go, and what is available."""

    member_id: UUID
    points: int
    available: int


class ClosedAnswer(Answer):
    """From when the account is closed, and the debt that stays on record."""

    member_id: UUID
    closed_at: datetime
    debt: int


class TransferredAnswer(Answer):
    """What was sent, and what is available to the sender."""

    transfer_id: UUID
    member_id: UUID
    to: UUID
    points: int
    available: int


class MergedAnswer(Answer):
    """What came over to the survivor, `member_id`, and what is available there."""

    member_id: UUID
    merged: UUID
    points: int
    debt: int
    available: int


class UnmergedAnswer(Answer):
    """What went back from the survivor, `member_id`, and what is available there."""

    member_id: UUID
    unmerged: UUID
    points: int
    debt: int
    available: int


class ImportedAnswer(Answer):
    """What was brought in, and what is available."""

    member_id: UUID
    points: int
    debt: int
    available: int


class SpendingAnswer(Answer):
    """Whose points moved, and what is available after it, as of its time."""

    member_id: UUID
    available: int


class HoldAnswer(SpendingAnswer):
    """Points that are set aside, and what they pay."""

    hold_id: UUID
    points: int
    amount_minor: int
    until: datetime


class RedemptionAnswer(SpendingAnswer):
    """Points that were spent, what they paid, and how many of them are owed."""

    redemption_id: UUID
    points: int
    amount_minor: int | None
    debt: int


class ReleaseAnswer(SpendingAnswer):
    """A hold that is over."""

    hold_id: UUID


class ReversalAnswer(SpendingAnswer):
    """Points that came back: how many of them have lapsed for good, and how many were owed and are not any more."""

    redemption_id: UUID
    points: int
    lapsed: int
    restored_until: datetime | None = Field(default=None, description=RESTORED_UNTIL)
    debt_cancelled: int


class ItemAnswer(BaseModel):
    """The answer to one item of a batch: that of the single request, with its status."""

    model_config = ConfigDict(extra="allow")

    status: int


class BatchAnswer(BaseModel):
    """One answer for each item, in their order. `position` is the last of all."""

    items: list[ItemAnswer]
    position: int = Position


def told(outcome: Outcome) -> dict[str, Any]:
    """The answer to a single command; a refusal or a failure is raised."""
    if isinstance(outcome, Refused):
        raise outcome.refusal
    if isinstance(outcome, Failed):
        raise outcome.error
    return {**outcome.answer, "position": outcome.position}


def told_each(outcomes: Sequence[Outcome | Refusal]) -> dict[str, Any]:
    """The answers to a batch; each item has its own status."""
    positions = [outcome.position for outcome in outcomes if isinstance(outcome, Recorded | Repeated)]
    return {"items": [_item(outcome) for outcome in outcomes], "position": max(positions, default=0)}


def _item(outcome: Outcome | Refusal) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        outcome = outcome.refusal
    if isinstance(outcome, Refusal):
        name, status, detail, fields = problem_of(outcome)
        return {"status": status, "type": f"urn:loyalty:{name}", "detail": detail, **fields}
    if isinstance(outcome, Failed):
        return {"status": 500, "type": "urn:loyalty:internal-error", "detail": "Repeat the item with the same id."}
    return {"status": 201, **told(outcome)}
