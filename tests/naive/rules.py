"""The programme's numbers as plain values, and its calendar of local days."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

Claw = Literal["original_then_debt", "next_lots_then_debt", "clamp_to_zero"]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Multiplier:
    """`times` the points on lines of these categories (None: all lines), in baskets of at least `minimum_minor`."""

    id: str
    times: Fraction
    categories: frozenset[str] | None = None
    priority: int = 0
    minimum_minor: int = 0


@dataclass(frozen=True)
class Bonus:
    """`points` once per member, store and local day, for a basket of at least `minimum_minor`."""

    id: str
    points: int
    minimum_minor: int


def lot_of_part(purchase: str | UUID, part: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"{purchase}/{part}")


@dataclass(frozen=True)
class Rules:
    """One version of one programme, in force for ever. Rates are points per minor unit."""

    rate: Fraction = Fraction(1, 1000)
    excluded: frozenset[str] = frozenset({"GIFT CARD"})
    multipliers: tuple[Multiplier, ...] = (Multiplier("dairy", Fraction(3), frozenset({"DAIRY"}), priority=10),)
    bonuses: tuple[Bonus, ...] = (Bonus("basket", 50, 8_000),)
    pending_days: int = 0
    expiry: Literal["rolling", "registration_anniversary", "never"] = "rolling"
    rolling_months: int = 12
    claw: Claw = "original_then_debt"
    minor_per_point: int = 10
    return_window_days: int = 14
    zone: ZoneInfo = SHANGHAI
    lot_id: Callable[[str | UUID, str], UUID] = lot_of_part

    def local_day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def midnight_after(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def active_from(self, at: datetime) -> datetime:
        """Pending days are local days: it is with the beginning of one that points become spendable."""
        return (
            self.midnight_after(self.local_day(at) + timedelta(days=self.pending_days - 1)) if self.pending_days else at
        )

    def past_return_window(self, earned_at: datetime, at: datetime) -> bool:
        return at >= earned_at + timedelta(days=self.return_window_days)

    def expires_at(self, earned_at: datetime, registered_at: datetime) -> datetime | None:
        """The instant at which what was earned is over; None: never."""
        earned, registered = self.local_day(earned_at), self.local_day(registered_at)
        if self.expiry == "never":
            return None
        if self.expiry == "rolling":
            return self.midnight_after(months_after(earned, self.rolling_months))
        years = 1
        while months_after(registered, 12 * years) <= earned:
            years += 1
        return self.midnight_after(months_after(registered, 12 * years))


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
