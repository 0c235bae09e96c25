"""Campaigns: who earns more, when and on what; and the catalogue that lists them."""

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.basket import Line, Word
from domain.fact import Fact
from domain.money import AmountMinor, Rate
from domain.stream import Draft, Stream, evolves

if TYPE_CHECKING:
    from domain.buyer import Buyer
    from domain.sale import Sale

CAMPAIGNS = UUID("0e4a3f2c-5d4e-5b8e-9a51-3d0f6b8f1c27")
CATALOGUE_ID = uuid5(CAMPAIGNS, "")
AUDIENCE_CHUNK = 4_000
"""Members in one fact: 4,000 ids of 39 bytes stay well below the size a fact may have."""
MAX_MULTIPLIER = 1_000
"""Above it, points of the largest basket would no longer fit into a bigint."""


class Conditions(BaseModel):
    """What a sale must show; a part that is absent demands nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: tuple[Word, ...] | None = None
    skus: tuple[Word, ...] | None = None
    stores: tuple[Word, ...] | None = None
    minimum_paid_minor: AmountMinor = 0

    def hold_for(self, line: Line) -> bool:
        """Whether a line is among those that the campaign is about."""
        return (self.categories is None or line.get("category") in self.categories) and (
            self.skus is None or line["sku"] in self.skus
        )


class Discount(BaseModel):
    """What is taken off: so many hundredths of the lines that the campaign is about, or an amount once per basket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: Rate | None = None
    amount_minor: AmountMinor | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.percent is None) == (self.amount_minor is None):
            raise ValueError("give either `percent` or `amount_minor`")
        if self.percent is not None and not 0 < self.percent <= 100:
            raise ValueError("a discount lies above 0 and up to 100 percent")
        return self

    def of(self, basis_minor: int) -> int:
        """What is taken off such a sum: floored once, and never more than there is."""
        if self.percent is not None:
            return math.floor(self.percent * basis_minor / 100)
        return min(self.amount_minor or 0, basis_minor)


class Effect(BaseModel):
    """What the campaign gives.

    A multiplier of the base rate (2 earns as much again), a number of points, or something off the price.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    multiplier: Rate | None = None
    bonus_points: int | None = Field(default=None, strict=True, gt=0, le=10**9)
    discount: Discount | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Exactly one effect, and one that gives something."""
        if [self.multiplier, self.bonus_points, self.discount].count(None) != 2:
            raise ValueError("give exactly one of `multiplier`, `bonus_points`, `discount`")
        if self.multiplier is not None and not 1 < self.multiplier <= MAX_MULTIPLIER:
            raise ValueError(f"a multiplier is larger than 1 and at most {MAX_MULTIPLIER}")

    @property
    def extra(self) -> Fraction:
        """What a multiplier adds to the base rate."""
        return self.multiplier - 1 if self.multiplier is not None else Fraction(0)


class CampaignCreated(Fact, name="CampaignCreated.v1"):
    """A campaign was made. Its window is half open: `ends_at` is no longer part of it."""

    campaign_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    everyone: bool
    conditions: Conditions
    effect: Effect
    priority: int = 0
    fingerprint: str


class AudienceListed(Fact, name="AudienceListed.v1"):
    """These cards and members were targeted by a campaign; a long list comes in several facts."""

    campaign_id: str
    card_ids: tuple[UUID, ...] = ()
    member_ids: tuple[UUID, ...] = ()


class CampaignListed(Fact, name="CampaignListed.v1"):
    """A campaign was entered in the catalogue."""

    campaign_id: str


class SegmentListed(Fact, name="SegmentListed.v1"):
    """A segment was entered in the catalogue."""

    segment_id: str


class RewardListed(Fact, name="RewardListed.v1"):
    """A reward was entered in the catalogue."""

    reward_id: str


def campaign_stream(campaign_id: str) -> UUID:
    return uuid5(CAMPAIGNS, campaign_id)


class Campaign(Stream):
    """One campaign."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.terms: CampaignCreated | None = None
        self.starts_at = self.ends_at = datetime.min.replace(tzinfo=UTC)
        self.audience: set[UUID] = set()

    def create(self, *, card_ids: list[UUID], member_ids: list[UUID], **what: object) -> list[Draft]:
        """Create the campaign and list whom it targets, in chunks."""
        campaign_id = what["campaign_id"]
        drafts = [self.draft(CampaignCreated, **what)]
        for name, ids in (("card_ids", card_ids), ("member_ids", member_ids)):
            drafts += [
                self.draft(AudienceListed, campaign_id=campaign_id, **{name: ids[start : start + AUDIENCE_CHUNK]})
                for start in range(0, len(ids), AUDIENCE_CHUNK)
            ]
        return drafts

    def applies(self, sale: "Sale", buyer: "Buyer") -> bool:
        """Whether a sale lies in the window and has the store, the minimum and the audience."""
        terms = self.terms
        return (
            terms is not None
            and self.starts_at <= sale.occurred_at < self.ends_at
            and (terms.conditions.stores is None or sale.store in terms.conditions.stores)
            and self.reached_by(sale.paid_minor)
            and (terms.everyone or not self.audience.isdisjoint(buyer.ids))
        )

    def reached_by(self, paid_minor: int) -> bool:
        """Whether a basket reaches the minimum."""
        return self.terms is not None and paid_minor >= self.terms.conditions.minimum_paid_minor

    @evolves(CampaignCreated)
    def _created(self, fact: CampaignCreated) -> None:
        self.terms = fact
        # In one zone with the purchases: comparing times of two zones costs ten times as much.
        self.starts_at, self.ends_at = fact.starts_at.astimezone(UTC), fact.ends_at.astimezone(UTC)

    @evolves(AudienceListed)
    def _listed(self, fact: AudienceListed) -> None:
        self.audience.update(fact.card_ids, fact.member_ids)


class Catalogue(Stream):
    """Which campaigns, segments and rewards there are, so that every writer learns of new ones by the tail of the log."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.campaigns: list[UUID] = []
        self.segments: list[str] = []
        self.rewards: list[str] = []

    def enter(self, campaign_id: str) -> list[Draft]:
        """List a campaign."""
        return [self.draft(CampaignListed, campaign_id=campaign_id)]

    def enter_segment(self, segment_id: str) -> list[Draft]:
        """List a segment."""
        return [self.draft(SegmentListed, segment_id=segment_id)]

    def enter_reward(self, reward_id: str) -> list[Draft]:
        """List a reward."""
        return [self.draft(RewardListed, reward_id=reward_id)]

    @evolves(RewardListed)
    def _reward_listed(self, fact: RewardListed) -> None:
        self.rewards.append(fact.reward_id)

    @evolves(SegmentListed)
    def _segment_listed(self, fact: SegmentListed) -> None:
        self.segments.append(fact.segment_id)

    @evolves(CampaignListed)
    def _listed(self, fact: CampaignListed) -> None:
        self.campaigns.append(campaign_stream(fact.campaign_id))
