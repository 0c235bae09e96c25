"""What the running product answers: members and campaigns over HTTP, accounts from the read model."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, LiteralString
from uuid import UUID

import httpx
import psycopg
from psycopg import sql

from cli.demo.expected import Account

# The only place of the demo that knows tables: no answer of the Query API tells points by part, or all accounts.
LIVE: LiteralString = "SELECT schema_name FROM projections_live WHERE projection = %s"
ACCOUNTS: LiteralString = """
WITH bought AS (
    SELECT member_id, sum(purchases) AS purchases, sum(paid_minor)::bigint AS paid_minor FROM {campaigns}.sales GROUP BY member_id
), earned AS (
    SELECT member_id, sum(points)::bigint AS base_points FROM {balances}.lots WHERE part = 'base' GROUP BY member_id
)
SELECT member_id, coalesce(purchases, 0), coalesce(paid_minor, 0), coalesce(base_points, 0)
FROM {balances}.accounts FULL JOIN bought USING (member_id) FULL JOIN earned USING (member_id)
"""


class NoSuchProjection(Exception):
    """The read model holds no live generation of a projection: no projector has run."""


class ProductAnswers:
    """Asks one Query API (an HTTP client that knows its address and bearer key) and its read database."""

    def __init__(self, *, http: httpx.Client, read_database_url: str) -> None:
        self._http = http
        self._read_database_url = read_database_url

    def members(self, cards: Sequence[str]) -> Mapping[str, UUID]:
        """Who holds each card; a card that nobody holds is left out."""
        found = {card: self._get("/members", card=card) for card in cards}
        return {card: UUID(answer["member_id"]) for card, answer in found.items() if answer is not None}

    def accounts(self) -> Mapping[UUID, Account]:
        """What the purchases of each member came to, also of those who have none."""
        with psycopg.connect(self._read_database_url) as connection:
            schemas = {name: _live_schema(connection, name) for name in ("campaigns", "balances")}
            rows = connection.execute(sql.SQL(ACCOUNTS).format(**schemas)).fetchall()
        return {member_id: Account(*figures) for member_id, *figures in rows}

    def analytics(self, campaign_id: str) -> Mapping[str, object] | None:
        """The answer of `GET /campaigns/{id}/analytics`, its times parsed; None where there is no such campaign."""
        answer = self._get(f"/campaigns/{campaign_id}/analytics")
        if answer is None:
            return None
        window = {at: datetime.fromisoformat(answer[at]) for at in ("starts_at", "ends_at")}
        return {**answer, **window}

    def liability(self, *, share: str, until: str) -> Sequence[Mapping[str, Any]]:
        """The months of `GET /liability` up to a month, with a share that is expected to be redeemed."""
        answer = self._http.get("/liability", params={"expected": share, "to": until}).raise_for_status()
        months: list[dict[str, Any]] = answer.json()["months"]
        return months

    def outstanding(self, at: datetime) -> int:
        """What all members have at an instant: pending, available or held, by `GET /balances.ndjson`."""
        answer = self._http.get("/balances.ndjson", params={"as_of": at.isoformat()}).raise_for_status()
        totals: dict[str, int] = json.loads(answer.text.splitlines()[-1])["totals"]
        return totals["pending"] + totals["available"] + totals["held"]

    def _get(self, path: str, **query: str) -> dict[str, Any] | None:
        response = self._http.get(path, params=query)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer


def _live_schema(connection: psycopg.Connection, projection: str) -> sql.Identifier:
    row = connection.execute(LIVE, (projection,)).fetchone()
    if row is None:
        raise NoSuchProjection(projection)
    return sql.Identifier(row[0])


TOTALS: LiteralString = """
SELECT (SELECT count(*) FROM {members}.members), coalesce(sum(purchases), 0), coalesce(sum(paid_minor), 0)::bigint / 100,
    issued, available, issued - available
FROM {campaigns}.sales, (
    SELECT coalesce(sum(points), 0)::bigint AS issued,
        coalesce(sum(points) FILTER (WHERE expires_at IS NULL OR expires_at > %(as_of)s), 0)::bigint AS available
    FROM {balances}.lots WHERE earned_at <= %(as_of)s
) AS points GROUP BY issued, available
"""
CREDITS: LiteralString = """
SELECT member_id, registered_at, earned_at, points FROM {tiers}.accounts LEFT JOIN {tiers}.credits USING (member_id)
WHERE earned_at IS NULL OR (earned_at <= %(as_of)s AND known_at <= %(as_of)s) ORDER BY member_id
"""


def totals(read_models: psycopg.Connection, *, as_of: datetime) -> dict[str, int]:
    """The whole ledger in one row, as of an instant."""
    schemas = {name: _live_schema(read_models, name) for name in ("members", "campaigns", "balances")}
    row = read_models.execute(sql.SQL(TOTALS).format(**schemas), {"as_of": as_of}).fetchone()
    names = ("members", "purchases", "sales in dollars", "points issued", "points available", "points expired")
    return dict(zip(names, row or (0,) * len(names), strict=True))


def credits_of_all(
    read_models: psycopg.Connection, *, as_of: datetime
) -> list[tuple[UUID, datetime, datetime | None, int | None]]:
    """Every member with their qualifying credits, together: member, registered at, earned at, points."""
    schema = _live_schema(read_models, "tiers")
    return read_models.execute(sql.SQL(CREDITS).format(tiers=schema), {"as_of": as_of}).fetchall()


def campaign_ids(http: httpx.Client) -> list[str]:
    """All campaigns, page by page, in the order of their numbers."""
    found: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = http.get("/campaigns", params={"after": page["next"]}).raise_for_status().json()
        found += [campaign["campaign_id"] for campaign in page["items"]]
    return sorted(found, key=lambda name: (len(name), name))
