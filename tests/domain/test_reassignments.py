"""A purchase under a wrong card, put right: a void and a purchase at the original time, at once (rules 4)."""

from datetime import timedelta
from uuid import UUID, uuid5

import pytest

from domain.basket import Tender
from domain.movements import PointsEarned, PointsRevoked
from domain.purchase import Purchase, PurchaseRecorded, PurchaseReturned, PurchaseVoided
from domain.refusals import (
    PurchaseVoidedBefore,
    ReceiptWithoutCard,
    SameHolder,
    UnknownCard,
    UnknownPurchase,
)
from tests.builders import (
    ANN,
    BOB,
    back,
    campaign_created,
    join,
    line,
    listed,
    policy,
    published,
    purchase,
    reassign,
    returned,
)
from tests.domain.putting_right import LATER, account, buckets, done, of_kind, points, shop
from tests.domain.story import JOINED_AT, kinds
from tests.spec import NOON
from tests.spec_of_commands import GivenLog

SALE = purchase(line(9_500, quantity=2), line(5_500), at=NOON)
RIGHT = reassign(SALE.id, member=BOB, at=LATER, key="k")
INSTEAD = uuid5(RIGHT.id, "purchase")
CASH = {"points": 1, "amount_minor": 10}


def right(log: GivenLog) -> Purchase:
    return log.batch.get(Purchase, INSTEAD)


class TestAWrongCardPutRight:
    def test_is_a_void_and_a_purchase_at_the_original_time(self) -> None:
        log = shop()
        done(log, SALE)
        facts = done(log, RIGHT)
        assert kinds(facts)[1:] == [PurchaseVoided, PurchaseRecorded, PointsRevoked, PointsEarned]
        _, voided, again, revoked, earned = facts
        assert (voided.originator_id, voided.occurred_at, voided.reason) == (SALE.id, LATER, "wrong card")
        assert (again.originator_id, again.occurred_at, again.corrects) == (INSTEAD, NOON, SALE.id)
        assert (again.member_id, again.lines, again.paid_minor) == (BOB, SALE.lines, 15_000)
        assert (revoked.member_id, revoked.occurred_at) == (ANN, LATER)
        assert (earned.member_id, earned.occurred_at, earned.purchase_id) == (BOB, NOON, INSTEAD)
        assert points(log) == (0, 15)

    def test_follows_the_rules_of_the_original_time(self) -> None:
        later = policy(effective_from="2023-05-03T00:00:00+08:00", earning={"points": 9, "per_minor": 100})
        week = campaign_created("week", multiplier="2", ends_at=NOON + timedelta(hours=1))
        log = shop(published(later, version=2), week, listed("week"))
        done(log, SALE, RIGHT)
        assert points(log) == (0, 30)
        assert right(log).recorded.programme_version == 1  # type: ignore[union-attr]

    def test_the_first_holder_owes_what_was_spent(self) -> None:
        log = shop(rules=published(policy(points_as_cash=CASH)))
        tender = [Tender(kind="points", amount_minor=120), Tender(kind="cash", amount_minor=880)]
        done(log, SALE, purchase(line(1_000), at=NOON, id="R-2", tenders=tender), RIGHT)
        assert (account(log).debt, points(log)) == (12, (0, 15))

    def test_what_had_gone_back_is_taken_off_at_its_own_time(self) -> None:
        log = shop()
        went = returned(SALE.id, back(quantity=1, amount_minor=4_750), at=NOON + timedelta(days=1), reason="torn")
        done(log, SALE, went)
        facts = done(log, RIGHT)
        (again,) = of_kind(facts, PurchaseReturned)
        assert (again.originator_id, again.occurred_at, again.external_id, again.reason) == (
            INSTEAD, went.occurred_at, "T-1", "torn",
        )  # fmt: skip
        assert points(log) == (0, 10)
        assert (right(log).left_minor, buckets(log, BOB).revoked) == (10_250, 5)

    def test_what_still_goes_back_goes_back_of_the_purchase_that_stands(self) -> None:
        """The receipt in the customer's hand names the first one."""
        log = shop()
        done(log, SALE, RIGHT, returned(SALE.id, back(quantity=2, amount_minor=9_500), at=LATER, strictly=True))
        assert (points(log), right(log).left_minor) == ((0, 5), 5_500)
        (voided,) = of_kind(done(log, returned(SALE.id, at=LATER, id="V-1", strictly=True)), PurchaseVoided)
        assert (voided.originator_id, points(log)) == (INSTEAD, (0, 0))

    def test_before_or_after_a_return_ends_in_the_same_points(self) -> None:
        went = returned(SALE.id, back(quantity=1, amount_minor=4_750), at=LATER)
        ends = []
        for order in ([SALE, went, RIGHT], [SALE, RIGHT, went], [went, SALE, RIGHT]):
            log = shop()
            done(log, *order)
            ends.append((points(log), right(log).left_minor, buckets(log), buckets(log, BOB)))
        assert ends[0] == ends[1] == ends[2]

    def test_points_that_paid_for_it_come_back_to_the_first_holder_and_count_as_money_for_the_other(self) -> None:
        log = shop(rules=published(policy(points_as_cash=CASH)))
        tender = [Tender(kind="points", amount_minor=100), Tender(kind="card", amount_minor=14_900)]
        paid = purchase(line(15_000), at=NOON + timedelta(hours=1), id="R-2", tenders=tender)
        done(log, SALE, paid)
        assert points(log) == (15 - 10 + 14, 0)
        facts = done(log, reassign(paid.id, member=BOB, at=LATER))
        (again,) = of_kind(facts, PurchaseRecorded)
        assert [one["kind"] for one in again.tenders] == ["other", "card"]
        assert points(log) == (15, 15)

    def test_a_purchase_that_was_kept_for_an_unknown_card_is_not_credited_to_it_any_more(self) -> None:
        log, kept = shop(), purchase(line(15_000), at=NOON, card="77")
        done(log, kept, reassign(kept.id, card="1002", at=LATER))
        assert points(log) == (0, 15)
        facts = done(log, join(UUID(int=7), at=JOINED_AT, card="77"))
        assert of_kind(facts, PointsEarned) == []

    def test_again_it_is_a_repeat_by_its_key_and_goes_on_from_the_purchase_that_stands(self) -> None:
        log = shop()
        done(log, SALE, RIGHT)
        log.when(RIGHT).then_repeats(RIGHT.id)
        log.when(reassign(SALE.id, member=BOB, at=LATER)).then_refused(SameHolder(purchase_id=INSTEAD, member_id=BOB))
        done(log, reassign(SALE.id, card="1001", at=LATER))
        assert points(log) == (15, 0)

    def test_the_same_receipt_again_is_a_repeat(self) -> None:
        log = shop()
        done(log, SALE, RIGHT)
        log.when(SALE).then_repeats(SALE.id)


class TestARefusedReassignment:
    def test_tells_the_first_thing_in_its_way(self) -> None:
        log, nobodys = shop(), purchase(line(1_000), at=NOON, id="R-2", card=None)
        done(log, SALE, nobodys)
        nowhere = UUID(int=9)
        log.when(reassign(nowhere, card="9", at=LATER)).then_refused(UnknownPurchase(purchase_id=nowhere))
        log.when(reassign(nobodys.id, card="9", at=LATER)).then_refused(ReceiptWithoutCard(purchase_id=nobodys.id))
        log.when(reassign(SALE.id, card="9", at=LATER)).then_refused(UnknownCard())
        log.when(reassign(SALE.id, member=ANN, at=LATER)).then_refused(SameHolder(purchase_id=SALE.id, member_id=ANN))
        done(log, returned(SALE.id, at=LATER, id="V-1"), returned(nobodys.id, at=LATER, id="V-2"))
        for voided in (SALE, nobodys):
            log.when(reassign(voided.id, card="9", at=LATER)).then_refused(PurchaseVoidedBefore(purchase_id=voided.id))

    @pytest.mark.parametrize("named", [{"member": BOB}, {"card": "1002"}])
    def test_leaves_no_trace(self, named: dict[str, object]) -> None:
        log = shop()
        done(log, SALE)
        before = len(log.batch.facts)
        assert log.when(reassign(UUID(int=9), at=LATER, **named)).refusal is not None  # type: ignore[arg-type]
        assert len(log.batch.facts) == before
