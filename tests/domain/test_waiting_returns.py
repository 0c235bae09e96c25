"""Returns that wait for their purchase: closed and listed when it has not come for 30 days (rules 4)."""

from datetime import datetime, timedelta

from domain.basket import Tender
from domain.command import Command
from domain.commands.receipts import CloseWaitingReturns
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded, PurchaseReturned, ReturnClosed
from domain.refusals import RefundsDoNotMatch
from tests.builders import FAR_AHEAD, back, brought, line, policy, published, purchase, returned
from tests.domain.putting_right import LATER, done, of_kind, points, shop
from tests.domain.story import kinds
from tests.spec import NOON
from tests.spec_of_commands import GivenLog

SALE = purchase(line(9_500, quantity=2), at=NOON)
PART = returned(SALE.id, back(quantity=1, amount_minor=4_750), at=LATER)
VOID = returned(SALE.id, at=LATER, id="V-1")
RECORDED_AT = datetime.fromisoformat("2023-06-10T09:00:00+08:00")
OVER = datetime.fromisoformat("2023-07-11T00:00:00+08:00")
"""Recorded on 10 June, local time: it waits through 10 July, whatever its own time is."""


def waiting(*returns: Command) -> GivenLog:
    log = shop()
    log.batch.recorded_at = RECORDED_AT
    done(log, *returns)
    log.batch.recorded_at = FAR_AHEAD
    return log


def close(now: datetime) -> CloseWaitingReturns:
    return CloseWaitingReturns.of(SALE.id, now=now)


class TestAReturnWithoutItsPurchase:
    def test_waits_through_the_thirtieth_local_day_after_it_was_recorded(self) -> None:
        log = waiting(PART)
        assert done(log, close(OVER - timedelta(seconds=1))) == []
        (closed,) = done(log, close(OVER))
        assert (closed.return_id, closed.waited_since, closed.occurred_at, closed.actor) == (
            PART.id, RECORDED_AT, OVER, "/clock",
        )  # fmt: skip

    def test_is_closed_as_of_the_end_of_its_time_however_late_the_clock_comes(self) -> None:
        (closed,) = done(waiting(PART), close(OVER + timedelta(days=99)))
        assert closed.occurred_at == OVER

    def test_is_closed_once(self) -> None:
        log = waiting(PART)
        done(log, close(OVER))
        assert done(log, close(OVER + timedelta(days=1))) == []

    def test_closed_it_is_not_taken_in_should_the_purchase_still_come(self) -> None:
        log = waiting(PART)
        done(log, close(OVER))
        assert kinds(done(log, SALE)) == [PurchaseRecorded, PointsEarned]
        assert points(log) == (9, 0)

    def test_each_waits_for_itself(self) -> None:
        log = waiting(PART)
        done(log, VOID)
        (closed,) = done(log, close(OVER))
        assert closed.return_id == PART.id
        done(log, SALE)
        assert points(log) == (0, 0)

    def test_sent_again_it_is_a_repeat_and_under_a_new_id_a_new_one(self) -> None:
        log = waiting(PART)
        done(log, close(OVER), SALE)
        log.when(PART).then_repeats(PART.id)
        again = returned(SALE.id, back(quantity=1, amount_minor=4_750), at=LATER, id="T-2")
        assert of_kind(done(log, again), PurchaseReturned)
        assert points(log) == (4, 0)

    def test_of_an_exchange_waits_as_any_other(self) -> None:
        goods = brought(back(quantity=1, amount_minor=4_750))
        log = waiting(purchase(line(10_000), at=LATER, id="X-1", brought=[goods], answered=False))
        assert kinds(done(log, close(OVER))) == [ReturnClosed]
        done(log, SALE)
        assert points(log) == (10 + 9, 0)

    def test_waits_for_as_many_days_as_the_version_says_in_which_it_was_recorded(self) -> None:
        log = shop(rules=published(policy(claim_days=0)))
        log.batch.recorded_at = RECORDED_AT
        done(log, PART)
        log.batch.recorded_at = FAR_AHEAD
        (closed,) = done(log, close(OVER))
        assert closed.occurred_at == datetime.fromisoformat("2023-06-11T00:00:00+08:00")


def test_one_whose_purchase_came_is_never_closed() -> None:
    log = waiting(PART)
    assert of_kind(done(log, SALE), PurchaseReturned)
    assert done(log, close(OVER)) == []


def test_of_a_purchase_that_nobody_asked_about_nothing_is_closed() -> None:
    assert done(shop(), close(OVER)) == []


class TestRefunds:
    """Σ refund tenders, where the till tells them, is Σ returned amounts."""

    def test_that_do_not_match_are_refused_where_somebody_waits(self) -> None:
        log = shop()
        done(log, SALE)
        asked = returned(
            SALE.id,
            back("9", amount_minor=600),
            at=LATER,
            strictly=True,
            tenders=[{"kind": "cash", "amount_minor": 500}],
        )
        log.when(asked).then_refused(RefundsDoNotMatch(refunded_minor=500, returned_minor=600))

    def test_are_flagged_where_nobody_waits(self) -> None:
        log = shop()
        tenders = [Tender(kind="cash", amount_minor=700)]
        facts = done(log, SALE, returned(SALE.id, back(amount_minor=600), at=LATER, tenders=tenders))
        (went,) = of_kind(facts, PurchaseReturned)
        assert (went.amount_minor, went.refund_difference_minor) == (600, 100)

    def test_are_flagged_as_well_of_a_return_that_waited(self) -> None:
        tenders = [Tender(kind="cash", amount_minor=500)]
        log = shop()
        done(log, returned(SALE.id, back(amount_minor=600), at=LATER, tenders=tenders))
        (went,) = of_kind(done(log, SALE), PurchaseReturned)
        assert went.refund_difference_minor == -100

    def test_that_match_or_are_not_told_are_not_flagged(self) -> None:
        log = shop()
        same = returned(SALE.id, back(amount_minor=600), at=LATER, tenders=[{"kind": "cash", "amount_minor": 600}])
        untold = returned(SALE.id, back(amount_minor=600), at=LATER, id="T-2")
        for went in of_kind(done(log, SALE, same, untold), PurchaseReturned):
            assert went.refund_difference_minor is None
