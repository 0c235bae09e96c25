"""Making a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaign import CATALOGUE_ID, Campaign, CampaignCreated, Catalogue, campaign_stream
from domain.campaign_terms import Budget, Conditions, Effect, Limits
from domain.command import Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.fact import Fact
from domain.member import Member
from domain.policy.campaigns import CampaignDefaults
from domain.receipt import Receipt
from domain.refusals import (
    CampaignAlreadyExists,
    UnknownMembers,
    UnknownSegment,
    UnknownTier,
    WindowEndsBeforeItBegins,
)
from domain.segment import Segment, segment_stream

NAMED = 5
"""As many unknown members are named; who sent thousands will look for more of the same kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCampaign(KeyedCommand):
    """Make a campaign and list whom it targets."""

    scope = "campaign"

    campaign_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    everyone: bool
    card_ids: list[UUID]
    member_ids: list[UUID]
    conditions: Conditions
    effect: Effect
    priority: int = 0
    tiers: list[str] | None = None
    segment: str | None = None
    budget: Budget | None = None
    limits: Limits | None = None

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        for member_id in self.member_ids:
            yield Member, member_id
        if self.segment is not None:
            yield Segment, segment_stream(self.segment)
        yield Campaign, campaign_stream(self.campaign_id)
        yield Catalogue, CATALOGUE_ID

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by campaign id; then window, members, tiers, segment, refused in this order."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        campaign = streams.get(Campaign, campaign_stream(self.campaign_id))
        if campaign.terms is not None:
            if campaign.terms.fingerprint != self.fingerprint:
                raise CampaignAlreadyExists(campaign_id=self.campaign_id)
            return Repeat(campaign.id)
        if self.ends_at <= self.starts_at:
            raise WindowEndsBeforeItBegins(starts_at=self.starts_at, ends_at=self.ends_at)
        self._refuse_unknown(streams)
        created = campaign.create(
            card_ids=self.card_ids,
            member_ids=self.member_ids,
            campaign_id=self.campaign_id,
            title=self.title,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            everyone=self.everyone,
            conditions=self.conditions,
            effect=self.effect,
            priority=self.priority,
            tiers=self.tiers,
            segment=self.segment,
            budget=self._budget(streams),
            limits=self.limits,
            fingerprint=self.fingerprint,
        )
        listed = streams.get(Catalogue, CATALOGUE_ID).enter(self.campaign_id)
        return Decision([*self.claim(streams, target=self.campaign_id), *created, *listed])

    def _refuse_unknown(self, streams: Streams) -> None:
        """Members, tiers and segments are known before they are targeted; only a card may join later."""
        nobody = [member_id for member_id in self.member_ids if not streams.get(Member, member_id).exists]
        if nobody:
            raise UnknownMembers(member_ids=nobody[:NAMED], count=len(nobody))
        levels = {level.name for policy in streams.programme.versions for level in policy.tiers.levels}
        for tier in self.tiers or ():
            if tier not in levels:
                raise UnknownTier(tier=tier)
        if self.segment is not None and not streams.get(Segment, segment_stream(self.segment)).exists:
            raise UnknownSegment(segment_id=self.segment)

    def _budget(self, streams: Streams) -> Budget | None:
        """How it ends is settled now, as the programme says where the campaign does not."""
        if self.budget is None or self.budget.mode is not None:
            return self.budget
        versions = streams.programme.versions
        defaults = (versions[-1].campaigns if versions else None) or CampaignDefaults()
        return self.budget.model_copy(update={"mode": defaults.budget_mode})

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The campaign's id."""
        return {"campaign_id": next(fact.campaign_id for fact in facts if isinstance(fact, CampaignCreated))}
