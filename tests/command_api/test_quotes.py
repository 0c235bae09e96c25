"""Quotes over HTTP: asked for at one door, sold by at another, across versions, kept to their life."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import ANN, create_campaign, join, policy, publish
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT
from tests.ledger import NOW, all_recorded, execute

NOON = "2023-05-02T04:00:00Z"
LINES = [
    {"line": "1", "sku": "a", "category": "DAIRY", "quantity": 1, "gross_minor": 10_000},
    {"line": "2", "sku": "b", "quantity": "0.482", "gross_minor": 5_000},
]
ASKED: dict[str, Any] = {"currency": "CNY", "store": "1", "card": "1001", "lines": LINES, "time": NOON}


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """Ann has joined; cheese is a tenth cheaper, and earns twice as much; from 12:05 on all earn twice as much. Two doors."""
    cheaper = create_campaign("cheaper", at=NOW, discount={"percent": "10"}, categories=["DAIRY"])
    twice = create_campaign("twice", at=NOW, multiplier="2", categories=["DAIRY"])
    home: Path = tmp_path_factory.mktemp("home")
    with till_of(module_database_url, home, join(at=JOINED_AT), cheaper, twice, doors=2) as opened:
        later = policy(effective_from=datetime(2023, 5, 2, 4, 5, tzinfo=UTC), earning={"points": 2, "per_minor": 1_000})
        assert all_recorded(execute(opened.ledger.writer(), publish(later, at=NOW)))
        yield opened


def sold(quote: dict[str, Any], number: str, *, at: str = NOON, **changes: Any) -> dict[str, Any]:
    """A receipt of what was quoted, at the prices quoted."""
    off = {one["line"]: one["amount_minor"] for one in quote["discounts"]}
    lines = [one | ({"discount_minor": off[one["line"]]} if one["line"] in off else {}) for one in LINES]
    return {
        **ASKED, "source": "/stores/1", "id": number, "time": at, "lines": lines, "quote": quote["quote_id"],
        "tenders": [{"kind": "card", "amount_minor": quote["to_pay_minor"]}], **changes,
    }  # fmt: skip


def test_a_quote_tells_what_the_purchase_will(till: Till) -> None:
    before = till.ledger.log()
    quote = told(till.post("/quotes", ASKED), 200)
    assert {name: value for name, value in quote.items() if name not in {"quote_id", "rules"}} == {
        "warnings": [], "coupons": [],
        "expires_at": "2023-05-02T04:15:00Z", "member_id": str(ANN), "programme": "member_experience",
        "programme_version": 1, "tier_before": "Ordinary", "tier": "Ordinary", "next_tier": "Silver",
        "points_to_next": 9_986, "points": [{"part": "base", "points": 14}, {"part": "twice", "points": 9}],
        "discounts": [{"line": "1", "source": "cheaper", "amount_minor": 1_000}], "discount_minor": 1_000,
        "to_pay_minor": 14_000,
        "points_as_cash": {"available": 0, "most_points": 0, "most_minor": 0, "points": 0, "amount_minor": 0},
    }  # fmt: skip
    assert quote["rules"] == [
        {"rule": "base", "applied": True, "why": "earned", "version": 1},
        {"rule": "points-as-cash", "applied": False, "why": "nothing-to-pay-with", "version": 1},
        {"rule": "cheaper", "applied": True, "why": "discounted", "version": 1},
        {"rule": "twice", "applied": True, "why": "granted", "version": 1},
    ]
    assert till.ledger.log() == before


def test_it_is_sold_by_at_another_door_though_other_rules_are_in_force(till: Till) -> None:
    quote = told(till.post("/quotes", ASKED), 200)
    bought = sold(quote, "R-1", at="2023-05-02T04:10:00Z")
    answer = told(
        till.clients[1].post("/purchases", json=bought, headers={"Authorization": f"Bearer {till.keys['till']}"})
    )
    assert answer["points"] == quote["points"]
    (kept,) = till.ledger.states("PurchaseRecorded.v1")
    assert kept["discounts"] == quote["discounts"]
    assert (kept["programme_version"], kept["quote"]["version"]) == (1, 1)
    assert sorted(kept["quote"]["campaigns"]) == ["cheaper", "twice"]
    back = {"time": "2023-05-02T04:12:00Z", "lines": [{"line": "1", "quantity": 1, "amount_minor": 9_000}]}
    revoked = told(till.post(f"/purchases/{answer['purchase_id']}/returns", back))["revoked"]
    assert revoked == [{"part": "base", "points": 9}, {"part": "twice", "points": 9}]


def test_it_is_refused_by_name_where_it_does_not_hold(till: Till) -> None:
    quote = told(till.post("/quotes", ASKED), 200)
    late = problem(till.post("/purchases", sold(quote, "R-2", at="2023-05-02T04:15:00Z")), 409, "quote-expired")
    assert (late["given_at"], late["until"]) == ("2023-05-02T04:00:00+00:00", "2023-05-02T04:15:00+00:00")
    other = {**sold(quote, "R-2"), "lines": LINES, "tenders": [{"kind": "card", "amount_minor": 15_000}]}
    assert problem(till.post("/purchases", other), 422, "quote-does-not-match")["differs"] == "lines"
    problem(till.post("/purchases", {**sold(quote, "R-2"), "quote": quote["quote_id"] + "A"}), 422, "quote-invalid")
    told(till.post("/purchases", sold(quote, "R-2")))


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"lines": []}, 422, "invalid-field"),
        ({"lines": [LINES[0], LINES[0]]}, 422, "invalid-field"),
        ({"member": str(ANN)}, 422, "invalid-field"),
        ({"card": None}, 422, "invalid-field"),
        ({"colour": "red"}, 422, "invalid-field"),
        ({"points": 0}, 422, "invalid-field"),
        ({"points": 700}, 409, "insufficient-points"),
        ({"card": "9999"}, 404, "unknown-card"),
        ({"currency": "USD"}, 422, "wrong-currency"),
        ({"time": "2999-01-01T00:00:00Z"}, 422, "time-in-the-future"),
        ({"time": "2022-01-01T00:00:00Z"}, 422, "no-programme-in-force"),
    ],
)
def test_what_cannot_be_quoted_is_refused_by_name(till: Till, change: dict[str, Any], status: int, name: str) -> None:
    problem(till.post("/quotes", {**ASKED, **change}), status, name)


def test_without_a_time_it_is_now(till: Till) -> None:
    quote = told(till.post("/quotes", {name: value for name, value in ASKED.items() if name != "time"}), 200)
    until = datetime.fromisoformat(quote["expires_at"]) - datetime.now(UTC)
    assert 800 < until.total_seconds() < 901
    assert quote["programme_version"] == 2


def test_tills_and_staff_ask(till: Till) -> None:
    told(till.post("/quotes", ASKED, scope="staff"), 200)
    problem(till.post("/quotes", ASKED, scope="analyst"), 403, "forbidden")
    assert "QuoteBody" in till.client.get("/openapi.json").json()["components"]["schemas"]


def test_without_the_database_a_till_is_told_to_ask_again(till: Till) -> None:
    till.ledger.kill_writers()
    problem(till.post("/quotes", ASKED), 503, "store-unavailable")
    told(till.post("/quotes", ASKED), 200)
