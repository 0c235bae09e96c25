"""A programme: its policy as data, its published versions, and which of them was in force when."""

from datetime import UTC, datetime
from functools import cached_property
from operator import not_
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import Field

from domain.fact import Fact
from domain.policy.birthday import BirthdayGift
from domain.policy.campaigns import CampaignDefaults
from domain.policy.limits import Limits
from domain.policy.parts import Currency, Instant, NaturalInt, PolicyPart, Text, TimeZone
from domain.policy.plan import Assumption, Plan
from domain.policy.points import Earning, Expiry, PointsAsCash
from domain.policy.quotes import Quotes
from domain.policy.referral import Referral
from domain.policy.texts import Texts
from domain.policy.tiers import Tiers
from domain.refusals import EffectiveDateNotAfterPublished, NoProgrammeInForce
from domain.stream import Draft, Stream, evolves

PROGRAMMES = UUID("7b1ad7d0-7e4c-5c0b-8a5f-2b54d5f0a9c1")
SHIPPED = Path(__file__).parent / "programmes"


class Policy(PolicyPart):
    """All rules of a programme from `effective_from` until the next version."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="The programme's name, the same in all versions.")
    title: Text = Field(description="What members read.")
    effective_from: Instant = Field(
        description="The first instant at which it is in force; later than that of the version before."
    )
    currency: Currency
    time_zone: TimeZone
    earning: Earning = Field(description="How points are earned.")
    expiry: Expiry = Field(description="When points lapse.")
    tiers: Tiers = Field(description="The levels of standing.")
    points_as_cash: PointsAsCash | None = Field(
        default=None, description="What points pay at the till. Without it they do not."
    )
    campaigns: CampaignDefaults | None = Field(
        default=None, description="What holds for campaigns that do not say otherwise."
    )
    limits: Limits | None = Field(
        default=None,
        description="What one member may earn, and pay with, on a local day. Without it there are no limits.",
    )
    birthday: BirthdayGift | None = Field(
        default=None, description="What a member is given on the birthday. Without it nothing is."
    )
    returns: Literal["original_then_debt", "next_lots_then_debt", "clamp_to_zero"] = Field(
        default="original_then_debt",
        description="Where a return finds the points that its purchase no longer earns, once its own lot has no more of them.",
    )
    return_window_days: NaturalInt = Field(
        default=14,
        description="For so many days goods can come back: before, points cannot be transferred, nor recommendations rewarded.",
    )
    claim_days: NaturalInt = Field(
        default=30,
        description="For so many local days a receipt without a card can be claimed, and a return without its purchase waits.",
    )
    restore_grace_days: NaturalInt = Field(
        default=0,
        exclude_if=not_,
        description="For so many more local days spent points live on that come back after they had lapsed; 0: they stay so.",
    )
    """For so many more local days spent points live on that come back after they had lapsed; 0, and not written: they stay so."""
    quotes: Quotes | None = Field(default=None, description="For how long a till may sell by a quote.")
    referral: Referral | None = Field(
        default=None, description="What recommendations bring. Without it they are not rewarded."
    )
    texts: Texts | None = Field(default=None, description="Words of the programme's own.")
    plan: Plan | None = Field(
        default=None, description="What stands behind the policy. It is kept and linted, and nothing executes it."
    )
    assumptions: tuple[Assumption | str, ...] = Field(
        default=(), description="How gaps of the plan are filled, and which warnings of the linter are accepted."
    )

    @cached_property
    def begins(self) -> datetime:
        """`effective_from` in one zone with what is compared with it: comparing times of two zones costs ten times as much."""
        return self.effective_from.astimezone(UTC)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def json_schema() -> dict[str, Any]:
    """What a programme's file may hold, as editors check it while it is written."""
    title = {"title": "A programme of the loyalty ledger", "description": Policy.__doc__}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Policy.model_json_schema(), **title}


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
            if self.versions[number - 1].begins <= at:
                return number, self.versions[number - 1]
        raise NoProgrammeInForce(programme=self.name, occurred_at=at)

    @evolves(ProgrammePublished)
    def _published(self, fact: ProgrammePublished) -> None:
        self.name = fact.programme
        self.versions.append(fact.policy)
