"""What will lapse, day by day, unless it is spent before: of one member, and of all."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from domain.calendar_days import local_day
from projections.holdings import holdings, holdings_of
from projections.snapshot import Snapshot
from projections.standings import NoProgrammeKnown

MOMENT = timedelta(microseconds=1)
AT_ONCE = 500
"""Members whose holdings are worked out together."""


class ExpiringDay(BaseModel):
    """What lapses with a local day of the programme."""

    day: date = Field(description="The last local day on which the points can be spent")
    points: int = Field(description="Points that lapse with it unless they are spent before; held ones are left out")


class Forecast(BaseModel):
    """Points that will lapse, by local day; days on which nothing does are left out."""

    time_zone: str = Field(description="The programme's time zone, whose days they are")
    points: int = Field(description="All of them together")
    days: list[ExpiringDay] = Field(description="The days, in their order")
    as_of: datetime = Field(description="The instant by which the points are known")
    until: datetime = Field(description="The instant up to which the forecast goes, included")
    position: int = Field(description="The log position up to which the answer is complete")


async def zone_of(snapshot: Snapshot, *, programme: str, as_of: datetime) -> ZoneInfo:
    """The time zone of a programme's days, by the version in force."""
    row = await snapshot.one(
        "SELECT time_zone FROM {schema}.time_zones WHERE programme = %(programme)s AND effective_from <= %(as_of)s"
        " ORDER BY effective_from DESC LIMIT 1",
        programme=programme,
        as_of=as_of,
    )
    if row is None:
        raise NoProgrammeKnown(programme)
    return ZoneInfo(row[0])


async def expiries_of(
    snapshot: Snapshot, *, member_id: UUID, programme: str, as_of: datetime, until: datetime
) -> Forecast | None:
    """What of a member's points will lapse; None for an unknown member."""
    held = await holdings_of(snapshot, member_id, as_of=as_of)
    if held is None:
        return None
    zone = await zone_of(snapshot, programme=programme, as_of=as_of)
    return _forecast(snapshot, held.lapsing(), zone, as_of=as_of, until=until)


# Whoever owes something, or has points that activity keeps alive: what lapses of theirs is worked out one by one.
_SPECIAL: LiteralString = """
SELECT member_id FROM {schema}.debts WHERE at <= %(as_of)s
GROUP BY member_id HAVING sum(CASE WHEN kind = 'raised' THEN points ELSE -points END) > 0
UNION SELECT member_id FROM {schema}.keep_alives WHERE at <= %(as_of)s
"""
_PLAIN = f"""
WITH special AS ({_SPECIAL}), lapsing AS (
    SELECT member_id, lot_id, expires_at, points FROM {{schema}}.lots
    WHERE at <= %(as_of)s AND expires_at > %(as_of)s AND expires_at <= %(until)s AND member_id NOT IN (SELECT * FROM special)
), gone AS (
    SELECT member_id, lot_id, -points AS points FROM {{schema}}.movements
    WHERE at <= %(as_of)s AND bucket IN ('revoked', 'spent', 'settled', 'sent')
    UNION ALL SELECT member_id, lot_id, points FROM {{schema}}.movements WHERE at <= %(as_of)s AND bucket = 'received'
    UNION ALL SELECT member_id, lot_id, -points FROM {{schema}}.holds
    WHERE at <= %(as_of)s AND until > %(as_of)s AND NOT EXISTS (
        SELECT 1 FROM {{schema}}.hold_ends AS ended WHERE ended.member_id = holds.member_id
        AND ended.hold_id = holds.hold_id AND how <> 'timed-out' AND ended.at <= %(as_of)s
    )
)
SELECT expires_at, sum(points)::bigint FROM (
    SELECT expires_at, points FROM lapsing
    UNION ALL SELECT expires_at, gone.points FROM gone JOIN lapsing USING (member_id, lot_id)
) AS left_over GROUP BY expires_at
"""  # noqa: S608 - all of it is ours


async def expiries(snapshot: Snapshot, *, programme: str, as_of: datetime, until: datetime) -> Forecast:
    """What of all members' points will lapse."""
    zone = await zone_of(snapshot, programme=programme, as_of=as_of)
    lapsing: dict[datetime, int] = defaultdict(int, await snapshot.all(_PLAIN, as_of=as_of, until=until))
    special = iter([row[0] for row in await snapshot.all(_SPECIAL, as_of=as_of)])
    while some := list(islice(special, AT_ONCE)):
        for held in (await holdings(snapshot, some, as_of=as_of)).values():
            for at, points in held.lapsing().items():
                lapsing[at] += points
    return _forecast(snapshot, lapsing, zone, as_of=as_of, until=until)


def _forecast(
    snapshot: Snapshot, lapsing: Mapping[datetime, int], zone: ZoneInfo, *, as_of: datetime, until: datetime
) -> Forecast:
    days: dict[date, int] = defaultdict(int)
    for at, points in lapsing.items():
        if points and at <= until:
            days[local_day(at - MOMENT, zone)] += points
    told = [ExpiringDay(day=day, points=points) for day, points in sorted(days.items())]
    return Forecast(
        time_zone=zone.key, points=sum(days.values()), days=told, as_of=as_of, until=until, position=snapshot.position
    )
