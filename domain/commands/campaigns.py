"""Making a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.campaign import CATALOGUE_ID, Campaign, CampaignCreated, Catalogue, Conditions, Effect, campaign_stream
from domain.command import Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.fact import Fact
from domain.receipt import Receipt
from domain.refusals import (
    CampaignAlreadyExists,
    WindowEndsBeforeItBegins,
)


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

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Campaign, campaign_stream(self.campaign_id)
        yield Catalogue, CATALOGUE_ID

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by campaign id; then the window."""
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
            fingerprint=self.fingerprint,
        )
        listed = streams.get(Catalogue, CATALOGUE_ID).enter(self.campaign_id)
        return Decision([*self.claim(streams, target=self.campaign_id), *created, *listed])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The campaign's id."""
        return {"campaign_id": next(fact.campaign_id for fact in facts if isinstance(fact, CampaignCreated))}
