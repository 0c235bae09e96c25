"""Where members stand, and what that entitles them to: worked out when it is asked."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from domain.policy.parts import Text
from domain.programme import Policy
from domain.tally import Credit, Grant
from domain.tiers import Standing, standing
from projections.snapshot import Snapshot


class QualifyingCounters(BaseModel):
    """What qualifies in the open period, by what it is."""

    points: int = Field(description="Points of base parts, pending ones included")
    spend_minor: int = Field(description="What was paid by money, in minor units, less what went back")
    visits: int = Field(description="Stores and local days with a purchase that did not go back as a whole")


class FallWarning(BaseModel):
    """Who buys nothing more falls at the next review."""

    since: date = Field(description="The local day from which on the member is warned")
    review_on: date = Field(description="The local day on which the tier is judged")
    falls_to: str = Field(description="The tier after it")
    missing: int = Field(description="What is missing to keep the tier, in units of the metric")


class TierAnswer(BaseModel):
    """A member's tier, what is missing to the next one, and what keeps this one."""

    member_id: UUID = Field(description="The member")
    tier: str = Field(description="The tier held at `as_of`")
    since: datetime = Field(description="Since when it is held without interruption")
    qualifying: QualifyingCounters = Field(description="What qualifies in the open period")
    qualifying_points: int = Field(
        description="The same by the programme's metric, which thresholds are compared with; spending never lowers it"
    )
    next_tier: str | None = Field(description="The tier above; null at the top")
    points_to_next: int | None = Field(
        description="What is missing to the tier above, in units of the metric; null at the top"
    )
    review_on: date | None = Field(
        description="The local day on which the tier is reviewed, or judged again after the grace; null where none is"
    )
    points_to_keep: int | None = Field(
        description="What is missing to pass that review, in units of the metric; null if nothing is needed"
    )
    grace_until: date | None = Field(
        description="The last local day on which a tier is held that its period did not keep; null outside a grace"
    )
    projected_tier: str = Field(description="The tier after the coming review if nothing more is bought")
    warning: FallWarning | None = Field(
        description="Told in the days before a review that will take the tier; null else"
    )
    closed_at: datetime | None = Field(
        description="Since when the account is closed, by `as_of`: it earns and spends no more; null while it is open"
    )
    programme_version: int = Field(description="The programme version in force at `as_of`, whose rules were applied")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Entitlement(BaseModel):
    """A benefit, and the tier that adds it."""

    kind: str = Field(description="`price`, `discount`, `service_queue`, `event_access`, `early_access` or `other`")
    title: Text = Field(description="What it is called")
    tier: str = Field(description="The tier that brings it, this one or one below")


class Entitlements(BaseModel):
    """What a member is entitled to by the tier: its own benefits and those of all tiers below."""

    member_id: UUID = Field(description="The member")
    tier: str = Field(description="The tier held at `as_of`")
    title: Text = Field(description="What the tier is called")
    discount: str | None = Field(description="The share taken off each line, such as `1/20`; null where none is")
    benefits: list[Entitlement] = Field(description="The benefits, from the lowest tier up")
    closed_at: datetime | None = Field(
        description="Since when the account is closed, by `as_of`: it is entitled to nothing more; null while it is open"
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


class NoProgrammeKnown(LookupError):
    """No version of the programme was in force at that time, or none has arrived here yet."""


async def tier_of(snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime) -> TierAnswer | None:
    """The standing by the purchases made up to an instant and the rules in force then; None for an unknown member."""
    found = await _found(snapshot, member_id=member_id, programme=programme, as_of=as_of)
    if found is None:
        return None
    stands = found.standing
    told = {field.name: getattr(stands, field.name) for field in fields(stands)}
    return TierAnswer.model_validate(
        told
        | {
            "member_id": member_id, "closed_at": found.closed_at, "programme_version": found.version, "as_of": as_of,
            "position": snapshot.position, "qualifying": stands.qualifying._asdict(),
            "warning": None if stands.warning is None else vars(stands.warning),
        }
    )  # fmt: skip


async def entitlements_of(
    snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime
) -> Entitlements | None:
    """What the tier of an instant brings, by the rules in force then; None for an unknown member."""
    found = await _found(snapshot, member_id=member_id, programme=programme, as_of=as_of)
    if found is None:
        return None
    tiers = found.policy.tiers
    rank = tiers.rank(found.standing.tier)
    here = tiers.levels[rank]
    benefits = [Entitlement(kind=one.kind, title=one.title, tier=level.name) for level, one in tiers.benefits(rank)]
    return Entitlements(
        member_id=member_id, tier=here.name, title=here.title,
        discount=None if here.discount is None else str(here.discount), benefits=benefits, closed_at=found.closed_at,
        programme_version=found.version, as_of=as_of, position=snapshot.position,
    )  # fmt: skip


class _Found(NamedTuple):
    standing: Standing
    policy: Policy
    version: int
    closed_at: datetime | None


async def _found(snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime) -> _Found | None:
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
    registered_at, closed_at = account
    policy = _policy(version[1])
    stands = await standings_of(snapshot, {member_id: registered_at}, policy=policy, as_of=as_of)
    return _Found(stands[member_id], policy, version[0], closed_at)


async def standings_of(
    snapshot: Snapshot, registered: Mapping[UUID, datetime], *, policy: Policy, as_of: datetime
) -> dict[UUID, Standing]:
    """The standing of each member, given since when they are one; worked out beside whatever else is asked meanwhile."""
    who = {"member_ids": list(registered), "as_of": as_of}
    earned, granted = _by_member(await snapshot.all(_CREDITS, **who)), _by_member(await snapshot.all(_GRANTS, **who))

    def stand() -> dict[UUID, Standing]:
        return {
            member_id: standing(
                _credits(earned[member_id]), policy=policy, registered_at=registered_at, as_of=as_of,
                grants=map(Grant._make, granted[member_id]),
            )
            for member_id, registered_at in registered.items()
        }  # fmt: skip

    return await asyncio.to_thread(stand)


_CREDITS = """
SELECT member_id, purchase_id, earned_at, points, spend_minor, store, visits, back_at FROM {schema}.credits
WHERE member_id = ANY(%(member_ids)s) AND earned_at <= %(as_of)s AND known_at <= %(as_of)s
"""
_GRANTS = """
SELECT member_id, since, tier, known_at FROM {schema}.grants
WHERE member_id = ANY(%(member_ids)s) AND known_at <= %(as_of)s AND NOT EXISTS (
    SELECT 1 FROM {schema}.partings
    WHERE partings.member_id = grants.member_id AND partings.transfer_id = grants.transfer_id AND partings.at <= %(as_of)s
)
"""


def _by_member(rows: Iterable[tuple[Any, ...]]) -> defaultdict[UUID, list[tuple[Any, ...]]]:
    found: defaultdict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for member_id, *row in rows:
        found[member_id].append(tuple(row))
    return found


def _credits(rows: Sequence[tuple[Any, ...]]) -> Iterator[Credit]:
    """What came back of a purchase names its store no more."""
    stores = {purchase_id: store for purchase_id, *_, store, _, back_at in rows if back_at is None}
    for purchase_id, at, points, spend_minor, store, visits, back_at in rows:
        yield Credit(at, points, spend_minor, store or stores.get(purchase_id) or "", visits, back_at)


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
