"""When to look at which stream: the clock's agenda, folded from the log itself, in the database of the facts.

It is a hint and decides nothing: a stream tells for itself what has come about, and can be looked at in vain.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from domain.coupon import CouponIssued, CouponRestored
from domain.grants import GrantRevoked, PointsGranted
from domain.movements import (
    DebtReversed,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsEarned,
    PointsHeld,
    PointsProlonged,
    PointsReceived,
    PointsRedeemed,
    PointsRevoked,
    PointsTakenBack,
    ReceivedRevoked,
    RedemptionReversed,
)
from domain.purchase import ReturnKept
from domain.referral import ReferralDisqualified, ReferralQualified, ReferralReviewed
from domain.tier_moves import TierGranted, TierMoved

PAGE = 20_000
"""Positions that are noted in one transaction."""

TABLES: tuple[LiteralString, ...] = (
    """
    CREATE TABLE IF NOT EXISTS agenda (
        stream_id uuid PRIMARY KEY,
        kind text NOT NULL,
        due_at timestamptz,
        owes boolean NOT NULL DEFAULT false
    )
    """,
    "CREATE INDEX IF NOT EXISTS agenda_due ON agenda (kind, due_at, stream_id)",
    """
    CREATE TABLE IF NOT EXISTS clock_state (
        name text PRIMARY KEY,
        position bigint NOT NULL,
        looked_at timestamptz,
        recorded_at timestamptz,
        recorded jsonb NOT NULL DEFAULT '{}'
    )
    """,
    "INSERT INTO clock_state (name, position) VALUES ('agenda', 0) ON CONFLICT DO NOTHING",
)

AT_ONCE = (
    PointsRevoked, RedemptionReversed, PointsProlonged, DebtReversed, PointsAdjusted, OpeningBalanceImported, PointsReceived,
    PointsTakenBack, ReceivedRevoked, PointsGranted, GrantRevoked, TierMoved, TierGranted,
)  # fmt: skip
"""They may raise debt, free points that have lapsed, bring several lots, or a review: the account knows best what follows."""
COUPONS = (CouponIssued, CouponRestored)
REFERRALS = (ReferralQualified, ReferralDisqualified, ReferralReviewed)
"""They move when both sides are rewarded."""
_NAMES = {
    "earned": PointsEarned.stored_name,
    "held": PointsHeld.stored_name,
    "redeemed": PointsRedeemed.stored_name,
    "kept": ReturnKept.stored_name,
    "coupons": [kind.stored_name for kind in COUPONS],
    "referrals": [kind.stored_name for kind in REFERRALS],
    "names": [
        kind.stored_name
        for kind in (PointsEarned, PointsHeld, PointsRedeemed, ReturnKept, *COUPONS, *REFERRALS, *AT_ONCE)
    ],
}

# A purchase lets the points of an account that owes be looked at when they become active, as they will pay then.
_NOTE = """
WITH told AS (
    SELECT originator_id AS stream_id, name, convert_from(state, 'UTF8')::json AS fact FROM facts
    WHERE position > %(after)s AND position <= %(upto)s AND name = ANY(%(names)s)
)
INSERT INTO agenda (stream_id, kind, due_at)
SELECT stream_id, min(CASE
    WHEN name = %(kept)s THEN 'purchase' WHEN name = ANY(%(coupons)s) THEN 'coupon'
    WHEN name = ANY(%(referrals)s) THEN 'referral' ELSE 'account'
END), min(CASE
    WHEN name = %(earned)s THEN
        least((fact->>'expires_at')::timestamptz, CASE WHEN owes THEN (fact->>'active_from')::timestamptz END)
    WHEN name = %(held)s THEN (fact->>'until')::timestamptz
    WHEN name = ANY(%(coupons)s) THEN (fact->>'valid_until')::timestamptz
    ELSE '-infinity'
END)
FROM told LEFT JOIN agenda USING (stream_id)
WHERE name <> %(redeemed)s OR (fact->>'debt')::bigint > 0
GROUP BY stream_id
ON CONFLICT (stream_id) DO UPDATE SET due_at = least(agenda.due_at, excluded.due_at)
"""


class Next(NamedTuple):
    """When a stream is to be looked at again, if nothing happens to it, and whether it is an account that owes."""

    stream_id: UUID
    due_at: datetime | None
    owes: bool


class Agenda:
    """The agenda, in the hands of the one who holds the clock's lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def follow(self) -> None:
        """Note what was recorded since the last time."""
        position, last = self._one(
            "SELECT position, (SELECT coalesce(max(position), 0) FROM facts) FROM clock_state WHERE name = 'agenda'"
        )
        for after in range(position, last, PAGE):
            upto = min(after + PAGE, last)
            with self._connection.transaction():
                self._connection.execute(_NOTE, {"after": after, "upto": upto, **_NAMES})
                self._connection.execute("UPDATE clock_state SET position = %s WHERE name = 'agenda'", (upto,))

    def due(self, kind: str, now: datetime, *, most: int) -> Iterator[list[UUID]]:
        """Pages of streams of a kind to look at, those longest due first."""
        after: tuple[datetime | str, UUID] = ("-infinity", UUID(int=0))
        while page := self._connection.execute(
            "SELECT stream_id, CASE WHEN isfinite(due_at) THEN due_at END FROM agenda WHERE kind = %s"
            " AND due_at <= %s AND (due_at, stream_id) > (%s, %s) ORDER BY due_at, stream_id LIMIT %s",
            (kind, now, *after, most),
        ).fetchall():
            yield [stream_id for stream_id, _ in page]
            after = (page[-1][1] or "-infinity", page[-1][0])

    def put_back(self, looked_at: Iterable[Next]) -> None:
        """Note when to look at streams again."""
        stream_ids, dues, owes = zip(*looked_at, strict=True)
        self._connection.execute(
            "UPDATE agenda SET due_at = put.due_at, owes = put.owes"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::boolean[]) AS put (stream_id, due_at, owes)"
            " WHERE agenda.stream_id = put.stream_id",
            (list(stream_ids), list(dues), list(owes)),
        )

    def looked(self, recorded: dict[str, int]) -> None:
        """Note that all that was due was looked at, and what was recorded, if anything was."""
        self._connection.execute("UPDATE clock_state SET looked_at = now() WHERE name = 'agenda'")
        if recorded:
            self._connection.execute(
                "UPDATE clock_state SET recorded_at = now(), recorded = %s WHERE name = 'agenda'", (Jsonb(recorded),)
            )

    def _one(self, query: LiteralString) -> tuple[int, int]:
        row = self._connection.execute(query).fetchone()
        assert row is not None, "the table was made with its row"
        return row
