"""Rewards: what points buy, how many pieces of it there are, and having one."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from command_api.answers import told
from command_api.answers_of_rewards import RewardCreatedAnswer, RewardRedeemedAnswer, RewardStockedAnswer
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.identity import Identity
from domain.messages.reading import Message
from domain.messages.rewards import (
    RewardBody,
    RewardRedemptionBody,
    StockBody,
    create_reward_command,
    redeem_reward_command,
    stock_command,
)
from infra.keys import Principal
from infra.paths import MemberId
from infra.web import requires

router = APIRouter(tags=["rewards"])
BODIES: tuple[type[Message], ...] = (RewardBody, StockBody, RewardRedemptionBody)

Staff = Annotated[Principal, Depends(requires("staff"))]
Till = Annotated[Principal, Depends(requires("till", "staff"))]
RewardId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00]*$", description="The reward's id.")]


@router.post("/rewards", status_code=201, response_model=RewardCreatedAnswer, openapi_extra=documented(RewardBody))
async def create_reward(
    staff: Staff, body: Annotated[RewardBody, Depends(body_of(RewardBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Make a reward. The same content under the same `reward_id` is a repeat."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(create_reward_command(body, identity=identity, now=datetime.now(UTC))))


@router.post(
    "/rewards/{reward_id}/stock",
    status_code=201,
    response_model=RewardStockedAnswer,
    openapi_extra=documented(StockBody),
)
async def add_stock(
    staff: Staff, reward_id: RewardId, body: Annotated[StockBody, Depends(body_of(StockBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Add pieces of a reward, for a reason."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(stock_command(body, reward_id=reward_id, identity=identity)))


@router.post(
    "/members/{member_id}/rewards/{reward_id}/redemptions",
    status_code=201,
    response_model=RewardRedeemedAnswer,
    openapi_extra=documented(RewardRedemptionBody),
)
async def redeem_reward(
    till: Till, member_id: MemberId, reward_id: RewardId,
    body: Annotated[RewardRedemptionBody, Depends(body_of(RewardRedemptionBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Let a member have a piece for points. `POST /redemptions/{id}/reversal` brings points, piece and coupon back."""
    identity = Identity.of(till.owner, idempotency_key)
    command = redeem_reward_command(body, member_id=member_id, reward_id=reward_id, identity=identity)
    return told(await the_door.one(command))
