"""Discounts of campaigns that were quoted: what they draw on budgets and limits, and what a return gives back (rules 10)."""

from typing import Any
from uuid import UUID

import pytest

from domain.campaign import BudgetDrawn, Campaign, campaign_stream
from domain.refusals import CampaignUsedUp
from tests.builders import BOB, back, campaign_created, line, purchase, reassign, returned
from tests.domain.quoting import ask, campaigns, recorded, words
from tests.domain.world import DAY, World
from tests.spec import NOON
from tests.spec_of_commands import CommandResult

FIFTH = {"percent": "20"}


def shop(**terms: Any) -> World:
    return World(None, *campaigns(campaign_created("fifth", discount=FIFTH, **terms)))


def sold(world: World, words_: str, *, id: str = "R-1", **what: Any) -> CommandResult:  # noqa: A002
    """A line of ¥20, a fifth off."""
    return world.log.when(purchase(line(2_000, discount_minor=400), at=NOON, id=id, quote=words_, **what))


def used(world: World) -> int:
    return world.log.batch.get(Campaign, campaign_stream("fifth")).used


def test_a_budget_in_money_is_drawn_by_the_purchase_and_not_by_the_quote() -> None:
    world = shop(budget={"amount_minor": 500})
    quoted = words(ask(world, line(2_000)))
    assert used(world) == 0
    facts = sold(world, quoted).facts
    assert recorded(facts).discounts == [{"line": "1", "source": "fifth", "amount_minor": 400}]
    assert [one.amount_minor for one in facts if isinstance(one, BudgetDrawn)] == [400]
    assert ask(world, line(2_000)).told["discount_minor"] == 100, "what is left of the budget"


def test_a_purchase_without_a_quote_draws_nothing() -> None:
    world = shop(budget={"amount_minor": 500})
    assert world.log.when(purchase(line(2_000, discount_minor=400), at=NOON)).refusal is None
    assert used(world) == 0


def test_of_two_quotes_for_the_same_rest_one_is_refused_at_the_door_and_never_drawn_beyond_over_kafka() -> None:
    world = shop(budget={"amount_minor": 500})
    quotes = [words(ask(world, line(2_000))) for _ in range(3)]
    assert sold(world, quotes[0]).refusal is None
    refusal = sold(world, quotes[1], id="R-2").refusal
    assert refusal == CampaignUsedUp(campaign_id="fifth", discount_minor=400, left_minor=100)
    assert sold(world, quotes[2], id="R-3", answered=False).refusal is None
    assert used(world) == 500


def test_a_limit_is_not_got_round_by_two_quotes() -> None:
    world = shop(limits={"per_window": {"uses": 1}})
    quotes = [words(ask(world, line(2_000))) for _ in range(2)]
    assert sold(world, quotes[0]).refusal is None
    assert sold(world, quotes[1], id="R-2").refusal == CampaignUsedUp(
        campaign_id="fifth", discount_minor=400, left_minor=0
    )
    assert ask(world, line(2_000)).told["discount_minor"] == 0


@pytest.mark.parametrize("terms", [{"everyone": False, "tiers": ["Silver"]}, {"limits": {"per_window": {"uses": 1}}}])
def test_what_was_taken_off_stays_drawn_whoever_turns_out_to_be_the_buyer(terms: dict[str, Any]) -> None:
    """Ann, who is Silver, bought by the quote; Bob is not, and has had his own."""
    world = shop(budget={"amount_minor": 800}, **terms)
    world.buys(10_000, at=NOON - DAY, id="R-0")
    bought = recorded(sold(world, words(ask(world, line(2_000)))).facts).originator_id
    if "limits" in terms:
        sold(world, words(ask(world, line(2_000), card="1002")), id="R-2", card="1002")
    before = used(world)
    facts = world.do(reassign(bought, at=NOON + DAY, member=BOB)).facts
    assert used(world) == before
    world.do(returned(recorded(facts).originator_id, at=NOON + DAY))
    assert used(world) == before - 400


def test_what_goes_back_gives_back_its_share_of_the_discount_however_it_is_split() -> None:
    world = shop(budget={"amount_minor": 500})
    facts = sold(world, words(ask(world, line(2_000)))).facts
    bought: UUID = recorded(facts).originator_id

    def returns(amount: int | None, name: str) -> int:
        lines = [] if amount is None else [back(amount_minor=amount)]
        world.do(returned(bought, *lines, at=NOON, id=name))
        return used(world)

    assert [returns(800, "T-1"), returns(1, "T-2"), returns(None, "T-3")] == [200, 199, 0]
