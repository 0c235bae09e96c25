"""Campaigns over HTTP: made, refused by name, and never giving more than their budget, whoever buys at the same time."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.fact import message_id
from tests.builders import ANN, join
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT

NOON = "2023-05-02T04:00:00Z"
BUYERS = 64
GIFT = {
    "campaign_id": "gift", "name": "Gift", "starts_at": "2023-05-01T00:00:00Z", "ends_at": "2023-06-01T00:00:00Z",
    "audience": {"everyone": True}, "effect": {"bonus_points": 7},
}  # fmt: skip
MEMBERS = [UUID(int=number, version=4) for number in range(1, BUYERS + 1)]


def receipt(number: int, member: UUID, **what: Any) -> dict[str, Any]:
    return {
        "source": "/stores/1", "id": f"R-{number}", "time": NOON, "currency": "CNY", "store": "1", "member": str(member),
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 1_000}],
        "tenders": [{"kind": "cash", "amount_minor": 1_000}], **what,
    }  # fmt: skip


def buy_all_at_once(till: Till, receipts: Sequence[dict[str, Any]]) -> list[int]:
    """Everybody begins together, at the doors in turns; answers what the campaign gave to each."""
    start, headers = threading.Barrier(len(receipts)), {"Authorization": f"Bearer {till.keys['till']}"}

    def buy(number: int) -> int:
        start.wait(30)
        client = till.clients[number % len(till.clients)]
        answer = told(client.post("/purchases", json=receipts[number], headers=headers))
        return sum(part["points"] for part in answer["points"] if part["part"] == "gift")

    with ThreadPoolExecutor(len(receipts)) as pool:
        return sorted(pool.map(buy, range(len(receipts))), reverse=True)


@pytest.mark.parametrize("doors", [1, 2])
@pytest.mark.parametrize(
    ("mode", "gifts"),
    [("grant_remaining", [7] * 14 + [2]), ("refuse", [7] * 14)],
)
def test_64_buyers_at_once_are_given_the_budget_to_the_last_point_and_no_more(
    module_database_url: str, tmp_path: Path, doors: int, mode: str, gifts: list[int]
) -> None:
    """At two doors neither writer sees what the other has in memory; the log decides."""
    joining = [join(member, at=JOINED_AT, card=str(number)) for number, member in enumerate(MEMBERS)]
    with till_of(module_database_url, tmp_path, *joining, doors=doors) as till:
        told(till.post("/campaigns", GIFT | {"budget": {"points": 100, "mode": mode}}, scope="staff"))
        found = buy_all_at_once(till, [receipt(number, member) for number, member in enumerate(MEMBERS)])
        assert found == gifts + [0] * (BUYERS - len(gifts))
        drawn = sum(one["points"] for one in till.ledger.states("BudgetDrawn.v1"))
        assert drawn == sum(gifts)


@pytest.mark.parametrize("doors", [1, 2])
def test_exactly_100_of_100_points_are_given_where_grants_fit_either_way(
    module_database_url: str, tmp_path: Path, doors: int
) -> None:
    joining = [join(member, at=JOINED_AT, card=str(number)) for number, member in enumerate(MEMBERS)]
    with till_of(module_database_url, tmp_path, *joining, doors=doors) as till:
        for mode in ("refuse", "grant_remaining"):
            budget = {
                "budget": {"points": 100, "mode": mode},
                "effect": {"bonus_points": 4},
                "campaign_id": mode.replace("_", "-"),
            }
            told(till.post("/campaigns", GIFT | budget, scope="staff"))
        buy_all_at_once(till, [receipt(number, member) for number, member in enumerate(MEMBERS)])
        drawn: dict[str, int] = {}
        for one in till.ledger.states("BudgetDrawn.v1"):
            drawn[one["campaign_id"]] = drawn.get(one["campaign_id"], 0) + one["points"]
        assert drawn == {"refuse": 100, "grant-remaining": 100}


def test_one_member_buying_at_once_gets_no_more_than_the_limit(module_database_url: str, tmp_path: Path) -> None:
    with till_of(module_database_url, tmp_path, join(at=JOINED_AT), doors=2) as till:
        told(till.post("/campaigns", GIFT | {"limits": {"per_day": {"uses": 2}}}, scope="staff"))
        found = buy_all_at_once(till, [receipt(number, ANN, store=str(number)) for number in range(16)])
        assert found == [7] * 2 + [0] * 14


def test_a_campaign_tells_what_stands_in_its_way(module_database_url: str, tmp_path: Path) -> None:
    with till_of(module_database_url, tmp_path, join(at=JOINED_AT)) as till:
        nobody = str(uuid4())

        def refused(name: str, **what: Any) -> dict[str, Any]:
            return problem(till.post("/campaigns", GIFT | what, scope="staff"), 422, name)

        assert refused("unknown-members", audience={"members": [str(ANN), nobody]}) == {
            "member_ids": [nobody], "count": 1,
        }  # fmt: skip
        assert refused("unknown-tier", audience={"tiers": ["Purple"]}) == {"tier": "Purple"}
        assert refused("unknown-segment", audience={"segment": "nobody"}) == {"segment_id": "nobody"}
        assert refused("window-ends-before-it-begins", ends_at=GIFT["starts_at"])
        assert refused("invalid-field", budget={"amount_minor": 5})
        assert refused("invalid-field", limits={})
        assert refused("invalid-field", effect={"multiplier": "0.5"})
        assert refused("invalid-field", conditions={"maximum_paid_minor": 5})["field"].startswith("conditions")


def test_a_discount_is_quoted_and_drawn_and_a_coupon_given(module_database_url: str, tmp_path: Path) -> None:
    with till_of(module_database_url, tmp_path, join(at=JOINED_AT)) as till:
        tenth = {"effect": {"discount": {"percent": "10"}}, "budget": {"amount_minor": 150}, "campaign_id": "tenth"}
        coffee = {"effect": {"coupon": {"kind": "coffee", "valid_days": 30}}, "campaign_id": "coffee"}
        for terms in (tenth, coffee):
            told(till.post("/campaigns", GIFT | terms, scope="staff"))
        asked = receipt(1, ANN)
        body = {name: asked[name] for name in ("time", "currency", "store", "member", "lines")}
        quote = told(till.post("/quotes", body), 200)
        assert quote["discounts"] == [{"line": "1", "source": "tenth", "amount_minor": 100}]
        lines = [asked["lines"][0] | {"discount_minor": 100}]
        tenders = [{"kind": "cash", "amount_minor": 900}]
        answer = told(till.post("/purchases", asked | {"lines": lines, "tenders": tenders, "quote": quote["quote_id"]}))
        assert [one["amount_minor"] for one in till.ledger.states("BudgetDrawn.v1")] == [100]
        issued = till.ledger.states("CouponIssued.v1")
        assert [(one["kind"], one["member_id"]) for one in issued] == [("coffee", str(ANN))]
        assert [one["code"] for one in answer["coupons"]] == [issued[0]["code"]]
        told(till.post(f"/purchases/{message_id('/stores/1', 'R-1')}/void", {"time": NOON, "reason": "error"}))
        assert sum(one["amount_minor"] for one in till.ledger.states("BudgetDrawn.v1")) == 0
