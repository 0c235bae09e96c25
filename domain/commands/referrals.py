"""Codes to recommend the programme with, reviews of what they brought, and rewards once their time has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from domain.command import AgreedCommand, Command, Decision, History, Repeat, Streams, Wanted
from domain.commands.clock import CLOCK, by_name
from domain.commands.coupons import IssueCoupon
from domain.commands.redemptions import SettleDebt, account_of
from domain.commands.referees import JudgePurchase, offered, referral_of, survivor
from domain.correcting import refuse_if_closed
from domain.coupon import good_through
from domain.fact import Fact, message_id
from domain.granting import grant
from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.policy.referral import Reward
from domain.receipt import Receipt
from domain.referral import (
    Given,
    ReferralCodeIssued,
    ReferralReviewed,
    Referrer,
    Rejection,
    Side,
    grant_of,
    referrer_stream,
)
from domain.refusals import (
    MemberErased,
    ReferralCodeIssuedBefore,
    ReferralCodeTaken,
    ReferralNotHeld,
    UnknownMember,
    UnknownReferral,
)
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueReferralCode(AgreedCommand):
    """Give a member a code to recommend the programme with. It is claimed under the member's id: asked again, it is the same."""

    scope = "referral-code"

    member_id: UUID
    code: str
    chosen: bool
    """Whether the client chose the code; else it was made, and may be another one the next time."""

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Receipt, self.id
        yield Member, self.member_id
        yield PointsAccount, account_id(self.member_id)
        yield Referrer, referrer_stream(self.code)

    def repeat(self, streams: Streams) -> Repeat | None:
        """Whoever has a code is told it, unless another one is asked for."""
        claim = streams.get(Receipt, self.id)
        if claim.answered is None:
            return None
        if self.chosen and claim.answered.target != self.code:
            raise ReferralCodeIssuedBefore(member_id=self.member_id, code=claim.answered.target)
        return Repeat(claim.id)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return self.code

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: not offered, member, erased, closed, taken."""
        _, policy = streams.programme.in_force(self.occurred_at)
        offered(policy)
        account = account_of(streams, self.member_id)
        if streams.get(Member, self.member_id).erased:
            raise MemberErased(member_id=self.member_id)
        refuse_if_closed(account, self.occurred_at)
        referrer = streams.get(Referrer, referrer_stream(self.code))
        if referrer.exists:
            raise ReferralCodeTaken(code=self.code)
        return Decision(referrer.issue(member_id=self.member_id, code=self.code))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The code, and whose it is."""
        issued = next(fact for fact in facts if isinstance(fact, ReferralCodeIssued))
        return {"referrer": issued.member_id, "code": issued.code}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReferral(AgreedCommand):
    """Decide on a referral that was held, as many had joined by the same code in a short time."""

    scope = "referral-review"

    member_id: UUID
    """The referee."""
    approved: bool
    reason: str

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield PointsAccount, account_id(self.member_id)
        account = streams.peek(account_id(self.member_id))
        if isinstance(account, PointsAccount) and account.referred_by is not None:
            yield Referrer, account.referred_by

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown member, unknown referral, not held."""
        account = streams.get(PointsAccount, account_id(self.member_id))
        if not account.exists:
            raise UnknownMember(member_id=self.member_id)
        if account.referred_by is None:
            raise UnknownReferral(member_id=self.member_id)
        referrer, referral, _ = referral_of(streams, account)
        if referral.state != "held":
            raise ReferralNotHeld(member_id=self.member_id, state=referral.state)
        return Decision(referrer.review(referral, approved=self.approved, reason=self.reason))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The referee, and what was decided."""
        reviewed = next(fact for fact in facts if isinstance(fact, ReferralReviewed))
        return {"member_id": reviewed.member_id, "approved": reviewed.approved}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReferrals(Command):
    """Reward what has come due by a code. Done twice it finds nothing, so it needs no claim."""

    scope = "clock"

    referrer: UUID
    """The stream of the code."""

    @classmethod
    def of(cls, stream_id: UUID, *, now: datetime) -> Self:
        external_id = f"{stream_id}:{now.isoformat()}"
        return cls(
            id=message_id(CLOCK, external_id), source=CLOCK, external_id=external_id, occurred_at=now, actor=CLOCK,
            fingerprint=external_id, referrer=stream_id,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Referrer, self.referrer

    def decide(self, streams: Streams) -> Decision:
        """What has not come yet is never rewarded ahead of time."""
        due = streams.get(Referrer, self.referrer).due(min(self.occurred_at, streams.recorded_at))
        return Decision([], [RewardBoth.of(referral.referee_id, at=at) for at, referral in due])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """How many facts of each kind were recorded."""
        return by_name(facts)


class GivenTo(NamedTuple):
    """What one side gets, as it is told, and what that takes."""

    told: Given
    drafts: list[Draft]
    then: list[Command]


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardBoth(Command):
    """When returns have had their time, then both sides are rewarded, at that instant and in one transaction, or nobody is."""

    scope = "referral-reward"

    member_id: UUID
    """The referee."""

    @classmethod
    def of(cls, referee_id: UUID, *, at: datetime) -> Self:
        external_id = f"referral:{referee_id}"
        return cls(
            id=message_id(CLOCK, external_id), source=CLOCK, external_id=external_id, occurred_at=at, actor=CLOCK,
            fingerprint=external_id, member_id=referee_id,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """Whoever was merged lives on in the survivor. What falls below the minimum later is looked at at once."""
        account = streams.get(PointsAccount, account_id(self.member_id))
        referrer, referral, terms = referral_of(streams, account)
        purchase_id = referral.pays_on
        assert referrer.member_id is not None, "a code is somebody's"
        assert purchase_id is not None, "it is due"
        giver, taker = survivor(streams, referrer.member_id), survivor(streams, self.member_id)
        obstacle = self._obstacle(streams, giver, taker)
        if obstacle is not None:
            return Decision(referrer.reject(referral, obstacle))
        first = self._given(streams, giver, "referrer", terms.referrer)
        second = self._given(streams, taker, "referee", terms.referee)
        drafts = referrer.reward(referral, purchase_id, referrer=first.told, referee=second.told)
        then = [*first.then, *second.then, *JudgePurchase.after(self, account, purchase_id)]
        return Decision([*drafts, *first.drafts, *second.drafts], then)

    def _given(self, streams: Streams, member: Member, side: Side, reward: Reward) -> GivenTo:
        """What one side gets: points, a coupon, or nothing."""
        given = Given(member_id=member.id, grant_id=grant_of(self.member_id, side), points=reward.points or 0)
        version, policy = streams.programme.in_force(self.occurred_at)
        if reward.coupon is not None:
            given["coupon"] = streams.new_code()
            issuing = IssueCoupon.of(
                self, member_id=member.id, kind_id=reward.coupon.kind, valid_from=self.occurred_at,
                valid_until=good_through(policy, self.occurred_at, reward.coupon.valid_days),
                reference=f"referral:{self.member_id}", code=given["coupon"],
            )  # fmt: skip
            return GivenTo(given, [], [issuing])
        if not reward.points:
            return GivenTo(given, [], [])
        account = streams.get(PointsAccount, account_id(member.id))
        granted = grant(
            account, grant_id=given["grant_id"], cause="referral", reference=str(self.member_id),
            points=given["points"], at=self.occurred_at, policy=policy, version=version,
        )  # fmt: skip
        return GivenTo(given, granted, [SettleDebt.after(self, account)])

    def _obstacle(self, streams: Streams, giver: Member, taker: Member) -> Rejection | None:
        """Why nobody is rewarded."""
        if giver.id == taker.id:
            return "same-person"
        if giver.erased or taker.erased:
            return "member-erased"
        accounts = (streams.get(PointsAccount, account_id(member.id)) for member in (giver, taker))
        return "account-closed" if any(account.closed(self.occurred_at) for account in accounts) else None
