"""Recording what a till sold, and crediting whoever bought it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from domain import crediting, gifts
from domain.basket import CouponUse, Line, Tender
from domain.buyer import united
from domain.command import Command, Decision, History, Repeat, Streams, Wanted
from domain.commands.coupons import HandedIn, hand_in
from domain.commands.paying import PayByPoints
from domain.commands.redemptions import SettleDebt
from domain.commands.returns import (
    GoodsBack,
    ReclaimPoints,
    TakeBackKept,
    current,
    of_purchase,
    where_the_member_stands,
)
from domain.coupon import Coupon, coupon_stream
from domain.fact import Fact
from domain.member import Card, Member
from domain.movements import PointsEarned, PointsRedeemed, PointsRevoked
from domain.points_account import PointsAccount, account_id
from domain.purchase import Purchase, PurchaseRecorded, PurchaseReturned, SetOff, paid_by_points
from domain.refusals import PointsAreNotCash, PointsWithoutBuyer, UnknownMember, WrongCurrency
from domain.sale import NO_COUPONS, Sale
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPurchase(Command):
    """Record what a till sold, and credit the member who bought it; in an exchange, take back what was brought."""

    scope = "purchase"

    currency: str
    store: str
    channel: str
    card_id: UUID | None
    member_id: UUID | None
    lines: list[Line]
    tenders: list[Tender]
    coupons: list[CouponUse]
    holds: list[UUID]
    brought: Sequence[GoodsBack] = ()
    """Goods of other purchases that pay for some of this one."""

    def wants(self, streams: Streams) -> Wanted:
        yield Purchase, self.id
        for goods in self.brought:
            yield from of_purchase(streams, goods.purchase_id)
        for use in self.coupons:
            yield Coupon, coupon_stream(use["code"])
        if self.card_id is not None:
            yield Card, self.card_id
        member_id = self._buyer(streams)
        if member_id is not None:
            yield Member, member_id
            yield PointsAccount, account_id(member_id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else.

        Then clock, programme, currency, rate, member, coupons, buyer of what points paid, goods that were brought back,
        refused in this order. A till on Kafka is not refused for its points or coupons: nobody is there to take the
        goods back.
        """
        purchase = streams.get(Purchase, self.id)
        first = purchase.recorded
        if first is not None:  # behind the returns that came before it
            return self.same_as(purchase, first.fingerprint, version=first.originator_version)
        self.not_in_the_future(streams)
        version, policy = streams.programme.in_force(self.occurred_at)
        if policy.currency != self.currency:
            raise WrongCurrency(currency=self.currency, expected=policy.currency)
        if policy.points_as_cash is None and paid_by_points(self.tenders):
            raise PointsAreNotCash(programme=policy.name)
        if self.card_id is not None:
            streams.get(Card, self.card_id)
        member_id = self._buyer(streams)
        waiting = [TakeBackKept.of(kept, purchase=purchase, cause=self) for kept in purchase.waiting]
        if member_id is None:
            coupons = self._hand_in(streams, None)
            sale = self._sale(coupons.kinds)
            if sale.points_minor and self.card_id is None and self.answered:
                raise PointsWithoutBuyer(amount_minor=sale.points_minor)
            back, reclaiming = self._taken_back(streams)
            recorded = self._record(purchase, None, version, sale) + self._keep(streams)
            return Decision(recorded + coupons.drafts + back, [*reclaiming, *waiting])
        member = streams.get(Member, member_id)
        if not member.exists:
            raise UnknownMember(member_id=member_id)
        coupons = self._hand_in(streams, member_id)
        sale = self._sale(coupons.kinds)
        back, reclaiming = self._taken_back(streams)
        recorded = self._record(purchase, member_id, version, sale) + coupons.drafts
        account = streams.get(PointsAccount, account_id(member_id))
        if sale.points_minor or self.holds:
            paying = PayByPoints.of(self, sale=sale, account=account, holds=self.holds, streams=streams)
            crediting_ = CreditPurchase.of(self, purchase_id=self.id, member_id=member_id)
            return Decision(
                recorded + back, [*reclaiming, paying, crediting_, *waiting, SettleDebt.after(self, account)]
            )
        settling = [SettleDebt.after(self, account)] if account.debt else []
        return Decision(recorded + credit(streams, sale, member) + back, [*reclaiming, *waiting, *settling])

    def _taken_back(self, streams: Streams) -> tuple[list[Draft], list[ReclaimPoints]]:
        """What was brought back on the same receipt: all of it is agreed on, or the whole receipt is refused."""
        drafts, reclaiming = [], []
        for goods in self.brought:
            purchase = current(streams, goods.purchase_id)
            if purchase.recorded is not None:
                if purchase.recorded.currency != self.currency:
                    raise WrongCurrency(currency=self.currency, expected=purchase.recorded.currency)
                reclaiming.append(ReclaimPoints.of(purchase.id, cause=self))
            drafts += goods.taken_in(streams, strictly=self.answered)
        return drafts, reclaiming

    def _buyer(self, streams: Streams) -> UUID | None:
        if self.card_id is None:
            return self._survivor(streams)
        card = streams.peek(self.card_id)
        return None if card is None else card.member_id

    def _survivor(self, streams: Streams) -> UUID | None:
        """The member that was named, or who it lives on in."""
        member_id = self.member_id
        while member_id is not None and (member := streams.peek(member_id)) is not None:
            if not isinstance(member, Member) or member.merged_into is None:
                break
            member_id = member.merged_into
        return member_id

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
            coupon_kinds=dict(sale.coupon_kinds) or None,
            paid_minor=sale.paid_minor,
            holds=self.holds or None,
            set_off=[SetOff(purchase_id=one.purchase_id, amount_minor=one.set_off_minor) for one in self.brought]
            or None,
            fingerprint=self.fingerprint,
            programme_version=version,
        )

    def _keep(self, streams: Streams) -> list[Draft]:
        return [] if self.card_id is None else streams.get(Card, self.card_id).keep(self.id)

    def _hand_in(self, streams: Streams, member_id: UUID | None) -> HandedIn:
        return hand_in(
            streams, self.coupons, member_id=member_id, purchase_id=self.id, at=self.occurred_at, strictly=self.answered
        )

    def _sale(self, coupon_kinds: Mapping[str, str] = NO_COUPONS) -> Sale:
        return Sale(
            purchase_id=self.id,
            occurred_at=self.occurred_at,
            store=self.store,
            lines=self.lines,
            coupons=self.coupons,
            coupon_kinds=coupon_kinds,
            points_minor=paid_by_points(self.tenders),
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What a receipt prints: points by part, and where the member stands as of the purchase."""
        recorded = next(fact for fact in facts if isinstance(fact, PurchaseRecorded))
        redeemed = [fact for fact in facts if isinstance(fact, PointsRedeemed)]
        told: dict[str, Any] = {
            "purchase_id": recorded.originator_id,
            "member_id": recorded.member_id,
            "points": [],
            "redeemed": sum(one.points for one in redeemed),
            "debt": sum(one.debt for one in redeemed),
            "returned": [
                _went_back(fact, facts)
                for fact in facts
                if isinstance(fact, PurchaseReturned) and fact.exchanged_for == recorded.originator_id
            ],
        }
        earned = next((fact for fact in facts if isinstance(fact, PointsEarned)), None)
        if earned is None:
            return told
        return told | {
            "points": [{"part": part["part"], "points": part["points"]} for part in earned.parts],
            **where_the_member_stands(facts, earned, history),
        }


def _went_back(back: PurchaseReturned, facts: Sequence[Fact]) -> dict[str, Any]:
    """What went back of another purchase, and the points that it took."""
    revoked = [fact for fact in facts if isinstance(fact, PointsRevoked) and fact.purchase_id == back.originator_id]
    return {
        "purchase_id": back.originator_id,
        "returned_minor": back.amount_minor,
        "revoked": [{"part": part["part"], "points": part["points"]} for one in revoked for part in one.parts],
    }


def credit(streams: Streams, sale: Sale, member: Member) -> list[Draft]:
    """Credit a sale to a member under the policy and campaigns of its business time."""
    version, policy = streams.programme.in_force(sale.occurred_at)
    account = streams.get(PointsAccount, account_id(member.id))
    campaigns = streams.campaigns(sale=sale, member=member, account=account, policy=policy)
    absorbed = list(united(streams, account))[1:] if account.absorbed else ()
    drafts = crediting.earn(account, sale, policy=policy, version=version, campaigns=campaigns, united=absorbed)
    return [*drafts, *gifts.issued(streams, sale, member, drafts=drafts, campaigns=campaigns, policy=policy)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditPurchase(Command):
    """When a purchase was recorded and its points part is paid, then the rest of it is credited."""

    scope = "credit"

    purchase_id: UUID
    member_id: UUID

    @classmethod
    def of(cls, cause: Command, *, purchase_id: UUID, member_id: UUID) -> Self:
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=cause.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            purchase_id=purchase_id,
            member_id=member_id,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        sale = streams.get(Purchase, self.purchase_id).sale()
        return Decision(credit(streams, sale, streams.get(Member, self.member_id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLate(Command):
    """When a purchase finds its member later, then it is paid for, credited, and relieved of what has gone back, each at its time."""

    scope = "late-credit"

    purchase_id: UUID
    member_id: UUID

    @classmethod
    def of(cls, cause: Command, *, recorded: PurchaseRecorded, purchase_id: UUID, member_id: UUID) -> Self:
        return cls(
            id=cause.id,
            source=recorded.source,
            external_id=recorded.external_id,
            occurred_at=recorded.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            purchase_id=purchase_id,
            member_id=member_id,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        purchase = streams.get(Purchase, self.purchase_id)
        account = streams.get(PointsAccount, account_id(self.member_id))
        recorded, sale = purchase.recorded, purchase.sale()
        assert recorded is not None, "only a recorded purchase finds its member"
        paying = (
            [PayByPoints.of(self, sale=sale, account=account, holds=recorded.holds or [], streams=streams)]
            if sale.points_minor
            else []
        )
        crediting_ = CreditPurchase.of(self, purchase_id=purchase.id, member_id=self.member_id)
        reclaiming = ReclaimPoints.of_all(purchase, cause=self)
        return Decision([], [*paying, crediting_, *reclaiming, SettleDebt.after(self, account)])


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
        assert purchase.recorded is not None, "a card keeps only purchases that were recorded"
        if purchase.replaced_by is not None:  # the card was a wrong one
            return Decision([])
        claimed = purchase.claim(member_id=self.member_id, card_id=self.card_id)
        late = CreditLate.of(self, recorded=purchase.recorded, purchase_id=purchase.id, member_id=self.member_id)
        return Decision(claimed, [late])
