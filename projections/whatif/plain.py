"""Facts that come by the hundred thousand, read without checking again what was checked when they were recorded."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from orjson import loads

from domain.fact import FACTS, Fact
from domain.ids import numbered
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded
from projections.whatif.world import Told, told_as

UNCOMMON = ("quote", "holds", "discounts", "set_off", "coupon_kinds", "corrects")
"""A purchase that has one of these is read as any other fact."""


Sold, Earned = told_as(PurchaseRecorded), told_as(PointsEarned)
KINDS: Mapping[type, type[Fact]] = {Sold: PurchaseRecorded, Earned: PointsEarned}
"""What they stand for."""


def read(name: str, state: bytes) -> Any:
    """A stored fact; those that are read plainly have the same fields."""
    reader = _READERS.get(name)
    fact = None if reader is None else reader(state)
    return FACTS[name].__pydantic_validator__.validate_json(state) if fact is None else fact


def kind_of(fact: Any) -> type[Fact]:
    """Of which kind it is, however it was read."""
    kind = type(fact)
    return KINDS.get(kind, kind)


def _sold(state: bytes) -> Told | None:
    told = loads(state)
    for name in UNCOMMON:
        if name in told:
            return None
    _envelope(told)
    if "member_id" in told:
        told["member_id"] = _often(told["member_id"])
    return Sold(told)


def _earned(state: bytes) -> Told:
    told = loads(state)
    _envelope(told)
    told["member_id"], told["purchase_id"] = _often(told["member_id"]), _often(told["purchase_id"])
    told["day"] = _day(told["day"])
    for name in ("active_from", "expires_at", "keeps_alive_until"):
        if name in told:
            told[name] = _instant(told[name])
    for part in told["parts"]:
        part["lot_id"] = _uuid(part["lot_id"])
        if "limited_until" in part:
            part["limited_until"] = _instant(part["limited_until"])
    return Earned(told)


def _envelope(told: dict[str, Any]) -> None:
    told["occurred_at"], told["recorded_at"] = _instant(told["occurred_at"]), _instant(told["recorded_at"])
    told["originator_id"], told["correlation_id"] = _often(told["originator_id"]), _often(told["correlation_id"])


def _uuid(text: str) -> UUID:
    return numbered(int(text.replace("-", ""), 16))


_often = lru_cache(maxsize=1 << 15)(_uuid)
_day = lru_cache(maxsize=1 << 12)(date.fromisoformat)
_instant = lru_cache(maxsize=1 << 15)(datetime.fromisoformat)
_READERS: Mapping[str, Callable[[bytes], Any]] = {
    PurchaseRecorded.stored_name: _sold,
    PointsEarned.stored_name: _earned,
}
