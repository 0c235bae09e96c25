"""Referrals: whom a referrer's code brought, which purchase is to reward both, and what became of it (rules 11).

Joined → qualified → rewarded; or rejected, with the reason; or reversed, once rewarded. Every decision is made from the
referee's purchases as business time has them, and only the clock pays.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, NotRequired
from uuid import UUID, uuid5

from typing_extensions import TypedDict

from domain.fact import Fact
from domain.purchase import Purchase
from domain.stream import Draft, Stream, evolves

REFERRALS = UUID("5d1f7f0e-54a1-5f5c-9d39-6f1f4d3f9f42")

State = Literal["held", "joined", "qualified", "rewarded", "rejected", "reversed"]
Side = Literal["referrer", "referee"]
Rejection = Literal["review", "same-person", "second-referrer", "account-closed", "member-erased"]
Reversal = Literal["purchase-returned", "same-person"]


class ReferralCodeIssued(Fact, name="ReferralCodeIssued.v1"):
    """A member has a code to recommend the programme with. The code is random and tells nothing of the member."""

    member_id: UUID
    code: str


class ReferralJoined(Fact, name="ReferralJoined.v1"):
    """A member joined by a code. Where many did so in a short time, the reward is held until somebody has looked at it."""

    member_id: UUID
    referrer_id: UUID
    code: str
    held: bool


class ReferralReviewed(Fact, name="ReferralReviewed.v1"):
    """Staff looked at a referral that was held; the actor is who decided."""

    member_id: UUID
    approved: bool
    reason: str


class ReferralQualified(Fact, name="ReferralQualified.v1"):
    """A purchase of the referee is worth enough. It counts from `due_at`, when returns have had their time."""

    member_id: UUID
    purchase_id: UUID
    purchased_at: datetime
    due_at: datetime
    pays_at: datetime
    """The earliest `due_at` of all such purchases."""


class ReferralDisqualified(Fact, name="ReferralDisqualified.v1"):
    """Returns within their time left too little of such a purchase."""

    member_id: UUID
    purchase_id: UUID
    pays_at: datetime | None = None
    """Of the next purchase that is worth enough, if there is one."""


class Given(TypedDict):
    """What one side got: the member that it lives on in, the grant and its points, or a coupon's code."""

    member_id: UUID
    grant_id: UUID
    points: int
    coupon: NotRequired[str]


class ReferralRewarded(Fact, name="ReferralRewarded.v1"):
    """Both sides were rewarded, in one transaction, at the instant when returns had had their time."""

    member_id: UUID
    referrer_id: UUID
    purchase_id: UUID
    referrer: Given
    referee: Given


class ReferralRewardMoved(Fact, name="ReferralRewardMoved.v1"):
    """What both were given counts for another purchase now.

    A return that came late lay within its time, and so the purchase had never counted. Dated when they were rewarded.
    """

    member_id: UUID
    purchase_id: UUID
    """The purchase that counts."""


class ReferralRejected(Fact, name="ReferralRejected.v1"):
    """Nobody will be rewarded for this."""

    member_id: UUID
    reason: Rejection


class ReferralReversed(Fact, name="ReferralReversed.v1"):
    """What both had been given was taken back."""

    member_id: UUID
    reason: Reversal


class Candidate(NamedTuple):
    """A purchase that is worth enough so far, and when returns have had their time."""

    at: datetime
    due_at: datetime


@dataclass(slots=True)
class Referral:
    """One referee: nobody is referred twice, so that a referral goes by its referee's id."""

    referee_id: UUID
    joined_at: datetime
    version: int
    """Of the programme: the terms under which they joined hold until it is over."""
    held: bool
    candidates: dict[UUID, Candidate] = field(default_factory=dict)
    reviewed_at: datetime | None = None
    rewarded: ReferralRewarded | None = None
    rests_on: UUID | None = None
    """The purchase that was rewarded, as far as is known by now."""
    ended: Literal["rejected", "reversed"] | None = None

    @property
    def state(self) -> State:
        if self.ended is not None:
            return self.ended
        if self.rewarded is not None:
            return "rewarded"
        if self.held:
            return "held"
        return "qualified" if self.candidates else "joined"

    @property
    def counts(self) -> bool:
        """Whether it counts towards the referrer's cap."""
        return self.ended != "rejected"

    @property
    def pays_on(self) -> UUID | None:
        """The purchase that will be rewarded: the earliest by business time."""
        return min(self.candidates, key=lambda one: (self.candidates[one], one), default=None)

    @property
    def pays_at(self) -> datetime | None:
        """When both are rewarded, if nothing happens before: not before a review has approved of it."""
        if self.state != "qualified":
            return None
        due = min(one.due_at for one in self.candidates.values())
        return max(due, self.reviewed_at or due)


def referrer_stream(code: str) -> UUID:
    return uuid5(REFERRALS, code)


def grant_of(referee_id: UUID, side: Side) -> UUID:
    """The grant that rewards one side: the same whenever, and however often, it is tried."""
    return uuid5(referee_id, f"referral:{side}")


class Referrer(Stream):
    """A code, whose it is, and whom it brought. The stream is the claim on the code."""

    leads_on = True

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.code = ""
        self.member_id: UUID | None = None
        self.referrals: dict[UUID, Referral] = {}
        """By referee."""

    def issue(self, *, member_id: UUID, code: str) -> list[Draft]:
        """Give the code to a member."""
        return [self.draft(ReferralCodeIssued, member_id=member_id, code=code)]

    def refer(self, referee_id: UUID, *, held: bool, version: int) -> list[Draft]:
        """Somebody joins by the code, under this version of the programme."""
        return [
            self.draft(
                ReferralJoined, member_id=referee_id, referrer_id=self.member_id, code=self.code, held=held,
                programme_version=version,
            )
        ]  # fmt: skip

    def review(self, referral: Referral, *, approved: bool, reason: str) -> list[Draft]:
        """Let a referral that was held go on, or end it."""
        reviewed = self.draft(ReferralReviewed, member_id=referral.referee_id, approved=approved, reason=reason)
        return [reviewed] if approved else [reviewed, *self.reject(referral, "review")]

    def reward(self, referral: Referral, purchase_id: UUID, *, referrer: Given, referee: Given) -> list[Draft]:
        """Reward both, for a purchase."""
        return [
            self.draft(
                ReferralRewarded, member_id=referral.referee_id, referrer_id=self.member_id, purchase_id=purchase_id,
                referrer=referrer, referee=referee,
            )
        ]  # fmt: skip

    def move(self, referral: Referral, purchase_id: UUID) -> list[Draft]:
        """Let what both were given count for another purchase."""
        assert referral.rewarded is not None, "only what was given counts for anything"
        return [
            self.draft(
                ReferralRewardMoved, member_id=referral.referee_id, purchase_id=purchase_id,
                occurred_at=referral.rewarded.occurred_at,
            )
        ]  # fmt: skip

    def reject(self, referral: Referral, reason: Rejection) -> list[Draft]:
        return [self.draft(ReferralRejected, member_id=referral.referee_id, reason=reason)]

    def reverse(self, referral: Referral, reason: Reversal) -> list[Draft]:
        return [self.draft(ReferralReversed, member_id=referral.referee_id, reason=reason)]

    def qualify(self, referral: Referral, purchase: Purchase, *, minimum: int, due_at: datetime) -> list[Draft]:
        """Note a purchase that is worth the minimum, or one that no longer is, by what comes back until `due_at`."""
        assert purchase.recorded is not None, "only a recorded purchase is worth anything"
        enough = purchase.kept_minor(due_at) >= minimum
        if enough == (purchase.id in referral.candidates):
            return []
        others = [one.due_at for id_, one in referral.candidates.items() if id_ != purchase.id]
        if not enough:
            pays_at = min(others, default=None)
            return [
                self.draft(
                    ReferralDisqualified, member_id=referral.referee_id, purchase_id=purchase.id, pays_at=pays_at
                )
            ]
        return [
            self.draft(
                ReferralQualified, member_id=referral.referee_id, purchase_id=purchase.id,
                purchased_at=purchase.recorded.occurred_at, due_at=due_at, pays_at=min([due_at, *others]),
            )
        ]  # fmt: skip

    def due(self, now: datetime) -> list[tuple[datetime, Referral]]:
        """Those that are to be rewarded by now, each with its instant."""
        dated = [(at, one) for one in self.referrals.values() if (at := one.pays_at) is not None and at <= now]
        return sorted(dated, key=lambda each: (each[0], each[1].referee_id))

    def next_due(self, now: datetime) -> datetime | None:
        """When, after now, somebody is to be rewarded."""
        dues = (one.pays_at for one in self.referrals.values())
        return min((at for at in dues if at is not None and at > now), default=None)

    @evolves(ReferralCodeIssued)
    def _issued(self, fact: ReferralCodeIssued) -> None:
        self.code, self.member_id = fact.code, fact.member_id

    @evolves(ReferralJoined)
    def _joined(self, fact: ReferralJoined) -> None:
        version = fact.programme_version or 1
        self.referrals[fact.member_id] = Referral(fact.member_id, fact.occurred_at, version, fact.held)

    @evolves(ReferralReviewed)
    def _reviewed(self, fact: ReferralReviewed) -> None:
        referral = self.referrals[fact.member_id]
        referral.held, referral.reviewed_at = False, fact.occurred_at

    @evolves(ReferralQualified)
    def _qualified(self, fact: ReferralQualified) -> None:
        self.referrals[fact.member_id].candidates[fact.purchase_id] = Candidate(fact.purchased_at, fact.due_at)

    @evolves(ReferralDisqualified)
    def _disqualified(self, fact: ReferralDisqualified) -> None:
        del self.referrals[fact.member_id].candidates[fact.purchase_id]

    @evolves(ReferralRewarded)
    def _rewarded(self, fact: ReferralRewarded) -> None:
        referral = self.referrals[fact.member_id]
        referral.rewarded, referral.rests_on = fact, fact.purchase_id

    @evolves(ReferralRewardMoved)
    def _moved(self, fact: ReferralRewardMoved) -> None:
        self.referrals[fact.member_id].rests_on = fact.purchase_id

    @evolves(ReferralRejected)
    def _rejected(self, fact: ReferralRejected) -> None:
        self.referrals[fact.member_id].ended = "rejected"

    @evolves(ReferralReversed)
    def _reversed(self, fact: ReferralReversed) -> None:
        self.referrals[fact.member_id].ended = "reversed"
