"""Exchanges on one receipt: a purchase and linked returns, all of it or nothing (rules 15)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.basket import Tender
from domain.fact import message_id
from domain.movements import PointsEarned, PointsRedeemed, PointsRevoked, RedemptionReversed
from domain.purchase import Purchase, PurchaseRecorded, PurchaseReturned, ReturnKept
from domain.refusals import (
    IdOfAnotherKind,
    InvalidField,
    OverReturn,
    PurchaseVoidedBefore,
    Refusal,
    TendersDoNotMatch,
    UnknownLine,
    UnknownPurchase,
    WrongCurrency,
)
from tests.builders import ANN, BOB, back, brought, line, policy, published, purchase, reassign, returned
from tests.domain.putting_right import LATER, account, done, of_kind, points, shop
from tests.domain.story import kinds
from tests.spec import NOON

SOLD = purchase(line(3_000), line(6_500), at=NOON)
THIRTY = back(quantity=1, amount_minor=3_000)
EXCHANGE = purchase(line(10_000), at=LATER, id="X-1", brought=[brought(THIRTY, reason="too small")])


def cash(amount_minor: int, kind: Any = "cash") -> Tender:
    return Tender(kind=kind, amount_minor=amount_minor)


def returns(facts: Any) -> list[Any]:
    return of_kind(facts, PurchaseReturned)


class TestAnExchange:
    def test_of_30_for_100_is_a_purchase_and_a_linked_return(self) -> None:
        log = shop()
        done(log, SOLD)
        facts = done(log, EXCHANGE)
        assert kinds(facts) == [PurchaseRecorded, PointsEarned, PurchaseReturned, PointsRevoked]
        recorded, _, back_, revoked = facts
        assert (recorded.paid_minor, recorded.tenders) == (10_000, [cash(7_000)])
        assert recorded.set_off == [{"purchase_id": SOLD.id, "amount_minor": 3_000}]
        assert (back_.originator_id, back_.exchanged_for, back_.reason) == (SOLD.id, EXCHANGE.id, "too small")
        assert (back_.tenders, back_.refund_difference_minor) == ([cash(3_000, "other")], None)
        assert revoked.parts[0]["points"] == 3
        assert points(log) == (9 - 3 + 10, 0)

    def test_for_something_cheaper_pays_the_rest_out(self) -> None:
        log = shop()
        goods = brought(back("2", quantity=1, amount_minor=6_500), tenders=[cash(4_500, "card")])
        cheaper = purchase(line(2_000), at=LATER, id="X-1", brought=[goods], tenders=[])
        facts = done(log, SOLD, cheaper)
        (went,) = returns(facts)
        assert went.tenders == [cash(4_500, "card"), cash(2_000, "other")]
        assert points(log) == (9 - 6 + 2, 0)

    def test_of_goods_of_several_purchases(self) -> None:
        log, other = shop(), purchase(line(2_000), at=NOON, id="R-2", card="1002")
        goods = [brought(THIRTY), brought(back(quantity=1, amount_minor=2_000), of="R-2")]
        facts = done(log, SOLD, other, purchase(line(10_000), at=LATER, id="X-1", brought=goods))
        assert [one.originator_id for one in returns(facts)] == [SOLD.id, other.id]
        assert points(log) == (9 - 3 + 10, 0)

    def test_without_a_card_takes_from_whoever_had_bought(self) -> None:
        log = shop()
        done(log, SOLD, purchase(line(10_000), at=LATER, id="X-1", card=None, brought=[brought(THIRTY)]))
        assert points(log) == (6, 0)

    def test_of_a_purchase_that_was_put_right_takes_from_its_buyer(self) -> None:
        log = shop()
        done(log, SOLD, reassign(SOLD.id, member=BOB, at=LATER), EXCHANGE)
        assert points(log) == (10, 6)

    def test_again_is_a_repeat_and_takes_nothing_twice(self) -> None:
        log = shop()
        done(log, SOLD, EXCHANGE)
        log.when(EXCHANGE).then_repeats(EXCHANGE.id)

    def test_what_is_owed_for_the_return_is_paid_by_the_purchase(self) -> None:
        log = shop(rules=published(policy(points_as_cash={"points": 1, "amount_minor": 10})))
        spent = purchase(line(90), at=NOON + timedelta(hours=1), id="R-2", tenders=[cash(90, "points")])
        done(log, SOLD, spent, EXCHANGE)
        assert (account(log).debt, points(log)) == (0, (10 - 3, 0))

    def test_a_void_of_it_takes_the_purchase_back_and_not_the_return(self) -> None:
        log = shop()
        done(log, SOLD, EXCHANGE, returned(EXCHANGE.id, at=LATER, id="V-1"))
        assert points(log) == (6, 0)


class TestPointsInAnExchange:
    """Points had paid 2,000 of 10,000: of what is worth 5,000, they paid 1,000."""

    RULES = published(policy(points_as_cash={"points": 1, "amount_minor": 10}))
    RICH = purchase(line(1_000_000), at=NOON - timedelta(hours=1), id="R-0")
    PAID = purchase(line(10_000, quantity=2), at=NOON, tenders=[cash(2_000, "points"), cash(8_000)])
    HALF = back(quantity=1, amount_minor=5_000)

    def test_what_is_set_off_is_money_and_brings_no_points_back(self) -> None:
        log = shop(rules=self.RULES)
        done(log, self.RICH, self.PAID)
        facts = done(log, purchase(line(9_000), at=LATER, id="X-1", brought=[brought(self.HALF)]))
        (reversed_,) = of_kind(facts, RedemptionReversed)
        assert (reversed_.points, reversed_.refused_in_cash) == (0, 100)

    def test_a_till_may_pay_points_back_and_take_them_again(self) -> None:
        log = shop(rules=self.RULES)
        done(log, self.RICH, self.PAID)
        goods = brought(self.HALF, tenders=[cash(1_000, "points")])
        facts = done(
            log,
            purchase(line(9_000), at=LATER, id="X-1", brought=[goods], tenders=[cash(1_000, "points"), cash(4_000)]),
        )
        (reversed_,), (redeemed,) = of_kind(facts, RedemptionReversed), of_kind(facts, PointsRedeemed)
        assert (reversed_.points, redeemed.points, redeemed.debt) == (100, 100, 0)


class TestWhereSomebodyWaits:
    """Over HTTP the whole receipt is refused, and nothing of it is recorded."""

    @pytest.mark.parametrize(
        ("goods", "refused"),
        [
            (brought(THIRTY, of="R-9"), UnknownPurchase(purchase_id=message_id("/stores/1", "R-9"))),
            (brought(THIRTY, of="R-2"), PurchaseVoidedBefore(purchase_id=message_id("/stores/1", "R-2"))),
            (brought(THIRTY, of="V-1"), IdOfAnotherKind(id=message_id("/stores/1", "V-1"))),
            (brought(back("9", amount_minor=1)), UnknownLine(line="9", purchase_id=SOLD.id)),
            (brought(back(amount_minor=3_001)), OverReturn(line="1", left_minor=3_000, left_quantity=1)),
        ],
    )
    def test_what_cannot_go_back_refuses_the_whole(self, goods: Any, refused: Refusal) -> None:
        log, other = shop(), purchase(line(3_000), at=NOON, id="R-2")
        done(log, SOLD, other, returned(other.id, at=NOON, id="V-1"))
        before = len(log.batch.facts)
        first = brought(back("2", amount_minor=100))
        goods_ = [goods] if goods.purchase.id == "R-1" else [first, goods]
        log.when(purchase(line(10_000), at=LATER, id="X-1", brought=goods_)).then_refused(refused)
        assert len(log.batch.facts) == before
        assert not log.batch.get(Purchase, EXCHANGE.id).exists

    def test_in_another_currency_it_is_refused_at_either_door(self) -> None:
        dollars = policy(effective_from="2023-05-03T00:00:00+08:00", currency="USD")
        log = shop(published(dollars, version=2))
        done(log, SOLD)
        for answered in (True, False):
            goods = purchase(
                line(10_000), at=LATER, id="X-1", brought=[brought(THIRTY)], currency="USD", answered=answered
            )
            log.when(goods).then_refused(WrongCurrency(currency="USD", expected="CNY"))


class TestWhereNobodyWaits:
    def exchange(self, *goods: Any, id: str = "X-1") -> Any:  # noqa: A002 - as the contract calls it
        return purchase(line(10_000), at=LATER, id=id, brought=goods, answered=False)

    def test_too_much_is_capped_and_flagged(self) -> None:
        log = shop()
        done(log, SOLD)
        (went,) = returns(done(log, self.exchange(brought(back(quantity=1, amount_minor=4_000)))))
        assert (went.lines, went.excess) == ([THIRTY], [back(amount_minor=1_000)])
        assert points(log) == (9 - 3 + 10, 0)

    def test_a_return_that_comes_before_its_purchase_waits_for_it(self) -> None:
        log = shop()
        facts = done(log, self.exchange(brought(THIRTY)))
        (kept,) = of_kind(facts, ReturnKept)
        assert (kept.originator_id, kept.exchanged_for, points(log)) == (SOLD.id, EXCHANGE.id, (10, 0))
        (went,) = returns(done(log, SOLD))
        assert (went.exchanged_for, went.tenders, went.external_id) == (EXCHANGE.id, [cash(3_000, "other")], "X-1")
        assert points(log) == (9 - 3 + 10, 0)

    def test_in_any_order_of_arrival_it_ends_in_the_same_points(self) -> None:
        other = purchase(line(2_000), at=NOON, id="R-2")
        exchange = self.exchange(brought(THIRTY), brought(back(quantity=1, amount_minor=2_000), of="R-2"))
        orders = [[SOLD, other, exchange], [SOLD, exchange, other], [exchange, other, SOLD], [other, exchange, SOLD]]
        for order in orders:
            log = shop()
            done(log, *order)
            assert points(log) == (9 - 3 + 2 - 2 + 10, 0)


class TestTheSums:
    def test_money_in_is_money_out(self) -> None:
        """Σ tenders + Σ returned − Σ refund tenders = Σ paid."""
        with pytest.raises(TendersDoNotMatch) as refused:
            purchase(line(10_000), at=LATER, brought=[brought(THIRTY, of="R-2")], tenders=[cash(10_000)])
        assert refused.value.fields() == {"tendered_minor": 13_000, "paid_minor": 10_000}

    @pytest.mark.parametrize(
        ("goods", "field"),
        [
            ([brought(THIRTY, of="X-1")], "returned.0.purchase"),
            ([brought(THIRTY), brought(back("2", amount_minor=1))], "returned.1.purchase"),
            ([brought(back())], "returned.0.lines.0"),
            ([brought(THIRTY, tenders=[cash(3_001)])], "returned.0.tenders"),
            ([brought(*[back(str(n), amount_minor=2**52) for n in range(2)])], "returned.0.lines"),
        ],
    )
    def test_goods_that_make_no_sense_are_an_invalid_field(self, goods: Any, field: str) -> None:
        with pytest.raises(InvalidField) as refused:
            purchase(line(10_000), at=LATER, id="X-1", brought=goods, tenders=[])
        assert refused.value.field == field


def test_who_bought_may_be_named_by_member() -> None:
    log = shop()
    done(log, SOLD, purchase(line(10_000), at=LATER, id="X-1", card=None, member=ANN, brought=[brought(THIRTY)]))
    assert points(log) == (16, 0)
    assert isinstance(log.batch.get(Purchase, UUID(str(EXCHANGE.id))).recorded, PurchaseRecorded)
