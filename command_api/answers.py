"""What became of a command, told as an HTTP answer."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from command_api.fields import (
    AmountMinor,
    Available,
    AvailableIfAny,
    CampaignId,
    CouponCode,
    CouponKind,
    HoldId,
    MemberId,
    MemberIdIfAny,
    NextTier,
    Owed,
    PointsToNext,
    PurchaseId,
    RedemptionId,
    SegmentId,
    TierName,
    TierNameIfAny,
    Version,
)
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

    member_id: MemberId


class ErasedAnswer(MemberAnswer):
    """The member, and when the personal data were erased."""

    erased_at: datetime = Field(description="When the keys of the personal data were destroyed.")


class CampaignCreatedAnswer(Answer):
    """The campaign."""

    campaign_id: CampaignId


class SegmentDefinedAnswer(Answer):
    """The segment, and the version that was defined."""

    segment_id: SegmentId
    version: Version


class VersionPublishedAnswer(Answer):
    """The version."""

    programme: str = Field(description="The programme's name.")
    version: Version


class FindingTold(BaseModel):
    """What the linter found, and what to do. Errors keep a version from being published."""

    level: Literal["error", "warning", "assumption"] = Field(
        description="`error`: keeps it from being published; `warning`: may be meant; `assumption`: the author marked it."
    )
    rule: str = Field(description="The stable name of the rule.")
    place: str = Field(description="Where in the policy, as `tiers.levels.1.from`; empty for the whole.")
    message: str = Field(description="What is the matter, in words.")
    example: str | None = Field(description="A member for whom it bites, in words.")
    suggestion: str | None = Field(description="What would mend it, in words.")
    against: str | None = Field(description="The other place, where two contradict each other.")
    clauses: list[str] = Field(description="The clauses of the plan that speak of it.")
    line: int | None = Field(description="Where the place stands in a YAML text, from 1; null for JSON.")
    column: int | None = Field(description="The column of the place in its line, from 1; null for JSON.")


class PointsOfPart(BaseModel):
    """What one part of a purchase earned: `base`, or a campaign."""

    part: str = Field(description="`base`, or a campaign's id.")
    points: int = Field(description="Whole points, each part floored once.")


class WentBack(BaseModel):
    """What went back of another purchase in an exchange, and the points that it took."""

    purchase_id: PurchaseId
    returned_minor: AmountMinor
    revoked: list[PointsOfPart] = Field(description="The points that were taken, by part.")


class CouponTold(BaseModel):
    """A coupon: good from `valid_from` until, and not at, `valid_until`."""

    code: CouponCode
    kind: CouponKind
    valid_from: datetime = Field(description="The first instant at which it is good.")
    valid_until: datetime = Field(description="The first instant at which it is no longer good.")
    amount_minor: int | None = Field(description="What it takes off a bill, in minor units, where it is money.")


class PurchaseAnswer(Answer):
    """What a receipt prints, as of the time of the purchase. Without a member nothing was credited yet."""

    purchase_id: PurchaseId
    member_id: MemberIdIfAny
    points: list[PointsOfPart] = Field(description="What was earned, by part; empty without a member.")
    redeemed: int = Field(default=0, description="The points that paid for it.")
    debt: int = Field(default=0, description="Those of them that the account could not cover: owed now.")
    returned: list[WentBack] = Field(default=[], description="In an exchange: what went back of other purchases.")
    coupons: list[CouponTold] = Field(default=[], description="Issued with it by campaigns, to be printed.")
    available: AvailableIfAny = None
    tier: TierNameIfAny = None
    next_tier: NextTier = None
    points_to_next: PointsToNext = None


class ClosingAnswer(Answer):
    """What a till counted on a day. Of several closings of a day the last by business time counts."""

    source: str = Field(description="The till.")
    business_day: date = Field(description="The local day of the programme's time zone that was closed.")
    receipts: int = Field(description="How many receipts the till counted.")
    paid_minor: int = Field(description="What was paid for them, in minor units.")
    supersedes: UUID | None = Field(description="The message of the closing that this one stands in for.")
    superseded_by: UUID | None = Field(description="The message of a later closing, which goes on counting.")


class ReceiptAnswer(Answer):
    """What a receipt brought that is credited late, what of it its returns took again, and where the member stands."""

    purchase_id: PurchaseId
    member_id: MemberId
    points: list[PointsOfPart] = Field(description="What was earned, by part.")
    revoked: list[PointsOfPart] = Field(description="What returns took again of that, by part.")
    available: Available
    tier: TierName
    next_tier: NextTier
    points_to_next: PointsToNext


class ReassignedAnswer(ReceiptAnswer):
    """The purchase that stands in for the one it corrects."""

    corrects: UUID = Field(description="The purchase of the wrong card, which is void now.")


class TakenBackAnswer(Answer):
    """What went back, the points that it took, and where the member stands."""

    purchase_id: PurchaseId
    member_id: MemberIdIfAny
    returned_minor: AmountMinor
    revoked: list[PointsOfPart] = Field(description="The points that were taken, by part.")
    restored: int = Field(default=0, description="Points that had paid for what went back, and came back.")
    restored_until: datetime | None = Field(default=None, description=RESTORED_UNTIL)
    available: AvailableIfAny = None
    tier: TierNameIfAny = None
    next_tier: NextTier = None
    points_to_next: PointsToNext = None


class ReferralCodeAnswer(Answer):
    """The code, and whose it is."""

    referrer: MemberId
    code: str = Field(description="The code, by which others join as `referral_code`.")


class ReviewedAnswer(Answer):
    """What was decided of a referral; it goes by its referee."""

    member_id: UUID = Field(description="The referee's member id.")
    approved: bool = Field(description="Whether both sides are to be rewarded.")


class AdjustedAnswer(Answer):
    """What was given or, below zero, taken; what of that is owed; and what is available."""

    member_id: MemberId
    points: int = Field(description="Points that were given or, below zero, taken.")
    debt: Owed
    available: Available


class WaivedAnswer(Answer):
    """The debt that was let go, and what is available."""

    member_id: MemberId
    points: int = Field(description="Points of debt that are owed no longer.")
    available: Available


class ClosedAnswer(Answer):
    """From when the account is closed, and the debt that stays on record."""

    member_id: MemberId
    closed_at: datetime = Field(description="From when on nothing is earned or spent.")
    debt: int = Field(description="Points that are still owed.")


class TransferredAnswer(Answer):
    """What was sent, and what is available to the sender."""

    transfer_id: UUID = Field(description="The transfer's id.")
    member_id: MemberId
    to: UUID = Field(description="The member who received them.")
    points: int = Field(description="Points that were sent.")
    available: Available


class MergedAnswer(Answer):
    """What came over to the survivor, `member_id`, and what is available there."""

    member_id: MemberId
    merged: UUID = Field(description="The member who lives on in the survivor.")
    points: int = Field(description="Points that came over.")
    debt: int = Field(description="Points of debt that came over.")
    available: Available


class UnmergedAnswer(Answer):
    """What went back from the survivor, `member_id`, and what is available there."""

    member_id: MemberId
    unmerged: UUID = Field(description="The member who stands alone again.")
    points: int = Field(description="Points that went back.")
    debt: int = Field(description="Points of debt that went back.")
    available: Available


class ImportedAnswer(Answer):
    """What was brought in, and what is available."""

    member_id: MemberId
    points: int = Field(description="Points that were brought in, over all lots.")
    debt: int = Field(description="Points of debt that were brought in.")
    available: Available


class SpendingAnswer(Answer):
    """Whose points moved, and what is available after it, as of its time."""

    member_id: MemberId
    available: Available


class HoldAnswer(SpendingAnswer):
    """Points that are set aside, and what they pay."""

    hold_id: HoldId
    points: int = Field(description="Points that are set aside.")
    amount_minor: AmountMinor
    until: datetime = Field(description="When the hold times out by itself.")


class RedemptionAnswer(SpendingAnswer):
    """Points that were spent, what they paid, and how many of them are owed."""

    redemption_id: RedemptionId
    points: int = Field(description="Points that were spent.")
    amount_minor: int | None = Field(description="What they paid, in minor units; null where they paid no bill.")
    debt: Owed


class ReleaseAnswer(SpendingAnswer):
    """A hold that is over."""

    hold_id: HoldId


class ReversalAnswer(SpendingAnswer):
    """Points that came back: how many of them have lapsed for good, and how many were owed and are not any more."""

    redemption_id: RedemptionId
    points: int = Field(description="Points that came back.")
    lapsed: int = Field(description="Those of them that had lapsed meanwhile, and stay so.")
    restored_until: datetime | None = Field(default=None, description=RESTORED_UNTIL)
    debt_cancelled: int = Field(description="Those of them that were owed, and are no longer.")


class ItemAnswer(BaseModel):
    """The answer to one item of a batch: that of the single request, with its status."""

    model_config = ConfigDict(extra="allow")

    status: int = Field(description="The HTTP status that the item would have had by itself.")


class BatchAnswer(BaseModel):
    """One answer for each item, in their order. `position` is the last of all."""

    items: list[ItemAnswer] = Field(description="One for each item of the request, in its order.")
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
