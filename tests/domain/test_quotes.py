"""Quotes: what a sale would bring (rules 12)."""

from typing import Any

import pytest

from domain.basket import CouponUse
from domain.coupon import CouponIssued
from domain.messages.corrections import ClosureBody, closure_command
from domain.messages.coupons import CouponBody, give_coupon_command
from domain.quote import Quote
from domain.quoting import Quotation
from domain.refusals import (
    AboveShareOfBill,
    InsufficientPoints,
    InvalidField,
    PointsAreNotCash,
    QuoteDoesNotMatch,
    Refusal,
    UnknownCard,
    UnknownMember,
    WrongCurrency,
)
from tests.builders import (
    ANN,
    KEYS,
    campaign_created,
    line,
    policy,
    purchase,
)
from tests.domain.quoting import (
    MINUTE,
    NOBODY,
    ask,
    campaigns,
    carried_out,
    earned,
    next_version,
    quoted_parts,
    recorded,
    with_discounts,
    words,
)
from tests.domain.world import NEVER, World
from tests.spec import NOON


class TestWhatIsAnswered:
    def test_points_by_part_the_tier_after_it_and_what_is_to_pay(self) -> None:
        world = World(None, *campaigns(campaign_created("twice", multiplier="2", categories=["DAIRY"])))
        told = ask(world, line(9_990_000), line(15_000, category="DAIRY")).told
        assert told["points"] == [{"part": "base", "points": 10_005}, {"part": "twice", "points": 15}]
        assert (told["to_pay_minor"], told["discount_minor"], told["discounts"]) == (10_005_000, 0, [])
        assert (told["tier_before"], told["tier"], told["next_tier"]) == ("Ordinary", "Silver", "Gold")
        assert told["points_to_next"] == 89_995
        assert (told["programme"], told["programme_version"], told["member_id"]) == ("member_experience", 1, ANN)

    def test_coupons_that_campaigns_would_give(self) -> None:
        world = World(None, *campaigns(campaign_created("soon", gift={"kind": "COFFEE", "valid_days": 7})))
        assert ask(world, line(15_000)).told["coupons"] == [{"campaign": "soon", "kind": "COFFEE"}]
        world.buys(15, at=NOON - MINUTE)
        assert ask(world, line(15_000)).told["coupons"] == [], "one a day"

    def test_nothing_is_recorded_and_nothing_is_changed(self) -> None:
        world = World(None, *campaigns(campaign_created("gift", bonus_points=5)))
        world.buys(9_999, at=NOON - MINUTE)
        before, facts = repr(vars(world.account())), len(world.log.batch.facts)
        first = ask(world, line(15_000))
        assert ask(world, line(15_000)).told == first.told
        assert repr(vars(world.account())) == before
        assert len(world.log.batch.facts) == facts

    def test_points_may_pay_their_share_as_far_as_there_are_any(self) -> None:
        world = World()
        told = ask(world, line(15_000)).told["points_as_cash"]
        assert told == {"available": 0, "most_points": 0, "most_minor": 0, "points": 0, "amount_minor": 0}
        world.buys(2_000, at=NOON - MINUTE)
        told = ask(world, line(15_000)).told["points_as_cash"]
        assert (told["available"], told["most_points"], told["most_minor"]) == (2_000, 750, 7_500)

    def test_points_that_are_to_pay_are_taken_off_what_is_to_pay_and_off_what_earns(self) -> None:
        world = World()
        world.buys(2_000, at=NOON - MINUTE)
        told = ask(world, line(15_000), points=300).told
        assert told["to_pay_minor"] == 12_000
        assert told["points"] == [{"part": "base", "points": 12}]
        assert (told["points_as_cash"]["points"], told["points_as_cash"]["amount_minor"]) == (300, 3_000)

    @pytest.mark.parametrize(
        ("points", "refusal"),
        [
            (751, AboveShareOfBill(amount_minor=7_510, most_minor=7_500)),
            (501, InsufficientPoints(points=501, available=500, debt=0)),
        ],
    )
    def test_points_that_cannot_pay_are_refused_as_a_redemption_is(self, points: int, refusal: Refusal) -> None:
        world = World()
        world.buys(500, at=NOON - MINUTE)
        with pytest.raises(type(refusal)) as found:
            ask(world, line(15_000), points=points)
        assert found.value == refusal

    @pytest.mark.parametrize(
        ("what", "refusal"),
        [
            ({"card": "9999"}, UnknownCard()),
            ({"card": None, "member": NOBODY}, UnknownMember(member_id=NOBODY)),
            ({"currency": "USD"}, WrongCurrency(currency="USD", expected="CNY")),
        ],
    )
    def test_it_is_refused_by_name(self, what: dict[str, Any], refusal: Refusal) -> None:
        with pytest.raises(type(refusal)) as found:
            ask(World(), line(15_000), **what)
        assert found.value == refusal

    def test_without_a_rate_points_do_not_pay(self) -> None:
        world = World(policy(points_as_cash=None))
        assert ask(world, line(15_000)).told["points_as_cash"] is None
        with pytest.raises(PointsAreNotCash):
            ask(world, line(15_000), points=1)

    @pytest.mark.parametrize("card", ["1001", None])
    def test_it_is_for_one_member(self, card: str | None) -> None:
        with pytest.raises(InvalidField):
            ask(World(), line(15_000), card=card, member=ANN if card else None)


def why(quotation: Quotation) -> dict[str, tuple[bool, str]]:
    """By rule, whether it gives something, and why or why not."""
    assert {rule["version"] for rule in quotation.told["rules"]} == {1}
    return {rule["rule"]: (rule["applied"], rule["why"]) for rule in quotation.told["rules"]}


class TestTheRules:
    """Each that was looked at is told, with why it gives something or nothing."""

    def test_those_that_give_something(self) -> None:
        world = with_discounts()
        assert why(ask(world, line(20_000, category="DAIRY"), line(5_000), points=10)) == {
            "base": (True, "earned"), "tier:Silver": (True, "discounted"), "points-as-cash": (True, "paid"),
            "cheap": (True, "discounted"), "twice": (True, "granted"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("terms", "reason"),
        [
            ({"stores": ["9"]}, "other-store"),
            ({"minimum_paid_minor": 15_001}, "minimum-not-reached"),
            ({"coupon": "SPRING"}, "coupon-missing"),
            ({"everyone": False}, "not-targeted"),
            ({"categories": ["FISH"]}, "no-matching-line"),
            ({"limits": {"per_window": {"uses": 1}}}, "limit-reached"),
            ({"budget": {"points": 10}}, "budget-used-up"),
        ],
    )
    def test_a_campaign_that_gives_nothing(self, terms: dict[str, Any], reason: str) -> None:
        world = World(None, *campaigns(campaign_created("gift", bonus_points=10, **terms)))
        world.buys(15, at=NOON - MINUTE, store="2")
        assert why(ask(world, line(15_000)))["gift"] == (False, reason)

    def test_what_another_campaign_or_an_earlier_purchase_has_had(self) -> None:
        made = (
            campaign_created("twice", multiplier="2"), campaign_created("thrice", multiplier="3"),
            campaign_created("gift", bonus_points=10), campaign_created("tenth", discount={"percent": "10"}),
            campaign_created("fifth", discount={"percent": "20"}), campaign_created("cut", bonus_points=9, budget={"points": 5}),
        )  # fmt: skip
        world = World(None, *campaigns(*made))
        world.buys(15, at=NOON - MINUTE)
        told = why(ask(world, line(15_000)))
        assert told["twice"] == (False, "line-won-by-another")
        assert told["gift"] == (False, "granted-today")
        assert told["tenth"] == (False, "better-discount")
        assert told["thrice"][0], told["fifth"][0]

    def test_what_a_budget_cuts(self) -> None:
        world = World(None, *campaigns(campaign_created("cut", bonus_points=9, budget={"points": 5})))
        quotation = ask(world, line(15_000))
        assert why(quotation)["cut"] == (True, "cut-by-budget-or-limit")
        assert quoted_parts(quotation) == {"base": 15, "cut": 5}

    def test_what_is_over_or_has_not_begun_is_not_looked_at(self) -> None:
        world = World(None, *campaigns(campaign_created("gift", bonus_points=10, ends_at=NOON)))
        assert why(ask(world, line(999))) == {
            "base": (False, "below-one-point"), "points-as-cash": (False, "nothing-to-pay-with"),
        }  # fmt: skip

    def test_a_closed_account_earns_nothing_and_is_warned_of(self) -> None:
        world = World()
        body = ClosureBody(time=NOON - MINUTE, reason="moved away")
        world.do(closure_command(body, member_id=ANN, identity=world.identity()))
        quotation = ask(world, line(15_000))
        assert why(quotation)["base"] == (False, "account-closed")
        assert quotation.told["warnings"] == ["account-closed"]
        assert quotation.told["points"] == []

    def test_an_account_that_owes_is_warned_of(self) -> None:
        world = World()
        world.do(world.redeem(50, at=NOON - MINUTE, offline=True))
        assert ask(world, line(15_000)).told["warnings"] == ["debt-open"]


class TestDiscounts:
    def test_of_tier_and_campaigns_are_told_by_line(self) -> None:
        told = ask(with_discounts(), line(20_000, category="DAIRY", discount_minor=1_000), line(5_000)).told
        assert told["discounts"] == [
            {"line": "1", "source": "tier:Silver", "amount_minor": 1_900},
            {"line": "1", "source": "cheap", "amount_minor": 500},
            {"line": "2", "source": "tier:Silver", "amount_minor": 500},
        ]
        assert (told["discount_minor"], told["to_pay_minor"]) == (2_900, 21_100)
        assert told["points"] == [{"part": "base", "points": 21}, {"part": "twice", "points": 16}]

    def test_a_purchase_by_the_quote_keeps_them(self) -> None:
        world = with_discounts()
        quotation = ask(world, line(20_000, category="DAIRY", discount_minor=1_000), line(5_000))
        sold = line(20_000, category="DAIRY", discount_minor=3_400), line(5_000, discount_minor=500)
        next_version(world, at=NOON + MINUTE)
        facts = world.do(purchase(*sold, at=NOON + 2 * MINUTE, quote=words(quotation))).facts
        assert recorded(facts).discounts == quotation.told["discounts"]
        assert earned(facts) == quoted_parts(quotation)

    def test_without_them_the_bill_is_another(self) -> None:
        world = with_discounts()
        sold = line(20_000, category="DAIRY")
        with pytest.raises(QuoteDoesNotMatch):
            carried_out(world, purchase(sold, at=NOON, quote=words(ask(world, sold))))

    def test_what_earns_is_tested_on_what_is_asked_for(self) -> None:
        """¥101 less ¥5 and a tenth is below ¥100: cheaper it is, for that was tested before, and nothing is doubled."""
        quotation = ask(with_discounts(), line(10_100, category="DAIRY"))
        assert quoted_parts(quotation) == {"base": 8}
        assert quotation.quote.campaigns == ("cheap",)


class TestTheLifeOfAQuote:
    def test_is_that_of_the_policy(self) -> None:
        assert ask(World(), line(15_000)).quote.until == NOON + 15 * MINUTE
        longer = World(policy(expiry=NEVER, quotes={"minutes": 60}))
        assert ask(longer, line(15_000)).quote.until == NOON + 60 * MINUTE

    def test_it_is_read_from_its_words(self) -> None:
        quote = ask(World(), line(15_000)).quote
        assert Quote.read(quote.words(KEYS), KEYS) == quote


def test_over_kafka_a_quote_does_not_open_a_campaign_with_a_coupon_that_was_used_since() -> None:
    made = campaign_created("twice", multiplier="2", coupon_kind="ten-off")
    world = World(None, *campaigns(made))
    given = give_coupon_command(
        CouponBody(kind="ten-off", valid_until=NOON + 60 * MINUTE, reason="goodwill", time=NOON),
        member_id=ANN,
        identity=world.identity(),
    )
    code = next(one.code for one in world.do(given).facts if isinstance(one, CouponIssued))
    quoted = ask(world, line(10_000), coupons=[CouponUse(code=code)])
    assert quoted_parts(quoted) == {"base": 10, "twice": 10}
    world.do(purchase(line(10_000), at=NOON, id="R-0", coupons=[CouponUse(code=code)]))
    sold = world.do(
        purchase(
            line(10_000),
            at=NOON + MINUTE,
            id="R-1",
            coupons=[CouponUse(code=code)],
            quote=words(quoted),
            answered=False,
        )
    )
    assert (recorded(sold.facts).quote_refused, earned(sold.facts)) == ("coupon-used", {"base": 10})
