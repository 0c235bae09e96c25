"""What a campaign brought about: the figures, each with its definition, and how they are computed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, LiteralString, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from projections.snapshot import Snapshot

Cut = Literal["start", "end", "both"]
Breakdown = Literal["tier", "day"]


class Analytics(BaseModel):
    """Figures of a campaign, by what had happened at `as_of`. Its window is half open; a purchase counts at its business time."""

    campaign_id: str = Field(description="The campaign's id")
    name: str = Field(description="The campaign's name")
    starts_at: datetime = Field(description="The first instant of the window")
    ends_at: datetime = Field(description="The first instant after the window")
    window_cut: Cut | None = Field(
        description="Which end of the window lies more than a day outside the purchases known here, so that sales are"
        " told for a part of it only: before the earliest, after the latest, or both; null where neither does"
    )
    targeted: int = Field(
        description="Members in the audience: listed by id, or holding a listed card; or who held one of its tiers at any"
        " time in the window, by the moves recorded; or who belonged to its segment as the window began, or, before"
        " that, belong to it at `as_of`"
    )
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
    coupons_redeemed: int = Field(
        description="Coupons that were handed in naming the campaign, with any purchase; and those that it asks for, by code"
        " or kind, with purchases in the window"
    )
    coupons_given: int = Field(description="Coupons that the campaign issued with purchases, used or not")
    discount_minor: int = Field(
        description="What the campaign took off purchases by quotes, less what went back with the goods, in minor units"
    )
    budget_points: int | None = Field(description="The budget in points; null without one")
    budget_used: int = Field(description="What purchases drew on the budget in points, less what returns gave back")
    budget_minor: int | None = Field(description="The budget in money, in minor units; null without one")
    budget_used_minor: int = Field(
        description="What purchases drew on the budget in money, less what returns gave back, in minor units"
    )
    baseline_sales_minor: int | None = Field(
        description="Sales of the targeted members in the equally long period before the window, in minor units;"
        " null where that period begins before the earliest purchase known here"
    )
    uplift_minor: int | None = Field(
        description="(T1 - T0) - (U1 - U0) * targeted / untargeted, rounded half to even, in minor units: T are sales of"
        " targeted, U of all other members, 1 in the window, 0 in the baseline period; null without a baseline, and"
        " where nobody is untargeted"
    )
    breakdown: list["Slice"] | None = Field(description="The same by tier or by local day; null unless asked for")
    definitions: dict[str, str] = Field(description="What each figure means, in words")
    as_of: datetime = Field(description="The instant that the answer is about: what happened later is left out")
    position: int = Field(description="The log position up to which the answer is complete")


class Slice(BaseModel):
    """The figures of one tier or one day. Participants of several tiers or days count in each of them."""

    key: str = Field(
        description="The tier that the member held at the time of the purchase, by the moves recorded; or the local day"
        " of the purchase in the programme's time zone"
    )
    participants: int = Field(description="Targeted members with a purchase of this slice that did not wholly go back")
    purchases: int = Field(description="Purchases of targeted members in the window, less those wholly returned")
    sales_minor: int = Field(description="What was paid for them, less returns, in minor units")
    bonus_points: int = Field(description="Points that the campaign granted with purchases of this slice, less returns")
    discount_minor: int = Field(description="What the campaign took off, less what went back, in minor units")
    coupons_given: int = Field(description="Coupons that the campaign issued")


def definitions() -> dict[str, str]:
    """What each figure means; the description of a field is its definition, and stands nowhere else."""
    return {
        name: field.description
        for name, field in Analytics.model_fields.items()
        if field.description and name not in {"breakdown", "definitions", "as_of", "position"}
    }


class Sales(NamedTuple):
    """What was sold from the beginning of the baseline period to the end of the window."""

    participants: int
    purchases: int
    targeted_in: int
    targeted_before: int
    untargeted_in: int
    untargeted_before: int


_TERMS = (
    "SELECT title, starts_at, ends_at, (budget->>'points')::bigint, (budget->>'amount_minor')::bigint,"
    " conditions->>'coupon', conditions->>'coupon_kind'"
    " FROM {schema}.campaigns WHERE campaign_id = %(campaign_id)s"
)
# From when until when each member held a tier, as far as moves were recorded: the lowest one before the first.
_STANDINGS: LiteralString = """
standings AS (
    SELECT member_id, tier, at AS since, lead(at, 1, 'infinity') OVER (PARTITION BY member_id ORDER BY at, version) AS until
    FROM (
        SELECT member_id, version, at, tier FROM {schema}.tier_moves WHERE at <= %(as_of)s
        UNION ALL SELECT member_id, 0, '-infinity', (SELECT lowest_tier FROM {schema}.programmes ORDER BY version DESC LIMIT 1)
        FROM {schema}.members WHERE joined_at <= %(as_of)s
    ) AS moves
)
"""
# Whom it targets of those who had joined: a listed card stands for its holder, as soon as there is one. Who belongs to a
# segment is not known here.
_TARGETED: LiteralString = """
targeted AS MATERIALIZED (
    SELECT member_id FROM {schema}.members CROSS JOIN {schema}.campaigns AS terms
    WHERE joined_at <= %(as_of)s AND terms.campaign_id = %(campaign_id)s AND (
        everyone OR member_id = ANY(%(segment)s::uuid[])
        OR member_id IN (SELECT member_id FROM {schema}.audience_members AS listed WHERE listed.campaign_id = %(campaign_id)s)
        OR member_id IN (
            SELECT cards.member_id FROM {schema}.audience_cards AS listed JOIN {schema}.cards USING (card_id)
            WHERE listed.campaign_id = %(campaign_id)s
        )
        OR (tiers IS NOT NULL AND member_id IN (
            SELECT held.member_id FROM standings AS held
            WHERE terms.tiers ? tier AND since < terms.ends_at AND until > terms.starts_at AND since < until
        ))
    )
)
"""
_AUDIENCE: LiteralString = f"WITH {_STANDINGS}, {_TARGETED}"
_COUNTS = """
SELECT
    (SELECT count(*) FROM targeted),
    (SELECT count(*) FROM {schema}.members WHERE joined_at <= %(as_of)s),
    (SELECT coalesce(sum(points), 0)::bigint FROM granted),
    (SELECT coalesce(sum(discount_minor), 0)::bigint FROM granted),
    (SELECT coalesce(sum(coupons), 0)::bigint FROM granted),
    (SELECT coalesce(sum(points), 0)::bigint FROM drawn),
    (SELECT coalesce(sum(amount_minor), 0)::bigint FROM drawn),
    (SELECT count(*) FROM {schema}.coupon_uses AS used
     WHERE at <= %(as_of)s AND (campaign_id = %(campaign_id)s
        OR (used.at >= %(starts_at)s AND used.at < %(ends_at)s AND campaign_id IS DISTINCT FROM %(campaign_id)s
            AND (kind = %(kind)s OR (kind IS NULL AND code = %(code)s))
            AND NOT EXISTS (SELECT FROM {schema}.coupon_uses AS named WHERE named.campaign_id = %(campaign_id)s
                AND named.purchase_id = used.purchase_id AND named.code = used.code)))),
    (SELECT min(occurred_at) FROM {schema}.sales WHERE occurred_at <= %(as_of)s),
    (SELECT max(occurred_at) FROM {schema}.sales WHERE occurred_at <= %(as_of)s)
"""
_GIVEN: LiteralString = """,
granted AS (SELECT * FROM {schema}.grants WHERE campaign_id = %(campaign_id)s AND known_at <= %(as_of)s),
drawn AS (SELECT * FROM {schema}.draws WHERE campaign_id = %(campaign_id)s AND at <= %(as_of)s)
"""
_SALES = """,
sales AS (
    SELECT member_id, paid_minor, purchases, occurred_at >= %(starts_at)s AS inside, targeted.member_id IS NOT NULL AS theirs
    FROM {schema}.sales LEFT JOIN targeted USING (member_id)
    WHERE occurred_at >= %(before)s AND occurred_at < %(ends_at)s AND known_at <= %(as_of)s
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

_SLICES: LiteralString = """,
moved AS (
    SELECT occurred_at AS at, member_id, paid_minor, purchases, 0 AS points, 0 AS discount_minor, 0 AS coupons
    FROM {schema}.sales JOIN targeted USING (member_id)
    WHERE occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s AND known_at <= %(as_of)s
    UNION ALL SELECT at, member_id, 0, 0, points, discount_minor, coupons
    FROM {schema}.grants WHERE campaign_id = %(campaign_id)s AND known_at <= %(as_of)s
), sliced AS (
    SELECT [key] AS key, member_id, sum(paid_minor) AS paid_minor, sum(purchases) AS purchases, sum(points) AS points,
        sum(discount_minor) AS discount_minor, sum(coupons) AS coupons
    FROM moved GROUP BY 1, 2
)
SELECT key, count(*) FILTER (WHERE purchases > 0), sum(purchases)::bigint, sum(paid_minor)::bigint, sum(points)::bigint,
    sum(discount_minor)::bigint, sum(coupons)::bigint
FROM sliced GROUP BY key ORDER BY key
"""
_BY_DAY: LiteralString = _SLICES.replace(
    "[key]", "(at AT TIME ZONE (SELECT time_zone FROM {schema}.programmes ORDER BY version DESC LIMIT 1))::date::text"
)
_BY_TIER: LiteralString = _SLICES.replace(
    "[key]",
    "(SELECT tier FROM standings AS held WHERE held.member_id = moved.member_id AND since <= at AND until > at)",
)


async def analytics_of(
    snapshot: Snapshot, *, campaign_id: str, as_of: datetime, segment: Sequence[UUID] = (), by: Breakdown | None = None
) -> Analytics | None:
    """Everything is computed from the rows, by what had happened at an instant; None for an unknown campaign.

    A campaign's terms and audience hold whenever they were told. `segment`: the members of the segment that it targets,
    if it does.
    """
    terms = await snapshot.one(_TERMS, campaign_id=campaign_id)
    if terms is None:
        return None
    name, starts_at, ends_at, budget_points, budget_minor, code, kind = terms
    window = {
        "campaign_id": campaign_id, "starts_at": starts_at, "ends_at": ends_at, "segment": list(segment), "as_of": as_of,
    }  # fmt: skip
    counts = await snapshot.one(_AUDIENCE + _GIVEN + _COUNTS, code=code, kind=kind, **window)
    before = starts_at - (ends_at - starts_at)
    found = await snapshot.one(_AUDIENCE + _SALES, before=before, **window)
    assert counts is not None, "an aggregate always has a row"
    assert found is not None, "an aggregate always has a row"
    targeted, members, bonus_points, discount, given, used, used_minor, coupons, earliest, latest = counts
    sales = Sales(*found)
    reached = earliest is not None and before >= earliest
    return Analytics(
        campaign_id=campaign_id, name=name, starts_at=starts_at, ends_at=ends_at,
        window_cut=window_cut(starts_at, ends_at, earliest=earliest, latest=latest),
        targeted=targeted, participants=sales.participants, purchases=sales.purchases, sales_minor=sales.targeted_in,
        bonus_points=bonus_points, coupons_redeemed=coupons, coupons_given=given, discount_minor=discount,
        budget_points=budget_points, budget_used=used, budget_minor=budget_minor, budget_used_minor=used_minor,
        baseline_sales_minor=sales.targeted_before if reached else None,
        uplift_minor=uplift(sales, targeted=targeted, untargeted=members - targeted) if reached else None,
        breakdown=None if by is None else await _broken_down(snapshot, by, window), definitions=definitions(),
        as_of=as_of, position=snapshot.position,
    )  # fmt: skip


async def segment_of(snapshot: Snapshot, *, campaign_id: str) -> tuple[str, datetime] | None:
    """The segment that a campaign targets, and from when; None if it targets none."""
    row = await snapshot.one(
        "SELECT segment, starts_at FROM {schema}.campaigns WHERE campaign_id = %(campaign_id)s AND segment IS NOT NULL",
        campaign_id=campaign_id,
    )
    return None if row is None else (row[0], row[1])


async def _broken_down(snapshot: Snapshot, by: Breakdown, window: Mapping[str, Any]) -> list[Slice]:
    rows = await snapshot.all(_AUDIENCE + (_BY_TIER if by == "tier" else _BY_DAY), **window)
    return [Slice(**dict(zip(Slice.model_fields, row, strict=True))) for row in rows]


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
