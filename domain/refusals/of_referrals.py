"""Refusals: referrals."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class ReferralsNotOffered(Refusal):
    """The programme in force rewards no recommendations. Codes begin with a version that has `referral`; join without one."""

    programme: str


@dataclass(eq=False)
class UnknownReferralCode(Refusal):
    """No member has this referral code, or not any more. Ask for it again, or join without one."""

    code: str


@dataclass(eq=False)
class ReferralCodeTaken(Refusal):
    """Another member has this referral code. Choose another, or let one be made."""

    code: str


@dataclass(eq=False)
class ReferralCodeIssuedBefore(Refusal):
    """The member has another referral code. A member has one, for good."""

    member_id: UUID
    code: str


@dataclass(eq=False)
class ReferralOfOneself(Refusal):
    """Nobody refers themselves: the member or the card was the referrer's own. Join without the code."""

    code: str


@dataclass(eq=False)
class ReferralOfMember(Refusal):
    """Who joins is a member, or was one. Only who never was can be referred."""

    member_id: UUID


@dataclass(eq=False)
class SecondReferrer(Refusal):
    """The member was referred by somebody else before. There is one referrer, the first."""

    member_id: UUID


@dataclass(eq=False)
class ReferralCycle(Refusal):
    """The referrer was brought by whoever is to be referred now, directly or through others. Join without the code."""

    member_id: UUID


@dataclass(eq=False)
class ReferralCapReached(Refusal):
    """So many have joined by the referrer's recommendation as may within that time. Join without the code."""

    most: int
    since: datetime


@dataclass(eq=False)
class UnknownReferral(Refusal):
    """The member was not referred by anybody. A referral goes by its referee's id."""

    member_id: UUID


@dataclass(eq=False)
class ReferralNotHeld(Refusal):
    """The referral does not wait for a review. Look at its state first."""

    member_id: UUID
    state: str
