"""Quotes that reserve: what they promise is there when the sale is made, whatever others do meanwhile (rules 12)."""

from datetime import datetime
from typing import Any

import pytest

from domain.campaign import BudgetDrawn, BudgetReleased, BudgetReserved, Campaign, campaign_stream
from domain.refusals import (
    ConflictingRepeat,
    NothingReserved,
    QuoteDoesNotMatch,
    QuoteExpired,
    Refusal,
    ReservationEndedBefore,
    TimeInTheFuture,
)
from domain.reservation import QuoteReleased, QuoteSold
from tests.builders import ANN, BOB, campaign_created, line, purchase, returned
from tests.domain.quoting import (
    LATER,
    MINUTE,
    OVER,
    ask,
    campaigns,
    earned,
    next_version,
    recorded,
    releasing,
    reserve,
    reserving,
    selling,
    sold,
)
from tests.domain.world import DAY, World
from tests.spec import NOON


def shop(**terms: Any) -> World:
    """A gift of 50 points for everybody, out of what the terms say there is."""
    return World(None, *campaigns(campaign_created("gift", **({"bonus_points": 50} | terms))))


def gift(world: World) -> Campaign:
    return world.log.batch.get(Campaign, campaign_stream("gift"))


def elsewhere(world: World, *, at: datetime = LATER, card: str = "1002", **what: Any) -> dict[str, int]:
    """What somebody is given who buys in another store without a quote."""
    number = next(world.numbers)
    return earned(world.do(purchase(line(1_000), at=at, id=f"E-{number}", card=card, store=f"e{number}", **what)).facts)


class TestABudget:
    def test_is_set_aside_and_nobody_else_is_given_it(self) -> None:
        world = shop(budget={"points": 70})
        facts = world.do(reserving(world, line(1_000))).facts
        (aside,) = [one for one in facts if isinstance(one, BudgetReserved)]
        assert (aside.points, aside.amount_minor, aside.member_id, aside.until) == (50, 0, ANN, OVER)
        assert (gift(world).used, gift(world).left) == (0, 70)
        assert elsewhere(world) == {"base": 1, "gift": 20}
        told = ask(world, line(1_000), card="1002", at=LATER).told
        assert told["points"] == [{"part": "base", "points": 1}]
        assert told["rules"][-1]["why"] == "budget-used-up"

    @pytest.mark.parametrize("mode", ["grant_remaining", "refuse"])
    @pytest.mark.parametrize("answered", [True, False])
    def test_is_there_for_the_sale_though_it_is_used_up_meanwhile(self, mode: str, answered: bool) -> None:
        world = shop(budget={"points": 100, "mode": mode})
        aside = reserve(world, line(1_000))
        assert elsewhere(world) == {"base": 1, "gift": 50}
        assert elsewhere(world) == {"base": 1}
        facts = sold(world, aside, answered=answered).facts
        assert earned(facts) == {"base": 1, "gift": 50}
        assert [type(one) for one in facts if isinstance(one, QuoteSold | BudgetReleased | BudgetDrawn)] == [
            QuoteSold, BudgetReleased, BudgetDrawn,
        ]  # fmt: skip
        assert (gift(world).used, gift(world).left, gift(world).reserved) == (100, 0, {})

    def test_of_money_binds_the_price(self) -> None:
        world = shop(bonus_points=None, discount={"percent": "20"}, budget={"amount_minor": 500})
        aside = reserve(world, line(2_000))
        assert aside.quote.discounts == [{"line": "1", "source": "gift", "amount_minor": 400}]
        assert ask(world, line(2_000)).told["discount_minor"] == 100
        facts = sold(world, aside, line(2_000, discount_minor=400)).facts
        assert recorded(facts).discounts == aside.quote.discounts
        assert gift(world).used == 400

    def test_is_free_again_once_released(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        facts = world.do(releasing(world, aside, at=LATER)).facts
        assert [type(one) for one in facts] == [QuoteReleased, BudgetReleased]
        assert elsewhere(world) == {"base": 1, "gift": 50}

    def test_is_free_again_once_the_quote_is_over_and_nothing_waits_for_a_clock(self) -> None:
        world = shop(budget={"points": 50})
        reserve(world, line(1_000))
        assert elsewhere(world, at=OVER - MINUTE) == {"base": 1}
        assert elsewhere(world, at=OVER) == {"base": 1, "gift": 50}

    def test_is_not_free_before_our_own_clock_says_so(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        world.log.batch.recorded_at = LATER
        assert elsewhere(world, at=OVER) == {"base": 1}, "the till's clock runs ahead"
        assert earned(sold(world, aside).facts) == {"base": 1, "gift": 50}

    def test_is_not_promised_again_where_the_sale_is_told_after_somebody_had_it(self) -> None:
        """Told late, it is still sold by the rules that were quoted; the budget gives what is left."""
        world = shop(budget={"points": 70})
        aside = reserve(world, line(1_000))
        assert elsewhere(world, at=OVER) == {"base": 1, "gift": 50}
        assert earned(sold(world, aside, at=LATER).facts) == {"base": 1, "gift": 20}
        assert gift(world).left == 0

    def test_of_money_told_late_is_refused_at_a_door_and_never_drawn_beyond(self) -> None:
        world = shop(bonus_points=None, discount={"percent": "20"}, budget={"amount_minor": 400})
        aside = reserve(world, line(2_000))
        other = reserve(world, line(2_000), at=OVER, card="1002")
        late = selling(aside, line(2_000, discount_minor=400), at=LATER)
        refusal = world.log.when(late).refusal
        assert refusal is not None
        assert refusal.name == "campaign-used-up"
        sold(world, aside, line(2_000, discount_minor=400), at=LATER, answered=False)
        sold(world, other, line(2_000, discount_minor=400), at=OVER, id="R-2", card="1002")
        assert gift(world).used == 400

    def test_is_drawn_on_once_whatever_is_sold_by_the_same_quote(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        assert earned(sold(world, aside).facts) == {"base": 1, "gift": 50}
        assert earned(sold(world, aside, id="R-2").facts) == {"base": 1}

    def test_that_was_used_up_wins_no_line_from_one_that_keeps_something_for_the_sale(self) -> None:
        terms: dict[str, Any] = {"bonus_points": None, "multiplier": "3", "priority": 1, "budget": {"points": 3}}
        world = World(None, *campaigns(campaign_created("gift", **terms), campaign_created("second", multiplier="2")))
        first = recorded(world.do(purchase(line(1_500), at=NOON, id="R-0", card="1002")).facts).originator_id
        aside = reserve(world, line(10_000))
        assert aside.quote.campaigns == ("second",)
        world.do(returned(first, at=NOON + MINUTE))
        assert gift(world).left == 3
        assert earned(sold(world, aside, line(10_000)).facts) == {"base": 10, "second": 10}

    def test_comes_back_with_the_goods(self) -> None:
        world = shop(budget={"points": 50})
        bought = recorded(sold(world, reserve(world, line(1_000))).facts).originator_id
        world.do(returned(bought, at=LATER))
        assert (gift(world).used, gift(world).left) == (0, 50)

    def test_without_something_to_set_aside_there_is_a_promise_all_the_same(self) -> None:
        world = World()
        aside = reserve(world, line(15_000))
        assert (aside.points, aside.coupons, aside.campaigns) == (0, (), ())
        next_version(world, at=NOON + MINUTE)
        assert earned(sold(world, aside, line(15_000)).facts) == {"base": 15}


class TestALimit:
    def test_counts_what_is_set_aside_for_the_member(self) -> None:
        world = shop(limits={"per_window": {"points": 70}})
        aside = reserve(world, line(1_000))
        assert elsewhere(world, card="1001") == {"base": 1, "gift": 20}
        assert elsewhere(world, card="1001") == {"base": 1}
        assert elsewhere(world, card="1002") == {"base": 1, "gift": 50}
        assert earned(sold(world, aside).facts) == {"base": 1, "gift": 50}

    def test_of_uses_is_told_as_reached(self) -> None:
        world = shop(limits={"per_day": {"uses": 1}})
        aside = reserve(world, line(1_000))
        told = ask(world, line(1_000), at=LATER, store="2").told
        assert told["rules"][-1]["why"] == "limit-reached"
        world.do(releasing(world, aside, at=LATER))
        assert elsewhere(world, card="1001") == {"base": 1, "gift": 50}

    def test_of_a_discount_is_not_in_the_way_of_the_quote_that_it_was_kept_for(self) -> None:
        world = shop(bonus_points=None, discount={"percent": "20"}, limits={"per_window": {"uses": 1}})
        aside = reserve(world, line(2_000))
        assert ask(world, line(2_000)).told["discount_minor"] == 0
        assert sold(world, aside, line(2_000, discount_minor=400)).refusal is None

    def test_unites_with_that_of_somebody_who_was_merged_since(self) -> None:
        world = shop(limits={"per_window": {"uses": 1}})
        reserve(world, line(1_000))
        world.do(world.merge(ANN, BOB, at=NOON + MINUTE))
        assert elsewhere(world, card="1002") == {"base": 1}

    def test_a_bonus_of_the_day_is_kept_for_the_quote(self) -> None:
        world = shop()
        aside = reserve(world, line(1_000))
        assert earned(world.do(purchase(line(1_000), at=LATER, id="R-2")).facts) == {"base": 1}
        assert earned(world.do(purchase(line(1_000), at=LATER, id="R-3", card="1002")).facts) == {"base": 1, "gift": 50}
        assert earned(sold(world, aside).facts) == {"base": 1, "gift": 50}


class TestReleasing:
    def test_twice_is_a_repeat(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        released = world.do(releasing(world, aside)).facts[0]
        world.log.when(releasing(world, aside, at=LATER)).then_repeats(
            released.originator_id, released.originator_version
        )

    @pytest.mark.parametrize(
        ("at", "refusal"),
        [
            (OVER, ReservationEndedBefore(how="timed-out", until=OVER)),
            (NOON + 9_999 * DAY, TimeInTheFuture(occurred_at=NOON + 9_999 * DAY, recorded_at=NOON + DAY)),
        ],
    )
    def test_is_refused_by_name_outside_its_life(self, at: datetime, refusal: Refusal) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        world.log.batch.recorded_at = NOON + DAY
        assert world.log.when(releasing(world, aside, at=at)).refusal == refusal

    def test_is_refused_by_name_once_it_was_sold(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        sold(world, aside)
        refusal = world.log.when(releasing(world, aside, at=LATER)).refusal
        assert refusal == ReservationEndedBefore(how="sold", until=OVER)

    def test_is_refused_by_name_where_nothing_was_set_aside(self) -> None:
        world = World()
        quote = ask(world, line(1_000)).quote
        aside = reserve(world, line(1_000)).model_copy(update={"quote": quote})
        assert world.log.when(releasing(world, aside)).refusal == NothingReserved()

    def test_leaves_a_quote_that_binds_the_rules(self) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        world.do(releasing(world, aside))
        assert elsewhere(world) == {"base": 1, "gift": 50}
        assert earned(sold(world, aside).facts) == {"base": 1}


class TestAKey:
    def test_gets_the_first_answer_again_and_sets_nothing_aside_twice(self) -> None:
        world = shop(budget={"points": 100})
        command = reserving(world, line(1_000), key="k")
        world.do(command)
        world.log.when(reserving(world, line(1_000), key="k")).then_repeats(command.id)
        assert len(gift(world).reserved) == 1

    def test_is_claimed_by_its_content(self) -> None:
        world = World()
        world.do(reserving(world, line(1_000), key="k"))
        for other in (reserving(world, line(2_000), key="k"), reserving(world, line(1_000), key="k", card="1002")):
            assert type(world.log.when(other).refusal) is ConflictingRepeat


class TestASaleThatIsNotTheOneQuoted:
    @pytest.mark.parametrize(
        ("what", "refusal"),
        [
            ({"at": OVER}, QuoteExpired),
            ({"lines": [line(2_000)]}, QuoteDoesNotMatch),
            ({"card": "1002"}, QuoteDoesNotMatch),
        ],
    )
    def test_leaves_what_is_set_aside(self, what: dict[str, Any], refusal: type[Refusal]) -> None:
        world = shop(budget={"points": 50})
        aside = reserve(world, line(1_000))
        lines = what.pop("lines", [line(1_000)])
        assert type(world.log.when(selling(aside, *lines, **what)).refusal) is refusal
        sold(world, aside, *lines, **what, id="R-2", answered=False)
        assert world.log.when(releasing(world, aside)).refusal is None
