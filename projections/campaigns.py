"""Campaigns, whom they targeted, and what there was to count: sales, grants, coupons, and what budgets gave."""

import json

from projections.projection import Projection, Rows, moves
from projections.told import Assigned, Created, Drawn, Joined, Listed, Published
from projections.told_of_points import Earned, Revoked, TierMoved
from projections.told_of_rewards import CouponHandedIn


class Campaigns(Projection):
    """Nothing is added up while facts arrive, so their order does not matter; analytics are computed when asked for."""

    name = "campaigns"
    tables = (
        """
        CREATE TABLE IF NOT EXISTS {schema}.campaigns (
            campaign_id text PRIMARY KEY,
            title text NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            everyone boolean NOT NULL,
            conditions jsonb NOT NULL,
            effect jsonb NOT NULL,
            priority int NOT NULL,
            tiers jsonb,
            segment text,
            budget jsonb,
            limits jsonb
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.draws (
            campaign_id text NOT NULL,
            at timestamptz NOT NULL,
            points bigint NOT NULL,
            amount_minor bigint NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS draws_campaign ON {schema}.draws (campaign_id)",
        # An audience may name a card or member twice, and cards that nobody holds yet.
        "CREATE TABLE IF NOT EXISTS {schema}.audience_cards (campaign_id text NOT NULL, card_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS audience_cards_campaign ON {schema}.audience_cards (campaign_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.audience_members (campaign_id text NOT NULL, member_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS audience_members_campaign ON {schema}.audience_members (campaign_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.members (member_id uuid PRIMARY KEY, joined_at timestamptz NOT NULL)",
        # Holders before the present one stay, and may come back: neither erasures nor merges change a figure.
        "CREATE TABLE IF NOT EXISTS {schema}.cards (card_id uuid NOT NULL, member_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS cards_card ON {schema}.cards (card_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.programmes (
            version int PRIMARY KEY, time_zone text NOT NULL, lowest_tier text NOT NULL
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.tier_moves (
            member_id uuid NOT NULL, version int NOT NULL, at timestamptz NOT NULL, tier text NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS tier_moves_member ON {schema}.tier_moves (member_id, at)",
        # `known_at`: the business time of the purchase or the return, since when it counts.
        """
        CREATE TABLE IF NOT EXISTS {schema}.sales (
            occurred_at timestamptz NOT NULL,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            paid_minor bigint NOT NULL,
            purchases int NOT NULL,
            known_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS sales_occurred_at ON {schema}.sales (occurred_at)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.grants (
            campaign_id text NOT NULL,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            points bigint NOT NULL,
            at timestamptz NOT NULL,
            discount_minor bigint NOT NULL,
            coupons int NOT NULL,
            known_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS grants_campaign ON {schema}.grants (campaign_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.coupon_uses (
            campaign_id text,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            code text NOT NULL,
            kind text,
            at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS coupon_uses_campaign ON {schema}.coupon_uses (campaign_id)",
        "CREATE INDEX IF NOT EXISTS coupon_uses_code ON {schema}.coupon_uses (code)",
        "CREATE INDEX IF NOT EXISTS coupon_uses_kind ON {schema}.coupon_uses (kind)",
    )

    @moves("CampaignCreated.v1")
    def created(self, fact: Created, rows: Rows) -> None:
        rows["campaigns"].append((
            fact["campaign_id"], fact["title"], fact["starts_at"], fact["ends_at"], fact["everyone"],
            json.dumps(fact["conditions"]), json.dumps(fact["effect"]), fact["priority"],
            _json(fact.get("tiers")), fact.get("segment"), _json(fact.get("budget")), _json(fact.get("limits")),
        ))  # fmt: skip

    @moves("BudgetDrawn.v1")
    def drawn(self, fact: Drawn, rows: Rows) -> None:
        rows["draws"].append((fact["campaign_id"], fact["occurred_at"], fact["points"], fact["amount_minor"]))

    @moves("ProgrammePublished.v1")
    def published(self, fact: Published, rows: Rows) -> None:
        policy = fact["policy"]
        lowest = policy["tiers"]["levels"][0]["name"]
        rows["programmes"].append((fact["version"], policy["time_zone"], lowest))

    @moves("TierMoved.v1")
    def moved(self, fact: TierMoved, rows: Rows) -> None:
        rows["tier_moves"].append((
            fact["member_id"], fact["originator_version"], fact["occurred_at"], fact["to_tier"],
        ))  # fmt: skip

    @moves("AudienceListed.v1")
    def listed(self, fact: Listed, rows: Rows) -> None:
        campaign_id = fact["campaign_id"]
        rows["audience_cards"] += [(campaign_id, card_id) for card_id in fact["card_ids"]]
        rows["audience_members"] += [(campaign_id, member_id) for member_id in fact["member_ids"]]

    @moves("MemberJoined.v1")
    def joined(self, fact: Joined, rows: Rows) -> None:
        rows["members"].append((fact["member_id"], fact["occurred_at"]))

    @moves("CardAssigned.v1")
    def assigned(self, fact: Assigned, rows: Rows) -> None:
        rows["cards"].append((fact["originator_id"], fact["member_id"]))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        member_id, purchase_id, at = fact["member_id"], fact["purchase_id"], fact["occurred_at"]
        rows["sales"].append((at, member_id, purchase_id, fact["paid_minor"], 1, at))
        for part in fact["parts"]:
            if part["part"] != "base":
                rows["grants"].append((
                    part["part"], member_id, purchase_id, part["points"], at, part.get("discount_minor", 0),
                    int("coupon" in part), at,
                ))  # fmt: skip
        for coupon in fact.get("coupons", ()):
            rows["coupon_uses"].append((
                coupon.get("campaign"), member_id, purchase_id, coupon["code"], None, at,
            ))  # fmt: skip

    @moves("CouponRedeemed.v1")
    def handed_in(self, fact: CouponHandedIn, rows: Rows) -> None:
        """What was issued is known by its kind; the purchase names it as well, by its code."""
        rows["coupon_uses"].append((
            None, fact["member_id"], fact["purchase_id"], fact["code"], fact["kind"], fact["occurred_at"],
        ))  # fmt: skip

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        """What went back is taken off the purchase, at the purchase's time, from when it went back."""
        member_id, purchase_id, at = fact["member_id"], fact["purchase_id"], fact["occurred_at"]
        gone = -1 if fact["nothing_left"] else 0
        rows["sales"].append((fact["purchased_at"], member_id, purchase_id, -fact["paid_minor"], gone, at))
        for part in fact["parts"]:
            if part["part"] != "base":
                rows["grants"].append((
                    part["part"], member_id, purchase_id, -part["points"], fact["purchased_at"],
                    -part.get("discount_minor", 0), 0, at,
                ))  # fmt: skip


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)
