"""Asking what a sale would bring."""

from dataclasses import dataclass
from uuid import UUID

from domain.command import Streams, Wanted, not_in_the_future
from domain.commands.buying import buyer_of, of_buyer
from domain.commands.coupons import hand_in
from domain.coupon import Coupon, coupon_stream
from domain.member import Card, Member
from domain.points_account import PointsAccount, account_id
from domain.quoting import Basket, Quotation, Quoting
from domain.refusals import UnknownCard, UnknownMember, WrongCurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class AskQuote:
    """A question, not a command: what a purchase would bring, by what is recorded now."""

    card_id: UUID | None
    member_id: UUID | None
    basket: Basket

    def wants(self, streams: Streams) -> Wanted:
        """Name the streams that the answer will need, as far as they can be told by now."""
        for use in self.basket.coupons:
            yield Coupon, coupon_stream(use["code"])
        yield from of_buyer(streams, card_id=self.card_id, member_id=self.member_id)

    def answer(self, streams: Streams) -> Quotation:
        """Refused in this order: clock, programme, currency, card, member, coupons, and what is in the way of the points."""
        basket = self.basket
        not_in_the_future(basket.at, streams)
        version, policy = streams.programme.in_force(basket.at)
        if policy.currency != basket.currency:
            raise WrongCurrency(currency=basket.currency, expected=policy.currency)
        if self.card_id is not None:
            streams.get(Card, self.card_id)
        member_id = buyer_of(streams, card_id=self.card_id, member_id=self.member_id)
        if member_id is None:
            raise UnknownCard
        member = streams.get(Member, member_id)
        if not member.exists:
            raise UnknownMember(member_id=member_id)
        coupons = hand_in(
            streams, basket.coupons, member_id=member_id, purchase_id=basket.id, at=basket.at, strictly=True
        )
        account = streams.get(PointsAccount, account_id(member_id))
        return Quoting(
            basket=basket,
            coupon_kinds=coupons.kinds,
            member=member,
            account=account,
            version=version,
            policy=policy,
            recorded_at=streams.recorded_at,
        ).quotation(streams)
