"""Referral codes that are asked for, reviews, and the commands that this becomes."""

import secrets
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from domain.commands.referees import CODES, code_claim
from domain.commands.referrals import IssueReferralCode, ReviewReferral
from domain.messages.identity import Identity
from domain.messages.reading import BusinessTime, Message, UtcTime, canonical, fingerprint
from domain.refusals import InvalidField

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""None that is taken for another when it is read aloud or copied by hand."""
LENGTH = 10
"""31^10 codes: nobody guesses one of some millions that are in use."""


def _no_number(code: str) -> str:
    """A phone number is nobody's key: codes are kept in clear, for ever."""
    if sum(letter.isalpha() for letter in code) < 2:
        raise ValueError("a code has two letters or more, so that it is nobody's phone number")
    return code


Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{8,40}$"), AfterValidator(_no_number)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ReferralBody(Message):
    """The body of `POST /referrals`."""

    referrer: UUID = Field(description="The member who recommends.")
    code: Code | None = Field(default=None, description="One that was used before elsewhere; else one is made.")
    time: UtcTime | None = Field(default=None, description="When it was asked for; now, if left out.")


class ReviewBody(Message):
    """The body of `POST /referrals/{id}/review`."""

    decision: Literal["approve", "reject"] = Field(description="Whether both sides are to be rewarded, or nobody.")
    reason: Reason = Field(description="Why, in a few words; kept in clear for ever.")
    time: BusinessTime


def referral_command(body: ReferralBody, *, identity: Identity, now: datetime) -> IssueReferralCode:
    """The command of a code; whoever asks, it is claimed under the referrer's id."""
    if body.code == str(body.referrer):
        raise InvalidField(field="code", problem="a code tells nothing of the member")
    return IssueReferralCode(
        id=code_claim(body.referrer), source=CODES, external_id=str(body.referrer), occurred_at=body.time or now,
        actor=identity.actor, fingerprint=fingerprint(body.referrer.bytes), keyed=True, member_id=body.referrer,
        code=body.code or "".join(secrets.choice(LETTERS) for _ in range(LENGTH)), chosen=body.code is not None,
    )  # fmt: skip


def review_command(body: ReviewBody, *, member_id: UUID, identity: Identity) -> ReviewReferral:
    """The command of a review."""
    return ReviewReferral(
        **identity.fields(),
        occurred_at=body.time,
        fingerprint=fingerprint(member_id.bytes, canonical(body)),
        member_id=member_id,
        approved=body.decision == "approve",
        reason=body.reason,
    )
