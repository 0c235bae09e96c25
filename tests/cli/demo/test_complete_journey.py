"""The messages that the demo's tills send, counted over the whole year."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pydantic import TypeAdapter

from cli.demo import dataset
from cli.demo.complete_journey import Span, baskets, campaigns, members, span
from domain.basket import CouponUse, Line, Tender
from tests.cli.demo.conftest import Year

SHOPS = ZoneInfo("America/New_York")


def test_every_line_of_the_year_is_in_a_message(year: Year) -> None:
    assert len(year.receipts) == 155_848
    assert len({receipt.number for receipt in year.receipts}) == 155_848
    assert year.seen["lines"] == 1_469_307
    assert year.seen["lines without quantity"] == 8_869
    assert year.seen["lines without category"] == 4_836 + 2_209  # of unknown products, and of products without one
    assert year.seen["wrong numbering"] == year.seen["wrong identity"] == year.seen["wrong key"] == 0


def test_what_was_paid_is_the_sales_value_to_the_cent(year: Year) -> None:
    in_the_file = dataset.table("transactions").select(pl.col("sales_value").cast(pl.Decimal(12, 2)).sum()).collect()
    assert sum(receipt.paid for receipt in year.receipts) == in_the_file.item() * 100 == 459_603_958
    assert year.seen["baskets of nothing"] == 478


def test_tenders_add_up_to_what_was_paid(year: Year) -> None:
    assert [receipt for receipt in year.receipts if receipt.tendered != receipt.paid] == []
    assert year.seen["empty tenders"] == 0


def test_coupon_money_beyond_the_total_is_cut() -> None:
    every = dataset.baskets(dataset.lines())
    beyond = every.filter(pl.col("coupon_disc") > pl.col("paid_minor"))
    assert beyond.height == 19
    assert beyond["by_coupon_minor"].equals(beyond["paid_minor"])
    within = every.filter(pl.col("coupon_disc") <= pl.col("paid_minor"))
    assert within["by_coupon_minor"].equals(within["coupon_disc"])


def test_every_coupon_redemption_is_on_a_receipt(year: Year) -> None:
    redeemed = Counter(campaign for receipt in year.receipts for campaign in receipt.campaigns)
    assert redeemed.total() == 2_102
    assert redeemed["cj-campaign-18"] == 653
    assert redeemed.keys() <= {campaign["campaign_id"] for campaign in campaigns()}


def test_the_year_is_told_in_time_order_ties_by_basket(year: Year) -> None:
    order = [(receipt.time, receipt.number) for receipt in year.receipts]
    assert order == sorted(order)


def test_the_first_message_is_this_one(year: Year) -> None:
    assert year.first.source == "/stores/330/tills/1"
    assert year.first.external_id == "R-31198570044"
    assert year.first.key == b"900000900"
    assert year.first.value == (
        b'{"specversion":"1.0","type":"pos.purchase.completed.v1","source":"/stores/330/tills/1","id":"R-31198570044",'
        b'"time":"2017-01-01T11:53:26Z","subject":"card:900000900","datacontenttype":"application/json",'
        b'"data":{"currency":"USD","store":"330","channel":"store","card":"900000900",'
        b'"lines":[{"line":"1","sku":"1095275","category":"ROLLS","quantity":1,"gross_minor":50,"discount_minor":0,"tax_minor":0}],'
        b'"tenders":[{"kind":"card","amount_minor":50}],"coupons":[],"holds":[]}}'
    )


def test_the_messages_never_change(year: Year) -> None:
    # Another text under the same id would be a conflicting repeat in every ledger that has seen the demo.
    assert year.digest == "5987ca6ba0a37199425d33b0507b9dd6c7d3a7507c80ce8d22aabe6a627c2859"


def test_a_limit_takes_the_first_messages_of_the_year(year: Year) -> None:
    few = list(baskets(5_000))
    assert [int(basket.external_id[2:]) for basket in few] == [receipt.number for receipt in year.receipts[:5_000]]
    assert few[0] == year.first


def test_a_receipt_paid_by_coupon_names_coupon_and_campaign() -> None:
    basket = next(
        basket for basket in baskets(5_000) if b'"kind":"coupon"' in basket.value and b'"code"' in basket.value
    )
    data = json.loads(basket.value)["data"]
    assert [tender["kind"] for tender in data["tenders"]] == ["coupon", "card"]
    assert [set(coupon) for coupon in data["coupons"]] == [{"code", "campaign"}] * len(data["coupons"])


def test_the_rules_accept_what_a_receipt_says() -> None:
    kinds: dict[str, TypeAdapter[Any]] = {
        "lines": TypeAdapter(list[Line]),
        "tenders": TypeAdapter(list[Tender]),
        "coupons": TypeAdapter(list[CouponUse]),
    }
    for basket in baskets(5_000):
        data = json.loads(basket.value)["data"]
        for part, kind in kinds.items():
            assert kind.validate_python(data[part]) == data[part]


def test_every_household_joined_as_the_local_day_of_its_first_basket_began(year: Year) -> None:
    first: dict[str, datetime] = {}
    for receipt in year.receipts:
        first.setdefault(receipt.card, receipt.time)
    joined = {str(body["card"]): datetime.fromisoformat(str(body["registered_at"])) for body in members()}
    assert len(joined) == 2_469
    assert joined.keys() == first.keys()
    for card, at in joined.items():
        assert at.astimezone(SHOPS).time() == datetime.min.time()
        assert at.astimezone(SHOPS).date() == first[card].astimezone(SHOPS).date()


def test_a_household_is_the_same_member_at_every_run() -> None:
    assert next(members()) == {
        "member_id": "2f103a17-6638-5234-9a3e-1a98a3d1ca54",
        "card": "900000001",
        "registered_at": "2017-01-07T05:00:00Z",
    }
    assert len({body["member_id"] for body in members()}) == 2_469


def test_campaigns_run_from_local_midnight_through_their_last_day() -> None:
    bodies = {body["campaign_id"]: body for body in campaigns()}
    assert len(bodies) == 27
    eighteen = bodies["cj-campaign-18"]  # 30 October to 24 December: summer time ends within
    audience = eighteen.pop("audience")
    assert eighteen == {
        "campaign_id": "cj-campaign-18",
        "name": "Complete Journey campaign 18 (Type A)",
        "starts_at": "2017-10-30T04:00:00Z",
        "ends_at": "2017-12-25T05:00:00Z",
        "effect": {"multiplier": "2"},
    }
    assert isinstance(audience, dict)
    assert len(audience["cards"]) == len(set(audience["cards"])) == 1_133


def test_the_data_covers_the_local_year() -> None:
    assert span() == Span(datetime(2017, 1, 1, 5, tzinfo=UTC), datetime(2018, 1, 1, 5, tzinfo=UTC))


def test_a_redemption_goes_to_the_first_basket_of_its_day_with_coupon_money_else_to_the_first() -> None:
    redeemed = dataset.table("coupon_redemptions").sort("redemption_date").head(1).collect().row(0, named=True)
    day = redeemed["redemption_date"].date()
    shared = {"household_id": redeemed["household_id"], "day": day}
    rows = [{"basket_id": 1, "coupon_disc": 0, **shared}, {"basket_id": 2, "coupon_disc": 5, **shared}]
    schema = {"basket_id": pl.Int64, "coupon_disc": pl.Int32, "household_id": pl.Int32, "day": pl.Date}

    def chosen(*rows: dict[str, object]) -> object:
        return dataset.redemptions(pl.DataFrame(rows, schema=schema)).drop_nulls()["basket_id"][0]

    assert chosen(*rows) == 2
    assert chosen(*rows, {"basket_id": 3, "coupon_disc": 9, **shared}) == 2
    assert chosen(rows[0], {"basket_id": 4, "coupon_disc": 0, **shared}) == 1


def test_files_out_of_order_are_refused() -> None:
    lines = dataset.lines().head(200)
    several = dataset.baskets(lines).filter(pl.col("lines") > 1)
    end = several["first_line"][0] + several["lines"][0]
    torn = [*range(end - 1), end, end - 1, *range(end + 1, 200)]  # its last line stands after the next basket's first
    for order in (torn, [*range(199, -1, -1)]):
        with pytest.raises(dataset.UnexpectedData, match="time order"):
            dataset.baskets(lines[order])


def test_an_amount_that_is_not_in_cents_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    amounts = {amount: [0.005, 1.0] for amount in dataset.AMOUNTS}
    monkeypatch.setattr(dataset, "table", lambda _: pl.LazyFrame(amounts))
    with pytest.raises(dataset.UnexpectedData, match="whole cent"):
        dataset.lines()


def test_without_the_data_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(dataset.DemoDataMissing, match="extra `demo`"):
        dataset.folder()
