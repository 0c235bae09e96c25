"""Receipts put right: claimed without a card, moved from a wrong card, and returns that waited in vain."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

from domain.calendar_days import day_ends, local_day
from domain.command import Command, Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.commands.clock import CLOCK, by_name
from domain.commands.crediting import CreditLate
from domain.commands.redemptions import account_of
from domain.commands.returns import ReclaimPoints, current, of_purchase
from domain.correcting import refuse_if_closed
from domain.earning import points_by_part
from domain.fact import Fact
from domain.member import Card, Member
from domain.movements import PointsEarned, PointsRevoked
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy, Programme
from domain.purchase import Purchase, PurchaseClaimed, PurchaseRecorded, ReturnKept
from domain.receipt import Receipt
from domain.refusals import (
    ClaimTooLate,
    EarlierThanCause,
    PurchaseClaimedBefore,
    PurchaseVoidedBefore,
    ReceiptWithoutCard,
    SameHolder,
    UnknownCard,
    UnknownPurchase,
)


def open_until(policy: Policy, since: datetime) -> datetime:
    """For so long a receipt can be claimed and a return waits: through the last of `claim_days` local days."""
    return day_ends(local_day(since, policy.zone) + timedelta(days=policy.claim_days), policy.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMember(KeyedCommand):
    """A command that gives a purchase to a member, named by a card or by the member's id."""

    purchase_id: UUID
    member_id: UUID | None
    card_id: UUID | None

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield from of_purchase(streams, self.purchase_id)
        if self.card_id is not None:
            yield Card, self.card_id
        member_id = self._named(streams)
        if member_id is not None:
            yield Member, member_id
            yield PointsAccount, account_id(member_id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else; then the clock, the purchase, and what the command itself asks."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        self.not_in_the_future(streams)
        if self.card_id is not None:
            streams.get(Card, self.card_id)
        purchase = current(streams, self.purchase_id)
        if purchase.recorded is None:
            raise UnknownPurchase(purchase_id=self.purchase_id)
        return self.agree(streams, purchase, purchase.recorded)

    @abstractmethod
    def agree(self, streams: Streams, purchase: Purchase, recorded: PurchaseRecorded) -> Decision | Repeat:
        """What the command itself decides of a purchase that is known."""

    def _named(self, streams: Streams) -> UUID | None:
        if self.card_id is None:
            return self.member_id
        card = streams.peek(self.card_id)
        return card.member_id if isinstance(card, Card) else None

    def account(self, streams: Streams, *, earning_at: datetime) -> PointsAccount:
        """The member's account. Refused in this order: unknown card, unknown member, merged, closed by that time."""
        member_id = self._named(streams)
        if member_id is None:
            raise UnknownCard
        account = account_of(streams, member_id)
        refuse_if_closed(account, earning_at)
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReceipt(FindMember):
    """Credit a receipt without a card to the member who brings it, by the rules of its own time.

    Whatever tier the member has: points by tier are not for receipts that show no card.
    """

    scope = "claim"

    def agree(self, streams: Streams, purchase: Purchase, recorded: PurchaseRecorded) -> Decision | Repeat:
        """Refused in this order: claimed before, voided, too late, earlier than the sale, and whoever cannot earn."""
        first = purchase.claimed
        if first is not None and recorded.card_id is None and first.member_id == self._named(streams):
            return Repeat(purchase.id, first.originator_version)
        if purchase.member_id is not None or recorded.card_id is not None:
            raise PurchaseClaimedBefore(purchase_id=purchase.id)
        if purchase.voided:
            raise PurchaseVoidedBefore(purchase_id=purchase.id)
        _, policy = streams.programme.in_force(recorded.occurred_at)
        until = open_until(policy, recorded.occurred_at)
        if self.occurred_at >= until:
            raise ClaimTooLate(purchase_id=purchase.id, until=until)
        if self.occurred_at < recorded.occurred_at:
            raise EarlierThanCause(occurred_at=self.occurred_at, cause_at=recorded.occurred_at)
        account = self.account(streams, earning_at=self.occurred_at)
        assert account.member_id is not None, "an account that exists is somebody's"
        claimed = purchase.claim(member_id=account.member_id, card_id=self.card_id)
        late = CreditLate.of(self, recorded=recorded, purchase_id=purchase.id, member_id=account.member_id)
        return Decision([*self.claim(streams, target=str(purchase.id)), *claimed], [late])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What the receipt brought, what of it is taken off again, and where the member stands."""
        claimed = next(fact for fact in facts if isinstance(fact, PurchaseClaimed))
        return brought(facts, claimed.originator_id, claimed.member_id, claimed.occurred_at, history)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignPurchase(FindMember):
    """Give a purchase that was recorded under a wrong card to its buyer: a void and a purchase at the original time.

    The first holder loses its points, by debt if need be, and gets back those that it paid with. The new holder earns
    by the rules of the original time, less what has gone back since.
    """

    scope = "reassignment"

    reason: str

    def wants(self, streams: Streams) -> Wanted:
        yield from FindMember.wants(self, streams)
        yield Purchase, self.new_id

    @property
    def new_id(self) -> UUID:
        """The purchase that is recorded instead."""
        return uuid5(self.id, "purchase")

    def agree(self, streams: Streams, purchase: Purchase, recorded: PurchaseRecorded) -> Decision:
        """Refused in this order: voided, no card, earlier than the sale, whoever cannot earn, the same holder."""
        if purchase.voided:
            raise PurchaseVoidedBefore(purchase_id=purchase.id)
        if purchase.member_id is None and recorded.card_id is None:
            raise ReceiptWithoutCard(purchase_id=purchase.id)
        if self.occurred_at < recorded.occurred_at:
            raise EarlierThanCause(occurred_at=self.occurred_at, cause_at=recorded.occurred_at)
        account = self.account(streams, earning_at=recorded.occurred_at)
        assert account.member_id is not None, "an account that exists is somebody's"
        if account.member_id == purchase.member_id:
            raise SameHolder(purchase_id=purchase.id, member_id=account.member_id)
        instead = streams.get(Purchase, self.new_id)
        drafts = [
            *self.claim(streams, target=str(instead.id)),
            *purchase.void(reason=self.reason, replaced_by=instead.id),
            *instead.stand_in_for(purchase, member_id=account.member_id, card_id=self.card_id),
        ]
        late = CreditLate.of(self, recorded=recorded, purchase_id=instead.id, member_id=account.member_id)
        return Decision(drafts, [ReclaimPoints.of(purchase.id, cause=self), late])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The purchase that stands in for the other, and what it brought."""
        again = next(fact for fact in facts if isinstance(fact, PurchaseRecorded))
        assert again.member_id is not None, "it was recorded for its buyer"
        at = facts[0].occurred_at
        return {"corrects": again.corrects} | brought(facts, again.originator_id, again.member_id, at, history)


def brought(
    facts: Sequence[Fact], purchase_id: UUID, member_id: UUID, at: datetime, history: History
) -> dict[str, Any]:
    """What a purchase that is credited late brought its member, who then stands somewhere at an instant."""
    told: dict[str, Any] = {"purchase_id": purchase_id, "member_id": member_id, "points": [], "revoked": []}
    own = account_id(member_id)
    revoked = Counter[str]()
    for fact in facts:
        if isinstance(fact, PointsEarned):
            told["points"] = points_by_part(fact.parts)
        elif isinstance(fact, PointsRevoked) and fact.originator_id == own:
            revoked.update({part["part"]: part["points"] for part in fact.parts})
    told["revoked"] = [{"part": part, "points": points} for part, points in revoked.items() if points]
    account = history.account(own, version=max(fact.originator_version for fact in facts if fact.originator_id == own))
    _, policy = history.programme.in_force(at)
    return told | {"available": account.available(at), **account.progress(policy)}


def closes_at(kept: ReturnKept, programme: Programme) -> datetime:
    """When a return has waited too long for its purchase, by the version in whose time it was recorded."""
    _, policy = programme.in_force(kept.recorded_at)
    return open_until(policy, kept.recorded_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseWaitingReturns(Command):
    """When returns have waited too long for their purchase, then they are closed: should it still come, they are not taken in.

    Its business time is the clock's now; what is not due yet goes on waiting.
    """

    scope = "closed-returns"

    purchase_id: UUID

    @classmethod
    def of(cls, purchase_id: UUID, *, now: datetime) -> Self:
        return cls(
            id=uuid5(purchase_id, now.isoformat()),
            source=CLOCK,
            external_id=str(purchase_id),
            occurred_at=now,
            actor=CLOCK,
            fingerprint="",
            purchase_id=purchase_id,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Purchase, self.purchase_id

    def decide(self, streams: Streams) -> Decision:
        """Each is closed at the instant at which its time was over."""
        purchase, now = streams.get(Purchase, self.purchase_id), min(self.occurred_at, streams.recorded_at)
        due = [(kept, closes_at(kept, streams.programme)) for kept in purchase.waiting]
        return Decision([draft for kept, at in due if at <= now for draft in purchase.close(kept, at=at)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """How many facts of each kind were recorded."""
        return by_name(facts)
