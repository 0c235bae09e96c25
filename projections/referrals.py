"""Referrals: codes, whom they brought, and what became of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from pydantic import BaseModel, Field

from domain.referral import State
from projections.projection import Projection, Rows, moves
from projections.snapshot import Row, Snapshot
from projections.told import CodeIssued, Joined, MergedInto, OfReferral, Referred, Rewarded


class Referrals(Projection):
    """A row for each fact. The state of a referral is worked out when it is asked for, as of any instant."""

    name = "referrals"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.members (member_id uuid PRIMARY KEY)",
        "CREATE TABLE IF NOT EXISTS {schema}.codes (code text PRIMARY KEY, member_id uuid NOT NULL, at timestamptz NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.referrals (
            member_id uuid PRIMARY KEY,
            referrer_id uuid NOT NULL,
            code text NOT NULL,
            joined_at timestamptz NOT NULL,
            held boolean NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS referrals_referrer ON {schema}.referrals (referrer_id)",
        # `version`: the fact's place in the stream of the code, where all of a referral stand in their order.
        """
        CREATE TABLE IF NOT EXISTS {schema}.events (
            member_id uuid NOT NULL,
            version bigint NOT NULL,
            kind text NOT NULL,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            purchase_id uuid,
            pays_at timestamptz,
            reason text,
            referrer_points bigint,
            referee_points bigint,
            referrer_coupon text,
            referee_coupon text,
            PRIMARY KEY (member_id, version)
        )
        """,
        # What was said last of a member holds; the survivor is null where a merge was undone.
        """
        CREATE TABLE IF NOT EXISTS {schema}.merges (
            member_id uuid, version bigint, survivor_id uuid, PRIMARY KEY (member_id, version)
        )
        """,
    )

    @moves("MemberJoined.v1")
    def joined(self, fact: Joined, rows: Rows) -> None:
        rows["members"].append((fact["member_id"],))

    @moves("ReferralCodeIssued.v1")
    def issued(self, fact: CodeIssued, rows: Rows) -> None:
        rows["codes"].append((fact["code"], fact["member_id"], fact["occurred_at"]))

    @moves("ReferralJoined.v1")
    def referred(self, fact: Referred, rows: Rows) -> None:
        rows["referrals"].append((
            fact["member_id"], fact["referrer_id"], fact["code"], fact["occurred_at"], fact["held"],
        ))  # fmt: skip

    @moves("ReferralReviewed.v1")
    def reviewed(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "reviewed")

    @moves("ReferralQualified.v1")
    def qualified(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "qualified")

    @moves("ReferralDisqualified.v1")
    def disqualified(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "disqualified")

    @moves("ReferralRewarded.v1")
    def rewarded(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "rewarded")

    @moves("ReferralRewardMoved.v1")
    def moved(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "moved")

    @moves("ReferralRejected.v1")
    def rejected(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "rejected")

    @moves("ReferralReversed.v1")
    def reversed(self, fact: OfReferral, rows: Rows) -> None:
        _happened(rows, fact, "reversed")

    @moves("MemberMerged.v1")
    def merged(self, fact: MergedInto, rows: Rows) -> None:
        rows["merges"].append((fact["member_id"], fact["originator_version"], fact["survivor_id"]))

    @moves("MemberUnmerged.v1")
    def unmerged(self, fact: MergedInto, rows: Rows) -> None:
        rows["merges"].append((fact["member_id"], fact["originator_version"], None))


def _happened(rows: Rows, fact: OfReferral, kind: str) -> None:
    nothing = Rewarded(points=0)
    referrer, referee = fact.get("referrer", nothing), fact.get("referee", nothing)
    rows["events"].append((
        fact["member_id"], fact["originator_version"], kind, fact["occurred_at"], fact["actor"], fact.get("purchase_id"),
        fact.get("pays_at"), fact.get("reason"), referrer["points"], referee["points"],
        referrer.get("coupon"), referee.get("coupon"),
    ))  # fmt: skip


class MemberReferral(BaseModel):
    """One referral; it goes by its referee's id."""

    referee: UUID = Field(description="Who joined by the code")
    referrer: UUID = Field(description="Whose code it is")
    code: str = Field(description="The code that they joined by")
    joined_at: datetime = Field(description="When they joined")
    state: State = Field(
        description="`held` for review; `joined`; `qualified` by a purchase that returns may still undo; `rewarded`, both"
        " sides; `rejected`; or `reversed`, once rewarded"
    )
    pays_at: datetime | None = Field(
        description="When both are rewarded, if nothing happens before; null if not qualified"
    )
    purchase_id: UUID | None = Field(description="The purchase that was rewarded; null where none was")
    referrer_points: int = Field(
        description="Points that the referrer has for it: none before it is rewarded, or once reversed"
    )
    referee_points: int = Field(description="Points that the referee has for it")
    referrer_coupon: str | None = Field(
        description="The code of the coupon that the referrer got instead; null for none"
    )
    referee_coupon: str | None = Field(description="The code of the coupon that the referee got instead; null for none")
    reason: str | None = Field(
        description="Why it was rejected or reversed, or what the review said; null for all else"
    )
    reviewed_by: str | None = Field(description="Who decided, where it had been held; null for all else")


class MemberReferrals(BaseModel):
    """A member's codes, whom they brought, and who brought the member."""

    member_id: UUID = Field(description="The member")
    codes: list[str] = Field(description="The codes that lead to the member; more than one only after a merge")
    referred: MemberReferral | None = Field(description="Who brought the member; null if nobody did")
    made: list[MemberReferral] = Field(description="Whom the member brought, those who joined first before others")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class ReferralList(BaseModel):
    """A page of referrals, and how many there are in each state."""

    counts: dict[str, int] = Field(description="By state; `invited` are members with a code that nobody has joined by")
    items: list[MemberReferral] = Field(description="Referrals by their referees' ids")
    next: UUID | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


_STATES: LiteralString = """
WITH told AS (
    SELECT referrals.member_id,
        (array_agg(kind ORDER BY version DESC) FILTER (WHERE kind IN ('rewarded', 'rejected', 'reversed')))[1] AS ended,
        (array_agg(pays_at ORDER BY version DESC) FILTER (WHERE kind IN ('qualified', 'disqualified')))[1] AS pays_at,
        max(at) FILTER (WHERE kind = 'reviewed') AS reviewed_at,
        max(actor) FILTER (WHERE kind = 'reviewed') AS reviewed_by,
        (array_agg(purchase_id ORDER BY version DESC) FILTER (WHERE kind IN ('rewarded', 'moved')))[1] AS purchase_id,
        max(referrer_points) AS referrer_points, max(referee_points) AS referee_points,
        max(referrer_coupon) AS referrer_coupon, max(referee_coupon) AS referee_coupon,
        (array_agg(reason ORDER BY version DESC) FILTER (
            WHERE reason IS NOT NULL AND (kind, reason) <> ('rejected', 'review')
        ))[1] AS reason
    FROM {schema}.referrals LEFT JOIN {schema}.events ON events.member_id = referrals.member_id AND at <= %(as_of)s
    WHERE joined_at <= %(as_of)s GROUP BY referrals.member_id
), states AS (
    SELECT member_id, referrer_id, code, joined_at, coalesce(ended, CASE
        WHEN held AND reviewed_at IS NULL THEN 'held' WHEN pays_at IS NULL THEN 'joined' ELSE 'qualified'
    END) AS state, greatest(pays_at, reviewed_at) AS pays_at, purchase_id, referrer_points, referee_points, referrer_coupon,
    referee_coupon, reason,
    reviewed_by
    FROM told JOIN {schema}.referrals USING (member_id)
)
"""
_COLUMNS: LiteralString = """
SELECT member_id, referrer_id, code, joined_at, state, pays_at, purchase_id, referrer_points, referee_points,
    referrer_coupon, referee_coupon, reason, reviewed_by
FROM states
"""
_OF_PERSON: LiteralString = (
    " WHERE referrer_id = ANY(%(person)s) OR member_id = ANY(%(person)s) ORDER BY joined_at, member_id"
)
_PAGE: LiteralString = """
 WHERE member_id > %(after)s AND (state = %(state)s OR %(state)s::text IS NULL) ORDER BY member_id LIMIT %(limit)s
"""
_COUNTS: LiteralString = """
SELECT state, count(*) FROM states GROUP BY state UNION ALL
SELECT 'invited', count(*) FROM {schema}.codes
WHERE at <= %(as_of)s AND NOT EXISTS (SELECT FROM states WHERE states.code = codes.code)
"""
_PERSON = """
WITH RECURSIVE last AS (
    SELECT DISTINCT ON (member_id) member_id, survivor_id FROM {schema}.merges ORDER BY member_id, version DESC
), person AS (
    SELECT member_id FROM {schema}.members WHERE member_id = %(member_id)s
    UNION SELECT last.member_id FROM last JOIN person ON last.survivor_id = person.member_id
)
SELECT member_id FROM person
"""
_CODES = "SELECT code FROM {schema}.codes WHERE member_id = ANY(%(person)s) AND at <= %(as_of)s ORDER BY at, code"


async def referrals_of(snapshot: Snapshot, *, member_id: UUID, as_of: datetime) -> MemberReferrals | None:
    """The referrals of a member, and of those who were merged into them; None for an unknown member."""
    person = [row[0] for row in await snapshot.all(_PERSON, member_id=member_id)]
    if not person:
        return None
    asked: dict[str, Any] = {"person": person, "as_of": as_of}
    told = [_referral(row) for row in await snapshot.all(_STATES + _COLUMNS + _OF_PERSON, **asked)]
    return MemberReferrals(
        member_id=member_id,
        codes=[row[0] for row in await snapshot.all(_CODES, **asked)],
        referred=next((one for one in told if one.referee in person), None),
        made=[one for one in told if one.referrer in person],
        as_of=as_of,
        position=snapshot.position,
    )


async def referral_list(
    snapshot: Snapshot, *, state: State | None, as_of: datetime, after: UUID | None, limit: int
) -> ReferralList:
    """Referrals in a state, or all of them, and how many there are in each."""
    counts: dict[str, int] = dict(await snapshot.all(_STATES + _COUNTS, as_of=as_of))
    rows: Sequence[Row] = await snapshot.all(
        _STATES + _COLUMNS + _PAGE, as_of=as_of, state=state, after=after or UUID(int=0), limit=limit + 1
    )
    items = [_referral(row) for row in rows[:limit]]
    return ReferralList(
        counts=counts,
        items=items,
        next=items[-1].referee if len(rows) > limit else None,
        as_of=as_of,
        position=snapshot.position,
    )


def _referral(row: Row) -> MemberReferral:
    referee, referrer, code, joined_at, state, pays_at, purchase_id, *got, reason, reviewed_by = row
    giver, taker, givers_coupon, takers_coupon = got if state == "rewarded" else (0, 0, None, None)
    return MemberReferral(
        referee=referee, referrer=referrer, code=code, joined_at=joined_at, state=state,
        pays_at=pays_at if state == "qualified" else None, purchase_id=purchase_id,
        referrer_points=giver, referee_points=taker, referrer_coupon=givers_coupon, referee_coupon=takers_coupon,
        reason=reason, reviewed_by=reviewed_by,
    )  # fmt: skip
