"""Selling by a quote: by the rules that were quoted, within its life, or not at all (rules 12)."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.movements import PointsRedeemed, PointsRevoked
from domain.quoting import Quotation
from domain.refusals import (
    QuoteDoesNotMatch,
    QuoteExpired,
    QuoteInvalid,
    Refusal,
)
from domain.tier_moves import TierMoved
from tests.builders import (
    ANN,
    BOB,
    KEYS,
    back,
    campaign_created,
    line,
    purchase,
    returned,
)
from tests.domain.quoting import (
    MINUTE,
    ask,
    campaigns,
    carried_out,
    earned,
    next_version,
    quoted_parts,
    recorded,
    words,
)
from tests.domain.world import World
from tests.spec import NOON


class TestSellingByAQuote:
    @pytest.mark.parametrize("answered", [True, False])
    def test_of_version_1_after_version_2_is_in_force(self, answered: bool) -> None:
        world = World()
        quotation = ask(world, line(15_000))
        next_version(world, at=NOON + 5 * MINUTE)
        result = world.do(purchase(line(15_000), at=NOON + 10 * MINUTE, quote=words(quotation), answered=answered))
        assert earned(result.facts) == quoted_parts(quotation) == {"base": 15}
        kept = recorded(result.facts)
        assert (kept.programme_version, kept.quote_refused) == (1, None)
        assert kept.quote == {"quote_id": quotation.quote.id, "version": 1, "tier": "Ordinary", "campaigns": []}
        assert earned(world.do(purchase(line(15_000), at=NOON + 10 * MINUTE, id="R-2")).facts) == {"base": 30}

    def test_by_its_campaigns_though_they_are_over(self) -> None:
        made = campaign_created("twice", multiplier="2", ends_at=NOON + MINUTE)
        world = World(None, *campaigns(made))
        quotation = ask(world, line(15_000))
        result = world.do(purchase(line(15_000), at=NOON + 2 * MINUTE, quote=words(quotation)))
        assert earned(result.facts) == quoted_parts(quotation) == {"base": 15, "twice": 15}

    def test_and_not_by_those_that_began_since(self) -> None:
        made = campaign_created("twice", multiplier="2", starts_at=NOON + MINUTE)
        world = World(None, *campaigns(made))
        quotation = ask(world, line(15_000))
        result = world.do(purchase(line(15_000), at=NOON + 2 * MINUTE, quote=words(quotation)))
        assert earned(result.facts) == {"base": 15}

    def test_what_comes_back_is_taken_by_the_rules_that_granted(self) -> None:
        world = World(None, *campaigns(campaign_created("twice", multiplier="2", ends_at=NOON + MINUTE)))
        sold = purchase(line(15_000), at=NOON + 2 * MINUTE, quote=words(ask(world, line(15_000))))
        next_version(world, at=NOON + 1.5 * MINUTE)
        world.do(sold)
        for number, left in enumerate((9, 0)):
            facts = world.do(
                returned(sold.id, back(amount_minor=6_000 + number * 3_000), at=NOON + 5 * MINUTE, id=f"T-{number}")
            ).facts
            (revoked,) = (one for one in facts if isinstance(one, PointsRevoked))
            assert [part["points"] for part in revoked.parts] == [15 - 9 if left else 9] * 2

    def test_what_points_pay_is_by_the_quoted_rate(self) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE)
        quotation = ask(world, line(15_000), points=300)
        next_version(world, at=NOON + MINUTE, points_as_cash={"points": 1, "amount_minor": 1})
        result = world.do(
            purchase(line(15_000), at=NOON + 2 * MINUTE, id="R-2", points_minor=3_000, quote=words(quotation))
        )
        assert [one.points for one in result.facts if isinstance(one, PointsRedeemed)] == [300]
        assert earned(result.facts) == quoted_parts(quotation) == {"base": 12}

    def test_the_lines_may_stand_in_another_order(self) -> None:
        world = World()
        quotation = ask(world, line(15_000), line(3_000, sku="2"))
        sold = purchase(line(15_000), line(3_000, sku="2"), at=NOON, quote=words(quotation))
        sold.lines.reverse()
        assert recorded(world.do(sold).facts).quote

    def test_a_member_who_was_merged_since_is_meant(self) -> None:
        world = World()
        quotation = ask(world, line(15_000))
        world.do(world.merge(ANN, BOB, at=NOON + MINUTE))
        sold = purchase(line(15_000), at=NOON + 2 * MINUTE, quote=words(quotation))
        assert recorded(world.do(sold).facts).member_id == BOB

    def test_the_tier_after_it_is_the_one_that_was_quoted(self) -> None:
        world = World()
        quotation = ask(world, line(10_000_000))
        next_version(world, at=NOON + MINUTE)
        facts = world.do(purchase(line(10_000_000), at=NOON + 2 * MINUTE, quote=words(quotation))).facts
        assert [one.to_tier for one in facts if isinstance(one, TierMoved)] == [quotation.told["tier"]] == ["Silver"]


def forged(quotation: Quotation) -> str:
    """The quote with another version, under the old signature."""
    other = quotation.quote.model_copy(update={"version": 2})
    return ".".join((words(Quotation(other, {})).split(".")[0], words(quotation).split(".")[1]))


def of_another_ledger(quotation: Quotation) -> str:
    """A quote of a version that was never published here."""
    return words(Quotation(quotation.quote.model_copy(update={"version": 99}), {}))


LIFE = {"given_at": NOON, "until": NOON + 15 * MINUTE}
NOT_HONOURED: list[tuple[Callable[[Quotation], dict[str, Any]], Refusal]] = [
    (lambda one: {"at": NOON + 15 * MINUTE}, QuoteExpired(occurred_at=NOON + 15 * MINUTE, **LIFE)),
    (lambda one: {"at": NOON - MINUTE}, QuoteExpired(occurred_at=NOON - MINUTE, **LIFE)),
    (lambda one: {"lines": [line(15_001)]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"lines": [line(15_000, quantity=2)]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"lines": [line(15_000, sku="2")]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"lines": [line(15_000, category="DAIRY")]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"lines": [line(15_000, discount_minor=1)]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"lines": [line(15_000), line(1)]}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"store": "2"}, QuoteDoesNotMatch(differs="lines")),
    (lambda one: {"card": "1002"}, QuoteDoesNotMatch(differs="member")),
    (lambda one: {"card": "9999"}, QuoteDoesNotMatch(differs="member")),
    (lambda one: {"card": None}, QuoteDoesNotMatch(differs="member")),
    (lambda one: {"quote": forged(one)}, QuoteInvalid()),
    (lambda one: {"quote": words(one)[:-1]}, QuoteInvalid()),
    (lambda one: {"quote": words(one) + "é"}, QuoteInvalid()),
    (lambda one: {"quote": ""}, QuoteInvalid()),
    (lambda one: {"quote": KEYS.sign(b"{}")}, QuoteInvalid()),
    (lambda one: {"quote": of_another_ledger(one)}, QuoteInvalid()),
]  # fmt: skip


class TestAQuoteThatDoesNotHold:
    @pytest.mark.parametrize(("change", "refusal"), NOT_HONOURED)
    def test_is_refused_by_name_where_somebody_waits(
        self, change: Callable[[Quotation], dict[str, Any]], refusal: Refusal
    ) -> None:
        world = World()
        quotation = ask(world, line(15_000))
        what = {"lines": [line(15_000)], "at": NOON, "quote": words(quotation), **change(quotation)}
        with pytest.raises(type(refusal)) as found:
            carried_out(world, purchase(*what.pop("lines"), **what))
        assert found.value == refusal

    @pytest.mark.parametrize(("change", "refusal"), NOT_HONOURED)
    def test_is_left_aside_on_kafka_and_the_reason_kept(
        self, change: Callable[[Quotation], dict[str, Any]], refusal: Refusal
    ) -> None:
        world = World()
        quotation = ask(world, line(15_000))
        next_version(world, at=NOON + MINUTE)
        what = {"lines": [line(15_000)], "at": NOON + 2 * MINUTE, "quote": words(quotation), **change(quotation)}
        facts = world.do(purchase(*what.pop("lines"), **what, answered=False)).facts
        kept = recorded(facts)
        assert (kept.quote, kept.quote_refused, kept.discounts) == (None, refusal.name, None)
        assert kept.programme_version == (1 if what["at"] < NOON else 2)

    def test_a_repeat_with_another_quote_is_another_content(self) -> None:
        world = World()
        first, second = (words(ask(world, line(15_000))) for _ in range(2))
        world.do(purchase(line(15_000), at=NOON, quote=first))
        assert world.log.when(purchase(line(15_000), at=NOON, quote=first)).repeat
        assert world.log.when(purchase(line(15_000), at=NOON, quote=second)).refusal
