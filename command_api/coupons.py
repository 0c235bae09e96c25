"""Coupons: given by staff, reserved for a bill, released, and taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from command_api.answers import told
from command_api.answers_of_rewards import CouponAnswer, CouponGivenAnswer, CouponReservedAnswer
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.messages.coupons import (
    CouponBody,
    CouponReleaseBody,
    CouponReservationBody,
    CouponVoidBody,
    give_coupon_command,
    release_coupon_command,
    reserve_coupon_command,
    void_coupon_command,
)
from domain.messages.identity import Identity
from domain.messages.reading import Message
from infra.keys import Principal
from infra.paths import MemberId
from infra.web import requires

router = APIRouter(tags=["coupons"])
BODIES: tuple[type[Message], ...] = (CouponBody, CouponReservationBody, CouponReleaseBody, CouponVoidBody)

Staff = Annotated[Principal, Depends(requires("staff"))]
Till = Annotated[Principal, Depends(requires("till", "staff"))]
Code = Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^\x00]*$", description="The coupon's code.")]


@router.post(
    "/members/{member_id}/coupons",
    status_code=201,
    response_model=CouponGivenAnswer,
    openapi_extra=documented(CouponBody),
)
async def give_coupon(
    staff: Staff, member_id: MemberId, body: Annotated[CouponBody, Depends(body_of(CouponBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Give a member a coupon, for a reason. Its code is drawn by chance and told here and to the member's own page."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(give_coupon_command(body, member_id=member_id, identity=identity)))


@router.post(
    "/coupons/{code}/reservation",
    status_code=201,
    response_model=CouponReservedAnswer,
    openapi_extra=documented(CouponReservationBody),
)
async def reserve_coupon(
    till: Till, code: Code, body: Annotated[CouponReservationBody, Depends(body_of(CouponReservationBody))],
    the_door: TheDoor, idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Set a coupon aside for a bill: only a purchase that names the reservation can use it, until it times out."""
    identity = Identity.of(till.owner, idempotency_key)
    return told(await the_door.one(reserve_coupon_command(body, code=code, identity=identity)))


@router.post(
    "/coupons/{code}/release",
    status_code=201,
    response_model=CouponAnswer,
    openapi_extra=documented(CouponReleaseBody),
)
async def release_coupon(
    till: Till, code: Code, body: Annotated[CouponReleaseBody, Depends(body_of(CouponReleaseBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Give a reservation up: the coupon can be used for another bill."""
    identity = Identity.of(till.owner, idempotency_key)
    return told(await the_door.one(release_coupon_command(body, code=code, identity=identity)))


@router.post(
    "/coupons/{code}/void", status_code=201, response_model=CouponAnswer, openapi_extra=documented(CouponVoidBody)
)
async def void_coupon(
    staff: Staff, code: Code, body: Annotated[CouponVoidBody, Depends(body_of(CouponVoidBody))], the_door: TheDoor,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Take a coupon back before it is used, for a reason."""
    identity = Identity.of(staff.owner, idempotency_key)
    return told(await the_door.one(void_coupon_command(body, code=code, identity=identity)))
