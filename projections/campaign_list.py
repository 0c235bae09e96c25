"""Campaigns as they were created: planned, live and ended, and what is left of their budgets."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from projections.snapshot import Snapshot

State = Literal["planned", "live", "ended"]


class CampaignAnswer(BaseModel):
    """A campaign as it was created."""

    campaign_id: str = Field(description="The campaign's id")
    name: str = Field(description="The campaign's name")
    starts_at: datetime = Field(description="The first instant of its window")
    ends_at: datetime = Field(description="The first instant after its window")
    state: State = Field(description="At `as_of`: planned before its window, live in it, ended after it")
    everyone: bool = Field(description="Whether it targets every member")
    tiers: list[str] | None = Field(
        description="It targets whoever holds one of these; null if it does not go by tiers"
    )
    segment: str | None = Field(description="It targets whoever belongs to this; null if it does not go by a segment")
    conditions: dict[str, Any] = Field(description="What a sale must show; amounts in minor units")
    effect: dict[str, Any] = Field(
        description="What it gives: a multiplier of the base rate, points, a discount or a coupon"
    )
    priority: int = Field(description="Among multipliers for the same line the highest priority wins")
    budget: dict[str, Any] | None = Field(description="What it gives at most: points, or minor units; null without end")
    budget_left: int | None = Field(
        description="The budget less what purchases drew by `as_of`, plus what returns gave back, in its unit; null without one"
    )
    limits: dict[str, Any] | None = Field(description="What it gives to one member at most; null without end")


class CampaignList(BaseModel):
    """A page of campaigns, ordered by id."""

    items: list[CampaignAnswer] = Field(description="The campaigns")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    position: int = Field(description="The log position up to which the answer is complete")


_CAMPAIGNS = """
SELECT campaign_id, title AS name, starts_at, ends_at,
    CASE WHEN %(as_of)s < starts_at THEN 'planned' WHEN %(as_of)s < ends_at THEN 'live' ELSE 'ended' END AS state,
    everyone, tiers, segment, conditions, effect, priority, budget,
    coalesce((budget->>'points')::bigint, (budget->>'amount_minor')::bigint) - (
        SELECT coalesce(sum(points + amount_minor), 0)::bigint FROM {schema}.draws
        WHERE draws.campaign_id = campaigns.campaign_id AND at <= %(as_of)s
    ) AS budget_left, limits
FROM {schema}.campaigns
WHERE campaign_id COLLATE "C" > %(after)s AND (%(state)s::text IS NULL OR %(state)s =
    CASE WHEN %(as_of)s < starts_at THEN 'planned' WHEN %(as_of)s < ends_at THEN 'live' ELSE 'ended' END)
ORDER BY campaign_id COLLATE "C" LIMIT %(limit)s
"""


async def campaign_list(
    snapshot: Snapshot, *, after: str, limit: int, as_of: datetime, state: State | None = None
) -> CampaignList:
    """The campaigns whose ids follow `after`, or those of them that are in a state."""
    rows = await snapshot.all(_CAMPAIGNS, after=after, limit=limit + 1, as_of=as_of, state=state)
    items = [CampaignAnswer(**dict(zip(CampaignAnswer.model_fields, row, strict=True))) for row in rows[:limit]]
    more = items[-1].campaign_id if len(rows) > limit else None
    return CampaignList(items=items, next=more, position=snapshot.position)
