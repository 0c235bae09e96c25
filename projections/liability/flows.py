"""What became of one member's points, by the month in which they were earned and the month in which it happened."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import from_json

from domain.activity import KeepAlive, prolonged
from domain.calendar_days import day_begins, local_day, months_after
from domain.liability import Flow
from domain.lots import Hold, Lot
from projections.proofs.tally import TELLERS, Body, Tally, Told, instant

NOTHING = Flow()
INSTANT = timedelta(microseconds=1)
KINDS = {"spent": "redeemed", "settled": "redeemed", "revoked": "revoked"}
"""The line that a bucket of a lot belongs to. What was sent is received in the same cohort and month: nothing goes."""


class Timeline(Tally):
    """A tally that remembers when lots came, and when something of them went."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: dict[UUID, list[tuple[datetime, str, int]]] = defaultdict(list)
        """By lot: when, which line, and how many points; those that came from other lots or went there have no line."""
        self.paid: list[tuple[datetime, int]] = []
        self.ended_at: dict[UUID, datetime] = {}
        self._kind = ""

    def tell(self, facts: Iterable[Told]) -> None:
        """Tally the next facts of the member."""
        for _, self.position, name, state in facts:
            body = from_json(state)
            self._at = instant(body["occurred_at"])
            self.latest = max(self.latest, self._at)
            self._kind = "given"
            if name == "PointsEarned.v1":
                self._kind = "sold"
                if any(part["points"] for part in body["parts"]):
                    self.paid.append((self._at, body["paid_minor"]))
            elif name == "PointsGivenBack.v1":
                for part in body["parts"]:
                    self.moves[UUID(part["lot_id"])].append((self._at, "", -part["points"]))
            TELLERS[name](self, body)

    def issue(self, lot_id: UUID, points: int, *dates: Any, at: datetime, received: bool = False) -> None:
        """A lot came to the account at an instant."""
        super().issue(lot_id, points, *dates, at=at, received=received)
        self.moves[lot_id].append((at, "" if received else self._kind, points))

    def end(self, hold_id: UUID, how: str, at: datetime) -> None:
        """A hold was captured or released."""
        super().end(hold_id, how, at)
        self.ended_at[hold_id] = at

    def _move(self, bucket: str, parts: Iterable[Body], *, sign: int = 1) -> None:
        parts = list(parts)
        super()._move(bucket, parts, sign=sign)
        for part in parts:
            self.moves[UUID(part["lot_id"])].append((self._at, KINDS.get(bucket, ""), -sign * part["points"]))


def flows_of(timeline: Timeline, zone: ZoneInfo) -> dict[tuple[str, str], Flow]:
    """All of it, and what lapses by the clock as far as that can be told, recorded or not."""
    found: dict[tuple[str, str], Flow] = defaultdict(Flow)
    for at, paid_minor in timeline.paid:
        month = month_of(at, zone)
        found[month, month] += Flow(paid_minor=paid_minor)
    activity = sorted(KeepAlive(*kept) for kept in timeline.keeps.values())
    holds: dict[UUID, list[tuple[Hold, int]]] = defaultdict(list)
    for hold in timeline.holds.values():
        for part in hold.parts:
            holds[part["lot_id"]].append((hold, part["points"]))
    for lot in timeline.lots.values():
        if activity and lot.expires_at is not None:
            lot.expires_at = prolonged(lot.expires_at, activity, since=lot.there_since)
        for month, flow in _of_lot(timeline, lot, holds[lot.id], zone).items():
            found[month_of(lot.earned_at, zone), month] += flow
    return {key: flow for key, flow in found.items() if flow != NOTHING}


def _of_lot(timeline: Timeline, lot: Lot, holds: list[tuple[Hold, int]], zone: ZoneInfo) -> dict[str, Flow]:
    """Month by month in which something happens: what lapsed is what is missing at the end of it."""
    changes: dict[str, int] = defaultdict(int)
    flows: dict[str, Flow] = defaultdict(Flow)
    for at, kind, points in timeline.moves[lot.id]:
        month = month_of(at, zone)
        changes[month] += points
        if kind:
            gone = points if kind in ("sold", "given") else -points
            flows[month] += Flow(**{kind: gone})
    if lot.expires_at is not None:
        for at in (lot.expires_at, *(one.until for one, _ in holds)):
            changes[month_of(at - INSTANT, zone)] += 0  # what is over as a month ends, is over with it
        for one, _ in holds:
            if one.id in timeline.ended_at:
                changes[month_of(timeline.ended_at[one.id], zone)] += 0
    free = outstanding = 0
    for month in sorted(changes):
        free += changes[month]
        over = month_ends(month, zone)
        left = free
        if lot.expired(over):
            left = sum(points for one, points in holds if _open(one, timeline.ended_at.get(one.id), over))
        if lapsed := outstanding + changes[month] - left:
            flows[month] = replace(flows[month], expired=lapsed)
        outstanding = left
    return flows


def _open(hold: Hold, ended_at: datetime | None, at: datetime) -> bool:
    return hold.at < at < hold.until and (ended_at is None or at <= ended_at)


def month_of(at: datetime, zone: ZoneInfo) -> str:
    """The local month of an instant."""
    return local_day(at, zone).isoformat()[:7]


def month_ends(month: str, zone: ZoneInfo) -> datetime:
    """The first instant that is no longer part of a local month."""
    return day_begins(months_after(date.fromisoformat(f"{month}-01"), 1), zone)
