"""What a quote answers: the very decision of a purchase, with nothing recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain import crediting, redeeming
from domain.allowance import check_payable, payable
from domain.basket import CouponUse, Line, LineDiscount
from domain.buyer import absorbed, united
from domain.campaign import Campaign
from domain.command import Streams
from domain.correcting import refuse_if_closed
from domain.discounts import discounts
from domain.earning import Part, points_by_part
from domain.explaining import Considered, rules
from domain.member import Member
from domain.movements import PointsEarned
from domain.points_account import PointsAccount
from domain.policy.quotes import Quotes
from domain.programme import Policy
from domain.quote import Quote, bill_of, discounted
from domain.refusals import InsufficientPoints, PointsAreNotCash
from domain.sale import Sale

DEFAULTS = Quotes()


class Quotation(NamedTuple):
    """A quote, what the till is told with it, and the parts that the sale would earn."""

    quote: Quote
    told: dict[str, Any]
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What somebody is about to buy, and how many points are to pay."""

    id: UUID
    at: datetime
    store: str
    currency: str
    lines: list[Line]
    coupons: list[CouponUse]
    points: int | None
    reserve: bool = False
    """Whether what is quoted is set aside for the sale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoting:
    """One quote being made out: whose it is, and under which rules."""

    basket: Basket
    coupon_kinds: Mapping[str, str]
    """Of those coupons that were issued to the member, by code."""
    member: Member
    account: PointsAccount
    recorded_at: datetime
    version: int
    policy: Policy

    def quotation(self, streams: Streams) -> Quotation:
        """1. The discounts. 2. What points may pay, and are to pay. 3. The parts that are earned. 4. The tier after it."""
        basket, account, policy = self.basket, self.account, self.policy
        tier = policy.tiers.levels[account.rank_at(policy, basket.at)]
        sale = self._sale()
        considered = self._considered(streams, sale)
        off = discounts(
            basket.lines, policy=policy, tier=tier, campaigns=_applying(considered), at=sale.reservations_at
        )
        if off:  # what earns is tested on what is asked for, as of a purchase at these prices
            sale = self._sale(off)
            earning = self._considered(streams, sale)
            considered = [one for one in considered if _discounts(one)] + [
                one for one in earning if not _discounts(one)
            ]
        applying = _applying(considered)
        as_cash = self._as_cash(streams, sale.paid_minor)
        sale.points_minor = as_cash["amount_minor"] if as_cash else 0
        drafts = crediting.earn(
            account, sale, policy=policy, version=self.version, campaigns=applying, united=absorbed(streams, account)
        )
        earned = next((draft for draft in drafts if draft.kind is PointsEarned), None)
        parts = [] if earned is None else earned.what["parts"]
        closed = account.closed(basket.at)
        told = {
            "member_id": self.member.id,
            "programme": policy.name,
            "programme_version": self.version,
            "tier_before": tier.name,
            "points": points_by_part(parts),
            "coupons": [{"campaign": part["part"], "kind": part["coupon"]} for part in parts if "coupon" in part],
            "discounts": off,
            "discount_minor": sum(one["amount_minor"] for one in off),
            "to_pay_minor": sale.paid_minor - sale.points_minor,
            "points_as_cash": as_cash,
            **account.progress(policy, None if earned is None else crediting.qualifying(sale, earned)),
            "rules": rules(
                sale, parts=parts, considered=considered, tier=tier, as_cash=as_cash, policy=policy,
                version=self.version, closed=closed,
            ),
            "warnings": ["account-closed"] * closed + ["debt-open"] * bool(account.debt),
        }  # fmt: skip
        binding = _giving(applying, parts) if basket.reserve else applying
        return Quotation(self._quote(sale, tier.name, binding), told, parts)

    def _sale(self, off: Sequence[LineDiscount] = ()) -> Sale:
        """The sale that it would be, with these discounts."""
        basket = self.basket
        return Sale(
            purchase_id=basket.id, occurred_at=basket.at, store=basket.store,
            lines=discounted(basket.lines, off) if off else basket.lines, coupons=basket.coupons,
            coupon_kinds=self.coupon_kinds, discounts=off, recorded_at=self.recorded_at,
        )  # fmt: skip

    def _considered(self, streams: Streams, sale: Sale) -> Considered:
        return streams.considered(sale=sale, member=self.member, account=self.account, policy=self.policy)

    def _quote(self, sale: Sale, tier: str, applying: Sequence[Campaign]) -> Quote:
        basket = self.basket
        return Quote(
            id=basket.id,
            member_id=self.member.id,
            version=self.version,
            tier=tier,
            campaigns=tuple(one.terms.campaign_id for one in applying if one.terms is not None),
            bill=bill_of(sale.lines, store=basket.store, currency=basket.currency, coupons=basket.coupons),
            discounts=list(sale.discounts),
            reserved=basket.reserve,
            given_at=basket.at,
            until=basket.at + timedelta(minutes=(self.policy.quotes or DEFAULTS).minutes),
        )

    def _as_cash(self, streams: Streams, bill_minor: int) -> dict[str, int] | None:
        """What points may pay of a bill, and what those pay that are asked for; refused as a redemption would be."""
        cash, asked, at = self.policy.points_as_cash, self.basket.points or 0, self.basket.at
        if cash is None:
            if asked:
                raise PointsAreNotCash(programme=self.policy.name)
            return None
        available = 0 if self.account.closed(at) else self.account.available(at)
        left = payable(united(streams, self.account), policy=self.policy, at=at)
        within = available if left is None else min(available, left)
        most = redeeming.most_as_cash(cash, within, bill_minor=bill_minor)
        amount_minor = redeeming.worth(cash, asked)
        if asked:
            refuse_if_closed(self.account, at)
            redeeming.check_as_cash(cash, asked, amount_minor=amount_minor, bill_minor=bill_minor)
            check_payable(asked, left=left, policy=self.policy)
            if asked > available:
                raise InsufficientPoints(points=asked, available=available, debt=self.account.debt)
        return {
            "available": available,
            "most_points": most,
            "most_minor": redeeming.worth(cash, most),
            "points": redeeming.points_for(cash, amount_minor),
            "amount_minor": amount_minor,
        }


def _applying(considered: Considered) -> list[Campaign]:
    return [campaign for campaign, missing in considered if missing is None]


def _giving(campaigns: Sequence[Campaign], parts: Iterable[Part]) -> list[Campaign]:
    """Those that give something: one whose budget is used up now may not win a line from one that keeps something for it."""
    named = {part["part"] for part in parts}
    return [one for one in campaigns if one.terms is not None and one.terms.campaign_id in named]


def _discounts(considered: tuple[Campaign, str | None]) -> bool:
    terms = considered[0].terms
    return terms is not None and terms.effect.discount is not None
