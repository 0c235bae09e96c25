"""Crediting what was bought: with the purchase, or once it finds its member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from domain import crediting, gifts
from domain.basket import LineDiscount
from domain.buyer import absorbed
from domain.calendar_days import local_day
from domain.campaign import Campaign, campaign_stream
from domain.caps import check_quoted, uses_of
from domain.command import Command, Decision, Streams, Wanted
from domain.commands.paying import PayByPoints
from domain.commands.redemptions import SettleDebt
from domain.commands.referees import JudgePurchase
from domain.commands.returns import (
    ReclaimPoints,
)
from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.purchase import Purchase, PurchaseRecorded
from domain.quote import Quoted
from domain.sale import Sale
from domain.stream import Draft


def rules_of(streams: Streams, quoted: Quoted | None, at: datetime) -> tuple[int, Policy]:
    """The version that was quoted, or else the one of the business time."""
    if quoted is None:
        return streams.programme.in_force(at)
    return quoted["version"], streams.programme.versions[quoted["version"] - 1]


def credit(
    streams: Streams,
    sale: Sale,
    member: Member,
    account: PointsAccount,
    *,
    rules: tuple[int, Policy],
    quoted: Quoted | None,
) -> list[Draft]:
    """Credit a sale to a member under the campaigns of its business time, or those that were quoted; the rules likewise."""
    version, policy = rules
    campaigns: Sequence[Campaign]
    if quoted is None:
        campaigns = streams.campaigns(sale=sale, member=member, account=account, policy=policy)
        if sale.discounts:
            campaigns = [*campaigns, *_discounting(streams, sale, campaigns)]
    else:
        campaigns = _quoted_campaigns(streams, quoted)
    united = absorbed(streams, account) if account.absorbed else ()
    drafts = crediting.earn(account, sale, policy=policy, version=version, campaigns=campaigns, united=united)
    if campaigns:
        drafts += gifts.issued(streams, sale, member, drafts=drafts, campaigns=campaigns, policy=policy)
    return drafts


def _discounting(streams: Streams, sale: Sale, applying: Sequence[Campaign]) -> list[Campaign]:
    """The other campaigns that have taken something off, as their budgets bear it whoever turns out to be the buyer."""
    known = {one.id for one in applying}
    named = {campaign_stream(one["source"]) for one in sale.discounts} - known
    found = map(streams.peek, sorted(named))  # the catalogue has brought all there are; tiers have no budget
    return [one for one in found if isinstance(one, Campaign)]


def check_covered(
    streams: Streams, quoted: Quoted, member: Member, discounts: Sequence[LineDiscount], at: datetime
) -> None:
    """Refuse discounts of a quote that budgets or limits do not cover any more: those it does not bind."""
    account = streams.get(PointsAccount, account_id(member.id))
    quote_id, reservations_at = quoted["quote_id"], min(at, streams.recorded_at)
    used = uses_of((account, *absorbed(streams, account)), at=reservations_at, quote_id=quote_id)
    _, policy = rules_of(streams, quoted, at)
    check_quoted(
        discounts, _quoted_campaigns(streams, quoted), used=used, day=local_day(at, policy.zone), at=reservations_at,
        quote_id=quote_id,
    )  # fmt: skip


def _quoted_campaigns(streams: Streams, quoted: Quoted) -> list[Campaign]:
    return [streams.get(Campaign, campaign_stream(campaign_id)) for campaign_id in quoted["campaigns"]]


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
        purchase = streams.get(Purchase, self.purchase_id)
        assert purchase.recorded is not None, "a purchase is credited once it is recorded"
        member, quoted = streams.get(Member, self.member_id), purchase.recorded.quote
        rules = rules_of(streams, quoted, purchase.recorded.occurred_at)
        account = streams.get(PointsAccount, account_id(member.id))
        return Decision(credit(streams, purchase.sale(), member, account, rules=rules, quoted=quoted))


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
        _, policy = streams.programme.in_force(sale.occurred_at)
        paying = (
            [PayByPoints.of(self, sale=sale, account=account, holds=recorded.holds or [], policy=policy)]
            if sale.points_minor
            else []
        )
        crediting_ = CreditPurchase.of(self, purchase_id=purchase.id, member_id=self.member_id)
        reclaiming = ReclaimPoints.of_all(purchase, cause=self)
        judging = JudgePurchase.after(self, account, purchase.id)
        return Decision([], [*paying, crediting_, *reclaiming, SettleDebt.after(self, account), *judging])


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
