"""A member's history in plain words: one line for each cause, with what it changed and what there was then."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import accumulate
from typing import Literal, LiteralString, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from domain.calendar_days import local_day
from domain.grants import GrantCause
from projections.causes import EARLY, NOBODY, Cause, causes_of
from projections.expiries import MOMENT, zone_of
from projections.holdings import holdings_of
from projections.paging import cut, place_of
from projections.snapshot import Snapshot
from projections.wording import LINES, TITLE, Language, sentence

Order = Literal["newest", "oldest"]

UNDOES = {
    "full-return": "purchase", "return": "purchase", "reversal": "redemption", "release": "hold",
    **{f"{cause}-revoked": f"{cause}-granted" for cause in get_args(GrantCause)},
}  # fmt: skip
BETWEEN_MEMBERS = {
    "transfer-sent", "transfer-received", "merge-sent", "merge-received", "unmerge-sent", "unmerge-received",
}  # fmt: skip


_REWARDS: dict[Language, LiteralString] = {
    "en": "SELECT redemption_id, en FROM {schema}.rewards WHERE member_id = %(member_id)s",
    "zh": "SELECT redemption_id, zh FROM {schema}.rewards WHERE member_id = %(member_id)s",
}


class PartEarned(BaseModel):
    """Points of one part of a purchase."""

    part: str = Field(description="`base`, or a campaign's id")
    points: int = Field(description="Points that it earned, before anything was taken back")


class Line(BaseModel):
    """One cause, and what it changed."""

    id: str = Field(
        description="The message that caused it: a purchase's or hold's id, or that of the request; or when points expired"
    )
    at: datetime = Field(description="When it happened, by business time")
    day: date = Field(description="The local day of the programme on which it happened")
    kind: str = Field(description="What it was above all: " + ", ".join(f"`{kind}`" for kind in LINES))
    text: str = Field(description="What happened, in plain words of the language asked for")
    points: int = Field(
        description="By how many points it changed what the member has; 0 where it moved none, as holding points does"
    )
    balance: int = Field(
        description="What the member had after it: points that have not expired, pending and held ones included, less what"
        " is owed; below 0 where more is owed. Lines add up: it is the sum of `points` so far"
    )
    parts: list[PartEarned] = Field(description="What a purchase earned, by part; empty for all else")
    reverses: str | None = Field(
        description="The line that this one undoes, wholly or in part: a return its purchase, a reversal its redemption, a"
        " release its hold; null for all else, and where that line is another member's"
    )
    reason: str | None = Field(description="The reason that was given, if one was")
    other_member: UUID | None = Field(description="To whom points went, or from whom they came; null for all else")


class Statement(BaseModel):
    """A page of a member's history, and what it comes to."""

    member_id: UUID = Field(description="The member")
    language: Language = Field(description="The language of the texts")
    title: str = Field(description="What stands above it, as the programme in force has it")
    items: list[Line] = Field(
        description="The lines, ordered by business time; at one instant, nothing before what it takes from or undoes"
    )
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    balance: int = Field(description="What the member has at `as_of`: the `balance` of the latest line")
    pending: int = Field(description="How many points of it cannot be used yet")
    held: int = Field(description="How many points of it are set aside")
    debt: int = Field(description="Points owed at `as_of`, already taken off the balance")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


async def statement_of(
    snapshot: Snapshot,
    *,
    member_id: UUID,
    programme: str,
    language: Language,
    order: Order,
    after: str,
    limit: int,
    as_of: datetime,
) -> Statement | None:
    """A member's history up to an instant, worked out when it is asked for; None for an unknown member."""
    held = await holdings_of(snapshot, member_id, as_of=as_of, each=True)
    if held is None:
        return None
    zone = await zone_of(snapshot, programme=programme, as_of=as_of)
    causes = await causes_of(snapshot, held, member_id=member_id)
    balances = list(accumulate(cause.points for cause in causes))
    rewards: dict[UUID, str] = dict(await snapshot.all(_REWARDS[language], member_id=member_id))
    undone = _references(causes)
    page, more = cut(
        zip(causes, balances, strict=True), key=_place, after=after, limit=limit, backwards=order == "newest"
    )
    buckets = held.buckets()
    return Statement(
        member_id=member_id,
        language=language,
        title=await _title(snapshot, programme=programme, language=language, as_of=as_of),
        items=[
            Line(
                id=_id(cause), at=cause.at, day=local_day(cause.at, zone), kind=_done(cause)[0][0],
                text=sentence(_done(cause), _asides(cause, as_of, zone, rewards), language), points=cause.points,
                balance=balance, parts=[PartEarned(part=one, points=points) for one, points in cause.earned.items()],
                reverses=_reversed(cause, undone), reason=_reason(cause), other_member=_other(cause),
            )
            for cause, balance in page
        ],
        next=more,
        balance=balances[-1] if balances else 0,
        pending=buckets.pending,
        held=buckets.held,
        debt=buckets.debt,
        as_of=as_of,
        position=snapshot.position,
    )  # fmt: skip


async def _title(snapshot: Snapshot, *, programme: str, language: Language, as_of: datetime) -> str:
    row = await snapshot.one(
        "SELECT en, zh FROM {schema}.statement_titles WHERE programme = %(programme)s AND effective_from <= %(as_of)s"
        " ORDER BY effective_from DESC LIMIT 1",
        programme=programme,
        as_of=as_of,
    )
    own = row[("en", "zh").index(language)] if row else None
    return own or TITLE[language]


def _place(line: tuple[Cause, int]) -> str:
    cause, _ = line
    return place_of(cause.at, f"{cause.stage:02}-{cause.id}")


def _id(cause: Cause) -> str:
    return str(cause.id) if cause.id != NOBODY else f"clock-{cause.at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _done(cause: Cause) -> list[tuple[str, int]]:
    """Each kind of thing that was done, and with how many points; what it was above all stands first."""
    if cause.rank == EARLY:
        return [("expiry", -cause.points)]
    done = cause.done
    return [(kind, done[kind]) for kind in LINES if kind in done] or [("settlement", cause.points)]


def _asides(
    cause: Cause, as_of: datetime, zone: ZoneInfo, rewards: Mapping[UUID, str]
) -> list[tuple[str, int | date | str]]:
    """What it set free; what of it was lapsed already or lapsed with it; until when it lives on; from when what it gave can be used; the reward; the reason."""
    asides: list[tuple[str, int | date | str]] = [("unheld", cause.unheld)] if cause.unheld > 0 else []
    lapsed = 0 if cause.rank == EARLY else cause.meant - cause.points
    if lapsed:
        asides.append(("expired-at-once", lapsed) if lapsed > 0 else ("expired-before", -lapsed))
    if cause.lives_until is not None:
        asides.append(("until", local_day(cause.lives_until - MOMENT, zone)))
    if cause.active_from is not None and cause.active_from > as_of:
        asides.append(("from", local_day(cause.active_from, zone)))
    had = (rewards.get(one.reference) for one in cause.entries if one.reference is not None)
    asides += [("reward", name) for name in had if name is not None][:1]
    reason = _reason(cause)
    return asides if reason is None else [*asides, ("reason", reason)]


def _references(causes: Iterable[Cause]) -> dict[tuple[str, UUID], str]:
    """The lines that others may undo, by what these name them by."""
    lines = {("purchase", cause.id): _id(cause) for cause in causes if cause.earned}
    for cause in causes:
        for entry in cause.entries:
            if entry.reference is not None and entry.kind in UNDOES.values():
                lines[entry.kind, entry.reference] = _id(cause)
    return lines


def _reversed(cause: Cause, lines: Mapping[tuple[str, UUID], str]) -> str | None:
    undone = (
        lines.get((UNDOES[entry.kind], entry.reference))
        for entry in cause.entries
        if entry.kind in UNDOES and entry.reference is not None
    )
    return next((line for line in undone if line is not None and line != _id(cause)), None)


def _reason(cause: Cause) -> str | None:
    return next((entry.reason for entry in cause.entries if entry.reason is not None), None)


def _other(cause: Cause) -> UUID | None:
    return next((entry.reference for entry in cause.entries if entry.kind in BETWEEN_MEMBERS), None)
