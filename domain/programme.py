"""A programme: its policy as data, its published versions, and which of them was in force when."""

from datetime import datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.fact import Fact
from domain.money import AmountMinor, Rate
from domain.refusals import EffectiveDateNotAfterPublished, NoProgrammeInForce
from domain.stream import Draft, Stream, evolves

PROGRAMMES = UUID("7b1ad7d0-7e4c-5c0b-8a5f-2b54d5f0a9c1")
SHIPPED = Path(__file__).parent / "programmes"


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; use a name such as 'Asia/Shanghai'")
    return name


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
PositiveInt = Annotated[int, Field(strict=True, gt=0)]
NaturalInt = Annotated[int, Field(strict=True, ge=0)]


class PolicyPart(BaseModel):
    """A part of a policy: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(PolicyPart):
    """The same words in English and Chinese."""

    en: str
    zh: str


class Earning(PolicyPart):
    """`points` are earned for every full `per_minor` paid; pending for `pending_days` local days."""

    points: PositiveInt
    per_minor: PositiveInt
    excluded_categories: tuple[str, ...] = ()
    pending_days: NaturalInt = 0

    @cached_property
    def rate(self) -> Fraction:
        return Fraction(self.points, self.per_minor)

    @cached_property
    def excluded(self) -> frozenset[str]:
        return frozenset(self.excluded_categories)


class Expiry(PolicyPart):
    """When points lapse (semantics 3). Every mode lives through its last local day, and for `minimum_days` at least."""

    mode: Literal["registration_anniversary", "rolling", "calendar", "inactivity", "never"]
    months: PositiveInt | None = None
    """`rolling`: since the purchase; `inactivity`: since the last purchase of the member."""
    period: Literal["month", "quarter", "half_year", "year"] | None = None
    """`calendar`: points lapse with the local period in which they were earned, or so much later as grace is given."""
    grace_days: PositiveInt | None = None
    grace_months: PositiveInt | None = None
    minimum_days: NaturalInt = 0

    @model_validator(mode="after")
    def _each_mode_has_what_it_needs(self) -> Self:
        if (self.mode in {"rolling", "inactivity"}) != (self.months is not None):
            raise ValueError("`months` belongs to the modes `rolling` and `inactivity`, and only to them")
        if (self.mode == "calendar") != (self.period is not None):
            raise ValueError("`period` belongs to the mode `calendar`, and only to it")
        if self.mode != "calendar" and (self.grace_days or self.grace_months):
            raise ValueError("`grace_days` and `grace_months` belong to the mode `calendar`, and only to it")
        if self.grace_days and self.grace_months:
            raise ValueError("grace is given in days or in months, not in both")
        return self


class Tier(PolicyPart):
    """A level of standing: reached at `promote_at`, kept at a review with `retain_at` qualifying points."""

    name: str
    title: Text
    promote_at: NaturalInt
    retain_at: NaturalInt
    benefits: tuple[Text, ...] = ()


class Tiers(PolicyPart):
    """The levels from the lowest up, the period they are counted in, and what is counted."""

    period: Literal["membership_year", "calendar_year", "lifetime"]
    metric: Literal["points"] = "points"
    levels: tuple[Tier, ...] = Field(min_length=1)

    def rank(self, name: str) -> int:
        """The place of a tier; a name that a later version dropped counts as the lowest."""
        return next((rank for rank, level in enumerate(self.levels) if level.name == name), 0)


class PointsAsCash(PolicyPart):
    """`points` are worth `amount_minor` at the till."""

    points: PositiveInt
    amount_minor: AmountMinor = Field(gt=0)
    minimum_points: NaturalInt = 0
    step_points: PositiveInt = 1
    largest_share: Rate = Fraction(1)
    hold_minutes: PositiveInt = 15


class Policy(PolicyPart):
    """All rules of a programme from `effective_from` until the next version."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    effective_from: AwareDatetime
    currency: Currency
    time_zone: TimeZone
    earning: Earning
    expiry: Expiry
    tiers: Tiers
    points_as_cash: PointsAsCash | None = None
    returns: Literal["original_then_debt", "next_lots_then_debt", "clamp_to_zero"] = "original_then_debt"
    """Where a return finds the points that its purchase no longer earns, once its own lot has no more of them."""
    return_window_days: NaturalInt = 14
    """Points younger than this cannot be transferred."""
    claim_days: NaturalInt = 30
    """For so long a receipt without a card can be claimed, and a return without its purchase waits."""
    assumptions: tuple[str, ...] = ()

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class ProgrammePublished(Fact, name="ProgrammePublished.v1"):
    """A version of the programme was published."""

    programme: str
    version: int
    policy: Policy
    forced_reason: str | None = None


def programme_id(name: str) -> UUID:
    return uuid5(PROGRAMMES, name)


class Programme(Stream):
    """The published versions of one programme, each immutable."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.name = ""
        self.versions: list[Policy] = []

    def publish(self, policy: Policy, *, forced_reason: str | None = None) -> list[Draft]:
        """Publish the next version; the first may begin in the past, a later one only after its predecessor."""
        if self.versions and policy.effective_from <= self.versions[-1].effective_from:
            raise EffectiveDateNotAfterPublished(
                effective_from=policy.effective_from, published_until=self.versions[-1].effective_from
            )
        number = len(self.versions) + 1
        return [
            self.draft(
                ProgrammePublished, programme=policy.name, version=number, policy=policy, forced_reason=forced_reason
            )
        ]

    def in_force(self, at: datetime) -> tuple[int, Policy]:
        """The number and policy of the version whose time it was."""
        for number in range(len(self.versions), 0, -1):
            if self.versions[number - 1].effective_from <= at:
                return number, self.versions[number - 1]
        raise NoProgrammeInForce(programme=self.name, occurred_at=at)

    @evolves(ProgrammePublished)
    def _published(self, fact: ProgrammePublished) -> None:
        self.name = fact.programme
        self.versions.append(fact.policy)
