"""Taking back what was sold, and what it had earned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from domain import crediting, gifts
from domain.basket import Tender
from domain.campaign import Campaign, campaign_stream
from domain.command import Command, Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.commands.coupons import RestoreCoupons
from domain.commands.forwarding import ForwardClaw
from domain.commands.paying import GiveBackPoints
from domain.commands.redemptions import SettleDebt, restored_until
from domain.commands.referees import JudgePurchase
from domain.coupon import Coupon, coupon_stream
from domain.earning import BASE, points_by_part
from domain.fact import Fact
from domain.movements import PointsEarned, PointsRevoked, RedemptionReversed
from domain.points_account import PointsAccount, account_id
from domain.purchase import Purchase, PurchaseReturned, PurchaseVoided, ReturnKept
from domain.receipt import Receipt
from domain.refusals import EarlierThanCause, PurchaseVoidedBefore, UnknownPurchase
from domain.returned import ReturnedLine
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsBack:
    """What goes back of one purchase, by itself or in exchange for another one on the same receipt."""

    purchase_id: UUID
    lines: list[ReturnedLine]
    tenders: list[Tender] | None
    reason: str | None
    exchanged_for: UUID | None = None
    set_off_minor: int = 0
    """How much of that purchase they pay."""

    def taken_in(self, streams: Streams, *, strictly: bool) -> list[Draft]:
        """Take the goods back, or keep the return until its purchase arrives.

        Refused in this order, where somebody is there to be refused: unknown purchase, voided before, refunds, lines.
        """
        purchase = current(streams, self.purchase_id)
        what: dict[str, Any] = {
            "lines": self.lines, "tenders": self.tenders, "reason": self.reason, "exchanged_for": self.exchanged_for
        }  # fmt: skip
        if purchase.recorded is None:
            if strictly:
                raise UnknownPurchase(purchase_id=self.purchase_id)
            return purchase.wait(**what)
        if purchase.voided and strictly:
            raise PurchaseVoidedBefore(purchase_id=purchase.id)
        return purchase.take_back(**what, strictly=strictly)


def current(streams: Streams, purchase_id: UUID) -> Purchase:
    """The purchase, or the one that was recorded in its stead under another card."""
    purchase = streams.get(Purchase, purchase_id)
    while purchase.replaced_by is not None:
        purchase = streams.get(Purchase, purchase.replaced_by)
    return purchase


def of_purchase(streams: Streams, purchase_id: UUID) -> Wanted:
    """The streams that a command about a purchase reads, as far as they can be told by now."""
    yield Purchase, purchase_id
    purchase = streams.peek(purchase_id)
    if not isinstance(purchase, Purchase):
        return
    if purchase.member_id is not None:
        yield PointsAccount, account_id(purchase.member_id)
    for code in purchase.coupon_kinds:
        yield Coupon, coupon_stream(code)
    if purchase.replaced_by is not None:
        yield from of_purchase(streams, purchase.replaced_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(KeyedCommand):
    """Take back goods or money of a purchase; without lines, all that is left of it: a void."""

    scope = "return"

    purchase_id: UUID
    lines: list[ReturnedLine] | None
    tenders: list[Tender] | None
    reason: str | None
    strictly: bool
    """Whether somebody is there to be refused; over Kafka what cannot be is flagged, and an early return waits."""

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield from of_purchase(streams, self.purchase_id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else; then clock, time, purchase, void, refunds, lines, refused in this order.

        A till on Kafka is not refused for its clock: what came back came back.
        """
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        self.not_in_the_future(streams)
        purchase = current(streams, self.purchase_id)
        if self.lines is None and purchase.void_version is not None:
            return Repeat(purchase.id, purchase.void_version)
        if self.strictly and purchase.recorded is not None and self.occurred_at < purchase.recorded.occurred_at:
            raise EarlierThanCause(occurred_at=self.occurred_at, cause_at=purchase.recorded.occurred_at)
        drafts = [*self.claim(streams, target=str(self.purchase_id)), *self._taken_in(streams, purchase)]
        return Decision(drafts, [ReclaimPoints.of(purchase.id, cause=self)] if purchase.recorded else ())

    def _taken_in(self, streams: Streams, purchase: Purchase) -> list[Draft]:
        if self.lines is not None:
            goods = GoodsBack(
                purchase_id=self.purchase_id, lines=self.lines, tenders=self.tenders, reason=self.reason
            )  # fmt: skip
            return goods.taken_in(streams, strictly=self.strictly)
        if purchase.recorded is not None:
            return purchase.void(reason=self.reason)
        if self.strictly:
            raise UnknownPurchase(purchase_id=self.purchase_id)
        return purchase.wait(reason=self.reason)

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What went back, the points that it took, and where the member stands."""
        back = next(fact for fact in facts if isinstance(fact, PurchaseReturned | PurchaseVoided))
        told: dict[str, Any] = {
            "purchase_id": back.originator_id,
            "member_id": back.member_id,
            "returned_minor": back.amount_minor,
            "revoked": [],
            "restored": sum(fact.points for fact in facts if isinstance(fact, RedemptionReversed)),
            "restored_until": restored_until(facts),
        }
        revoked = next((fact for fact in facts if isinstance(fact, PointsRevoked)), None)
        if revoked is None:
            return told
        return told | {
            "revoked": points_by_part(revoked.parts),
            **where_the_member_stands(facts, revoked, history),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackKept(Command):
    """When a purchase arrives, then the returns that came before it are taken in."""

    scope = "kept-return"

    purchase_id: UUID
    kept: ReturnKept

    @classmethod
    def of(cls, kept: ReturnKept, *, purchase: Purchase, cause: Command) -> Self:
        return cls(
            id=cause.id,
            source=kept.source,
            external_id=kept.external_id,
            occurred_at=kept.occurred_at,
            actor=kept.actor,
            fingerprint=cause.fingerprint,
            purchase_id=purchase.id,
            kept=kept,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        purchase, kept = streams.get(Purchase, self.purchase_id), self.kept
        if kept.lines is None and purchase.voided:
            return Decision([])
        if kept.lines is None:
            drafts = purchase.void(reason=kept.reason)
        else:
            drafts = purchase.take_back(
                kept.lines, strictly=False, tenders=kept.tenders, reason=kept.reason, exchanged_for=kept.exchanged_for
            )
        return Decision(drafts, [ReclaimPoints.of(self.purchase_id, cause=self)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimPoints(Command):
    """When something of a credited purchase went back, then its member keeps only what the rest still earns."""

    scope = "reclaim"

    purchase_id: UUID
    number: int = -1
    """Which of the returns of the purchase, in the order in which they were recorded; by default the last."""
    points_are_back: bool = False
    """Whether what points had paid came back already. It comes first: else a claw would not find it, and be forgiven."""

    coupons_are_back: bool = False
    """Whether the coupons that it had used were looked at already."""

    @classmethod
    def of(cls, purchase_id: UUID, *, cause: Command) -> Self:
        """After the return that was just taken in."""
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=cause.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            purchase_id=purchase_id,
        )

    @classmethod
    def of_all(cls, purchase: Purchase, *, cause: Command) -> list[Self]:
        """After each return so far, at its own time: for a purchase that is only credited now."""
        return [
            cls(
                id=cause.id,
                source=back.fact.source,
                external_id=back.fact.external_id,
                occurred_at=back.fact.occurred_at,
                actor=cause.actor,
                fingerprint=cause.fingerprint,
                purchase_id=purchase.id,
                number=number,
            )
            for number, back in enumerate(purchase.backs)
        ]

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """By the policy and the campaigns that granted, whatever is in force by now; only the tier is judged by that."""
        purchase = streams.get(Purchase, self.purchase_id)
        if purchase.coupon_kinds and not self.coupons_are_back:
            restoring = RestoreCoupons.of(self, purchase_id=purchase.id)
            return Decision([], [restoring, replace(self, coupons_are_back=True)])
        if purchase.member_id is None:
            return Decision([])
        account = streams.get(PointsAccount, account_id(purchase.member_id))
        credited = account.credited.get(self.purchase_id)
        if credited is None:  # the account was closed by then
            return Decision([])
        if credited.paid_by_points and not self.points_are_back:
            giving_back = GiveBackPoints.of(self, purchase_id=self.purchase_id, number=self.number)
            return Decision([], [giving_back, replace(self, points_are_back=True)])
        _, remaining, gone = purchase.backs[self.number]
        programme = streams.programme
        campaigns = [streams.get(Campaign, campaign_stream(lot.part)) for lot in credited.lots if lot.part != BASE]
        drafts = crediting.revoke(
            account,
            remaining,
            sold=purchase.sale().lines,
            gone=gone,
            at=self.occurred_at,
            policy=programme.versions[credited.version - 1],
            campaigns=campaigns,
            judge=programme.in_force(max(self.occurred_at, credited.at)),
            coupons=gifts.given(streams, credited),
            replaced=purchase.replaced_by is not None,
        )
        forwarding = ForwardClaw.after(self, account, drafts)
        judging = JudgePurchase.after(self, account, self.purchase_id)
        return Decision(drafts, [*forwarding, SettleDebt.after(self, account), *judging])


def where_the_member_stands(
    facts: Sequence[Fact], moved: PointsEarned | PointsRevoked, history: History
) -> dict[str, Any]:
    """What is available, and the tier, once a command's facts are in the account."""
    version = max(fact.originator_version for fact in facts if fact.originator_id == moved.originator_id)
    account = history.account(moved.originator_id, version=version)
    at = moved.occurred_at
    version = moved.programme_version or 1
    if isinstance(moved, PointsRevoked):
        version, _ = history.programme.in_force(max(at, moved.purchased_at))
    return {"available": account.available(at), **account.progress(history.programme.versions[version - 1])}
