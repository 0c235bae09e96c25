"""The independent check: that it is right by other means, and that no planted difference escapes it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import polars as pl
import pytest

from cli.demo import expected as computation
from cli.demo.complete_journey import campaigns
from cli.demo.expected import Account, Expected, expected
from cli.demo.verify import COMPARED, Difference, differences, summary
from tests.cli.demo.conftest import Receipt, Year

STRANGER = UUID(int=7)


@pytest.fixture(scope="module")
def whole() -> Expected:
    return expected()


class FakeAnswers:
    """A product that answers just what is expected, until told otherwise."""

    def __init__(self, expected: Expected) -> None:
        self.holders = {card: uuid5(NAMESPACE_OID, card) for card in expected.accounts}
        self.sums = {self.holders[card]: account for card, account in expected.accounts.items()}
        self.answered: dict[str, dict[str, Any]] = {
            campaign_id: {**asdict(campaign), "bonus_points": 0} for campaign_id, campaign in expected.campaigns.items()
        }
        self.answered["cj-campaign-18"]["bonus_points"] = expected.bonus_points

    def members(self, cards: Sequence[str]) -> Mapping[str, UUID]:
        return {card: self.holders[card] for card in cards if card in self.holders}

    def accounts(self) -> Mapping[UUID, Account]:
        return self.sums

    def analytics(self, campaign_id: str) -> Mapping[str, object] | None:
        return self.answered.get(campaign_id)


def test_the_totals_of_the_year(whole: Expected) -> None:
    assert len(whole.accounts) == 2_469
    assert len(whole.campaigns) == 27
    assert (whole.purchases, whole.paid_minor, whole.base_points) == (155_848, 459_603_958, 4_519_934)
    assert sum(campaign.coupons_redeemed for campaign in whole.campaigns.values()) == 2_102


@pytest.mark.parametrize("limit", [None, 5_000, 1])
def test_every_account_is_what_the_messages_add_up_to(year: Year, limit: int | None) -> None:
    purchases, paid, points = Counter[str](), Counter[str](), Counter[str]()
    for receipt in year.receipts[:limit]:
        purchases[receipt.card] += 1
        paid[receipt.card] += receipt.paid
        points[receipt.card] += receipt.paid // 100
    check = expected(limit)
    assert len(check.accounts) == 2_469
    for card, account in check.accounts.items():
        assert account == Account(purchases=purchases[card], paid_minor=paid[card], base_points=points[card])


def test_every_campaign_is_what_the_messages_add_up_to(year: Year, whole: Expected) -> None:
    by_card: dict[str, list[Receipt]] = {}
    for receipt in year.receipts:
        by_card.setdefault(receipt.card, []).append(receipt)
    coupons = Counter(campaign for receipt in year.receipts for campaign in receipt.campaigns)
    doubled: dict[int, int] = {}
    for body in campaigns():
        campaign, audience = whole.campaigns[str(body["campaign_id"])], body["audience"]
        assert isinstance(audience, dict)
        starts_at, ends_at = (datetime.fromisoformat(str(body[at])) for at in ("starts_at", "ends_at"))
        inside = [r for card in audience["cards"] for r in by_card[card] if starts_at <= r.time < ends_at]
        assert (campaign.starts_at, campaign.ends_at) == (starts_at, ends_at)
        assert campaign.targeted == len(audience["cards"])
        assert campaign.participants == len({receipt.card for receipt in inside})
        assert campaign.purchases == len(inside)
        assert campaign.sales_minor == sum(receipt.paid for receipt in inside)
        assert campaign.coupons_redeemed == coupons[str(body["campaign_id"])]
        doubled.update({receipt.number: receipt.paid // 100 for receipt in inside})
    assert whole.bonus_points == sum(doubled.values())


def test_windows_beyond_the_data_are_cut_and_unreached_baselines_are_null(whole: Expected) -> None:
    cut = {int(name.rpartition("-")[2]) for name, campaign in whole.campaigns.items() if campaign.cut}
    null = {int(name.rpartition("-")[2]) for name, c in whole.campaigns.items() if c.baseline_sales_minor is None}
    assert cut == {15, 20, 21, 22, 23, 24, 25, 26}
    assert null == {24, 25, 26, 27}
    assert all((c.uplift_minor is None) == (c.baseline_sales_minor is None) for c in whole.campaigns.values())


NOON = datetime(2017, 3, 1, 12, tzinfo=UTC)


def uplift(*paid: tuple[int, int, int], targeted: list[int], others: int, first_day: int = -9) -> int | None:
    """Households 1 and 2 ... paid so much on a day from the start of a campaign of four days."""
    rows = [
        (99, NOON + timedelta(days=first_day), 0),
        *((who, NOON + timedelta(days=day), sum_) for who, day, sum_ in paid),
    ]
    frame = pl.DataFrame(
        rows, schema={"household_id": pl.Int64, "time": pl.Datetime("us", "UTC"), "paid": pl.Int64}, orient="row"
    )
    target = computation._Target(NOON, NOON + timedelta(days=4), targeted)
    return computation._campaign(target, purchases=frame.sort("time"), others=others, coupons=0).uplift_minor


def test_uplift_is_the_difference_in_differences() -> None:
    # targeted 500 - 300; the others 100 - 40, scaled by 1/3
    assert uplift((1, 0, 500), (1, -4, 300), (2, 3, 100), (3, -1, 40), targeted=[1], others=3) == 200 - 20


def test_uplift_is_rounded_half_to_even() -> None:
    assert uplift((1, 0, 10), (2, 0, 1), targeted=[1], others=2) == 10  # 9.5
    assert uplift((1, 0, 11), (2, 0, 1), targeted=[1], others=2) == 10  # 10.5


def test_a_window_is_half_open_and_so_is_its_baseline() -> None:
    assert uplift((1, 4, 500), targeted=[1], others=1) == 0
    assert uplift((1, -4, 500), targeted=[1], others=1) == -500
    assert uplift((1, -5, 500), targeted=[1], others=1) == 0


def test_uplift_is_null_without_a_baseline_or_without_others() -> None:
    assert uplift((1, 0, 500), targeted=[1], others=1, first_day=-4) == 500
    assert uplift((1, 0, 500), targeted=[1], others=1, first_day=-3) is None
    assert uplift((1, 0, 500), targeted=[1], others=0) is None


def test_a_product_that_is_right_shows_no_difference(whole: Expected) -> None:
    found = differences(whole, FakeAnswers(whole))
    assert found == []
    assert summary(whole, found) == "2,469 households, 155,848 purchases, 27 campaigns: 0 differences"


def test_a_household_without_purchases_may_have_no_account() -> None:
    first = expected(1)
    answers = FakeAnswers(first)
    answers.sums = {member: account for member, account in answers.sums.items() if account.purchases}
    assert len(answers.sums) == 1
    assert differences(first, answers) == []


def unknown_card(answers: FakeAnswers) -> None:
    del answers.sums[answers.holders.pop("900000017")]


def a_stranger(answers: FakeAnswers) -> None:
    answers.sums[STRANGER] = Account(1, 2, 3)


def forgotten_campaign(answers: FakeAnswers) -> None:
    del answers.answered["cj-campaign-1"]


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (unknown_card, Difference("card 900000017", "member", "one", None)),
        (a_stranger, Difference(f"member {STRANGER}", "member", None, Account(1, 2, 3))),
        (forgotten_campaign, Difference("cj-campaign-1", "campaign", "one", None)),
    ],
)
def test_what_is_missing_or_strange_is_found(
    whole: Expected, plant: Callable[[FakeAnswers], None], found: Difference
) -> None:
    answers = FakeAnswers(whole)
    plant(answers)
    assert differences(whole, answers) == [found]


@pytest.mark.parametrize("figure", ["purchases", "paid_minor", "base_points"])
def test_an_account_that_is_off_by_one_is_found(whole: Expected, figure: str) -> None:
    answers, right = FakeAnswers(whole), whole.accounts["900000017"]
    is_ = getattr(right, figure) + 1
    answers.sums[answers.holders["900000017"]] = replace(right, **{figure: is_})
    assert differences(whole, answers) == [Difference("card 900000017", figure, is_ - 1, is_)]


@pytest.mark.parametrize("figure", COMPARED)
def test_a_figure_of_a_campaign_that_is_off_is_found(whole: Expected, figure: str) -> None:
    answers = FakeAnswers(whole)
    right = answers.answered["cj-campaign-27"][figure]
    is_ = right + timedelta(hours=1) if isinstance(right, datetime) else 0 if right is None else right + 1
    answers.answered["cj-campaign-27"][figure] = is_
    found = differences(whole, answers)
    assert found == [Difference("cj-campaign-27", figure, right, is_)]
    assert str(found[0]) == f"cj-campaign-27: {figure} should be {right}, is {is_}"


def test_bonus_points_that_are_off_are_found(whole: Expected) -> None:
    answers = FakeAnswers(whole)
    answers.answered["cj-campaign-3"]["bonus_points"] = 1
    right = whole.bonus_points
    assert differences(whole, answers) == [Difference("all campaigns", "bonus_points", right, right + 1)]
