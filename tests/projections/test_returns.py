"""What returns and voids leave of balances, tiers and analytics, as of any instant and in any order of arrival."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.fact import Fact
from projections.analytics import Analytics, analytics_of
from projections.points import Balance, balance_of
from projections.standings import tier_of
from tests.builders import ANN, BOB, campaign_created, policy, published
from tests.read_spec import JANUARY, ReadSide, earns, joins, revokes

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
BOUGHT, LAPSES = JANUARY, JANUARY + 90 * DAY
P1, P2 = UUID(int=0xE1), UUID(int=0xE2)


def balance(read_side: ReadSide, as_of: datetime) -> Balance:
    found = read_side.ask("balances", balance_of, member_id=ANN, as_of=as_of)
    assert found is not None
    assert found.issued + found.received == (
        found.pending + found.available + found.held + found.spent + found.settled + found.expired + found.revoked
        + found.sent
    )  # fmt: skip
    return found


def shown(read_side: ReadSide, as_of: datetime) -> dict[str, object]:
    kept = ("issued", "pending", "available", "expired", "revoked")
    return {name: value for name, value in balance(read_side, as_of).model_dump().items() if name in kept and value}


class TestBalances:
    def test_points_are_revoked_from_the_time_of_the_return_on(self, read_side: ReadSide) -> None:
        at = BOUGHT + 5 * DAY
        read_side.given(
            *joins(ANN, card="1"),
            earns(ANN, 9, at=BOUGHT, expires_at=LAPSES, purchase_id=P1),
            revokes(ANN, P1, 1, bought_at=BOUGHT, at=at),
            revokes(ANN, P1, 8, bought_at=BOUGHT, at=at + DAY, nothing_left=True),
        )
        assert shown(read_side, at - INSTANT) == {"issued": 9, "available": 9}
        assert shown(read_side, at) == {"issued": 9, "available": 8, "revoked": 1}
        assert shown(read_side, at + DAY) == {"issued": 9, "revoked": 9}
        assert shown(read_side, LAPSES) == {"issued": 9, "revoked": 9}

    def test_they_come_from_the_very_lot_be_it_pending_available_or_expired(self, read_side: ReadSide) -> None:
        active = BOUGHT + 14 * DAY
        for number, at in enumerate((BOUGHT + DAY, active + DAY, LAPSES + DAY)):
            purchase_id = UUID(int=0xE0 + number)
            read_side.given(
                *(joins(ANN, card="1") if not number else ()),
                earns(ANN, 10, at=BOUGHT, active_from=active, expires_at=LAPSES, purchase_id=purchase_id),
                revokes(ANN, purchase_id, 4, bought_at=BOUGHT, at=at),
            )
        assert shown(read_side, BOUGHT) == {"issued": 30, "pending": 30}
        assert shown(read_side, BOUGHT + DAY) == {"issued": 30, "pending": 26, "revoked": 4}
        assert shown(read_side, active + DAY) == {"issued": 30, "available": 22, "revoked": 8}
        assert shown(read_side, LAPSES) == {"issued": 30, "expired": 22, "revoked": 8}
        assert shown(read_side, LAPSES + DAY) == {"issued": 30, "expired": 18, "revoked": 12}

    def test_what_was_revoked_no_longer_lapses(self, read_side: ReadSide) -> None:
        later = LAPSES + 30 * DAY
        read_side.given(
            *joins(ANN, card="1"),
            earns(ANN, 9, at=BOUGHT, expires_at=LAPSES, purchase_id=P1),
            earns(ANN, 5, at=BOUGHT, expires_at=later, purchase_id=P2),
            revokes(ANN, P1, 3, bought_at=BOUGHT, at=BOUGHT + DAY),
            revokes(ANN, P1, 6, bought_at=BOUGHT, at=BOUGHT + 2 * DAY),
        )
        told = [balance(read_side, BOUGHT + days * DAY).next_expiry for days in (0, 1, 2)]
        assert [(one.points, one.at) for one in told if one] == [(9, LAPSES), (6, LAPSES), (5, later)]

    def test_a_return_dated_before_its_purchase_never_shows_more_than_there_was(self, read_side: ReadSide) -> None:
        read_side.given(
            *joins(ANN, card="1"),
            earns(ANN, 9, at=BOUGHT, purchase_id=P1),
            revokes(ANN, P1, 1, bought_at=BOUGHT, at=BOUGHT - DAY),
        )
        assert shown(read_side, BOUGHT - INSTANT) == {}
        assert shown(read_side, BOUGHT) == {"issued": 9, "available": 8, "revoked": 1}

    def test_a_return_that_took_no_points_leaves_no_row(self, read_side: ReadSide) -> None:
        read_side.given(
            *joins(ANN, card="1"),
            earns(ANN, 9, at=BOUGHT, purchase_id=P1),
            revokes(ANN, P1, 0, bought_at=BOUGHT, at=BOUGHT, paid_minor=500),
        )
        assert read_side.rows("balances", "movements") == []


class TestTiers:
    def tier(self, read_side: ReadSide, as_of: datetime) -> tuple[str, datetime, int]:
        found = read_side.ask("tiers", tier_of, member_id=ANN, programme="member_experience", as_of=as_of)
        assert found is not None
        return found.tier, found.since, found.qualifying_points

    def test_a_promotion_is_undone_from_the_time_of_the_return_on(self, read_side: ReadSide) -> None:
        first, second, at = BOUGHT + DAY, BOUGHT + 5 * DAY, BOUGHT + 9 * DAY
        read_side.given(
            published(policy()),
            *joins(ANN, card="1"),
            earns(ANN, 10_000, at=first, purchase_id=P1),
            earns(ANN, 6_000, at=second, purchase_id=P2),
            revokes(ANN, P1, 4_000, bought_at=first, at=at),
            revokes(ANN, P1, 6_000, bought_at=first, at=at + DAY, nothing_left=True),
        )
        assert self.tier(read_side, at - INSTANT) == ("Silver", first, 16_000)
        assert self.tier(read_side, at) == ("Silver", second, 12_000)
        assert self.tier(read_side, at + DAY) == ("Ordinary", JANUARY, 6_000)

    def test_after_the_review_a_return_changes_nothing(self, read_side: ReadSide) -> None:
        read_side.given(
            published(policy()),
            *joins(ANN, card="1"),
            earns(ANN, 100_000, at=BOUGHT + DAY, purchase_id=P1),
            revokes(ANN, P1, 100_000, bought_at=BOUGHT + DAY, at=BOUGHT + 400 * DAY, nothing_left=True, counts=False),
        )
        assert self.tier(read_side, BOUGHT + 399 * DAY) == self.tier(read_side, BOUGHT + 401 * DAY)
        assert self.tier(read_side, BOUGHT + 401 * DAY)[0] == "Gold"

    def test_points_of_campaigns_never_counted(self, read_side: ReadSide) -> None:
        read_side.given(
            published(policy()),
            *joins(ANN, card="1"),
            earns(ANN, 10, at=BOUGHT, campaign="gift", bonus=50, purchase_id=P1),
            revokes(ANN, P1, 3, bought_at=BOUGHT, at=BOUGHT, campaign="gift", bonus=50),
        )
        assert self.tier(read_side, BOUGHT)[2] == 7


class TestAnalytics:
    def figures(self, read_side: ReadSide) -> Analytics:
        found = read_side.ask("campaigns", analytics_of, campaign_id="spring", as_of=BOUGHT + 3_000 * DAY)
        assert found is not None
        return found

    @pytest.mark.parametrize("at", [BOUGHT + 55 * DAY, BOUGHT + 500 * DAY])
    def test_are_net_of_returns_at_the_time_of_the_purchase(self, read_side: ReadSide, at: datetime) -> None:
        """However late the return: in the window, or long after it."""
        starts, inside, before = BOUGHT + 50 * DAY, BOUGHT + 52 * DAY, BOUGHT + 45 * DAY
        read_side.given(
            campaign_created("spring", multiplier="2", starts_at=starts, ends_at=starts + 10 * DAY),
            *joins(ANN, card="1"),
            *joins(BOB, card="2"),
            earns(BOB, 0, at=BOUGHT, paid_minor=1),
            earns(ANN, 9, at=inside, paid_minor=9_500, campaign="spring", bonus=9, coupons=["spring"], purchase_id=P1),
            earns(BOB, 5, at=inside, paid_minor=5_000, campaign="spring", bonus=5, purchase_id=P2),
            earns(ANN, 3, at=before, paid_minor=3_000, purchase_id=UUID(int=0xE3)),
            revokes(ANN, P1, 1, bought_at=inside, at=at, paid_minor=600, campaign="spring", bonus=1),
            revokes(ANN, UUID(int=0xE3), 1, bought_at=before, at=at, paid_minor=1_000),
        )
        some = self.figures(read_side)
        assert (some.participants, some.purchases, some.sales_minor, some.bonus_points) == (2, 2, 13_900, 13)
        assert (some.baseline_sales_minor, some.coupons_redeemed) == (2_000, 1)
        read_side.given(
            revokes(
                ANN, P1, 8, bought_at=inside, at=at, paid_minor=8_900, campaign="spring", bonus=8, nothing_left=True
            )
        )
        less = self.figures(read_side)
        assert (less.participants, less.purchases, less.sales_minor, less.bonus_points) == (1, 1, 5_000, 5)


def test_the_order_of_arrival_does_not_matter(read_side: ReadSide, module_database_url: str) -> None:
    chance = random.Random(11)
    told: list[Fact] = []
    for number in range(60):
        member, purchase_id = chance.choice((ANN, BOB)), UUID(int=0xF000 + number)
        at = JANUARY + chance.randrange(300) * DAY
        told.append(earns(member, 50, at=at, paid_minor=50_000, campaign="c", bonus=5, purchase_id=purchase_id))
        told += [
            revokes(member, purchase_id, 10, bought_at=at, at=at + days * DAY, paid_minor=10_000, campaign="c", bonus=1)
            for days in range(chance.randrange(4))
        ]
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    shuffled = chance.sample(told, len(told))
    other = ReadSide(module_database_url)
    read_side.given(*people, *told)
    other.given(*people).given(*shuffled[:70]).given(*shuffled[70:])
    assert read_side.all_rows() == other.all_rows()
    other.close()
