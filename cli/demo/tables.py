"""The demo's tables: balances, tiers and campaigns, as the read models answer them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import httpx
from psycopg import Connection
from rich.console import Console
from rich.table import Table

from cli.demo.answers import campaign_ids, credits_of_all, totals
from domain.programme import Policy
from domain.tiers import Credit, standing

SAMPLES = 5


def show(*, http: httpx.Client, read_models: Connection, members: Sequence[str], as_of: datetime) -> None:
    """Print every table, as of the end of the data."""
    console = Console(width=None if Console().is_terminal else 160)
    console.print(f"\nAs of {as_of:%F %R} UTC, the end of the data:")
    console.print(_totals(read_models, as_of))
    console.print(_members(http, members[:SAMPLES], as_of))
    console.print(_tiers(http, read_models, as_of))
    console.print(_campaigns(http))
    console.print(
        "A multiplier of 2 for the targeted households is the demo's assumption; windows and households are the data's. A window "
        "marked * is cut by the data's first or last day: its figures hold for a part of it. Baseline: the same households in the "
        "equally long time before. Uplift: difference in differences against all others; – where the data do not reach back."
    )


def _totals(read_models: Connection, as_of: datetime) -> Table:
    found = totals(read_models, as_of=as_of)
    table = Table(*found, title="The ledger", title_justify="left")
    table.add_row(*(f"{value:,}" for value in found.values()))
    return _right(table)


def _members(http: httpx.Client, members: Sequence[str], as_of: datetime) -> Table:
    table = Table(
        "member", "issued", "available", "expired", "next expiry", "tier", "since", "qualifying", "to next",
        title="Balances (the first members)", title_justify="left",
    )  # fmt: skip
    for member_id in members:
        balance = _get(http, f"/members/{member_id}/balance", as_of=as_of.isoformat())
        tier = _get(http, f"/members/{member_id}/tier", as_of=as_of.isoformat())
        following = balance["next_expiry"]
        table.add_row(
            member_id, f"{balance['issued']:,}", f"{balance['available']:,}", f"{balance['expired']:,}",
            f"{following['points']:,} on {following['at'][:10]}" if following else "–",
            tier["tier"], tier["since"][:10], f"{tier['qualifying_points']:,}",
            f"{tier['points_to_next']:,}" if tier["points_to_next"] is not None else "–",
        )  # fmt: skip
    return table


def _tiers(http: httpx.Client, read_models: Connection, as_of: datetime) -> Table:
    policy = Policy.model_validate(_get(http, "/programmes")["items"][-1]["policy"])
    reached: Counter[str] = Counter()
    for _, rows in groupby(credits_of_all(read_models, as_of=as_of), key=itemgetter(0)):
        history = list(rows)
        earned = [Credit(at, points) for _, _, at, points in history if at is not None and points is not None]
        reached[standing(earned, policy=policy, registered_at=history[0][1], as_of=as_of).tier] += 1
    table = Table(*(level.name for level in policy.tiers.levels), title="Members by tier", title_justify="left")
    table.add_row(*(f"{reached[level.name]:,}" for level in policy.tiers.levels))
    return _right(table)


def _campaigns(http: httpx.Client) -> Table:
    table = Table(
        "campaign", "window", "targeted", "participants", "purchases", "sales", "coupons", "points", "baseline", "uplift",
        title="Campaigns (amounts in dollars)", title_justify="left",
    )  # fmt: skip
    for campaign_id in campaign_ids(http):
        told = _get(http, f"/campaigns/{campaign_id}/analytics")
        window = f"{told['starts_at'][:10]} – {told['ends_at'][:10]}{'*' if told['window_cut'] else ''}"
        table.add_row(
            campaign_id, window, f"{told['targeted']:,}", f"{told['participants']:,}", f"{told['purchases']:,}",
            _dollars(told["sales_minor"]), f"{told['coupons_redeemed']:,}", f"{told['bonus_points']:,}",
            _dollars(told["baseline_sales_minor"]), _dollars(told["uplift_minor"]),
        )  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def _right(table: Table) -> Table:
    for column in table.columns:
        column.justify = "right"
    return table


def _dollars(minor: int | None) -> str:
    if minor is None:
        return "–"
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 100:,}.{whole % 100:02}"


def _get(http: httpx.Client, path: str, **query: str) -> Any:
    return http.get(path, params=query).raise_for_status().json()
