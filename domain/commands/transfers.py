"""Points and people that move: transfers between members, merges of two members who are one, and their undoing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import moving
from domain.command import AgreedCommand, Decision, History, Streams, Wanted
from domain.commands.redemptions import SettleDebt, account_of, standing
from domain.commands.referees import JudgeMerge
from domain.correcting import refuse_if_closed
from domain.fact import Fact
from domain.member import Card, Member
from domain.movements import PointsGivenBack, PointsReceived, PointsSent
from domain.points_account import PointsAccount, account_id
from domain.receipt import Receipt
from domain.refusals import EarlierThanCause, MemberErased, NotMerged, TransferToOneself, UnknownMember


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenMembers(AgreedCommand):
    """A command about two members."""

    member_id: UUID
    other_id: UUID
    reason: str | None

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        for member_id in (self.member_id, self.other_id):
            yield PointsAccount, account_id(member_id)
            yield Member, member_id
            member = streams.peek(member_id)
            if isinstance(member, Member):
                for card_id in sorted(member.card_ids):
                    yield Card, card_id

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)

    def _not_oneself(self) -> None:
        if self.member_id == self.other_id:
            raise TransferToOneself(member_id=self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPoints(BetweenMembers):
    """Give points to another member."""

    scope = "transfer"
    remembers_refusals = True

    points: int

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: oneself, members (the sender first), closed, points."""
        self._not_oneself()
        sender, receiver = account_of(streams, self.member_id), account_of(streams, self.other_id)
        refuse_if_closed(sender, self.occurred_at)
        refuse_if_closed(receiver, self.occurred_at)
        _, policy = streams.programme.in_force(self.occurred_at)
        drafts = moving.transfer(
            sender,
            receiver,
            transfer_id=self.id,
            points=self.points,
            at=self.occurred_at,
            reason=self.reason,
            policy=policy,
        )
        return Decision(drafts, [SettleDebt.after(self, sender), SettleDebt.after(self, receiver)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What was sent, and what is available to the sender after it."""
        sent = [fact for fact in facts if isinstance(fact, PointsSent)]
        points = sum(part["points"] for one in sent for part in one.parts)
        return {
            "transfer_id": sent[0].transfer_id, "to": sent[0].to_member_id, "points": points,
            **standing(facts, sent[0], history),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeMembers(BetweenMembers):
    """Two members are one person: everything of `member_id` goes to the survivor, `other_id`."""

    scope = "merge"

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: oneself, members, merged before, survivor erased, open holds."""
        self._not_oneself()
        absorbed, survivor = account_of(streams, self.member_id), account_of(streams, self.other_id)
        if streams.get(Member, self.other_id).erased:
            raise MemberErased(member_id=self.other_id)
        version, policy = streams.programme.in_force(self.occurred_at)
        moved = moving.merge(
            absorbed,
            survivor,
            transfer_id=self.id,
            at=self.occurred_at,
            reason=self.reason,
            policy=policy,
            version=version,
        )
        member, other = streams.get(Member, self.member_id), streams.get(Member, self.other_id)
        cards = [draft for card_id in sorted(member.card_ids) for draft in streams.get(Card, card_id).move(other.id)]
        joined = member.merge_into(other, reason=self.reason)
        then = [SettleDebt.after(self, survivor), JudgeMerge.after(self, other.id)]
        return Decision([*joined, *cards, *moved], then)

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The survivor, what came over, and what is available now."""
        received = [fact for fact in facts if isinstance(fact, PointsReceived)]
        points = sum(lot["points"] for one in received for lot in one.lots)
        return {
            "merged": received[0].from_member_id, "points": points, "debt": sum(one.debt for one in received),
            **standing(facts, received[0], history),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmergeMembers(BetweenMembers):
    """A merge was a mistake: what is left of what `member_id` had brought goes back to it."""

    scope = "unmerge"

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: members, not merged, earlier than the merge."""
        survivor = account_of(streams, self.other_id)
        absorbed = streams.get(PointsAccount, account_id(self.member_id))
        if not absorbed.exists:
            raise UnknownMember(member_id=self.member_id)
        if absorbed.merged_into != self.other_id:
            raise NotMerged(member_id=self.member_id, survivor_id=self.other_id)
        merged_at = survivor.absorbed[self.member_id].at
        if self.occurred_at < merged_at:
            raise EarlierThanCause(occurred_at=self.occurred_at, cause_at=merged_at)
        version, policy = streams.programme.in_force(self.occurred_at)
        moved = moving.unmerge(
            absorbed, survivor, at=self.occurred_at, reason=self.reason, policy=policy, version=version
        )
        member, other = streams.get(Member, self.member_id), streams.get(Member, self.other_id)
        cards = [draft for card_id in other.brought[member.id] for draft in streams.get(Card, card_id).move(member.id)]
        parted = member.part_from(other, reason=self.reason)
        return Decision([*parted, *cards, *moved], [SettleDebt.after(self, survivor), SettleDebt.after(self, absorbed)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What went back."""
        given = next(fact for fact in facts if isinstance(fact, PointsGivenBack))
        points = sum(part["points"] for part in given.parts)
        return {"unmerged": given.to_member_id, "points": points, "debt": given.debt, **standing(facts, given, history)}
