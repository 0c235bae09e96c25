"""Quotes that reserve: what the sale will draw on is set aside for it, until it is made, given up, or too late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from domain import redeeming
from domain.basket import CouponUse
from domain.calendar_days import local_day
from domain.campaign import BudgetReleased, BudgetReserved, Campaign, campaign_stream
from domain.caps import given
from domain.command import Command, Decision, History, Repeat, SpendingCommand, Streams, Wanted
from domain.commands.coupons import reservations_of
from domain.commands.quotes import AskQuote
from domain.commands.redemptions import SettleDebt
from domain.coupon import Coupon, CouponReleased, coupon_stream
from domain.earning import BASE
from domain.fact import Fact
from domain.lots import total
from domain.movements import HoldReleased
from domain.points_account import PointsAccount, account_id
from domain.quote import Quote
from domain.quoting import Quotation
from domain.receipt import Receipt
from domain.reservation import QuoteReserved, Reservation, hold_of, reservation_stream
from domain.stream import Draft


def reservation_of(streams: Streams, quote: Quote) -> QuoteReserved | None:
    """What is set aside for a quote, if it ever was, and neither sold nor released."""
    return streams.get(Reservation, reservation_stream(quote.id)).open if quote.reserved else None


def sell(streams: Streams, reserved: QuoteReserved, *, purchase_id: UUID) -> list[Draft]:
    """The quoted sale is made: campaigns are free to give it what they had set aside. Its hold and its coupons it uses up itself."""
    reservation = streams.get(Reservation, reserved.originator_id)
    return [*reservation.sell(purchase_id=purchase_id), *_released(streams, reserved)]


def _released(streams: Streams, reserved: QuoteReserved) -> Iterator[Draft]:
    for campaign_id in reserved.campaigns:
        yield from streams.get(Campaign, campaign_stream(campaign_id)).release(reserved.quote.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveQuote(SpendingCommand):
    """Quote a sale, and set aside what it will draw on until the quote ends: points, coupons, budgets and limits."""

    scope = "reservation"

    question: AskQuote

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield Reservation, reservation_stream(self.question.basket.id)
        yield from self.question.wants(streams)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.question.basket.id)

    def agree(self, streams: Streams) -> Decision:
        """Refused as the quote is, and where coupons or points are not there to be set aside."""
        quotation = self.question.answer(streams)
        quote, told, at = quotation.quote, quotation.told, self.occurred_at
        points = told["points_as_cash"]["points"] if told["points_as_cash"] else 0
        campaigns = list(self._campaigns(streams, quotation))
        coupons = list(self._coupons(streams, quote))
        made = streams.get(Reservation, reservation_stream(quote.id)).make(
            member_id=quote.member_id, quote=quote, points=points,
            coupons=[draft.what["code"] for draft in coupons],
            campaigns=[draft.what["campaign_id"] for draft in campaigns], answer=to_jsonable_python(told),
        )  # fmt: skip
        account = streams.get(PointsAccount, account_id(quote.member_id))
        held = (
            redeeming.hold(
                account, hold_id=hold_of(quote.id), points=points, at=at, until=quote.until,
                amount_minor=told["points_as_cash"]["amount_minor"],
            )
            if points
            else []
        )  # fmt: skip
        return Decision([*made, *coupons, *campaigns, *held])

    def _coupons(self, streams: Streams, quote: Quote) -> Iterator[Draft]:
        for use in self.question.basket.coupons:
            coupon = streams.get(Coupon, coupon_stream(use["code"]))
            if coupon.issued is not None:
                yield from self._set_aside(coupon, use, quote)

    def _set_aside(self, coupon: Coupon, use: CouponUse, quote: Quote) -> list[Draft]:
        return coupon.reserve(
            reservation_id=quote.id, at=self.occurred_at, until=quote.until, instead_of=reservations_of(use)
        )

    def _campaigns(self, streams: Streams, quotation: Quotation) -> Iterator[Draft]:
        """What campaigns give, where there is an end to it: by a budget or limit, or, as a bonus, once in a day and store."""
        quote, basket = quotation.quote, self.question.basket
        _, policy = streams.programme.in_force(self.occurred_at)
        day = local_day(self.occurred_at, policy.zone)
        for part in quotation.parts:
            if part["part"] == BASE or not given(part):
                continue
            campaign = streams.get(Campaign, campaign_stream(part["part"]))
            bonus = part.get("bonus", False)
            if campaign.capped or bonus:
                yield from campaign.reserve(
                    quote.id, member_id=quote.member_id, day=day, store=basket.store if bonus else None,
                    points=part["points"], amount_minor=part.get("discount_minor", 0), until=quote.until,
                )  # fmt: skip

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The quote, what was told with it, and what is set aside for it."""
        made = next(fact for fact in facts if isinstance(fact, QuoteReserved))
        reserved = {"points": made.points, "coupons": made.coupons, "campaigns": _campaigns_of(facts)}
        return {"quote": made.quote, **made.answer, "reserved": reserved}


def _campaigns_of(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    return [
        {"campaign": fact.campaign_id, "points": fact.points, "discount_minor": fact.amount_minor}
        for fact in facts
        if isinstance(fact, BudgetReserved)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseQuote(Command):
    """Give up what is set aside for a quote. Twice is a repeat."""

    scope = "reservation-release"

    quote: Quote

    def wants(self, streams: Streams) -> Wanted:
        stream_id = reservation_stream(self.quote.id)
        yield Reservation, stream_id
        reservation = streams.peek(stream_id)
        if isinstance(reservation, Reservation) and reservation.made is not None:
            yield PointsAccount, account_id(reservation.made.member_id)
            yield from ((Coupon, coupon_stream(code)) for code in reservation.made.coupons)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else. Refused in this order: clock, nothing reserved, sold, timed out."""
        reservation = streams.get(Reservation, reservation_stream(self.quote.id))
        if reservation.released_by is not None:
            return Repeat(reservation.id, reservation.released_by)
        self.not_in_the_future(streams)
        released = reservation.release(self.occurred_at)
        assert reservation.made is not None, "what can be released was made"
        made, at = reservation.made, self.occurred_at
        coupons = [streams.get(Coupon, coupon_stream(code)) for code in made.coupons]
        account = streams.get(PointsAccount, account_id(made.member_id))
        hold = account.holds.get(hold_of(made.quote.id))
        return Decision(
            [
                *released,
                *(draft for one in coupons for draft in one.give_up(reservation_id=made.quote.id, at=at)),
                *_released(streams, made),
                *(redeeming.release(account, hold_id=hold.id, at=at) if hold is not None and not hold.ended else ()),
            ],
            [SettleDebt.after(self, account)],
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """What is free again."""
        return {
            "points": sum(total(fact.parts) for fact in facts if isinstance(fact, HoldReleased)),
            "coupons": [fact.code for fact in facts if isinstance(fact, CouponReleased)],
            "campaigns": [fact.campaign_id for fact in facts if isinstance(fact, BudgetReleased)],
        }
