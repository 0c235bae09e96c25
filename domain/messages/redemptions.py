"""Holds and redemptions as tills and staff ask for them, and the commands that they become."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool

from domain.commands.redemptions import CaptureHold, HoldPoints, RedeemPoints, ReleaseHold, ReverseRedemption
from domain.messages.identity import Identity
from domain.messages.reading import BusinessTime, Message, WhyIfTold, canonical, fingerprint
from domain.money import MAX_AMOUNT, AmountMinor
from domain.refusals import InvalidField

LONGEST_HOLD_MINUTES = 43_200

Counted = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]
"""Points, or what they are to pay in minor units: at least one."""


class Timed(Message):
    """Something that happens at a business time."""

    time: BusinessTime


class SpendingBody(Timed):
    """How many points: as such, or by the amount that they are to pay."""

    points: Counted | None = Field(default=None, description="How many points; or else `amount_minor`.")
    amount_minor: Counted | None = Field(default=None, description="What the points are to pay, in minor units.")
    bill_minor: AmountMinor | None = Field(
        default=None, description="The whole bill, of which points may pay a share at most."
    )


class HoldBody(SpendingBody):
    """The body of `POST /members/{id}/holds`."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=LONGEST_HOLD_MINUTES)] | None = Field(
        default=None, description="Until the hold times out; by default as long as the programme says."
    )


class RedemptionBody(SpendingBody):
    """The body of `POST /members/{id}/redemptions`."""

    offline: StrictBool = Field(
        default=False, description="The till gave the points away already: what is missing is owed, nothing is refused."
    )
    reason: WhyIfTold = None


class CaptureBody(Timed):
    """The body of `POST /holds/{id}/capture`."""

    points: Counted | None = Field(default=None, description="By default all that is held; the rest is free again.")


class ReleaseBody(Timed):
    """The body of `POST /holds/{id}/release`."""


class ReversalBody(Timed):
    """The body of `POST /redemptions/{id}/reversal`."""

    points: Counted | None = Field(default=None, description="By default all that is left of the redemption.")
    reason: WhyIfTold = None


def hold_command(body: HoldBody, *, member_id: UUID, identity: Identity) -> HoldPoints:
    """The command of a hold: its receipt leads whoever captures it to the account."""
    return HoldPoints(
        **_envelope(body, member_id, identity), **_asked(body), member_id=member_id, minutes=body.minutes
    )  # fmt: skip


def redemption_command(body: RedemptionBody, *, member_id: UUID, identity: Identity) -> RedeemPoints:
    """The command of a redemption: its receipt leads whoever reverses it to the account."""
    return RedeemPoints(
        **_envelope(body, member_id, identity), **_asked(body), member_id=member_id, offline=body.offline,
        reason=body.reason,
    )  # fmt: skip


def capture_command(body: CaptureBody, *, hold_id: UUID, identity: Identity) -> CaptureHold:
    return CaptureHold(**_envelope(body, hold_id, identity), target_id=hold_id, points=body.points)


def release_command(body: ReleaseBody, *, hold_id: UUID, identity: Identity) -> ReleaseHold:
    return ReleaseHold(**_envelope(body, hold_id, identity), target_id=hold_id)


def reversal_command(body: ReversalBody, *, redemption_id: UUID, identity: Identity) -> ReverseRedemption:
    return ReverseRedemption(
        **_envelope(body, redemption_id, identity), target_id=redemption_id, points=body.points, reason=body.reason
    )  # fmt: skip


def _asked(body: SpendingBody) -> dict[str, Any]:
    """Exactly one of points and amount says how many."""
    if (body.points is None) == (body.amount_minor is None):
        raise InvalidField(field="points", problem="give either the points or the amount_minor that they are to pay")
    return {"points": body.points, "amount_minor": body.amount_minor, "bill_minor": body.bill_minor}


def _envelope(body: Timed, target: UUID, identity: Identity) -> dict[str, Any]:
    """Who, when and what. A hold or a redemption is found by its receipt, so it leaves one without a key as well."""
    when: datetime = body.time
    content = fingerprint(target.bytes, type(body).__name__.encode(), canonical(body))
    keyed = identity.keyed or isinstance(body, SpendingBody)
    return {**identity.fields(), "keyed": keyed, "occurred_at": when, "fingerprint": content}
