"""Recording what a till sold, and crediting whoever bought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.basket import CouponUse, Line, Tender
from domain.command import Command, Decision, History, Repeat, Streams, Wanted
from domain.commands.returns import ReclaimPoints, TakeBackKept, where_the_member_stands
from domain.fact import Fact
from domain.member import Card, Member
from domain.points_account import PointsAccount, PointsEarned, account_id
from domain.purchase import (
    Purchase,
    PurchaseRecorded,
    Sale,
)
from domain.refusals import (
    UnknownMember,
    WrongCurrency,
)
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPurchase(Command):
    """Record what a till sold, and credit the member who bought it."""

    scope = "purchase"

    currency: str
    store: str
    channel: str
    card_id: UUID | None
    member_id: UUID | None
    lines: list[Line]
    tenders: list[Tender]
    coupons: list[CouponUse]

    def wants(self, streams: Streams) -> Wanted:
        yield Purchase, self.id
        if self.card_id is not None:
            yield Card, self.card_id
        member_id = self._buyer(streams)
        if member_id is not None:
            yield Member, member_id
            yield PointsAccount, account_id(member_id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else; then clock, programme, currency, member, refused in this order."""
        purchase = streams.get(Purchase, self.id)
        first = purchase.recorded
        if first is not None:  # behind the returns that came before it
            return self.same_as(purchase, first.fingerprint, version=first.originator_version)
        self.not_in_the_future(streams)
        version, policy = streams.programme.in_force(self.occurred_at)
        if policy.currency != self.currency:
            raise WrongCurrency(currency=self.currency, expected=policy.currency)
        if self.card_id is not None:
            streams.get(Card, self.card_id)
        member_id, sale = self._buyer(streams), self._sale()
        waiting = [TakeBackKept.of(kept, purchase=purchase, cause=self) for kept in purchase.waiting]
        if member_id is None:
            return Decision(self._record(purchase, None, version, sale) + self._keep(streams), waiting)
        member = streams.get(Member, member_id)
        if not member.exists:
            raise UnknownMember(member_id=member_id)
        return Decision(self._record(purchase, member_id, version, sale) + credit(streams, sale, member), waiting)

    def _buyer(self, streams: Streams) -> UUID | None:
        if self.card_id is None:
            return self.member_id
        card = streams.peek(self.card_id)
        return None if card is None else card.member_id

    def _record(self, purchase: Purchase, member_id: UUID | None, version: int, sale: Sale) -> list[Draft]:
        return purchase.record(
            member_id=member_id,
            card_id=self.card_id,
            currency=self.currency,
            store=self.store,
            channel=self.channel,
            lines=self.lines,
            tenders=self.tenders,
            coupons=self.coupons or None,
            paid_minor=sale.paid_minor,
            fingerprint=self.fingerprint,
            programme_version=version,
        )

    def _keep(self, streams: Streams) -> list[Draft]:
        return [] if self.card_id is None else streams.get(Card, self.card_id).keep(self.id)

    def _sale(self) -> Sale:
        return Sale(
            purchase_id=self.id,
            occurred_at=self.occurred_at,
            store=self.store,
            lines=self.lines,
            coupons=self.coupons,
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What a receipt prints: points by part, and where the member stands as of the purchase."""
        recorded = next(fact for fact in facts if isinstance(fact, PurchaseRecorded))
        told: dict[str, Any] = {"purchase_id": recorded.originator_id, "member_id": recorded.member_id, "points": []}
        earned = next((fact for fact in facts if isinstance(fact, PointsEarned)), None)
        if earned is None:
            return told
        return told | {
            "points": [{"part": part["part"], "points": part["points"]} for part in earned.parts],
            **where_the_member_stands(facts, earned, history),
        }


def credit(streams: Streams, sale: Sale, member: Member) -> list[Draft]:
    """Credit a sale to a member under the policy and campaigns of its business time."""
    version, policy = streams.programme.in_force(sale.occurred_at)
    account = streams.get(PointsAccount, account_id(member.id))
    return account.earn(sale, policy=policy, version=version, campaigns=streams.campaigns(sale=sale, member=member))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditKeptPurchase(Command):
    """When a card joins, then each purchase that it was kept for is credited to its holder."""

    scope = "kept-purchase"

    purchase_id: UUID
    member_id: UUID
    card_id: UUID

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        purchase = streams.get(Purchase, self.purchase_id)
        recorded = purchase.recorded
        assert recorded is not None, "a card keeps only purchases that were recorded"
        sale = Sale(
            purchase_id=self.purchase_id,
            occurred_at=recorded.occurred_at,
            store=recorded.store,
            lines=recorded.lines,
            coupons=recorded.coupons or [],
        )
        member = streams.get(Member, self.member_id)
        claimed = purchase.claim(member_id=self.member_id, card_id=self.card_id)
        return Decision([*claimed, *credit(streams, sale, member)], ReclaimPoints.of_all(purchase, cause=self))
