"""Whether all that tills counted is recorded: the log read on demand, and held against the closings of tills."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple

from psycopg import Connection
from pydantic import BaseModel, Field

from domain.calendar_days import day_begins
from domain.command import CLOCK_TOLERANCE
from domain.programme import Policy
from infra.database import connect
from infra.log_tables import last_position
from infra.settings import Settings
from infra.side_by_side import side_by_side
from projections.completeness.counting import Day, Days, Look, count
from projections.completeness.numbers import MOST, Gap, by_day, gaps
from projections.known import before, known_position
from projections.whatif.log import published

PAGE = 20_000
"""Positions that are read at once."""

State = Literal["complete", "differs", "not-closed"]
Progress = Callable[[int, int], None]
"""Told (pages read, pages in all)."""


class NothingPublished(RuntimeError):
    """No programme is published: nothing tells where local days begin."""


class Question(NamedTuple):
    """Which business days, and of whom."""

    begins: date
    ends: date
    """The last day."""
    store: str | None = None
    till: str | None = None
    known_at: datetime | None = None
    """What was recorded later is left out."""


class TillDay(BaseModel):
    """A business day of a till, as the till counted it and as it is recorded."""

    till: str = Field(description="The source of the till's messages")
    stores: list[str] = Field(description="Where it sold")
    business_day: date = Field(description="The local day")
    state: State = Field(
        description="Whether number and amount are what the till counted; or nobody told what it counted"
    )
    counted_receipts: int | None = Field(description="Receipts that the till counted; null where it was not closed")
    counted_minor: int | None = Field(description="What was paid for them, as the till counted it")
    recorded_receipts: int = Field(
        description="Purchases of that day that are recorded, whatever went back of them since"
    )
    recorded_minor: int = Field(description="What was paid for them")
    returns: int = Field(description="Returns that the till sent on that day; they are in no sum above")
    returned_minor: int = Field(description="What went back with them")
    voids: int = Field(description="Voids that the till sent on that day; they are in no sum above")
    voided_minor: int = Field(description="What went back with them")
    closings: int = Field(description="How often the till was closed for that day")
    closed_at: datetime | None = Field(description="The business time of the closing that counts: the last")
    missing: int = Field(description="Numbers that nothing is recorded under, where the till numbers its receipts")
    missing_ids: list[str] = Field(description=f"The first {MOST} of them, as ids of receipts")


class Completeness(BaseModel):
    """What tills counted, held against what is recorded."""

    holds: bool = Field(description="Whether every day that a till was closed for is complete")
    position: int = Field(description="The log position up to which it was read")
    time_zone: str = Field(description="Where local days begin, by the last version of the programme")
    tills: int = Field(description="Tills that sold or were closed")
    complete: int = Field(description="Days of tills that are complete")
    differing: int = Field(description="Days of tills on which more or less was counted than is recorded")
    not_closed: int = Field(description="Days of tills with receipts, of which nobody told what was counted")
    counted_receipts: int = Field(description="Receipts that were counted, on all days that a till was closed for")
    counted_minor: int = Field(description="What was paid for them, as tills counted it")
    recorded_receipts: int = Field(description="Receipts of those days that are recorded")
    recorded_minor: int = Field(description="What was paid for them")
    items: list[TillDay] = Field(description="Each day of each till, by day and till")


def completeness(settings: Settings, question: Question, *, progress: Progress = lambda _, __: None) -> Completeness:
    """Read the log from the first of the days on: what was told late stands anywhere behind it. Raises `BeforeFirstFact`."""
    url = settings.database_url or ""
    with connect(url) as log:
        position = known_position(log, question.known_at) if question.known_at else last_position(log)
        policies = published(log, settings.programme, position=position)
        if not policies:
            raise NothingPublished("no programme is published: nothing tells where local days begin")
        after = _after(log, question.begins, policies)
    zones = [(policy.begins, policy.zone) for policy in policies]
    look = Look(url, zones, question.begins, question.ends, question.till)
    parts = [(low, min(low + PAGE, position)) for low in range(after, position, PAGE)]
    found: dict[tuple[str, date], Day] = defaultdict(Day)
    for done, days in enumerate(side_by_side(partial(count, look), parts), 1):
        for key, day in days.items():
            found[key].add(day)
        progress(done, len(parts))
    items = [one for one in _told(found) if question.store is None or question.store in one.stores]
    closed = [one for one in items if one.closings]
    differing = sum(one.state == "differs" for one in items)
    return Completeness(
        holds=not differing, position=position, time_zone=policies[-1].time_zone, tills=len({one.till for one in items}),
        complete=len(closed) - differing, differing=differing, not_closed=len(items) - len(closed),
        counted_receipts=sum(one.counted_receipts or 0 for one in closed),
        counted_minor=sum(one.counted_minor or 0 for one in closed),
        recorded_receipts=sum(one.recorded_receipts for one in closed),
        recorded_minor=sum(one.recorded_minor for one in closed), items=items,
    )  # fmt: skip


def _after(log: Connection, begins: date, policies: Sequence[Policy]) -> int:
    """Nothing is recorded earlier than it happens, but for clocks of tills that run ahead."""
    return before(log, min(day_begins(begins, policy.zone) for policy in policies) - CLOCK_TOLERANCE)


def _told(found: Days) -> Iterator[TillDay]:
    """In the order of days, and of tills. A day on which a till only took things back is not its own."""
    of_tills: dict[str, dict[date, Day]] = defaultdict(dict)
    for (till, business_day), day in found.items():
        of_tills[till][business_day] = day
    missing = {till: _missing(days) for till, days in of_tills.items()}
    for till, business_day in sorted(found, key=lambda key: (key[1], key[0])):
        day = found[till, business_day]
        if day.receipts or day.closings:
            yield _till_day(till, business_day, day, missing[till].get(business_day, []))


def _missing(days: dict[date, Day]) -> dict[date, list[Gap]]:
    """Of one till."""
    counts = {business_day: max(day.closings).receipts for business_day, day in days.items() if day.closings}
    lacking = {business_day: counts[business_day] - days[business_day].receipts for business_day in counts}
    ids = {business_day: day.ids for business_day, day in days.items()}
    return by_day(gaps(ids, counted=sum(counts.values())), lacking)


def _till_day(till: str, business_day: date, day: Day, missing: Iterable[Gap]) -> TillDay:
    """Where the till's own count is reached, a number that was passed over is nobody's receipt."""
    closing = max(day.closings, default=None)
    state: State = "not-closed"
    if closing is not None:
        same = (closing.receipts, closing.paid_minor) == (day.receipts, day.paid_minor)
        state = "complete" if same else "differs"
    lacking = [] if state == "complete" else list(missing)
    return TillDay(
        till=till, stores=sorted(day.stores), business_day=business_day, state=state,
        counted_receipts=closing and closing.receipts, counted_minor=closing and closing.paid_minor,
        recorded_receipts=day.receipts, recorded_minor=day.paid_minor, returns=day.returns,
        returned_minor=day.returned_minor, voids=day.voids, voided_minor=day.voided_minor, closings=len(day.closings),
        closed_at=closing and closing.at, missing=sum(gap.missing for gap in lacking),
        missing_ids=list(islice((name for gap in lacking for name in gap.names()), MOST)),
    )  # fmt: skip
