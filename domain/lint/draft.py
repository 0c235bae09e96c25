"""A policy on its way: a plan as it was written, with gaps, read as far as rules of the linter look at it."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic import field_validator as validates

from domain.money import Rate
from domain.policy.limits import Limits
from domain.policy.parts import Instant, TimeZone
from domain.policy.plan import Assumption, Plan
from domain.policy.points import Expiry


class Loose(BaseModel):
    """A part of a draft. What is missing, silent or cannot be read is None."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @validates("*", mode="wrap")
    @classmethod
    def _or_nothing(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError:
            return None


def silent(part: BaseModel, *keys: str) -> list[str]:
    """Those keys that are written with the value `null`: the plan speaks of them and does not say."""
    return [key for key in keys if key in part.model_fields_set and getattr(part, key) is None]


class DraftEarning(Loose):
    """How points are earned."""

    points: int | None = None
    per_minor: int | None = None
    carry_remainder: bool | None = None
    pending_days: int | None = None


class DraftTier(Loose):
    """A level; plans often tell it by a range of points, `from` one number `to` another."""

    name: str | None = None
    lower: int | None = Field(default=None, alias="from")
    upper: int | None = Field(default=None, alias="to")
    promote_at: int | None = None
    retain_at: int | None = None
    discount: Rate | None = None
    benefits: tuple[Any, ...] | None = None

    def reached_at(self) -> int | None:
        """What it takes to reach it, as far as the plan says."""
        return self.lower if self.promote_at is None else self.promote_at


class DraftTiers(Loose):
    """The levels, and what is counted for them."""

    period: str | None = None
    metric: str | dict[str, Any] | None = None
    levels: tuple[DraftTier, ...] | None = None


class DraftCash(Loose):
    """What points are worth at the till."""

    points: int | None = None
    amount_minor: int | None = None
    minimum_points: int | None = None
    step_points: int | None = None
    largest_share: Rate | None = None


class DraftReward(Loose):
    """What one side of a recommendation gets."""

    points: int | None = None
    coupon: dict[str, Any] | None = None


class DraftReferral(Loose):
    """What a recommendation brings."""

    minimum_paid_minor: int | None = None
    referrer: DraftReward | None = None
    referee: DraftReward | None = None


class DraftBirthday(Loose):
    """What a birthday brings."""

    points: int | None = None
    coupon: dict[str, Any] | None = None


class Draft(Loose):
    """A policy, or a plan that is to become one."""

    effective_from: Instant | None = None
    time_zone: TimeZone | None = None
    currency: str | None = None
    earning: DraftEarning | None = None
    expiry: Expiry | None = None
    tiers: DraftTiers | None = None
    points_as_cash: DraftCash | None = None
    limits: Limits | None = None
    referral: DraftReferral | None = None
    birthday: DraftBirthday | None = None
    plan: Plan | None = None
    assumptions: tuple[Assumption | str, ...] | None = None

    @property
    def levels(self) -> tuple[DraftTier, ...]:
        return (self.tiers.levels if self.tiers else None) or ()

    @property
    def planned(self) -> Plan:
        return self.plan or Plan()

    @property
    def begins(self) -> date | None:
        """The first local day of the plan."""
        if self.planned.begins:
            return self.planned.begins
        return self.effective_from.date() if self.effective_from else None

    @property
    def accepted(self) -> set[str]:
        """Rules whose warnings the author answered with an assumption."""
        return {name for one in self.assumptions or () if isinstance(one, Assumption) for name in one.accepts}
