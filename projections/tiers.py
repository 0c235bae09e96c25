"""Where each member stands: qualifying credits, and the rules that were in force."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import ClassVar, LiteralString
from uuid import UUID

from pydantic import BaseModel, Field

from domain.programme import Policy
from domain.tiers import Credit, Grant, standing
from projections.projection import Projection, Rows, moves
from projections.snapshot import Snapshot
from projections.told import Published
from projections.told_of_points import (
    Adjusted,
    Closed,
    Earned,
    GivenBack,
    Granted,
    Imported,
    Moved,
    Opened,
    Qualifying,
    Received,
    ReceivedRevoked,
    Revoked,
)


class TierAnswer(BaseModel):
    """A member's tier, what is missing to the next one, and what keeps this one."""

    member_id: UUID = Field(description="The member")
    tier: str = Field(description="The tier held at `as_of`")
    since: datetime = Field(description="Since when it is held without interruption")
    qualifying_points: int = Field(description="Qualifying points of the open period; spending never lowers them")
    next_tier: str | None = Field(description="The tier above; null at the top")
    points_to_next: int | None = Field(description="Qualifying points missing to the tier above; null at the top")
    review_on: date | None = Field(description="The local day on which the tier is reviewed; null where none is")
    points_to_keep: int | None = Field(
        description="Qualifying points missing to pass that review; null if none is needed"
    )
    closed_at: datetime | None = Field(
        description="Since when the account is closed, by `as_of`: it earns and spends no more; null while it is open"
    )
    programme_version: int = Field(description="The programme version in force at `as_of`, whose rules were applied")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class ProgrammeVersion(BaseModel):
    """A published version of the programme."""

    programme: str = Field(description="The programme's name")
    version: int = Field(description="Counted from 1")
    effective_from: datetime = Field(description="From when it is in force, until the next version's time")
    policy: Policy = Field(description="The rules; amounts are in minor units of its currency")


class Programmes(BaseModel):
    """Every published version, oldest first."""

    items: list[ProgrammeVersion] = Field(description="The versions")
    position: int = Field(description="The log position up to which the answer is complete")


class Tiers(Projection):
    """Qualifying credits, what returns took of them, and tiers granted; the standing itself is computed when it is asked for."""

    name = "tiers"
    tables: ClassVar[tuple[LiteralString, ...]] = (
        "CREATE TABLE IF NOT EXISTS {schema}.accounts (member_id uuid PRIMARY KEY, registered_at timestamptz NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.credits (
            member_id uuid NOT NULL,
            purchase_id uuid,
            earned_at timestamptz NOT NULL,
            known_at timestamptz NOT NULL,
            points bigint NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS credits_member ON {schema}.credits (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.grants (
            member_id uuid NOT NULL,
            tier text NOT NULL,
            since timestamptz NOT NULL,
            period int NOT NULL,
            transfer_id uuid,
            known_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS grants_member ON {schema}.grants (member_id)",
        # Merges that were undone: what they had granted ends.
        "CREATE TABLE IF NOT EXISTS {schema}.partings (member_id uuid NOT NULL, transfer_id uuid NOT NULL, at timestamptz NOT NULL)",
        "CREATE INDEX IF NOT EXISTS partings_member ON {schema}.partings (member_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.closures (member_id uuid PRIMARY KEY, closed_at timestamptz NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.programmes (
            programme text,
            version int,
            effective_from timestamptz NOT NULL,
            policy jsonb NOT NULL,
            PRIMARY KEY (programme, version)
        )
        """,
    )

    @moves("AccountOpened.v1")
    def opened(self, fact: Opened, rows: Rows) -> None:
        rows["accounts"].append((fact["member_id"], fact["registered_at"]))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        points = 0
        for part in fact["parts"]:
            if part["qualifies"]:
                points += part["points"]
        if points:
            at = fact["occurred_at"]
            rows["credits"].append((fact["member_id"], fact["purchase_id"], at, at, points))

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        """A return counts at the time of its purchase, from when it happened; a closed review is never reopened."""
        points = sum(part["points"] for part in fact["parts"] if part["qualifies"])
        if points and fact["counts"]:
            rows["credits"].append((
                fact["member_id"], fact["purchase_id"], fact["purchased_at"], fact["occurred_at"], -points,
            ))  # fmt: skip

    @moves("PointsAdjusted.v1")
    def adjusted(self, fact: Adjusted, rows: Rows) -> None:
        if fact["qualifies"]:
            _credit(rows, fact, [Qualifying(at=fact["occurred_at"], points=fact["points"])])

    @moves("OpeningBalanceImported.v1")
    def imported(self, fact: Imported, rows: Rows) -> None:
        _credit(rows, fact, fact["qualifying"])

    @moves("PointsReceived.v1")
    def received(self, fact: Received, rows: Rows) -> None:
        """A merge brings credits along, dated as they were; a transfer none."""
        _credit(rows, fact, fact["qualifying"])

    @moves("PointsGivenBack.v1")
    def given_back(self, fact: GivenBack, rows: Rows) -> None:
        _credit(rows, fact, fact["qualifying"], sign=-1)
        rows["partings"].append((fact["member_id"], fact["transfer_id"], fact["occurred_at"]))

    @moves("ReceivedRevoked.v1")
    def received_revoked(self, fact: ReceivedRevoked, rows: Rows) -> None:
        _credit(rows, fact, fact.get("qualifying", []))

    @moves("TierGranted.v1")
    def granted(self, fact: Granted, rows: Rows) -> None:
        rows["grants"].append((
            fact["member_id"], fact["tier"], fact["since"], fact["period"], fact.get("transfer_id"), fact["occurred_at"],
        ))  # fmt: skip

    @moves("AccountClosed.v1")
    def closed(self, fact: Closed, rows: Rows) -> None:
        rows["closures"].append((fact["member_id"], fact["occurred_at"]))

    @moves("ProgrammePublished.v1")
    def published(self, fact: Published, rows: Rows) -> None:
        policy = fact["policy"]
        rows["programmes"].append((fact["programme"], fact["version"], policy["effective_from"], json.dumps(policy)))


def _credit(rows: Rows, fact: Moved, credited: Iterable[Qualifying], *, sign: int = 1) -> None:
    """Qualifying points that did not come with a purchase; they are known from the fact on."""
    rows["credits"] += [
        (fact["member_id"], None, one["at"], fact["occurred_at"], sign * one["points"]) for one in credited
    ]


class NoProgrammeKnown(LookupError):
    """No version of the programme was in force at that time, or none has arrived here yet."""


async def tier_of(snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime) -> TierAnswer | None:
    """The standing by the purchases made up to an instant and the rules in force then; None for an unknown member."""
    account = await snapshot.one(
        "SELECT registered_at, closed_at FROM {schema}.accounts"
        " LEFT JOIN {schema}.closures ON closures.member_id = accounts.member_id AND closed_at <= %(as_of)s"
        " WHERE accounts.member_id = %(member_id)s",
        member_id=member_id,
        as_of=as_of,
    )
    if account is None:
        return None
    version = await snapshot.one(
        "SELECT version, policy::text FROM {schema}.programmes WHERE programme = %(programme)s"
        " AND effective_from <= %(as_of)s ORDER BY version DESC LIMIT 1",
        programme=programme,
        as_of=as_of,
    )
    if version is None:
        raise NoProgrammeKnown(programme)
    earned = await snapshot.all(
        "SELECT earned_at, points FROM {schema}.credits WHERE member_id = %(member_id)s"
        " AND earned_at <= %(as_of)s AND known_at <= %(as_of)s",
        member_id=member_id,
        as_of=as_of,
    )
    granted = await snapshot.all(
        "SELECT since, tier, period FROM {schema}.grants WHERE member_id = %(member_id)s AND known_at <= %(as_of)s"
        " AND NOT EXISTS (SELECT 1 FROM {schema}.partings WHERE partings.member_id = grants.member_id"
        " AND partings.transfer_id = grants.transfer_id AND partings.at <= %(as_of)s)",
        member_id=member_id,
        as_of=as_of,
    )
    registered_at, closed_at = account
    found = standing(
        map(Credit._make, earned), policy=_policy(version[1]), registered_at=registered_at, as_of=as_of,
        grants=map(Grant._make, granted),
    )  # fmt: skip
    return TierAnswer(
        member_id=member_id, closed_at=closed_at, programme_version=version[0], as_of=as_of,
        position=snapshot.position, **vars(found),
    )  # fmt: skip


async def programmes(snapshot: Snapshot) -> Programmes:
    """What was published."""
    rows = await snapshot.all(
        "SELECT programme, version, effective_from, policy::text FROM {schema}.programmes ORDER BY programme, version"
    )
    items = [
        ProgrammeVersion(programme=name, version=version, effective_from=since, policy=_policy(policy))
        for name, version, since, policy in rows
    ]
    return Programmes(items=items, position=snapshot.position)


@lru_cache(maxsize=64)
def _policy(text: str) -> Policy:
    return Policy.model_validate_json(text)
