"""What a part of the log says of tills and their business days: what was recorded, and what the tills counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from domain.calendar_days import local_day
from domain.purchase import PurchaseRecorded, PurchaseReturned, PurchaseVoided, ReturnKept
from domain.till import TillClosed
from infra.database import connect

NAMES = [kind.stored_name for kind in (PurchaseRecorded, PurchaseReturned, PurchaseVoided, ReturnKept, TillClosed)]

_FACTS = "SELECT position, name, state FROM facts WHERE position > %s AND position <= %s AND name = ANY(%s)"


class FactUnreadable(RuntimeError):
    """A fact of the log is not what this program writes: it was changed."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position

    def __str__(self) -> str:
        return (
            f"the fact at position {self.position} cannot be read: `loyalty audit verify` tells whether it was changed"
        )


class Closing(NamedTuple):
    """A till was closed for a day. The greatest counts: the last by business time, then by the log."""

    at: datetime
    position: int
    receipts: int
    paid_minor: int


@dataclass(slots=True)
class Day:
    """What the log says of a business day of a till."""

    receipts: int = 0
    paid_minor: int = 0
    returns: int = 0
    returned_minor: int = 0
    voids: int = 0
    voided_minor: int = 0
    stores: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    """Of all messages of the till on that day, whatever they told."""
    closings: list[Closing] = field(default_factory=list)

    def add(self, other: "Day") -> None:
        """What another part of the log says of it."""
        for name in ("receipts", "paid_minor", "returns", "returned_minor", "voids", "voided_minor", "ids", "closings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.stores |= other.stores


Days = Mapping[tuple[str, date], Day]
"""By till, which is the source of its messages, and business day."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked, and where."""

    url: str
    zones: Sequence[tuple[datetime, ZoneInfo]]
    """Of the programme's versions, and from when on."""
    begins: date
    ends: date
    """The last day."""
    till: str | None

    def day(self, at: datetime) -> date:
        """The local day by the version in force."""
        zone = next((zone for begins, zone in reversed(self.zones) if begins <= at), self.zones[0][1])
        return local_day(at, zone)


def count(look: Look, part: tuple[int, int]) -> Days:
    """The facts after one position up to another."""
    found: dict[tuple[str, date], Day] = defaultdict(Day)
    with connect(look.url) as log:
        log.read_only = True
        for position, name, state in log.execute(_FACTS, (*part, NAMES), binary=True).fetchall():
            try:
                _count(look, found, position, name, orjson.loads(state))
            except (ValueError, LookupError, TypeError) as error:
                raise FactUnreadable(position) from error
    return dict(found)


def _count(look: Look, found: dict[tuple[str, date], Day], position: int, name: str, told: Mapping[str, Any]) -> None:
    till, at = told["source"], datetime.fromisoformat(told["occurred_at"])
    closed = name == TillClosed.stored_name
    day = date.fromisoformat(told["business_day"]) if closed else look.day(at)
    if _told_by_till(told) and look.begins <= day <= look.ends and look.till in {None, till}:
        _COUNTED[name](found[till, day], told, at, position)


def _told_by_till(told: Mapping[str, Any]) -> bool:
    """And not what staff put right in its name, nor the purchase that was recorded instead."""
    return bool(told["actor"] == told["source"]) and "corrects" not in told


def _sold(day: Day, told: Mapping[str, Any], _: datetime, __: int) -> None:
    day.receipts += 1
    day.paid_minor += told["paid_minor"]
    day.stores.add(told["store"])
    day.ids.append(told["external_id"])


def _returned(day: Day, told: Mapping[str, Any], _: datetime, __: int) -> None:
    day.returns += 1
    day.returned_minor += told["amount_minor"]
    day.ids.append(told["external_id"])


def _voided(day: Day, told: Mapping[str, Any], _: datetime, __: int) -> None:
    day.voids += 1
    day.voided_minor += told["amount_minor"]
    day.ids.append(told["external_id"])


def _kept(day: Day, told: Mapping[str, Any], _: datetime, __: int) -> None:
    """It counts once it is taken in."""
    day.ids.append(told["external_id"])


def _closed(day: Day, told: Mapping[str, Any], at: datetime, position: int) -> None:
    day.closings.append(Closing(at, position, told["receipts"], told["paid_minor"]))
    day.stores |= {told["store"]} if "store" in told else set()
    day.ids.append(told["external_id"])


_COUNTED = dict(zip(NAMES, (_sold, _returned, _voided, _kept, _closed), strict=True))
