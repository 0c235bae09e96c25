"""What the year must have led to, computed from the files alone: the side of the check that does not know the product."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl

from cli.demo.dataset import folder

# It shares no code with the rules, nor with the making of the messages; only where the files lie. The definitions:
#
# - base points of a purchase: its paid cents / 100, floored once; a household's are the sum over its purchases.
# - bonus points: every purchase of a household in the window of a campaign that targeted it earns its base points once
#   more; once, however many campaigns meet, because multipliers are exclusive. Which of them gave it is not compared.
# - window of a campaign: from its first local midnight to the one after its last day, half-open, in UTC instants.
# - participants, purchases, sales: targeted households with a purchase in the window, those purchases, what they paid.
# - coupons redeemed: coupons on purchases that name the campaign. A redemption belongs to that household's first purchase
#   of that local day with a coupon's money in it, else to its first of that day.
# - baseline: sales of the targeted in the window's length before it; null if that begins before the first purchase.
# - uplift: (T1 - T0) - (U1 - U0) x targeted / untargeted, rounded half to even; T the targeted, U all other households,
#   1 in the window, 0 before it; null without a baseline or without others.
# - cut: the window reaches beyond the local days of the purchases, so its figures are those of a part of it.

SHOPS = ZoneInfo("America/New_York")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Account:
    """What one household's purchases came to."""

    purchases: int = 0
    paid_minor: int = 0
    base_points: int = 0


@dataclass(frozen=True)
class Campaign:
    """What one campaign came to, by the definitions above."""

    starts_at: datetime
    ends_at: datetime
    targeted: int
    participants: int
    purchases: int
    sales_minor: int
    coupons_redeemed: int
    baseline_sales_minor: int | None
    uplift_minor: int | None
    cut: bool


@dataclass(frozen=True)
class Expected:
    """What the first purchases of the year must have led to: accounts by card, campaigns by their id."""

    accounts: Mapping[str, Account]
    campaigns: Mapping[str, Campaign]
    bonus_points: int

    @property
    def purchases(self) -> int:
        """All purchases."""
        return sum(account.purchases for account in self.accounts.values())

    @property
    def paid_minor(self) -> int:
        """All that was paid, in cents."""
        return sum(account.paid_minor for account in self.accounts.values())

    @property
    def base_points(self) -> int:
        """All points of part `base`."""
        return sum(account.base_points for account in self.accounts.values())


@dataclass(frozen=True)
class _Target:
    """A campaign as the files describe it."""

    starts_at: datetime
    ends_at: datetime
    households: list[int]


def expected(limit: int | None = None) -> Expected:
    """Compute what the first purchases in time order (at least one) must have led to, for all households."""
    whole_year = _purchases()
    purchases = whole_year.slice(0, limit)
    coupons = _coupons(whole_year).filter(pl.col("basket_id").is_in(purchases["basket_id"].implode()))
    targets = _targets()
    households = whole_year["household_id"].unique().sort()
    return Expected(
        accounts=_accounts(purchases, households),
        campaigns={
            f"cj-campaign-{number}": _campaign(
                target,
                purchases=purchases,
                others=len(households) - len(target.households),
                coupons=coupons.filter(campaign_id=number).height,
            )
            for number, target in targets.items()
        },
        bonus_points=_bonus_points(purchases, targets),
    )


def _read(name: str) -> pl.LazyFrame:
    return pl.scan_parquet(folder() / f"{name}.parquet")


def _purchases() -> pl.DataFrame:
    """One row a purchase, in time order; cents by way of decimals, not of rounded binary numbers."""
    paid = pl.col("sales_value").cast(pl.Decimal(12, 2)).sum() * 100
    instant = pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return (
        _read("transactions")
        .group_by("basket_id")
        .agg(
            pl.col("household_id").first(),
            instant.first().alias("time"),
            paid.cast(pl.Int64).alias("paid"),
            (pl.col("coupon_disc").max() > 0).alias("by_coupon"),
        )
        .with_columns((pl.col("paid") // 100).alias("points"))
        .sort("time", "basket_id")
        .collect()
    )


def _coupons(purchases: pl.DataFrame) -> pl.DataFrame:
    """The campaign of each redeemed coupon, and the purchase that it belongs to."""
    shopping_day = pl.col("time").dt.convert_time_zone(SHOPS.key).dt.date().alias("day")
    redeemed_on = pl.col("redemption_date").dt.date().alias("day")
    of_that_day = purchases.with_columns(shopping_day).sort("by_coupon", descending=True, maintain_order=True)
    first = of_that_day.unique(["household_id", "day"], keep="first", maintain_order=True)
    redemptions = _read("coupon_redemptions").with_columns(redeemed_on).collect()
    return redemptions.join(first, on=["household_id", "day"], how="left").select("campaign_id", "basket_id")


def _targets() -> dict[int, _Target]:
    audiences = dict(_read("campaigns").group_by("campaign_id").agg("household_id").collect().iter_rows())
    days = _read("campaign_descriptions").sort("campaign_id").select("campaign_id", "start_date", "end_date").collect()
    return {
        number: _Target(_midnight(first.date()), _midnight(last.date() + DAY), audiences[number])
        for number, first, last in days.iter_rows()
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHOPS).astimezone(UTC)


def _accounts(purchases: pl.DataFrame, households: pl.Series) -> dict[str, Account]:
    sums = purchases.group_by("household_id").agg(pl.len(), pl.col("paid", "points").sum())
    active = {household: Account(*figures) for household, *figures in sums.iter_rows()}
    return {str(900_000_000 + household): active.get(household, Account()) for household in households}


def _campaign(target: _Target, *, purchases: pl.DataFrame, others: int, coupons: int) -> Campaign:
    length = target.ends_at - target.starts_at
    inside = _between(purchases, target.starts_at, target.ends_at)
    before = _between(purchases, target.starts_at - length, target.starts_at)
    theirs = _of(inside, target)
    sales, baseline = _paid(theirs), _paid(_of(before, target))
    reached_back = bool(target.starts_at - length >= purchases["time"][0])
    elsewhere = (_paid(inside) - sales) - (_paid(before) - baseline)
    return Campaign(
        starts_at=target.starts_at,
        ends_at=target.ends_at,
        targeted=len(target.households),
        participants=theirs["household_id"].n_unique(),
        purchases=theirs.height,
        sales_minor=sales,
        coupons_redeemed=coupons,
        baseline_sales_minor=baseline if reached_back else None,
        uplift_minor=(
            round(sales - baseline - Fraction(elsewhere * len(target.households), others))
            if reached_back and others
            else None
        ),
        cut=_is_cut(target, purchases),
    )


def _paid(purchases: pl.DataFrame) -> int:
    return int(purchases["paid"].sum())


def _between(purchases: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    return purchases.filter(pl.col("time").is_between(start, end, closed="left"))


def _of(purchases: pl.DataFrame, target: _Target) -> pl.DataFrame:
    return purchases.filter(pl.col("household_id").is_in(target.households))


def _is_cut(target: _Target, purchases: pl.DataFrame) -> bool:
    days = purchases["time"].dt.convert_time_zone(SHOPS.key).dt.date()
    return bool(target.starts_at < _midnight(days[0]) or target.ends_at > _midnight(days[-1] + DAY))


def _bonus_points(purchases: pl.DataFrame, targets: Mapping[int, _Target]) -> int:
    doubled = pl.concat(_of(_between(purchases, t.starts_at, t.ends_at), t) for t in targets.values())
    return int(doubled.unique("basket_id")["points"].sum())
