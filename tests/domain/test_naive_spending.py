"""The naive model itself: the worked examples of debt, holds, arrival and members, with their numbers."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

from tests.naive import Ledger, Rules
from tests.naive.story import HUNDRED, back, bought, has, midnight, on, opened


class TestDebt:
    def indebted(self) -> Ledger:
        """Ten points earned, spent and taken back."""
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 10, on(5, 2))
        ledger.void("p", on(5, 3))
        return ledger

    def test_buy_spend_return_buy_gives_nothing(self) -> None:
        ledger = self.indebted()
        has(ledger, on(5, 3), issued=10, spent=10, debt=10)
        bought(ledger, "q", 100, on(5, 4))
        has(ledger, on(5, 4), issued=20, spent=10, settled=10)
        ledger.void("q", on(5, 5))
        has(ledger, on(5, 5), issued=20, spent=10, settled=10, debt=10)

    def test_points_settle_at_the_instant_they_become_active(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), pending_days=14))
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 4, on(5, 2), offline=True)
        has(ledger, on(5, 14), issued=10, pending=10, debt=4)
        has(ledger, on(5, 15), issued=10, settled=4, available=6)

    def test_what_was_active_for_two_days_has_settled_before_it_expired(self) -> None:
        rules = Rules(multipliers=(), bonuses=(), pending_days=14, expiry="registration_anniversary")
        ledger = opened(rules, ann=on(5, 16))
        bought(ledger, "p", 100, on(5, 1, year=2024))
        ledger.redeem("r", "ann", 4, on(5, 2, year=2024), offline=True)
        has(ledger, on(6, 1, year=2024), issued=10, settled=4, expired=6)

    def test_points_that_come_back_settle_then(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(5, on(5, 10)), (10, None)])
        ledger.hold("h", "ann", 15, on(5, 1), on(5, 10, 13))
        ledger.redeem("r", "ann", 4, on(5, 2), offline=True)
        has(ledger, on(5, 10, 12, 59), issued=15, held=15, debt=4)
        has(ledger, on(5, 10, 13), issued=15, expired=5, settled=4, available=6)

    def test_reversing_what_became_debt_cancels_it_first_then_unsettles(self) -> None:
        ledger = opened()
        bought(ledger, "p", 30, on(5, 1))
        assert ledger.redeem("r", "ann", 10, on(5, 2), offline=True) == {"spent": 3, "debt": 7}
        bought(ledger, "q", 50, on(5, 3))
        has(ledger, on(5, 3), issued=8, spent=3, settled=5, debt=2)
        answer = {"restored": 1, "lapsed": 0, "cancelled": 2, "unsettled": 5, "waived": 0}
        assert ledger.reverse("r", 8, on(5, 4)) == answer
        has(ledger, on(5, 4), issued=8, spent=2, available=6)

    def test_the_latest_settlement_is_undone_first(self) -> None:
        ledger = opened()
        ledger.redeem("r", "ann", 7, on(5, 1), offline=True)
        ledger.opening("ann", on(5, 2), [(4, on(8, 1))])
        ledger.opening("ann", on(5, 3), [(3, None)])
        ledger.reverse("r", 3, on(5, 4))
        has(ledger, on(8, 1), issued=7, settled=4, available=3)

    def test_what_was_waived_is_not_given_back(self) -> None:
        ledger = opened()
        ledger.redeem("r", "ann", 10, on(5, 2), offline=True)
        assert ledger.waive("ann", 4, on(5, 3)) == {"waived": 4}
        answer = {"restored": 0, "lapsed": 0, "cancelled": 6, "unsettled": 0, "waived": 4}
        assert ledger.reverse("r", None, on(5, 4)) == answer
        assert ledger.waive("ann", 4, on(5, 5)) == "no-debt"

    def test_a_purchase_is_never_refused_for_its_points(self) -> None:
        ledger = opened()
        ledger.purchase("p", "ann", on(5, 1), [("1", 1_000, "BREAD")], points_minor=95)
        has(ledger, on(5, 1), debt=10)


class TestHoldsAndRedemptions:
    def test_a_lot_stays_good_while_held_and_lapses_when_released(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(6, midnight(2023, 5, 2)), (4, on(9, 1))])
        ledger.hold("h", "ann", 10, on(5, 1), on(5, 3))
        has(ledger, on(5, 2), issued=10, held=10)
        assert ledger.capture("h", 4, on(5, 2)) == {"spent": 4, "debt": 0}
        has(ledger, on(5, 2), issued=10, spent=4, expired=2, available=4)

    def test_a_capture_in_time_that_arrives_late_is_good(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.hold("h", "ann", 10, on(5, 2, 12), on(5, 2, 12, 15))
        ledger.redeem("r", "ann", 6, on(5, 2, 12, 20))
        assert ledger.capture("h", 8, on(5, 2, 12, 10)) == {"spent": 4, "debt": 4}
        has(ledger, on(5, 2, 12, 20), issued=10, spent=10, debt=4)

    def test_how_a_hold_can_end(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        assert ledger.hold("h", "ann", 11, on(5, 2, 12), on(5, 2, 13)) == "insufficient-points"
        ledger.hold("h", "ann", 10, on(5, 2, 12), on(5, 2, 13))
        assert ledger.redeem("r", "ann", 1, on(5, 2, 12, 30)) == "insufficient-points"
        assert ledger.capture("h", 11, on(5, 2, 12, 30)) == "more-than-held"
        assert ledger.capture("h", 10, on(5, 2, 13)) == "capture-after-timeout"
        assert ledger.release("h", on(5, 2, 13)) == "hold-ended-before"
        has(ledger, on(5, 2, 13), issued=10, available=10)
        ledger.release("h", on(5, 2, 12, 59))
        assert ledger.capture("h", 10, on(5, 2, 12, 30)) == "hold-ended-before"
        assert ledger.release("g", on(5, 2)) == ledger.capture("g", 1, on(5, 2)) == "unknown-hold"

    def test_how_a_redemption_is_reversed(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 10, on(5, 2))
        assert ledger.reverse("s", None, on(5, 3)) == "unknown-redemption"
        assert ledger.reverse("r", 11, on(5, 3)) == "more-than-redeemed"
        ledger.reverse("r", 9, on(5, 3))
        ledger.reverse("r", None, on(5, 3))
        assert ledger.reverse("r", None, on(5, 3)) == "redemption-reversed-before"
        assert ledger.qualifying("ann") == 10
        has(ledger, on(5, 3), issued=10, available=10)

    def test_a_purchase_captures_the_holds_it_names_and_redeems_the_rest(self) -> None:
        ledger = opened()
        ledger.opening("ann", on(1, 2), [(30, None)])
        ledger.hold("h", "ann", 10, on(5, 1), on(5, 3))
        ledger.hold("g", "ann", 10, on(5, 1), on(5, 3))
        ledger.purchase("p", "ann", on(5, 2), [("1", 500, "BREAD")], points_minor=150, holds=["h", "g"])
        has(ledger, on(5, 2), issued=30, spent=15, available=15)


class TestArrival:
    def test_a_repeat_changes_nothing(self) -> None:
        ledger = opened()
        assert bought(ledger, "p", 100, on(5, 1)) == bought(ledger, "p", 100, on(5, 1)) == {"base": 10}
        has(ledger, on(5, 1), issued=10, available=10)

    def test_without_debt_and_spends_the_order_of_arrival_does_not_matter(self) -> None:
        balances = []
        for order in permutations(range(4)):
            ledger = opened(Rules(bonuses=(), expiry="registration_anniversary"))
            for number in order:
                bought(ledger, f"p{number}", 37 * (number + 1), on(3 + number, 28))
                ledger.give_back(f"p{number}", on(3 + number, 29), [("1", 0, 1_111)], strictly=False)
            balances.append((ledger.balance("ann", on(7, 1)), ledger.balance("ann", on(2, 1, year=2024))))
        assert all(balance == balances[0] for balance in balances)


class TestMembers:
    def test_only_points_past_the_return_window_can_be_sent(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        assert ledger.transfer(UUID(int=1), "ann", "ann", 1, on(5, 15)) == "transfer-to-oneself"
        early = on(5, 15) - timedelta(microseconds=1)
        assert ledger.transfer(UUID(int=1), "ann", "ben", 10, early) == "insufficient-points"
        ledger.transfer(UUID(int=1), "ann", "ben", 10, on(5, 15))
        has(ledger, on(5, 15), issued=10, sent=10)
        has(ledger, on(5, 15), member="ben", received=10, available=10)
        has(ledger, midnight(2024, 5, 2), member="ben", received=10, expired=10)
        ledger.void("p", on(5, 16))
        has(ledger, on(5, 16), issued=10, sent=10, debt=10)
        assert (ledger.qualifying("ann"), ledger.qualifying("ben")) == (0, 0)

    def test_a_merge_and_back_with_nothing_between(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=(), pending_days=14))
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 4, on(5, 2), offline=True)
        ledger.merge("ann", "ben", on(5, 3))
        assert ledger.merge("ann", "ben", on(5, 3)) == "member-merged"
        has(ledger, on(5, 3), issued=10, sent=10)
        has(ledger, on(5, 3), member="ben", received=10, pending=10, debt=4)
        assert ledger.redeem("s", "ann", 1, on(5, 4)) == "member-merged"
        assert (ledger.qualifying("ann"), ledger.qualifying("ben")) == (0, 10)
        ledger.unmerge("ann", "ben", on(5, 5))
        has(ledger, on(5, 5), issued=10, sent=10, received=10, pending=10, debt=4)
        has(ledger, on(5, 5), member="ben", received=10, sent=10)
        assert (ledger.qualifying("ann"), ledger.qualifying("ben")) == (10, 0)

    def test_an_earlier_spend_that_arrives_later_finds_no_points_received_since(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.transfer(UUID(int=1), "ann", "ben", 10, on(6, 1))
        assert ledger.redeem("r", "ben", 10, on(5, 20)) == "insufficient-points"
        assert ledger.redeem("r", "ben", 10, on(6, 1)) == {"spent": 10, "debt": 0}

    def test_debt_that_the_survivor_paid_does_not_come_back(self) -> None:
        ledger = opened()
        ledger.redeem("r", "ann", 4, on(5, 2), offline=True)
        ledger.merge("ann", "ben", on(5, 3))
        bought(ledger, "p", 30, on(5, 4), "ann")
        ledger.unmerge("ann", "ben", on(5, 5))
        has(ledger, on(5, 5), debt=1)
        has(ledger, on(5, 5), member="ben", issued=3, settled=3)

    def test_claws_follow_the_points_to_the_survivor_and_so_do_reversals(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 4, on(5, 2))
        ledger.hold("h", "ann", 1, on(5, 2), on(5, 3))
        assert ledger.merge("ann", "ben", on(5, 2, 13)) == "holds-open"
        ledger.merge("ann", "ben", on(5, 3))
        back(ledger, "p", 50, on(5, 4))
        has(ledger, on(5, 4), member="ben", received=6, revoked=5, available=1)
        ledger.reverse("r", None, on(5, 5))
        has(ledger, on(5, 5), issued=10, sent=10)
        has(ledger, on(5, 5), member="ben", received=10, revoked=5, available=5)
        ledger.void("p", on(5, 6))
        has(ledger, on(5, 6), member="ben", received=10, revoked=10)

    def test_new_points_of_a_merged_member_follow_the_survivors_anniversary(self) -> None:
        rules = Rules(multipliers=(), bonuses=(), expiry="registration_anniversary")
        ledger = opened(rules, ann=on(3, 15), ben=on(2, 1))
        ledger.merge("ann", "ben", on(4, 1))
        bought(ledger, "p", 100, on(5, 1))
        has(ledger, midnight(2024, 2, 2), member="ben", issued=10, expired=10)

    def test_limits_unite(self) -> None:
        ledger = opened(Rules(multipliers=(), bonuses=HUNDRED))
        bought(ledger, "p", 100, on(5, 1, 9))
        ledger.merge("ann", "ben", on(5, 1, 10))
        assert bought(ledger, "q", 100, on(5, 1, 11), "ben") == {"base": 10, "welcome": 0}

    def test_an_adjustment_beyond_what_is_available_needs_leave(self) -> None:
        ledger = opened()
        ledger.adjust("ann", 5, on(5, 1), expires_at=on(9, 1))
        assert ledger.adjust("ann", -6, on(5, 2)) == "insufficient-points"
        assert ledger.adjust("ann", -6, on(5, 2), allow_debt=True) == {"revoked": 5, "debt": 1}
        has(ledger, on(5, 2), issued=5, revoked=5, debt=1)

    def test_a_closed_account_earns_no_more_and_keeps_its_debt(self) -> None:
        ledger = opened()
        bought(ledger, "p", 100, on(5, 1))
        ledger.redeem("r", "ann", 12, on(5, 2), offline=True)
        ledger.close("ann", on(5, 3))
        assert bought(ledger, "q", 100, on(5, 4)) == {}
        assert ledger.redeem("s", "ann", 1, on(5, 4)) == "account-closed"
        ledger.void("p", on(5, 5))
        has(ledger, on(5, 5), issued=10, spent=10, debt=12)
        assert bought(ledger, "late", 30, on(5, 2)) == {"base": 3}
        has(ledger, on(5, 5), issued=13, spent=10, settled=3, debt=9)
