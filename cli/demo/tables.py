"""The demo's tables: balances, tiers, segments and campaigns, as the read models answer them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import httpx
from psycopg import Connection
from rich import box
from rich.console import Console
from rich.table import Table

from cli.demo.answers import campaign_ids, credits_of_all, totals
from domain.programme import Policy
from domain.tally import Credit
from domain.tiers import standing

SAMPLES = 5
NOTES = """\
That targeted households earn double is the demo's assumption; windows, households, sales and coupons are the data's.
* The window begins before the data or ends after them: its figures hold for the part that the data cover.
Baseline: sales to the same households in the equally long time before; uplift: difference in differences against all
other households; – where the data do not reach back."""


def show(*, http: httpx.Client, read_models: Connection, members: Mapping[str, str], as_of: datetime) -> None:
    """Print every table, as of the end of the data. `members`: member ids by card."""
    console = Console()
    console.print(f"\nAs of {as_of:%F %R} UTC, the end of the data:\n")
    console.print(_totals(read_models, as_of))
    console.print(_members(http, dict(islice(members.items(), SAMPLES)), as_of))
    console.print(_tiers(http, read_models, as_of))
    console.print(_segments(http, as_of))
    figures = [_get(http, f"/campaigns/{campaign_id}/analytics") for campaign_id in campaign_ids(http)]
    console.print(_reach(figures))
    console.print(_sales(figures))
    console.print(NOTES)


def _totals(read_models: Connection, as_of: datetime) -> Table:
    found = totals(read_models, as_of=as_of)
    return _table("The ledger", found, [[f"{value:,}" for value in found.values()]], texts=0)


def _members(http: httpx.Client, members: Mapping[str, str], as_of: datetime) -> Table:
    rows = []
    for card, member_id in members.items():
        balance = _get(http, f"/members/{member_id}/balance", as_of=as_of.isoformat())
        tier = _get(http, f"/members/{member_id}/tier", as_of=as_of.isoformat())
        following = balance["next_expiry"]
        rows.append(
            [
                card,
                tier["tier"],
                f"{following['points']:,} on {following['at'][:10]}" if following else "–",
                f"{balance['issued']:,}",
                f"{balance['available']:,}",
                f"{tier['qualifying_points']:,}",
                _number(tier["points_to_next"]),
            ]
        )
    columns = ("card", "tier", "lapses next", "issued", "to spend", "this year", "to next tier")
    return _table("Balances and tiers of the first members", columns, rows, texts=3)


def _tiers(http: httpx.Client, read_models: Connection, as_of: datetime) -> Table:
    policy = Policy.model_validate(_get(http, "/programmes")["items"][-1]["policy"])
    reached: Counter[str] = Counter()
    for _, rows in groupby(credits_of_all(read_models, as_of=as_of), key=itemgetter(0)):
        history = list(rows)
        earned = [Credit(at, points) for _, _, at, points in history if at is not None and points is not None]
        reached[standing(earned, policy=policy, registered_at=history[0][1], as_of=as_of).tier] += 1
    names = [level.name for level in policy.tiers.levels]
    return _table("Members by tier", names, [[f"{reached[name]:,}" for name in names]], texts=0)


def _segments(http: httpx.Client, as_of: datetime) -> Table:
    rows = []
    for segment in _get(http, "/segments")["items"]:
        found = _get(http, f"/segments/{segment['segment_id']}/members", as_of=as_of.isoformat(), limit="1")
        rows.append([segment["versions"][-1]["name"], f"{found['count']:,}"])
    return _table("Segments", ("segment", "members"), rows, texts=1)


def _reach(figures: Sequence[Any]) -> Table:
    rows = [
        [
            told["campaign_id"],
            f"{told['starts_at'][:10]} – {told['ends_at'][:10]}{'*' if told['window_cut'] else ''}",
            *(f"{told[name]:,}" for name in ("targeted", "participants", "purchases", "coupons_redeemed")),
        ]
        for told in figures
    ]
    columns = ("campaign", "window", "targeted", "buyers", "baskets", "coupons")
    return _table("Campaigns: whom they reached", columns, rows, texts=2)


def _sales(figures: Sequence[Any]) -> Table:
    rows = [
        [
            told["campaign_id"],
            *(_dollars(told[name]) for name in ("sales_minor", "baseline_sales_minor", "uplift_minor")),
            _number(told["bonus_points"]),
        ]
        for told in figures
    ]
    columns = ("campaign", "sales", "baseline", "uplift", "points granted")
    return _table("Campaigns: what they brought, in dollars", columns, rows, texts=1)


def _table(title: str, columns: Iterable[str], rows: Iterable[Sequence[str]], *, texts: int) -> Table:
    """A table that fits 80 columns; its first `texts` columns are text, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < texts else "right", no_wrap=number < texts)
    for row in rows:
        table.add_row(*row)
    return table


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _dollars(minor: int | None) -> str:
    if minor is None:
        return "–"
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 100:,}.{whole % 100:02}"


def _get(http: httpx.Client, path: str, **query: str) -> Any:
    return http.get(path, params=query).raise_for_status().json()
