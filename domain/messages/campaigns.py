"""Campaigns as they are created over HTTP, and the command that they become."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.basket import Word
from domain.campaign_terms import Budget, Conditions, Effect, Limits
from domain.commands.campaigns import CreateCampaign
from domain.earning import BASE
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds
from domain.messages.reading import Message, UtcTime, canonical, fingerprint
from domain.messages.slugs import Slug, slug_of
from domain.refusals import InvalidField

Listed = Annotated[list[Word], Field(min_length=1, max_length=1_000_000)]


class Audience(BaseModel):
    """Whom a campaign targets: exactly one of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    everyone: Literal[True] | None = Field(default=None, description="Every member.")
    cards: Listed | None = Field(default=None, description="Card numbers; a card may join later.")
    members: Annotated[list[UUID], Field(min_length=1, max_length=1_000_000)] | None = Field(
        default=None, description="Members by their ids."
    )
    tiers: Annotated[list[Word], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Whoever holds one of these tiers at the time of the sale."
    )
    segment: Word | None = Field(default=None, description="Whoever belongs to this segment at the time of the sale.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of everyone, cards, members, tiers, segment")
        return self


class CampaignBody(Message):
    """The body of `POST /campaigns`. The window is half open: `ends_at` is no longer part of it."""

    campaign_id: Slug | None = Field(default=None, description="A slug; else one is made of the name.")
    name: Word = Field(description="What people call it.")
    starts_at: UtcTime = Field(description="The first instant of the window.")
    ends_at: UtcTime = Field(description="The first instant after the window.")
    audience: Audience = Field(description="Whom it targets.")
    conditions: Conditions = Field(default=Conditions(), description="What a sale must show.")
    effect: Effect = Field(description="What it gives.")
    priority: Annotated[int, Field(strict=True, ge=-1_000, le=1_000)] = Field(
        default=0, description="Where only one campaign may win a line, the highest does; then the largest effect."
    )
    budget: Budget | None = Field(default=None, description="What it gives at most, to everybody together.")
    limits: Limits | None = Field(default=None, description="What it gives at most to one member.")

    @model_validator(mode="after")
    def _caps_count_what_it_gives(self) -> Self:
        if self.budget is not None and not self.budget.fits(self.effect):
            raise ValueError("a budget counts what the effect gives: `points`, or for a discount `amount_minor`")
        if self.limits is not None and not self.limits.fit(self.effect):
            raise ValueError("limits count points only where the effect gives points; else give `uses`")
        return self


def create_command(body: CampaignBody, *, identity: Identity, card_ids: CardIds, now: datetime) -> CreateCampaign:
    """The command of a campaign."""
    if body.campaign_id == BASE:
        raise InvalidField(field="campaign_id", problem="the points of every purchase go by this name")
    return CreateCampaign(
        **identity.fields(),
        occurred_at=now,
        fingerprint=_fingerprint(body, card_ids),
        campaign_id=body.campaign_id or slug_of(body.name, otherwise="campaign"),
        title=body.name,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        everyone=body.audience.everyone is True,
        card_ids=list(dict.fromkeys(card_ids(number) for number in body.audience.cards or ())),
        member_ids=list(dict.fromkeys(body.audience.members or ())),
        tiers=body.audience.tiers,
        segment=body.audience.segment,
        conditions=body.conditions,
        effect=body.effect,
        priority=body.priority,
        budget=body.budget,
        limits=body.limits,
    )


def _fingerprint(body: CampaignBody, card_ids: CardIds) -> str:
    """The content without card numbers, which the fingerprint must not help to guess."""
    cards = b"".join(card_ids(number).bytes for number in body.audience.cards or ())
    rest = body.model_copy(update={"audience": body.audience.model_copy(update={"cards": None})})
    return fingerprint(canonical(rest), cards)
