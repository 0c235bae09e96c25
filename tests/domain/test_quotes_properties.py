"""∀ baskets, campaigns and tiers: what was quoted is what the purchase answers (rules 12)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as some

from domain import redeeming
from domain.basket import Line
from domain.commands.purchases import RecordPurchase
from domain.points_account import PointsAccount
from domain.policy.points import PointsAsCash
from domain.programme import Programme
from domain.quote import discounted
from domain.refusals import Refusal
from tests.builders import KEYS, campaign_created, counted, line, policy, purchase
from tests.domain.quoting import ask, campaigns
from tests.domain.world import NEVER, World
from tests.spec import NOON

MINUTE = timedelta(minutes=1)
LINE = some.builds(
    line, some.integers(0, 30_000), category=some.sampled_from([None, "DAIRY", "TOBACCO"]),
    sku=some.sampled_from(["1", "2"]), quantity=some.integers(0, 3),
)  # fmt: skip
EFFECT = some.one_of(
    some.fixed_dictionaries({"multiplier": some.sampled_from(["3/2", "2", "3"])}),
    some.fixed_dictionaries({"bonus_points": some.integers(1, 100)}),
    some.fixed_dictionaries({"discount": some.sampled_from([{"percent": "10"}, {"percent": "100/3"}, {"amount_minor": 700}])}),
)  # fmt: skip
CONDITIONS = some.fixed_dictionaries(
    {},
    optional={
        "categories": some.just(["DAIRY"]), "stores": some.sampled_from([["1"], ["9"]]),
        "minimum_paid_minor": some.integers(0, 30_000),
    },
)  # fmt: skip
CAMPAIGNS = some.lists(some.builds(lambda effect, conditions: {**effect, **conditions}, EFFECT, CONDITIONS), max_size=4)
LIVED = some.lists(some.sampled_from([1, 999, 10_000, 50_000, 100_000]), max_size=3)
COUNTED = some.sampled_from([
    {"period": "membership_year"}, {"period": "calendar_year"}, {"period": "lifetime"},
    {"period": "rolling", "months": 6}, {"period": "tier_start", "months": 3, "grace_days": 30},
    {"period": "membership_year", "metric": {"spend": "1/100", "visits": "50"}},
])  # fmt: skip


def world_of(made: list[dict[str, Any]], lived: list[int], stacking: str, counted: dict[str, Any]) -> World:
    """Silver has a tenth off, Gold a fifth; tobacco earns nothing; Ann has bought for so many points, one of them later."""
    levels = [level.model_dump() for level in policy().tiers.levels]
    levels[1]["discount"], levels[2]["discount"] = "1/10", "1/5"
    rules = policy(
        expiry=NEVER, tiers={**counted, "levels": levels}, campaigns={"discounts": stacking},
        earning={"points": 1, "per_minor": 1_000, "excluded_categories": ["TOBACCO"]},
    )  # fmt: skip
    named = [campaign_created(f"c{number}", **what) for number, what in enumerate(made)]
    world = World(rules, *campaigns(*named))
    for number, points in enumerate(lived):
        world.buys(points, at=NOON - (2 * number - 1) * MINUTE, id=f"L-{number}", store="9")
    return world


class Now:
    """What an answer may look at, in memory."""

    def __init__(self, world: World) -> None:
        self._batch = world.log.batch

    @property
    def programme(self) -> Programme:
        return self._batch.programme

    def account(self, stream_id: UUID, *, version: int) -> PointsAccount:
        return self._batch.get(PointsAccount, stream_id)


@settings(max_examples=200)
@forall(
    some.lists(LINE, min_size=1, max_size=4), CAMPAIGNS, LIVED, some.sampled_from(["best", "sum"]),
    some.sampled_from([0, 0, 1, 40, 700]), some.booleans(), COUNTED,
)  # fmt: skip
def test_what_was_quoted_is_what_the_purchase_answers(
    lines: list[Line], made: list[dict[str, Any]], lived: list[int], stacking: str, points: int, by_quote: bool,
    by: dict[str, Any],
) -> None:  # fmt: skip
    world = world_of(made, lived, stacking, by)
    try:
        quotation = ask(world, *lines, points=points or None)
    except Refusal:  # the points cannot pay
        return
    told = quotation.told
    sold = discounted(counted(lines), quotation.quote.discounts)
    paid_by_points = (told["points_as_cash"] or {}).get("amount_minor", 0)
    words = quotation.quote.words(KEYS) if by_quote else None
    result = world.do(purchase(*sold, at=NOON, points_minor=paid_by_points, quote=words))
    answer = RecordPurchase.answer(result.facts, Now(world))
    assert {name: answer[name] for name in ("points", "tier", "next_tier", "points_to_next")} == {
        name: told[name] for name in ("points", "tier", "next_tier", "points_to_next")
    }
    assert (answer["redeemed"], answer["debt"]) == ((told["points_as_cash"] or {}).get("points", 0), 0)
    paid = sum(one["gross_minor"] - one.get("discount_minor", 0) for one in sold)
    assert paid - paid_by_points == told["to_pay_minor"] >= 0


@forall(
    some.builds(
        PointsAsCash, points=some.integers(1, 30), amount_minor=some.integers(1, 30),
        minimum_points=some.integers(0, 50), step_points=some.integers(1, 30),
        largest_share=some.sampled_from(["1", "1/2", "1/3", "0.05"]),
    ),
    some.integers(0, 500), some.integers(0, 2_000),
)  # fmt: skip
def test_the_most_that_points_may_pay_may_pay_and_no_step_more_pays_more(
    cash: PointsAsCash, available: int, bill_minor: int
) -> None:
    most = redeeming.most_as_cash(cash, available, bill_minor=bill_minor)

    def pays(points: int) -> int:
        """What so many points pay, or 0 where they may not."""
        amount_minor = redeeming.worth(cash, points)
        try:
            redeeming.check_as_cash(cash, points, amount_minor=amount_minor, bill_minor=bill_minor)
        except Refusal:
            return 0
        return amount_minor

    assert pays(most) == redeeming.worth(cash, most)
    assert most <= available
    assert pays(most) == max(map(pays, range(available + 1)))
