"""Who joins by a recommendation, and what their purchases and merges make of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from domain.calendar_days import day_begins, local_day, months_after
from domain.command import Command, Decision, Streams, Wanted
from domain.commands.granting import RevokeGrant
from domain.commands.personal_data import one_person
from domain.coupon import Coupon, coupon_stream
from domain.fact import message_id
from domain.member import Card, Member
from domain.points_account import PointsAccount, account_id
from domain.policy.referral import Referral as Terms
from domain.programme import Policy
from domain.purchase import Purchase
from domain.receipt import Receipt
from domain.referral import Referral, Referrer, Reversal, referrer_stream
from domain.refusals import (
    ReferralCapReached,
    ReferralCycle,
    ReferralOfMember,
    ReferralOfOneself,
    ReferralsNotOffered,
    Refusal,
    SecondReferrer,
    UnknownReferralCode,
)
from domain.stream import Draft

CODES = "/referrals"
"""The source under which a member's code is claimed: the external id is the member's."""


def code_claim(member_id: UUID) -> UUID:
    """The receipt that tells the code of a member."""
    return message_id(CODES, str(member_id))


def survivor(streams: Streams, member_id: UUID) -> Member:
    """The member, or who it lives on in."""
    member = streams.get(Member, member_id)
    while member.merged_into is not None:
        member = streams.get(Member, member.merged_into)
    return member


def offered(policy: Policy) -> Terms:
    """What the programme promises for a recommendation, or a refusal."""
    if policy.referral is None:
        raise ReferralsNotOffered(programme=policy.name)
    return policy.referral


def refer(streams: Streams, code: str, *, referee_id: UUID, card: Card, at: datetime) -> tuple[list[Draft], UUID]:
    """Let a new member join by a code; also its stream. Held for review, where too many come at once.

    Refused in this order: not offered, unknown code, oneself, a member before, the cap.
    """
    version, policy = streams.programme.in_force(at)
    terms = offered(policy)
    referrer, owner = _owner_of(streams, code, at)
    if any(survivor(streams, former).id == owner.id for former in card.former):
        raise ReferralOfOneself(code=code)
    if card.former:
        raise ReferralOfMember(member_id=card.former[-1])
    joined = [
        one.joined_at for book in _codes_of(streams, referrer, owner) for one in book.referrals.values() if one.counts
    ]
    since = day_begins(months_after(local_day(at, policy.zone), -terms.cap.months), policy.zone)
    if sum(since <= one for one in joined) >= terms.cap.referrals:
        raise ReferralCapReached(most=terms.cap.referrals, since=since)
    lately = at - timedelta(hours=terms.burst.hours)
    held = sum(lately < one <= at for one in joined) >= terms.burst.joins
    return referrer.refer(referee_id, held=held, version=version), referrer.id


def refusal_of(streams: Streams, code: str, *, member_id: UUID, at: datetime) -> Refusal:
    """Why somebody who is a member cannot be referred: oneself, referred by another, a cycle, or just that."""
    _, policy = streams.programme.in_force(at)
    offered(policy)
    referrer, owner = _owner_of(streams, code, at)
    person = survivor(streams, member_id)
    if person.id == owner.id:
        return ReferralOfOneself(code=code)
    referred = [one.account.referred_by for one in referees(streams, person.id)]
    if referred and referrer.id not in referred:
        return SecondReferrer(member_id=person.id)
    if person.id in _brought_by(streams, owner.id):
        return ReferralCycle(member_id=person.id)
    return ReferralOfMember(member_id=person.id)


class Referee(NamedTuple):
    """Somebody who was referred, as far as they live on in a member."""

    account: PointsAccount
    since: datetime | None
    """From when the member's purchases are theirs: since the merge."""


def referees(streams: Streams, member_id: UUID) -> Iterator[Referee]:
    """The member, if they were referred, and those who were merged into them; nobody, where it was never offered."""
    if not any(policy.referral for policy in streams.programme.versions):
        return
    account = streams.get(PointsAccount, account_id(member_id))
    if account.referred_by is not None:
        yield Referee(account, None)
    for absorbed_id, absorbed in account.absorbed.items():
        for one in referees(streams, absorbed_id):
            yield Referee(one.account, absorbed.at if one.since is None else max(one.since, absorbed.at))


def referral_of(streams: Streams, account: PointsAccount) -> tuple[Referrer, Referral, Terms]:
    """The referral of a referee, and the terms under which they joined."""
    assert account.referred_by is not None, "a referee joined by a code"
    assert account.member_id is not None, "the account is open"
    referrer = streams.get(Referrer, account.referred_by)
    referral = referrer.referrals[account.member_id]
    return referrer, referral, offered(streams.programme.versions[referral.version - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class OfReferees(Command):
    """When something happened to a member, then it is seen what that makes of the referrals that live on in them."""

    member_id: UUID

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def reversed(self, streams: Streams, referrer: Referrer, referral: Referral, reason: Reversal) -> Decision:
        """What both were given is taken back; a coupon that was used is, should its purchase go back."""
        rewarded = referral.rewarded
        assert rewarded is not None, "only what was given is taken back"
        drafts = referrer.reverse(referral, reason)
        revoking = []
        for side in (rewarded.referrer, rewarded.referee):
            revoking.append(
                RevokeGrant.after(self, member_id=side["member_id"], grant_id=side["grant_id"], reason=reason)
            )
            if "coupon" in side:
                coupon = streams.get(Coupon, coupon_stream(side["coupon"]))
                drafts += coupon.revoke(reason=reason)
        return Decision(drafts, revoking)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePurchase(OfReferees):
    """When a purchase was credited, or something of it went back, then it counts for a referral, or no longer."""

    scope = "referral-purchase"

    purchase_id: UUID

    @classmethod
    def after(cls, cause: Command, account: PointsAccount, purchase_id: UUID) -> list[Self]:
        """Nothing, where nobody was referred."""
        if account.referred_by is None and not account.absorbed:
            return []
        assert account.member_id is not None, "the account is open"
        return [
            cls(
                id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=cause.occurred_at,
                actor=cause.actor, fingerprint=cause.fingerprint, member_id=account.member_id, purchase_id=purchase_id,
            )
        ]  # fmt: skip

    def decide(self, streams: Streams) -> Decision:
        """Until it is paid, the purchase may become the one that counts; then it may fall below the minimum."""
        purchase = streams.get(Purchase, self.purchase_id)
        judged = [self._judged(streams, purchase, one) for one in referees(streams, self.member_id)]
        return _together(judged)

    def _judged(self, streams: Streams, purchase: Purchase, referee: Referee) -> Decision:
        referrer, referral, terms = referral_of(streams, referee.account)
        recorded = purchase.recorded
        if referral.ended is not None or recorded is None:
            return Decision([])
        if referral.rewarded is not None:
            if referral.rests_on != purchase.id or purchase.left_minor >= terms.minimum_paid_minor:
                return Decision([])
            other = _meant(streams, referral, terms.minimum_paid_minor)
            if other is not None and other.id != purchase.id and other.left_minor >= terms.minimum_paid_minor:
                return Decision(referrer.move(referral, other.id))
            return self.reversed(streams, referrer, referral, "purchase-returned")
        policy = streams.programme.versions[referral.version - 1]
        first_day = day_begins(local_day(referral.joined_at, policy.zone), policy.zone)
        if recorded.occurred_at < (referee.since or first_day):
            return Decision([])
        due_at = recorded.occurred_at + terms.wait(policy.return_window_days)
        return Decision(referrer.qualify(referral, purchase, minimum=terms.minimum_paid_minor, due_at=due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeMerge(OfReferees):
    """When two members were found to be one person, then nobody has referred themselves, or was referred twice."""

    scope = "referral-merge"

    @classmethod
    def after(cls, cause: Command, member_id: UUID) -> Self:
        return cls(
            id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=cause.occurred_at,
            actor=cause.actor, fingerprint=cause.fingerprint, member_id=member_id,
        )  # fmt: skip

    def decide(self, streams: Streams) -> Decision:
        """Who joined first is the one that was referred; what was given to others as well stays."""
        found = sorted(
            (referral_of(streams, one.account)[:2] for one in referees(streams, self.member_id)),
            key=lambda each: (each[1].joined_at, each[1].referee_id),
        )
        return _together(
            [
                self._judged(streams, referrer, referral, first=number == 0)
                for number, (referrer, referral) in enumerate(found)
                if referral.ended is None
            ]
        )

    def _judged(self, streams: Streams, referrer: Referrer, referral: Referral, *, first: bool) -> Decision:
        assert referrer.member_id is not None, "a code is somebody's"
        oneself = survivor(streams, referrer.member_id).id == self.member_id
        if oneself and referral.rewarded is not None:
            return self.reversed(streams, referrer, referral, "same-person")
        if oneself:
            return Decision(referrer.reject(referral, "same-person"))
        if not first and referral.rewarded is None:
            return Decision(referrer.reject(referral, "second-referrer"))
        return Decision([])


def _meant(streams: Streams, referral: Referral, minimum: int) -> Purchase | None:
    """The purchase that should have been rewarded, by all that is known now: what came back in its time may have come late."""
    for purchase_id, candidate in sorted(referral.candidates.items(), key=lambda one: (one[1], one[0])):
        purchase = streams.get(Purchase, purchase_id)
        if purchase.kept_minor(candidate.due_at) >= minimum:
            return purchase
    return None


def _together(decisions: Sequence[Decision]) -> Decision:
    return Decision(
        [draft for one in decisions for draft in one.drafts], [then for one in decisions for then in one.then]
    )


def _owner_of(streams: Streams, code: str, at: datetime) -> tuple[Referrer, Member]:
    """A code, and the member whose it is now; not of one who left."""
    referrer = streams.get(Referrer, referrer_stream(code))
    if referrer.member_id is None:
        raise UnknownReferralCode(code=code)
    owner = survivor(streams, referrer.member_id)
    if owner.erased or streams.get(PointsAccount, account_id(owner.id)).closed(at):
        raise UnknownReferralCode(code=code)
    return referrer, owner


def _codes_of(streams: Streams, referrer: Referrer, owner: Member) -> Iterator[Referrer]:
    """The code itself, and those that the same person has by merges: limits unite."""
    if not owner.brought:
        yield referrer
        return
    for member in one_person(streams, owner):
        claimed = streams.get(Receipt, code_claim(member.id)).answered
        if claimed is not None:
            yield streams.get(Referrer, referrer_stream(claimed.target))


def _brought_by(streams: Streams, member_id: UUID) -> set[UUID]:
    """Those who referred a member, directly or through others."""
    found: set[UUID] = set()
    waiting = [member_id]
    while waiting:
        for one in referees(streams, waiting.pop()):
            by = referral_of(streams, one.account)[0].member_id
            assert by is not None, "a code is somebody's"
            person = survivor(streams, by).id
            if person not in found:
                found.add(person)
                waiting.append(person)
    return found
