"""Who belongs to a segment, as of an instant: the same criteria as on the write side, over what was told of purchases."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from domain.calendar_days import local_day
from domain.criteria import Definition, Window, belongs
from domain.programme import Policy
from projections.snapshot import Snapshot
from projections.standings import NoProgrammeKnown, standings_of

NO_TIER = -1
"""The rank below the lowest."""


class SegmentVersion(BaseModel):
    """A version of a segment's definition."""

    version: int = Field(description="Counted from 1")
    name: str = Field(description="The segment's name in this version")
    effective_from: datetime = Field(description="From when it is in force, until the next version's time")
    definition: Definition = Field(description="Whom it asks for; amounts are in minor units")


class SegmentTold(BaseModel):
    """A segment with all its versions, the oldest first."""

    segment_id: str = Field(description="The segment's id")
    versions: list[SegmentVersion] = Field(description="The versions, each immutable")


class SegmentList(BaseModel):
    """A page of segments, ordered by id."""

    items: list[SegmentTold] = Field(description="The segments")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    position: int = Field(description="The log position up to which the answer is complete")


class SegmentMembers(BaseModel):
    """Who belongs to a segment, page by page, ordered by id."""

    segment_id: str = Field(description="The segment")
    version: int | None = Field(
        description="The version in force at `as_of`; null before the first, when nobody belongs"
    )
    count: int = Field(description="How many belong to it in all")
    items: list[UUID] = Field(description="The members on this page")
    next: UUID | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class SegmentOfMember(BaseModel):
    """A segment that a member belongs to."""

    segment_id: str = Field(description="The segment")
    version: int = Field(description="The version in force at `as_of`")
    name: str = Field(description="The segment's name in that version")


class MemberSegments(BaseModel):
    """The segments that a member belongs to, ordered by id."""

    member_id: UUID = Field(description="The member")
    items: list[SegmentOfMember] = Field(description="The segments")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Figures(NamedTuple):
    """What a person bought in a window."""

    visits: int = 0
    spent_minor: int = 0
    last_on: date | None = None


class InForce(NamedTuple):
    """The version of a segment that an instant falls to."""

    segment_id: str
    version: int
    title: str
    definition: Definition


@dataclass(frozen=True)
class Told:
    """The history of one person as the read model tells it."""

    today: date
    registered_on: date
    figures: Mapping[Window, Figures]
    tiers: frozenset[str]
    """The tier held, and those below."""

    @property
    def last_purchase_on(self) -> date | None:
        return self.figures[Window(None)].last_on

    def stands_at_least(self, tier: str) -> bool:
        return tier in self.tiers

    def visits(self, window: Window) -> int:
        return self.figures[window].visits

    def spent_minor(self, window: Window) -> int:
        return self.figures[window].spent_minor


_LIST = """
SELECT segment_id, version, title, effective_from, definition::text FROM {schema}.segments
WHERE segment_id IN (
    SELECT DISTINCT segment_id COLLATE "C" FROM {schema}.segments WHERE segment_id COLLATE "C" > %(after)s
    ORDER BY 1 LIMIT %(limit)s
) ORDER BY segment_id COLLATE "C", version
"""
_IN_FORCE = """
SELECT DISTINCT ON (segment_id) segment_id, version, title, definition::text FROM {schema}.segments
WHERE effective_from <= %(as_of)s ORDER BY segment_id, version DESC
"""
_POLICY = """
SELECT policy::text FROM {schema}.programmes WHERE programme = %(programme)s AND effective_from <= %(as_of)s
ORDER BY version DESC LIMIT 1
"""
_PERSONS = """
SELECT member_id, registered_at FROM {schema}.accounts JOIN {schema}.persons USING (member_id)
WHERE member_id = person_id AND registered_at <= %(as_of)s
    AND (%(member_id)s::uuid IS NULL OR member_id = %(member_id)s)
    AND NOT EXISTS (SELECT 1 FROM {schema}.closures WHERE closures.member_id = person_id AND closed_at <= %(as_of)s)
    AND NOT EXISTS (SELECT 1 FROM {schema}.erasures WHERE erasures.member_id = person_id)
"""
_FIGURES = """
SELECT person_id, count(DISTINCT (store, day)) FILTER (WHERE NOT gone), sum(paid_minor)::bigint, max(day) FILTER (WHERE NOT gone)
FROM {schema}.persons JOIN {schema}.kept USING (member_id)
WHERE at <= %(as_of)s AND (%(since)s::date IS NULL OR day >= %(since)s)
    AND (%(stores)s::text[] IS NULL OR store = ANY(%(stores)s))
    AND (%(member_id)s::uuid IS NULL OR member_id IN (
        SELECT member_id FROM {schema}.persons WHERE person_id = %(member_id)s
    ))
GROUP BY person_id
"""


async def segment_list(snapshot: Snapshot, *, after: str, limit: int) -> SegmentList:
    """The segments whose ids follow `after`."""
    told: dict[str, list[SegmentVersion]] = {}
    for segment_id, version, title, since, definition in await snapshot.all(_LIST, after=after, limit=limit + 1):
        told.setdefault(segment_id, []).append(
            SegmentVersion(
                version=version, name=title, effective_from=since,
                definition=Definition.model_validate_json(definition),
            )
        )  # fmt: skip
    items = [SegmentTold(segment_id=segment_id, versions=versions) for segment_id, versions in told.items()]
    more = items[limit - 1].segment_id if len(items) > limit else None
    return SegmentList(items=items[:limit], next=more, position=snapshot.position)


async def members_of(
    snapshot: Snapshot, *, segment_id: str, programme: str, as_of: datetime, after: UUID | None, limit: int
) -> SegmentMembers | None:
    """Who belongs to a segment; None for one that nobody defined."""
    if await snapshot.one("SELECT 1 FROM {schema}.segments WHERE segment_id = %(id)s LIMIT 1", id=segment_id) is None:
        return None
    version = next((one for one in await _in_force(snapshot, as_of) if one.segment_id == segment_id), None)
    found: list[UUID] = []
    if version is not None:
        look = await Look.of(snapshot, [version.definition], programme=programme, as_of=as_of)
        found = await look.members(version.definition)
    rest = [person for person in found if after is None or person > after]
    return SegmentMembers(
        segment_id=segment_id, version=version.version if version else None, count=len(found), items=rest[:limit],
        next=rest[limit - 1] if len(rest) > limit else None, as_of=as_of, position=snapshot.position,
    )  # fmt: skip


async def segments_of(snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime) -> MemberSegments | None:
    """The segments that a member belongs to; None for an unknown member."""
    if await snapshot.one("SELECT 1 FROM {schema}.accounts WHERE member_id = %(id)s", id=member_id) is None:
        return None
    versions = await _in_force(snapshot, as_of)
    definitions = [version.definition for version in versions]
    look = await Look.of(snapshot, definitions, programme=programme, as_of=as_of, member_id=member_id)
    items = [
        SegmentOfMember(segment_id=one.segment_id, version=one.version, name=one.title)
        for one in versions
        if look.belongs(member_id, one.definition)
    ]
    return MemberSegments(member_id=member_id, items=items, as_of=as_of, position=snapshot.position)


async def _in_force(snapshot: Snapshot, as_of: datetime) -> list[InForce]:
    rows = await snapshot.all(_IN_FORCE, as_of=as_of)
    return [
        InForce(segment_id, version, title, Definition.model_validate_json(definition))
        for segment_id, version, title, definition in rows
    ]


@dataclass(frozen=True)
class Look:
    """What is needed to tell who belongs to some segments at an instant."""

    policy: Policy
    as_of: datetime
    registered: Mapping[UUID, datetime]
    """Since when those are members who may belong at all: not who was merged, closed or erased."""
    figures: Mapping[Window, Mapping[UUID, Figures]]
    ranks: Mapping[UUID, int] = field(default_factory=dict)
    """Of those only whom the tier decides about."""

    @classmethod
    async def of(
        cls,
        snapshot: Snapshot,
        definitions: Sequence[Definition],
        *,
        programme: str,
        as_of: datetime,
        member_id: UUID | None = None,
    ) -> "Look":
        """Add up what was bought in each window that is asked about; of one member, if one is named."""
        row = await snapshot.one(_POLICY, programme=programme, as_of=as_of)
        if row is None:
            raise NoProgrammeKnown(programme)
        policy = Policy.model_validate_json(row[0])
        who = {"as_of": as_of, "member_id": member_id}
        registered: dict[UUID, datetime] = dict(await snapshot.all(_PERSONS, **who))
        figures: dict[Window, Mapping[UUID, Figures]] = {}
        for window in {Window(None)}.union(*(one.windows(local_day(as_of, policy.zone)) for one in definitions)):
            stores = None if window.stores is None else list(window.stores)
            rows = await snapshot.all(_FIGURES, since=window.since, stores=stores, **who)
            figures[window] = {person: Figures(*those) for person, *those in rows}
        return await cls(policy, as_of, registered, figures)._with_ranks(snapshot, definitions)

    async def members(self, definition: Definition) -> list[UUID]:
        """Who belongs, by id; worked out beside whatever else is asked meanwhile."""
        return await asyncio.to_thread(lambda: sorted(one for one in self.registered if self.belongs(one, definition)))

    def belongs(self, person: UUID, definition: Definition) -> bool:
        return person in self.registered and belongs(self._told(person, self.ranks.get(person, NO_TIER)), definition)

    async def _with_ranks(self, snapshot: Snapshot, definitions: Sequence[Definition]) -> "Look":
        """A tier is looked up only where it decides: a higher one never shuts anybody out."""
        asking = [one for one in definitions if one.tiers]
        top = len(self.policy.tiers.levels) - 1
        undecided = {
            person: at
            for person, at in (self.registered.items() if asking else ())
            if any(
                belongs(self._told(person, top), one) and not belongs(self._told(person, NO_TIER), one)
                for one in asking
            )
        }
        if not undecided:
            return self
        stands = await standings_of(snapshot, undecided, policy=self.policy, as_of=self.as_of)
        return replace(self, ranks={person: self.policy.tiers.rank(one.tier) for person, one in stands.items()})

    def _told(self, person: UUID, rank: int) -> Told:
        zone = self.policy.zone
        held = frozenset(level.name for level in self.policy.tiers.levels[: rank + 1])
        figures = {window: those.get(person, Figures()) for window, those in self.figures.items()}
        return Told(local_day(self.as_of, zone), local_day(self.registered[person], zone), figures, held)
