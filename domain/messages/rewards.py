"""Rewards as staff make them and members have them, and the commands that they become."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from domain.commands.rewards import CreateReward, RedeemReward, StockReward
from domain.messages.identity import Identity
from domain.messages.reading import Message, UtcTime, Why, canonical, fingerprint
from domain.messages.redemptions import Timed
from domain.messages.slugs import Slug, slug_of
from domain.reward import Pieces, RewardTerms


class RewardBody(Message, RewardTerms):
    """The body of `POST /rewards`."""

    reward_id: Slug | None = Field(default=None, description="A slug; else one is made of the English name.")
    starts_at: UtcTime | None = Field(
        default=None, description="The first instant at which it can be had; at any time before, if left out."
    )
    ends_at: UtcTime | None = Field(
        default=None, description="The first instant at which it can be had no longer; never, if left out."
    )


class StockBody(Timed):
    """The body of `POST /rewards/{id}/stock`."""

    pieces: Pieces = Field(description="How many pieces came in.")
    reason: Why


class RewardRedemptionBody(Timed):
    """The body of `POST /members/{id}/rewards/{reward_id}/redemptions`."""

    purchase: UUID | None = Field(
        default=None, description="The `purchase_id` of the order, where the terms ask for what was spent with one."
    )


def create_reward_command(body: RewardBody, *, identity: Identity, now: datetime) -> CreateReward:
    """The command of a reward."""
    return CreateReward(
        **identity.fields(), occurred_at=now, fingerprint=fingerprint(canonical(body)),
        reward_id=body.reward_id or slug_of(body.name.en, otherwise="reward"),
        terms=RewardTerms.model_validate(body.model_dump(exclude={"reward_id"})),
    )  # fmt: skip


def stock_command(body: StockBody, *, reward_id: str, identity: Identity) -> StockReward:
    """The command that adds pieces."""
    content = fingerprint(reward_id.encode(), canonical(body))
    return StockReward(
        **identity.fields(), occurred_at=body.time, fingerprint=content, reward_id=reward_id, pieces=body.pieces,
        reason=body.reason,
    )  # fmt: skip


def redeem_reward_command(
    body: RewardRedemptionBody, *, member_id: UUID, reward_id: str, identity: Identity
) -> RedeemReward:
    """The command of a redemption: its receipt leads whoever reverses it to the account, so it leaves one without a key as well."""
    content = fingerprint(member_id.bytes, reward_id.encode(), canonical(body))
    return RedeemReward(
        **(identity.fields() | {"keyed": True}), occurred_at=body.time, fingerprint=content, member_id=member_id,
        reward_id=reward_id, purchase_id=body.purchase,
    )  # fmt: skip
