"""Receipts without a card, claimed by whoever brings them (rules 15)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.movements import AccountClosed, PointsEarned, PointsRevoked
from domain.points_account import account_id
from domain.purchase import PurchaseClaimed
from domain.refusals import (
    AccountIsClosed,
    ClaimTooLate,
    ConflictingRepeat,
    MemberMerged,
    PurchaseClaimedBefore,
    PurchaseVoidedBefore,
    Refusal,
    UnknownCard,
    UnknownMember,
    UnknownPurchase,
)
from tests.builders import (
    ANN,
    ANNS_CARD,
    BOB,
    back,
    campaign_created,
    claim,
    line,
    listed,
    policy,
    published,
    purchase,
    returned,
)
from tests.domain.putting_right import LATER, account, buckets, done, of_kind, points, shop
from tests.domain.world import DAY, NEVER, World
from tests.spec import NOON, fact

SALE = purchase(line(15_000), at=NOON, card=None)
LAST = datetime.fromisoformat("2023-06-02T00:00:00+08:00")
"""Sold on 2 May, local time: claimed through 1 June, the 30th day after it."""


class TestAClaim:
    def test_credits_the_receipt_as_of_its_own_time(self) -> None:
        log = shop()
        facts = done(log, SALE, claim(SALE.id, member=ANN, at=LATER))
        claimed, earned = facts[1:]
        assert (claimed.member_id, claimed.card_id, claimed.occurred_at) == (ANN, None, LATER)
        assert (earned.member_id, earned.occurred_at, earned.parts[0]["points"]) == (ANN, NOON, 15)
        assert points(log) == (15, 0)

    def test_by_a_card_names_its_holder(self) -> None:
        log = shop()
        (claimed, *_) = of_kind(done(log, SALE, claim(SALE.id, card="1001", at=LATER)), PurchaseClaimed)
        assert (claimed.member_id, claimed.card_id) == (ANN, ANNS_CARD)

    def test_follows_the_version_of_the_receipts_time_and_its_campaigns(self) -> None:
        later = policy(
            effective_from="2023-05-03T00:00:00+08:00",
            earning={"points": 1, "per_minor": 100, "excluded_categories": []},
        )
        week = campaign_created("week", multiplier="2", ends_at=NOON + timedelta(hours=1))
        log = shop(published(later, version=2), week, listed("week"))
        (earned,) = of_kind(done(log, SALE, claim(SALE.id, member=ANN, at=LATER)), PointsEarned)
        assert earned.programme_version == 1
        assert points(log) == (30, 0)

    def test_takes_off_what_went_back_each_at_its_time(self) -> None:
        log = shop()
        went = returned(SALE.id, back(amount_minor=6_000), at=NOON + timedelta(days=1))
        facts = done(log, SALE, went, claim(SALE.id, member=ANN, at=LATER))
        (revoked,) = of_kind(facts, PointsRevoked)
        assert (revoked.occurred_at, points(log)) == (went.occurred_at, (9, 0))

    def test_and_a_return_after_it_takes_the_rest(self) -> None:
        log = shop()
        done(log, SALE, claim(SALE.id, member=ANN, at=LATER), returned(SALE.id, at=LATER, id="V-1"))
        assert points(log) == (0, 0)
        assert buckets(log).revoked == 15

    def test_twice_for_the_same_member_is_a_repeat_with_or_without_a_key(self) -> None:
        log = shop()
        done(log, SALE, claim(SALE.id, member=ANN, at=LATER, key="k"))
        log.when(claim(SALE.id, member=ANN, at=LATER, key="k")).then_repeats(
            claim(SALE.id, member=ANN, at=LATER, key="k").id
        )
        log.when(claim(SALE.id, member=ANN, at=LATER)).then_repeats(SALE.id, 2)
        log.when(claim(SALE.id, card="1001", at=LATER)).then_repeats(SALE.id, 2)
        log.when(claim(SALE.id, member=BOB, at=LATER, key="k")).then_refused(
            ConflictingRepeat(source="/clients/tests", external_id="k")
        )

    def test_is_possible_through_the_thirtieth_local_day(self) -> None:
        log = shop()
        done(log, SALE)
        log.when(claim(SALE.id, member=ANN, at=LAST)).then_refused(ClaimTooLate(purchase_id=SALE.id, until=LAST))
        done(log, claim(SALE.id, member=ANN, at=LAST - timedelta(seconds=1)))

    def test_for_as_many_days_as_the_version_of_the_receipt_says(self) -> None:
        log = shop(rules=published(policy(claim_days=0)))
        done(log, SALE)
        midnight = datetime.fromisoformat("2023-05-03T00:00:00+08:00")
        log.when(claim(SALE.id, member=ANN, at=midnight)).then_refused(
            ClaimTooLate(purchase_id=SALE.id, until=midnight)
        )
        done(log, claim(SALE.id, member=ANN, at=midnight - timedelta(seconds=1)))


class TestARefusedClaim:
    """In the order of precedence: each asks for everything that the refusals behind its own would stand against."""

    @pytest.mark.parametrize(
        ("of", "asked", "refused"),
        [
            (UUID(int=9), {"at": LAST, "card": "9"}, UnknownPurchase(purchase_id=UUID(int=9))),
            ("known card", {"at": LAST, "card": "9"}, PurchaseClaimedBefore(purchase_id=purchase(line(1), at=NOON, id="R-2").id)),
            ("unknown card", {"at": LAST, "card": "9"}, PurchaseClaimedBefore(purchase_id=purchase(line(1), at=NOON, id="R-3").id)),
            ("claimed", {"at": LAST, "card": "9"}, PurchaseClaimedBefore(purchase_id=purchase(line(1), at=NOON, id="R-4").id)),
            ("voided", {"at": LAST, "card": "9"}, PurchaseVoidedBefore(purchase_id=purchase(line(1), at=NOON, id="R-5").id)),
            (SALE.id, {"at": LAST, "card": "9"}, ClaimTooLate(purchase_id=SALE.id, until=LAST)),
            (SALE.id, {"at": LATER, "card": "9"}, UnknownCard()),
            (SALE.id, {"at": LATER, "member": UUID(int=9)}, UnknownMember(member_id=UUID(int=9))),
        ],
    )  # fmt: skip
    def test_tells_the_first_thing_in_its_way(self, of: Any, asked: dict[str, Any], refused: Refusal) -> None:
        log = shop()
        others = {
            "known card": purchase(line(1_000), at=NOON, id="R-2"),
            "unknown card": purchase(line(1_000), at=NOON, id="R-3", card="77"),
            "claimed": purchase(line(1_000), at=NOON, id="R-4", card=None),
            "voided": purchase(line(1_000), at=NOON, id="R-5", card=None),
        }
        done(log, SALE, *others.values(), claim(others["claimed"].id, member=BOB, at=NOON))
        done(log, returned(others["claimed"].id, at=NOON, id="V-1"), returned(others["voided"].id, at=NOON, id="V-2"))
        log.when(claim(others[of].id if of in others else of, **asked)).then_refused(refused)

    def test_of_a_closed_account_earns_nothing(self) -> None:
        log = shop()
        closed = fact(AccountClosed, originator_id=account_id(ANN), member_id=ANN, occurred_at=LATER, reason="x")
        one = account(log)
        one.evolve(closed.model_copy(update={"originator_version": one.version + 1}))
        done(log, SALE)
        refused = AccountIsClosed(member_id=ANN, closed_at=LATER)
        log.when(claim(SALE.id, member=ANN, at=LATER)).then_refused(refused)
        one.merged_into = BOB
        log.when(claim(SALE.id, member=ANN, at=LATER)).then_refused(MemberMerged(member_id=ANN, survivor_id=BOB))


def test_a_claimed_receipt_earns_as_the_lowest_tier_does() -> None:
    made = campaign_created("silver-only", multiplier="3", everyone=False, tiers=["Silver"])
    world = World(policy(expiry=NEVER), made, listed("silver-only"))
    world.buys(10_000, at=NOON - DAY, id="R-00")
    assert world.account().rank_at(policy(), NOON) == 1, "Ann is Silver by now"
    receipt = purchase(line(10_000), at=NOON, id="R-anonymous", card=None)
    world.do(receipt)
    (earned,) = of_kind(world.do(claim(receipt.id, at=NOON + DAY, member=ANN)).facts, PointsEarned)
    assert [(part["part"], part["points"]) for part in earned.parts] == [("base", 10)]
