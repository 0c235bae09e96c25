"""Recording what a till sold, and crediting whoever bought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.basket import CouponUse, Line, Tender
from domain.command import Command, Decision, History, Repeat, Streams, Wanted
from domain.commands.buying import buyer_of, of_buyer
from domain.commands.coupons import NO_COUPONS, HandedIn, check_coupons, hand_in, issued_answers
from domain.commands.crediting import CreditPurchase, check_covered, credit, rules_of
from domain.commands.paying import PayByPoints
from domain.commands.redemptions import SettleDebt
from domain.commands.referees import JudgePurchase
from domain.commands.reservations import reservation_of, sell
from domain.commands.returns import (
    GoodsBack,
    ReclaimPoints,
    TakeBackKept,
    current,
    of_purchase,
    where_the_member_stands,
)
from domain.coupon import Coupon, coupon_stream
from domain.earning import points_by_part
from domain.fact import Fact
from domain.member import Card, Member
from domain.movements import PointsEarned, PointsRedeemed, PointsRevoked
from domain.points_account import PointsAccount, account_id
from domain.purchase import Purchase, PurchaseRecorded, PurchaseReturned, SetOff, paid_by_points
from domain.quote import Quote, bill_of
from domain.refusals import (
    PointsAreNotCash,
    PointsWithoutBuyer,
    QuoteInvalid,
    Refusal,
    UnknownMember,
    WrongCurrency,
)
from domain.reservation import Reservation, hold_of, reservation_stream
from domain.sale import Sale
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
    quote: Quote | QuoteInvalid | None = None
    """The quote by which it was sold, or what was sent instead of one."""

    def wants(self, streams: Streams) -> Wanted:
        yield Purchase, self.id
        if self.brought or self.coupons or self.quote is not None:
            yield from self._drawn_on(streams)
        yield from of_buyer(streams, card_id=self.card_id, member_id=self.member_id)

    def _drawn_on(self, streams: Streams) -> Wanted:
        """What only few receipts name."""
        for goods in self.brought:
            yield from of_purchase(streams, goods.purchase_id)
        for use in self.coupons:
            yield Coupon, coupon_stream(use["code"])
        if isinstance(self.quote, Quote) and self.quote.reserved:
            yield Reservation, reservation_stream(self.quote.id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else.

        Then clock, quote, what its discounts draw on, programme, currency, rate, member, coupons, buyer of what points paid, goods that were brought
        back, refused in this order. A till on Kafka is not refused for its points, coupons or quote: nobody is there to take the
        goods back.
        """
        purchase = streams.get(Purchase, self.id)
        first = purchase.recorded
        if first is not None:  # behind the returns that came before it
            return self.same_as(purchase, first.fingerprint, version=first.originator_version)
        self.not_in_the_future(streams)
        if self.card_id is not None:
            member_id = streams.get(Card, self.card_id).member_id
        else:
            member_id = buyer_of(streams, card_id=None, member_id=self.member_id)
        quote = self.quote if self.quote is None else self._honoured(streams, member_id)
        quoted = quote.quoted() if isinstance(quote, Quote) else None
        rules = version, policy = rules_of(streams, quoted, self.occurred_at)
        if policy.currency != self.currency:
            raise WrongCurrency(currency=self.currency, expected=policy.currency)
        points_minor = paid_by_points(self.tenders)
        if points_minor and policy.points_as_cash is None:
            raise PointsAreNotCash(programme=policy.name)
        waiting = [TakeBackKept.of(kept, purchase=purchase, cause=self) for kept in purchase.waiting]
        if member_id is None:
            coupons = self._hand_in(streams, None)
            sale = self._sale(streams, coupons, quote, points_minor)
            if sale.points_minor and self.card_id is None and self.answered:
                raise PointsWithoutBuyer(amount_minor=sale.points_minor)
            back, reclaiming = self._taken_back(streams)
            recorded = self._record(purchase, None, version, sale, quote) + self._keep(streams)
            return Decision(recorded + coupons.drafts + back, [*reclaiming, *waiting])
        member = streams.get(Member, member_id)
        if not member.exists:
            raise UnknownMember(member_id=member_id)
        coupons = self._hand_in(streams, member_id)
        sale = self._sale(streams, coupons, quote, points_minor)
        back, reclaiming = self._taken_back(streams)
        recorded = self._record(purchase, member_id, version, sale, quote) + coupons.drafts
        reserved = reservation_of(streams, quote) if isinstance(quote, Quote) else None
        holds = self.holds
        if reserved is not None:  # it is credited after it, by what is free again
            recorded += sell(streams, reserved, purchase_id=self.id)
            holds = [hold_of(reserved.quote.id), *holds]
        account = streams.get(PointsAccount, account_id(member_id))
        judging = JudgePurchase.after(self, account, self.id)
        if sale.points_minor or holds:
            paying = PayByPoints.of(self, sale=sale, account=account, holds=holds, policy=policy)
            crediting_ = CreditPurchase.of(self, purchase_id=self.id, member_id=member_id)
            return Decision(
                recorded + back, [*reclaiming, paying, crediting_, *waiting, SettleDebt.after(self, account), *judging]
            )
        settling = [SettleDebt.after(self, account)] if account.debt else []
        credited = credit(streams, sale, member, account, rules=rules, quoted=quoted)
        return Decision([*recorded, *credited, *back], [*reclaiming, *waiting, *settling, *judging])

    def _taken_back(self, streams: Streams) -> tuple[list[Draft], list[ReclaimPoints]]:
        """What was brought back on the same receipt: all of it is agreed on, or the whole receipt is refused."""
        drafts: list[Draft] = []
        reclaiming: list[ReclaimPoints] = []
        for goods in self.brought:
            purchase = current(streams, goods.purchase_id)
            if purchase.recorded is not None:
                if purchase.recorded.currency != self.currency:
                    raise WrongCurrency(currency=self.currency, expected=purchase.recorded.currency)
                reclaiming.append(ReclaimPoints.of(purchase.id, cause=self))
            drafts += goods.taken_in(streams, strictly=self.answered)
        return drafts, reclaiming

    def _honoured(self, streams: Streams, buyer: UUID | None) -> Quote | Refusal | None:
        """The quote, where it holds; or why it does not, where nobody is there to be refused."""
        if not isinstance(self.quote, Quote):
            return self.quote
        bill = bill_of(self.lines, store=self.store, currency=self.currency, coupons=self.coupons)
        try:
            if self.quote.version > len(streams.programme.versions):
                raise QuoteInvalid
            member = None if buyer is None else streams.get(Member, buyer)
            self.quote.check(buyer=member, bill=bill, at=self.occurred_at)
            if self.answered and member is not None and self.quote.discounts:
                check_covered(streams, self.quote.quoted(), member, self.quote.discounts, self.occurred_at)
            if not self.answered:  # else the coupons themselves are refused
                check_coupons(streams, self.coupons, member_id=buyer, at=self.occurred_at, quote_id=self.quote.id)
        except Refusal as refusal:
            if self.answered:
                raise
            return refusal
        return self.quote

    def _record(
        self, purchase: Purchase, member_id: UUID | None, version: int, sale: Sale, quote: Quote | Refusal | None
    ) -> list[Draft]:
        """The receipt as the till sent it; what it does not tell is left out."""
        what: dict[str, Any] = {
            "member_id": member_id,
            "card_id": self.card_id,
            "currency": self.currency,
            "store": self.store,
            "channel": self.channel,
            "lines": self.lines,
            "tenders": self.tenders,
            "paid_minor": sale.paid_minor,
            "fingerprint": self.fingerprint,
            "programme_version": version,
        }
        if self.coupons:
            what |= {
                "coupons": self.coupons,
                "coupon_kinds": dict(sale.coupon_kinds) or None,
                "funded_minor": sale.funded_minor or None,
            }
        if isinstance(quote, Quote):
            what |= {"quote": quote.quoted(), "discounts": list(sale.discounts) or None}
        elif quote is not None:
            what["quote_refused"] = quote.name
        if self.holds:
            what["holds"] = self.holds
        if self.brought:
            what["set_off"] = [
                SetOff(purchase_id=one.purchase_id, amount_minor=one.set_off_minor) for one in self.brought
            ]
        return purchase.record(what)

    def _keep(self, streams: Streams) -> list[Draft]:
        return [] if self.card_id is None else streams.get(Card, self.card_id).keep(self.id)

    def _hand_in(self, streams: Streams, member_id: UUID | None) -> HandedIn:
        if not self.coupons:
            return NO_COUPONS
        return hand_in(
            streams, self.coupons, member_id=member_id, purchase_id=self.id, at=self.occurred_at, strictly=self.answered,
            quote_id=self.quote.id if isinstance(self.quote, Quote) else None,
        )  # fmt: skip

    def _sale(self, streams: Streams, coupons: HandedIn, quote: Quote | Refusal | None, points_minor: int) -> Sale:
        funded_minor = 0
        if coupons.funded_minor:
            by_coupons = sum([tender["amount_minor"] for tender in self.tenders if tender["kind"] == "coupon"])
            funded_minor = min(by_coupons, coupons.funded_minor)
        return Sale(
            purchase_id=self.id,
            occurred_at=self.occurred_at,
            store=self.store,
            lines=self.lines,
            coupons=self.coupons,
            coupon_kinds=coupons.kinds,
            points_minor=points_minor,
            funded_minor=funded_minor,
            discounts=quote.discounts if isinstance(quote, Quote) else (),
            recorded_at=streams.recorded_at,
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
        told["coupons"] = issued_answers(facts)
        earned = next((fact for fact in facts if isinstance(fact, PointsEarned)), None)
        if earned is None:
            return told
        return told | {
            "points": points_by_part(earned.parts),
            **where_the_member_stands(facts, earned, history),
        }


def _went_back(back: PurchaseReturned, facts: Sequence[Fact]) -> dict[str, Any]:
    """What went back of another purchase, and the points that it took."""
    revoked = [fact for fact in facts if isinstance(fact, PointsRevoked) and fact.purchase_id == back.originator_id]
    return {
        "purchase_id": back.originator_id,
        "returned_minor": back.amount_minor,
        "revoked": points_by_part(part for one in revoked for part in one.parts),
    }
