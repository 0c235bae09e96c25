"""Whether a proof lacks facts between those that it holds: those of a stream are numbered 1, 2, 3 … without a gap."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from domain.campaign import BudgetReleased, BudgetReserved
from domain.member import CardAssigned, CardUnlinked
from domain.points_account import account_id
from domain.referral import (
    ReferralCodeIssued,
    ReferralDisqualified,
    ReferralJoined,
    ReferralQualified,
    ReferralRejected,
    ReferralReversed,
    ReferralReviewed,
    ReferralRewarded,
    ReferralRewardMoved,
)
from domain.reward import RewardGivenBack, RewardRedeemed
from infra.evidence.proofs import FactProven, Proof

SHARED = frozenset(
    kind.stored_name
    for kind in (
        BudgetReleased, BudgetReserved, CardAssigned, CardUnlinked, ReferralCodeIssued, ReferralDisqualified,
        ReferralJoined, ReferralQualified, ReferralRejected, ReferralReversed, ReferralReviewed, ReferralRewarded,
        ReferralRewardMoved, RewardGivenBack, RewardRedeemed,
    )
)  # fmt: skip
"""Facts of a member in streams where those of others stand between them: of a card that moved, a code, a reward, a budget."""


class FactsLeftOut(ValueError):
    """A proof is right fact by fact, but facts between them were taken out, doubled or put in another order."""


def check_whole(proof: Proof) -> None:
    """Raise at the first gap: a stream goes on from its first fact in the proof, a member's own from its first at all.

    What a proof cannot show is whether a stream goes on behind its last fact, and whether there are other streams.
    """
    own: set[UUID] = set() if proof.member_id is None else {proof.member_id, account_id(proof.member_id)}
    streams: dict[UUID, list[FactProven]] = defaultdict(list)
    for fact in proof.facts:
        if proof.member_id is not None and fact.subject != proof.member_id:
            raise FactsLeftOut(f"the fact at position {fact.position:,} is not one of member {proof.member_id}")
        streams[fact.stream_id].append(fact)
    for stream_id, facts in streams.items():
        if facts[0].name not in SHARED:
            _check_whole(stream_id, facts, first=1 if stream_id in own else facts[0].version)


def _check_whole(stream_id: UUID, facts: Sequence[FactProven], *, first: int) -> None:
    for expected, fact in enumerate(facts, first):
        if fact.version != expected:
            raise FactsLeftOut(
                f"stream {stream_id}: version {expected:,} is missing, at position {fact.position:,} stands version"
                f" {fact.version:,}: facts were taken out, doubled or put in another order"
            )
