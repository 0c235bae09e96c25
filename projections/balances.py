"""How many points each member can spend, lot by lot, right at any instant without a sweeper."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from pydantic import BaseModel, Field

from projections.projection import Projection, Rows, moves
from projections.snapshot import Snapshot
from projections.told import Earned, Opened, Revoked


class NextExpiry(BaseModel):
    """The points that lapse next."""

    points: int = Field(description="Points, pending ones included, that lapse together unless they are spent before")
    at: datetime = Field(description="The first instant at which they can no longer be spent")


class Balance(BaseModel):
    """Points of a member by what has become of them; issued + received is the sum of the buckets up to `sent`."""

    member_id: UUID = Field(description="The member")
    issued: int = Field(description="Points ever earned with a purchase up to `as_of`")
    received: int = Field(0, description="Points that other members sent; 0, as transfers do not exist yet")
    pending: int = Field(description="Points earned that cannot be spent yet")
    available: int = Field(description="Points that can be spent at `as_of`")
    held: int = Field(0, description="Points set aside for a redemption; 0, as holds do not exist yet")
    spent: int = Field(0, description="Points redeemed; 0, as redemptions do not exist yet")
    settled: int = Field(0, description="Points that paid debt; 0, as debt does not exist yet")
    expired: int = Field(description="Points that lapsed unspent, whether they had become spendable or not")
    revoked: int = Field(description="Points taken back after returns and voids")
    sent: int = Field(0, description="Points sent to other members; 0, as transfers do not exist yet")
    debt: int = Field(0, description="Points owed; 0, as debt does not exist yet")
    next_expiry: NextExpiry | None = Field(description="What lapses next after `as_of`; null where nothing will")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Balances(Projection):
    """Accounts and their lots: the points of one part of a purchase, and the time in which they can be spent."""

    name = "balances"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.accounts (member_id uuid PRIMARY KEY)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.lots (
            member_id uuid NOT NULL,
            lot_id uuid NOT NULL,
            part text NOT NULL,
            purchase_id uuid NOT NULL,
            points bigint NOT NULL,
            earned_at timestamptz NOT NULL,
            active_from timestamptz NOT NULL,
            expires_at timestamptz,
            PRIMARY KEY (member_id, lot_id)
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.revocations (
            member_id uuid NOT NULL,
            lot_id uuid NOT NULL,
            points bigint NOT NULL,
            revoked_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS revocations_member ON {schema}.revocations (member_id)",
    )

    @moves("AccountOpened.v1")
    def opened(self, fact: Opened, rows: Rows) -> None:
        rows["accounts"].append((fact["member_id"],))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        lots = rows["lots"]
        for part in fact["parts"]:
            if part["points"]:
                lots.append((
                    fact["member_id"], part["lot_id"], part["part"], fact["purchase_id"], part["points"],
                    fact["occurred_at"], fact["active_from"], fact.get("expires_at"),
                ))  # fmt: skip

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        for part in fact["parts"]:
            rows["revocations"].append((fact["member_id"], part["lot_id"], part["points"], fact["occurred_at"]))


# Expired overrides pending: what lapsed before it could be spent has lapsed.
_LOTS: LiteralString = """
SELECT points, coalesce(back.revoked, 0) AS revoked, points - coalesce(back.revoked, 0) AS rest, active_from, expires_at,
    expires_at IS NULL OR expires_at > %(as_of)s AS alive
FROM {schema}.lots LEFT JOIN (
    SELECT lot_id, sum(points)::bigint AS revoked FROM {schema}.revocations
    WHERE member_id = %(member_id)s AND revoked_at <= %(as_of)s GROUP BY lot_id
) AS back USING (lot_id)
WHERE member_id = %(member_id)s AND earned_at <= %(as_of)s
"""
_BUCKETS = f"""
SELECT
    coalesce(sum(points), 0)::bigint,
    coalesce(sum(rest) FILTER (WHERE alive AND active_from > %(as_of)s), 0)::bigint,
    coalesce(sum(rest) FILTER (WHERE alive AND active_from <= %(as_of)s), 0)::bigint,
    coalesce(sum(rest) FILTER (WHERE NOT alive), 0)::bigint,
    coalesce(sum(revoked), 0)::bigint,
    min(expires_at) FILTER (WHERE alive AND rest > 0),
    (SELECT true FROM {{schema}}.accounts WHERE member_id = %(member_id)s)
FROM ({_LOTS}) AS earned
"""  # noqa: S608 - all of it is ours
_LAPSING = f"SELECT sum(rest)::bigint FROM ({_LOTS}) AS earned WHERE expires_at = %(at)s"  # noqa: S608 - as above


async def balance_of(snapshot: Snapshot, *, member_id: UUID, as_of: datetime) -> Balance | None:
    """The balance by the facts that had happened at an instant and by its clock; None for an unknown member."""
    row = await snapshot.one(_BUCKETS, member_id=member_id, as_of=as_of)
    if row is None or row[6] is None:
        return None
    issued, pending, available, expired, revoked, at, _ = row
    next_expiry = None
    if at is not None:
        lapsing = await snapshot.one(_LAPSING, member_id=member_id, as_of=as_of, at=at)
        next_expiry = NextExpiry(points=lapsing[0], at=at) if lapsing else None
    return Balance(
        member_id=member_id, issued=issued, pending=pending, available=available, expired=expired, revoked=revoked,
        next_expiry=next_expiry, as_of=as_of, position=snapshot.position,
    )  # fmt: skip
