"""Coupons as staff give them and tills reserve them, and the commands that they become."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.basket import Word
from domain.commands.coupons import GiveCoupon, ReleaseCoupon, ReserveCoupon, VoidCoupon
from domain.messages.identity import Identity
from domain.messages.reading import UtcTime, Why, canonical, fingerprint
from domain.messages.redemptions import LONGEST_HOLD_MINUTES, Counted, Timed


class CouponBody(Timed):
    """The body of `POST /members/{id}/coupons`. The window is half open: `valid_until` is no longer part of it."""

    kind: Word = Field(description="A word that campaigns and tills know it by.")
    valid_from: UtcTime | None = Field(default=None, description="The time of the command, if left out.")
    valid_until: UtcTime = Field(description="The first instant at which it is no longer good.")
    amount_minor: Counted | None = Field(default=None, description="What it takes off a bill, where it is money.")
    reason: Why


class CouponReservationBody(Timed):
    """The body of `POST /coupons/{code}/reservation`."""

    member: UUID = Field(description="Who is to use it.")
    minutes: Annotated[int, Field(strict=True, ge=1, le=LONGEST_HOLD_MINUTES)] | None = Field(
        default=None, description="Until the reservation times out; 15, if left out."
    )


class CouponReleaseBody(Timed):
    """The body of `POST /coupons/{code}/release`."""

    reservation: UUID = Field(description="The `reservation_id` that is given up.")


class CouponVoidBody(Timed):
    """The body of `POST /coupons/{code}/void`."""

    reason: Why


def give_coupon_command(body: CouponBody, *, member_id: UUID, identity: Identity) -> GiveCoupon:
    """The command that gives a member a coupon."""
    return GiveCoupon(
        **_envelope(body, member_id.bytes, identity), member_id=member_id, kind_id=body.kind,
        valid_from=body.valid_from or body.time, valid_until=body.valid_until, amount_minor=body.amount_minor,
        reason=body.reason,
    )  # fmt: skip


def reserve_coupon_command(body: CouponReservationBody, *, code: str, identity: Identity) -> ReserveCoupon:
    return ReserveCoupon(
        **_envelope(body, code.encode(), identity), code=code, member_id=body.member, minutes=body.minutes
    )  # fmt: skip


def release_coupon_command(body: CouponReleaseBody, *, code: str, identity: Identity) -> ReleaseCoupon:
    return ReleaseCoupon(**_envelope(body, code.encode(), identity), code=code, reservation_id=body.reservation)


def void_coupon_command(body: CouponVoidBody, *, code: str, identity: Identity) -> VoidCoupon:
    return VoidCoupon(**_envelope(body, code.encode(), identity), code=code, reason=body.reason)


def _envelope(body: Timed, target: bytes, identity: Identity) -> dict[str, Any]:
    content = fingerprint(target, type(body).__name__.encode(), canonical(body))
    return {**identity.fields(), "occurred_at": body.time, "fingerprint": content}
