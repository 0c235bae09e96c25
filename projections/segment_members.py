"""Who belongs to a segment, as of an instant: the same criteria as on the write side, over what was told of purchases."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from domain.calendar_days import local_day
from domain.criteria import Definition, Window, belongs
from domain.programme import Policy
from projections.snapshot import Snapshot
from projections.standings import NoProgrammeKnown, tier_of


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
        found = sorted([person for person in look.persons if await look.belongs(person, version.definition)])
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
        if member_id in look.persons and await look.belongs(member_id, one.definition)
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

    today: date
    persons: Mapping[UUID, date]
    """Those who may belong at all, by the local day of joining: not who was merged, closed or erased."""
    figures: Mapping[Window, Mapping[UUID, Figures]]
    levels: list[str]
    """The tiers from the lowest up."""
    tier_of: Callable[[UUID], Awaitable[str]]

    @classmethod
    async def of(
        cls,
        snapshot: Snapshot,
        definitions: Iterable[Definition],
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
        today = local_day(as_of, policy.zone)
        who = {"as_of": as_of, "member_id": member_id}
        persons = {person: local_day(at, policy.zone) for person, at in await snapshot.all(_PERSONS, **who)}
        figures: dict[Window, Mapping[UUID, Figures]] = {}
        for window in {Window(None)}.union(*(one.windows(today) for one in definitions)):
            stores = None if window.stores is None else list(window.stores)
            rows = await snapshot.all(_FIGURES, since=window.since, stores=stores, **who)
            figures[window] = {person: Figures(*those) for person, *those in rows}

        async def tier(person: UUID) -> str:
            found = await tier_of(snapshot, member_id=person, programme=programme, as_of=as_of)
            assert found is not None, "who has an account has a standing"
            return found.tier

        return cls(today, persons, figures, [level.name for level in policy.tiers.levels], tier)

    async def belongs(self, person: UUID, definition: Definition) -> bool:
        """The tier is looked up only for those whom it decides about: a higher one never shuts anybody out."""
        if belongs(self._told(person, rank=-1), definition):
            return True
        if not definition.tiers or not belongs(self._told(person, rank=len(self.levels)), definition):
            return False
        return belongs(self._told(person, rank=self.levels.index(await self.tier_of(person))), definition)

    def _told(self, person: UUID, *, rank: int) -> Told:
        figures = {window: those.get(person, Figures()) for window, those in self.figures.items()}
        return Told(self.today, self.persons[person], figures, frozenset(self.levels[: rank + 1]))
