"""What a campaign brought about: the figures, each with its definition, and how they are computed."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from projections.snapshot import Snapshot

Cut = Literal["start", "end", "both"]


class CampaignAnswer(BaseModel):
    """A campaign as it was created."""

    campaign_id: str = Field(description="The campaign's id")
    name: str = Field(description="The campaign's name")
    starts_at: datetime = Field(description="The first instant of its window")
    ends_at: datetime = Field(description="The first instant after its window")
    everyone: bool = Field(description="Whether it targets every member; else those who were listed")
    conditions: dict[str, Any] = Field(description="What a sale must show; amounts in minor units")
    effect: dict[str, Any] = Field(description="What it gives: a multiplier of the base rate, or a number of points")
    priority: int = Field(description="Among multipliers for the same line the highest priority wins")


class CampaignList(BaseModel):
    """A page of campaigns, ordered by id."""

    items: list[CampaignAnswer] = Field(description="The campaigns")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    position: int = Field(description="The log position up to which the answer is complete")


class Analytics(BaseModel):
    """Figures of a campaign. Its window is half open; a purchase counts at its business time."""

    campaign_id: str = Field(description="The campaign's id")
    name: str = Field(description="The campaign's name")
    starts_at: datetime = Field(description="The first instant of the window")
    ends_at: datetime = Field(description="The first instant after the window")
    window_cut: Cut | None = Field(
        description="Which end of the window lies more than a day outside the purchases known here, so that sales are"
        " told for a part of it only: before the earliest, after the latest, or both; null where neither does"
    )
    targeted: int = Field(description="Members in the audience; a listed card that nobody holds does not count")
    participants: int = Field(
        description="Targeted members with at least one credited purchase in the window that was not wholly returned"
    )
    purchases: int = Field(
        description="Purchases of targeted members in the window, whatever was bought, less those wholly returned"
    )
    sales_minor: int = Field(
        description="What was paid for purchases of targeted members in the window, less returns, in minor units"
    )
    bonus_points: int = Field(
        description="Points that the campaign granted on top of the base, less what returns took back"
    )
    coupons_redeemed: int = Field(description="Coupons naming the campaign that were handed in, with any purchase")
    discount_minor: int = Field(0, description="Discount given by the campaign itself; 0, as no effect gives any yet")
    budget_points: int | None = Field(None, description="The campaign's budget of points; null, as there are none yet")
    budget_used: int = Field(0, description="What of it is used; 0, as there are no budgets yet")
    baseline_sales_minor: int | None = Field(
        description="Sales of the targeted members in the equally long period before the window, in minor units;"
        " null where that period begins before the earliest purchase known here"
    )
    uplift_minor: int | None = Field(
        description="(T1 - T0) - (U1 - U0) * targeted / untargeted, rounded half to even, in minor units: T are sales of"
        " targeted, U of all other members, 1 in the window, 0 in the baseline period; null without a baseline, and"
        " where nobody is untargeted"
    )
    position: int = Field(description="The log position up to which the answer is complete")


async def campaign_list(snapshot: Snapshot, *, after: str, limit: int) -> CampaignList:
    """The campaigns whose ids follow `after`."""
    rows = await snapshot.all(
        "SELECT campaign_id, title, starts_at, ends_at, everyone, conditions, effect, priority FROM {schema}.campaigns"
        ' WHERE campaign_id COLLATE "C" > %(after)s ORDER BY campaign_id COLLATE "C" LIMIT %(limit)s',
        after=after,
        limit=limit + 1,
    )
    fields = ("campaign_id", "name", "starts_at", "ends_at", "everyone", "conditions", "effect", "priority")
    items = [CampaignAnswer(**dict(zip(fields, row, strict=True))) for row in rows[:limit]]
    more = items[-1].campaign_id if len(rows) > limit else None
    return CampaignList(items=items, next=more, position=snapshot.position)


class Sales(NamedTuple):
    """What was sold from the beginning of the baseline period to the end of the window."""

    participants: int
    purchases: int
    targeted_in: int
    targeted_before: int
    untargeted_in: int
    untargeted_before: int


_TERMS = "SELECT title, starts_at, ends_at FROM {schema}.campaigns WHERE campaign_id = %(campaign_id)s"
_COUNTS = """
SELECT
    (SELECT count(*) FROM {schema}.targeted WHERE campaign_id = %(campaign_id)s),
    (SELECT count(*) FROM {schema}.members),
    (SELECT coalesce(sum(points), 0)::bigint FROM {schema}.grants WHERE campaign_id = %(campaign_id)s),
    (SELECT count(*) FROM {schema}.coupon_uses WHERE campaign_id = %(campaign_id)s),
    (SELECT min(occurred_at) FROM {schema}.sales),
    (SELECT max(occurred_at) FROM {schema}.sales)
"""
_SALES = """
WITH audience AS MATERIALIZED (SELECT member_id FROM {schema}.targeted WHERE campaign_id = %(campaign_id)s),
sales AS (
    SELECT member_id, paid_minor, purchases, occurred_at >= %(starts_at)s AS inside, audience.member_id IS NOT NULL AS theirs
    FROM {schema}.sales LEFT JOIN audience USING (member_id)
    WHERE occurred_at >= %(before)s AND occurred_at < %(ends_at)s
), members AS (
    SELECT theirs, coalesce(sum(purchases) FILTER (WHERE inside), 0) AS bought,
        coalesce(sum(paid_minor) FILTER (WHERE inside), 0) AS paid_in,
        coalesce(sum(paid_minor) FILTER (WHERE NOT inside), 0) AS paid_before
    FROM sales GROUP BY member_id, theirs
)
SELECT
    count(*) FILTER (WHERE theirs AND bought > 0),
    coalesce(sum(bought) FILTER (WHERE theirs), 0)::bigint,
    coalesce(sum(paid_in) FILTER (WHERE theirs), 0)::bigint,
    coalesce(sum(paid_before) FILTER (WHERE theirs), 0)::bigint,
    coalesce(sum(paid_in) FILTER (WHERE NOT theirs), 0)::bigint,
    coalesce(sum(paid_before) FILTER (WHERE NOT theirs), 0)::bigint
FROM members
"""


async def analytics_of(snapshot: Snapshot, *, campaign_id: str) -> Analytics | None:
    """Everything is computed from the rows as they stand; None for an unknown campaign."""
    terms = await snapshot.one(_TERMS, campaign_id=campaign_id)
    if terms is None:
        return None
    name, starts_at, ends_at = terms
    counts = await snapshot.one(_COUNTS, campaign_id=campaign_id)
    before = starts_at - (ends_at - starts_at)
    found = await snapshot.one(_SALES, campaign_id=campaign_id, starts_at=starts_at, ends_at=ends_at, before=before)
    assert counts is not None, "an aggregate always has a row"
    assert found is not None, "an aggregate always has a row"
    targeted, members, bonus_points, coupons, earliest, latest = counts
    sales = Sales(*found)
    reached = earliest is not None and before >= earliest
    return Analytics(
        campaign_id=campaign_id, name=name, starts_at=starts_at, ends_at=ends_at,
        window_cut=window_cut(starts_at, ends_at, earliest=earliest, latest=latest),
        targeted=targeted, participants=sales.participants, purchases=sales.purchases, sales_minor=sales.targeted_in,
        bonus_points=bonus_points, coupons_redeemed=coupons,
        baseline_sales_minor=sales.targeted_before if reached else None,
        uplift_minor=uplift(sales, targeted=targeted, untargeted=members - targeted) if reached else None,
        position=snapshot.position,
    )  # fmt: skip


def uplift(sales: Sales, *, targeted: int, untargeted: int) -> int | None:
    """Difference in differences, exact, rounded once, half to even."""
    if not untargeted:
        return None
    ours = sales.targeted_in - sales.targeted_before
    theirs = sales.untargeted_in - sales.untargeted_before
    return round(ours - Fraction(theirs * targeted, untargeted))


def window_cut(
    starts_at: datetime, ends_at: datetime, *, earliest: datetime | None, latest: datetime | None
) -> Cut | None:
    """Which end of a window the purchases do not reach; a day is granted, as shops are closed at night."""
    a_day = timedelta(days=1)
    at_start = earliest is None or earliest - starts_at > a_day
    at_end = latest is None or ends_at - latest > a_day
    if at_start and at_end:
        return "both"
    return "start" if at_start else "end" if at_end else None
