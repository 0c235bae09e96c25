"""Campaigns, whom they targeted, and what there was to count: sales, grants and coupons."""

import json

from projections.projection import Projection, Rows, moves
from projections.told import Assigned, Created, Joined, Listed
from projections.told_of_points import Earned, Revoked


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
            priority int NOT NULL
        )
        """,
        # An audience may name a card or member twice, and cards that nobody holds yet.
        "CREATE TABLE IF NOT EXISTS {schema}.audience_cards (campaign_id text NOT NULL, card_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS audience_cards_campaign ON {schema}.audience_cards (campaign_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.audience_members (campaign_id text NOT NULL, member_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS audience_members_campaign ON {schema}.audience_members (campaign_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.members (member_id uuid PRIMARY KEY)",
        # Holders before the present one stay, and may come back: neither erasures nor merges change a figure.
        "CREATE TABLE IF NOT EXISTS {schema}.cards (card_id uuid NOT NULL, member_id uuid NOT NULL)",
        "CREATE INDEX IF NOT EXISTS cards_card ON {schema}.cards (card_id)",
        # Whom each campaign targets: a listed card stands for its holder, as soon as there is one.
        """
        CREATE OR REPLACE VIEW {schema}.targeted AS
        SELECT campaign_id, member_id FROM {schema}.campaigns CROSS JOIN {schema}.members WHERE everyone
        UNION SELECT campaign_id, member_id FROM {schema}.audience_members JOIN {schema}.members USING (member_id)
        UNION SELECT campaign_id, member_id FROM {schema}.audience_cards JOIN {schema}.cards USING (card_id)
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.sales (
            occurred_at timestamptz NOT NULL,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            paid_minor bigint NOT NULL,
            purchases int NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS sales_occurred_at ON {schema}.sales (occurred_at)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.grants (
            campaign_id text NOT NULL,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            points bigint NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS grants_campaign ON {schema}.grants (campaign_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.coupon_uses (
            campaign_id text NOT NULL,
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            code text NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS coupon_uses_campaign ON {schema}.coupon_uses (campaign_id)",
    )

    @moves("CampaignCreated.v1")
    def created(self, fact: Created, rows: Rows) -> None:
        rows["campaigns"].append((
            fact["campaign_id"], fact["title"], fact["starts_at"], fact["ends_at"], fact["everyone"],
            json.dumps(fact["conditions"]), json.dumps(fact["effect"]), fact["priority"],
        ))  # fmt: skip

    @moves("AudienceListed.v1")
    def listed(self, fact: Listed, rows: Rows) -> None:
        campaign_id = fact["campaign_id"]
        rows["audience_cards"] += [(campaign_id, card_id) for card_id in fact["card_ids"]]
        rows["audience_members"] += [(campaign_id, member_id) for member_id in fact["member_ids"]]

    @moves("MemberJoined.v1")
    def joined(self, fact: Joined, rows: Rows) -> None:
        rows["members"].append((fact["member_id"],))

    @moves("CardAssigned.v1")
    def assigned(self, fact: Assigned, rows: Rows) -> None:
        rows["cards"].append((fact["originator_id"], fact["member_id"]))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        member_id, purchase_id = fact["member_id"], fact["purchase_id"]
        rows["sales"].append((fact["occurred_at"], member_id, purchase_id, fact["paid_minor"], 1))
        for part in fact["parts"]:
            if part["part"] != "base":
                rows["grants"].append((part["part"], member_id, purchase_id, part["points"]))
        for coupon in fact.get("coupons", ()):
            if "campaign" in coupon:
                rows["coupon_uses"].append((coupon["campaign"], member_id, purchase_id, coupon["code"]))

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        """What went back is taken off the purchase, at the purchase's time."""
        member_id, purchase_id = fact["member_id"], fact["purchase_id"]
        gone = -1 if fact["nothing_left"] else 0
        rows["sales"].append((fact["purchased_at"], member_id, purchase_id, -fact["paid_minor"], gone))
        for part in fact["parts"]:
            if part["part"] != "base":
                rows["grants"].append((part["part"], member_id, purchase_id, -part["points"]))
