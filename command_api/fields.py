"""Fields that many answers have, each described once. An alias costs nothing when the door opens; a field of its own does."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

MemberId = Annotated[UUID, Field(description="The member's id.")]
MemberIdIfAny = Annotated[
    UUID | None, Field(description="The member's id; null where nobody holds the card yet, or no card was shown.")
]
PurchaseId = Annotated[
    UUID, Field(description="The purchase's id, which follows from `source` and `id` of its receipt.")
]
Available = Annotated[int, Field(description="Points that can be spent after it, as of its own time.")]
AvailableIfAny = Annotated[
    int | None, Field(description="Points that can be spent after it, as of its own time; null without a member.")
]
TierName = Annotated[str, Field(description="The tier after it, by its name in the programme.")]
TierNameIfAny = Annotated[
    str | None, Field(description="The tier after it, by its name in the programme; null without a member.")
]
NextTier = Annotated[str | None, Field(description="The next tier above; null at the highest, or without a member.")]
PointsToNext = Annotated[
    int | None,
    Field(description="What is missing to `next_tier`, in units of the programme's metric: points, if not weights."),
]
AmountMinor = Annotated[int, Field(description="An amount of money in minor units of the currency, such as cents.")]
Owed = Annotated[int, Field(description="Those of the points that the account could not cover: owed now.")]
CampaignId = Annotated[str, Field(description="The campaign's id.")]
CouponCode = Annotated[str, Field(description="The coupon's code, as it is printed.")]
CouponKind = Annotated[str, Field(description="The coupon's kind: the word that campaigns and tills know it by.")]
RewardId = Annotated[str, Field(description="The reward's id.")]
SegmentId = Annotated[str, Field(description="The segment's id.")]
Version = Annotated[int, Field(description="The number of the version, counted from 1.")]
HoldId = Annotated[UUID, Field(description="The hold's id, by which it is captured or released.")]
RedemptionId = Annotated[UUID, Field(description="The redemption's id, by which it is reversed.")]
StockLeft = Annotated[int, Field(description="The pieces that there are after it.")]
