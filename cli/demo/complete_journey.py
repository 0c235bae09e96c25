"""The Complete Journey, a real grocery year, as what our doors accept: members, campaigns, and tills' purchases."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple
from uuid import UUID, uuid5

import polars as pl

from cli.demo import dataset
from cli.demo.dataset import local_midnight

HOUSEHOLDS = UUID("5f0d1c3e-3c1b-5c55-9a4e-6f0f4f6f9f17")
"""The name space of the demo's member ids: a household is the same member at every run."""

FIRST_CARD = 900_000_000
CHUNK = 4_096
"""Baskets made into text at once: enough for polars to be fast, few enough to stay small."""

# Messages are made as columns of text, a chunk at once, without a dictionary for each of 1.5 million lines: making
# them must not take the processors from those who are to be measured. The dataset knows stores, but no tills: every
# store has one, numbered 1.
SOURCE = "/stores/%s/tills/1"
EVENT = (
    '{"specversion":"1.0","type":"pos.purchase.completed.v1","source":"%s","id":"%s","time":"%s","subject":"card:%s",'
    '"datacontenttype":"application/json","data":{"currency":"USD","store":"%s","channel":"store","card":"%s",'
    '"lines":[%s],"tenders":[%s],"coupons":[%s],"holds":[]}}'
)
LINE = '{"line":"%s","sku":"%s"%s,"quantity":%s,"gross_minor":%s,"discount_minor":%s,"tax_minor":0}'
CATEGORY = ',"category":%s'
TENDER = '{"kind":"%s","amount_minor":%s}'
CAMPAIGN = "cj-campaign-%s"
COUPON = f'{{"code":"%s","campaign":"{CAMPAIGN}"}}'


class Basket(NamedTuple):
    """One purchase as its till tells it: its identity, its key on Kafka, and a CloudEvent in structured mode."""

    source: str
    external_id: str
    key: bytes
    value: bytes


class Span(NamedTuple):
    """What the data covers: from the beginning of its first local day to the end of its last one."""

    starts_at: datetime
    ends_at: datetime


def card(household: int) -> str:
    """A household is a card."""
    return str(FIRST_CARD + household)


def member_id(card: str) -> UUID:
    """The id under which the demo joins the holder of a card."""
    return uuid5(HOUSEHOLDS, card)


def campaign_slug(campaign: int) -> str:
    """The id of a campaign of the dataset."""
    return CAMPAIGN % campaign


def span() -> Span:
    """What the data covers. A campaign that reaches beyond it is seen in part only."""
    time = pl.col("transaction_timestamp").cast(pl.Datetime("us", "UTC"))
    day = dataset.local_day(time)
    first, last = (local_midnight(day.min()), local_midnight(day.max() + timedelta(days=1)))
    instants = dataset.table("transactions").select(first.alias("starts_at"), last.alias("ends_at")).collect().row(0)
    return Span(*(instant.astimezone(UTC) for instant in instants))


def members() -> Iterator[dict[str, object]]:
    """Every household as a body of `POST /members`: it joined as the local day of its first basket began."""
    time = pl.col("transaction_timestamp").min().cast(pl.Datetime("us", "UTC"))
    first_days = (
        dataset.table("transactions")
        .group_by("household_id")
        .agg(local_midnight(dataset.local_day(time)).alias("registered_at"))
        .sort("household_id")
        .collect()
    )
    for household, registered_at in first_days.iter_rows():
        yield {
            "member_id": str(member_id(card(household))),
            "card": card(household),
            "registered_at": _instant(registered_at),
        }


def segments() -> Iterator[dict[str, object]]:
    """Three segments as bodies of `POST /segments`: by behaviour, value and loyalty. Ours, and not the data's."""
    definitions: dict[str, tuple[str, dict[str, object]]] = {
        "weekly": ("Weekly: 4 visits or more in 28 days", {"behaviour": {"visits_at_least": 4, "within_days": 28}}),
        "spenders": ("Spenders: $500 in 91 days", {"value": {"spend_minor_at_least": 50_000, "within_days": 91}}),
        "sleeping": ("Sleeping: no visit for 56 days", {"loyalty": {"inactive_for_days": 56}}),
    }
    since = _instant(span().starts_at)
    for slug, (name, definition) in definitions.items():
        yield {"segment_id": slug, "name": name, "effective_from": since, "definition": definition}


def campaigns() -> Iterator[dict[str, object]]:
    """Every campaign as a body of `POST /campaigns`. Windows and audiences are real, double points our assumption."""
    audiences = (
        dataset.table("campaigns").sort("household_id").group_by("campaign_id").agg(pl.col("household_id")).collect()
    )
    households = dict(audiences.iter_rows())
    windows = dataset.table("campaign_descriptions").select(
        "campaign_id",
        "campaign_type",
        local_midnight(pl.col("start_date")),
        local_midnight(pl.col("end_date").dt.offset_by("1d")),  # the last day belongs to the campaign
    )
    for campaign, kind, starts_at, ends_at in windows.sort("campaign_id").collect().iter_rows():
        yield {
            "campaign_id": campaign_slug(campaign),
            "name": f"Complete Journey campaign {campaign} ({kind})",
            "starts_at": _instant(starts_at),
            "ends_at": _instant(ends_at),
            "audience": {"cards": [card(household) for household in households[campaign]]},
            "effect": {"multiplier": "2"},
        }


def baskets(limit: int | None = None) -> Iterator[Basket]:
    """The purchases in time order, ties by basket, as messages of `pos.purchases.v1`; at most `limit` of them."""
    lines = dataset.lines()
    every_basket = dataset.baskets(lines)
    coupons = _coupon_texts(every_basket)
    categories = _category_texts()
    for chunk in every_basket.slice(0, limit).iter_slices(CHUNK):
        yield from _messages(chunk, lines, categories=categories, coupons=coupons)


def _messages(
    chunk: pl.DataFrame, lines: pl.DataFrame, *, categories: pl.DataFrame, coupons: pl.DataFrame
) -> Iterator[Basket]:
    texts = (
        chunk.join(_line_texts(chunk, lines, categories), on="basket_id", how="left", maintain_order="left")
        .join(coupons, on="basket_id", how="left", maintain_order="left")
        .with_columns(
            (pl.col("household_id") + FIRST_CARD).cast(pl.String).alias("card"),
            _filled(SOURCE, "store_id").alias("source"),
            _filled("R-%s", "basket_id").alias("external_id"),
            pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            _tender_texts(),
            pl.col("coupon_texts").fill_null(""),
        )
    )
    fields = ("source", "external_id", "time", "card", "store_id", "card", "line_texts", "tender_texts", "coupon_texts")
    for source, external_id, card, event in texts.select(
        "source", "external_id", "card", _filled(EVENT, *fields).alias("event")
    ).iter_rows():
        yield Basket(source, external_id, card.encode(), event.encode())


def _line_texts(chunk: pl.DataFrame, lines: pl.DataFrame, categories: pl.DataFrame) -> pl.DataFrame:
    """The lines of a chunk's baskets, numbered from 1 in the file's order; paid = gross - discount = sales value."""
    discount = pl.col("retail_disc") + pl.col("coupon_match_disc")
    number = pl.int_range(1, pl.len() + 1).over("basket_id")
    text = _filled(LINE, number, "product_id", "category", "quantity", pl.col("sales_value") + discount, discount)
    return (
        lines.slice(chunk["first_line"][0], int(chunk["lines"].sum()))
        .join(categories, on="product_id", how="left", maintain_order="left")
        .with_columns(pl.col("category").fill_null(""))
        .group_by("basket_id", maintain_order=True)
        .agg(text.str.join(",").alias("line_texts"))
    )


def _tender_texts() -> pl.Expr:
    """How it was paid: coupons up to the total, a card for the rest, neither where it is nothing."""
    by_coupon = pl.col("by_coupon_minor")
    tenders = [("coupon", by_coupon), ("card", pl.col("paid_minor") - by_coupon)]
    return pl.concat_str(
        (pl.when(amount > 0).then(_filled(TENDER, pl.lit(kind), amount)) for kind, amount in tenders),
        separator=",",
        ignore_nulls=True,
    ).alias("tender_texts")


def _coupon_texts(every_basket: pl.DataFrame) -> pl.DataFrame:
    """The coupons that each basket redeemed, in the file's order; a coupon's code is its number."""
    text = _filled(COUPON, "coupon_upc", "campaign_id").str.join(",").alias("coupon_texts")
    return dataset.redemptions(every_basket).group_by("basket_id", maintain_order=True).agg(text)


def _category_texts() -> pl.DataFrame:
    """Each product's category as a field of a line; a product without one, or unknown, has no such field."""
    named = dataset.table("products").filter(pl.col("product_category").is_not_null())
    products = named.select(pl.col("product_id").cast(pl.Int32), pl.col("product_category").alias("category")).collect()
    texts = {name: CATEGORY % json.dumps(name) for name in products["category"].unique()}
    return products.with_columns(pl.col("category").replace_strict(texts))


def _filled(template: str, *fields: str | pl.Expr) -> pl.Expr:
    """A text with a column at each `%s`; `pl.format` would stumble over the braces of JSON."""
    first, *rest = template.split("%s")
    pieces = ((field, pl.lit(text)) for field, text in zip(fields, rest, strict=True))
    return pl.concat_str(pl.lit(first), *chain.from_iterable(pieces))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
