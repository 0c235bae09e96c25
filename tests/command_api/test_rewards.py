"""Rewards over HTTP: made, stocked, had and reversed; what is missing by its name; and many buyers of the last pieces."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.command import Command
from tests.builders import ANN, join, line, purchase
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT
from tests.spec import NOON as BOUGHT_AT

NOON, LATER = "2023-05-02T04:00:00Z", "2023-05-02T04:10:00Z"
BUYERS = [UUID(int=0xB0 + number, version=4) for number in range(64)]
MUG = {"reward_id": "mug", "name": {"en": "A coffee mug", "zh": "咖啡杯"}, "kind": "good", "points": 30, "stock": 3}
TEN_OFF = {
    "reward_id": "ten-off", "name": {"en": "¥10 off", "zh": "立减十元"}, "kind": "cash_off", "points": 30,
    "coupon": {"kind": "ten-off", "valid_days": 7, "amount_minor": 1_000},
}  # fmt: skip


def who_has_100(member: UUID, card: str) -> list[Command]:
    return [join(member, at=JOINED_AT, card=card), purchase(line(100_000), at=BOUGHT_AT, id=card, card=card)]


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    home: Path = tmp_path_factory.mktemp("keys")
    with till_of(module_database_url, home, *who_has_100(ANN, "1001")) as opened:
        for body in (MUG, TEN_OFF):
            told(opened.post("/rewards", body, scope="staff"))
        yield opened


def path(reward_id: str, member: UUID = ANN) -> str:
    return f"/members/{member}/rewards/{reward_id}/redemptions"


def test_a_good_is_had_once_under_a_key_and_brought_back(till: Till) -> None:
    first = told(till.post(path("mug"), {"time": NOON}, key="k"))
    assert first == told(till.post(path("mug"), {"time": NOON}, key="k"))
    redemption = first["redemption_id"]
    assert {**first, "redemption_id": None, "position": None} == {
        "redemption_id": None, "position": None, "reward_id": "mug", "points": 30, "stock_left": 2, "coupon": None,
        "member_id": str(ANN), "available": 70,
    }  # fmt: skip
    back = told(till.post(f"/redemptions/{redemption}/reversal", {"time": LATER}))
    assert (back["points"], back["available"]) == (30, 100)
    stocked = told(till.post("/rewards/mug/stock", {"time": NOON, "pieces": 4, "reason": "a delivery"}, scope="staff"))
    assert (stocked["pieces"], stocked["stock_left"]) == (4, 7)


def test_a_coupon_for_points_is_used_with_a_purchase_and_keeps_them(till: Till) -> None:
    had = told(till.post(path("ten-off"), {"time": NOON}))
    coupon = had["coupon"]
    assert (coupon["kind"], coupon["amount_minor"], coupon["valid_until"]) == ("ten-off", 1_000, "2023-05-09T16:00:00Z")
    bought = {
        "source": "/stores/1", "id": "R-2", "time": LATER, "currency": "CNY", "store": "1", "card": "1001",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 5_000}],
        "tenders": [{"kind": "cash", "amount_minor": 4_000}, {"kind": "coupon", "amount_minor": 1_000}],
        "coupons": [{"code": coupon["code"]}],
    }  # fmt: skip
    sold = told(till.post("/purchases", bought))
    reversal = f"/redemptions/{had['redemption_id']}/reversal"
    assert problem(till.post(reversal, {"time": LATER}), 409, "coupon-used")["purchase_id"] == sold["purchase_id"]
    told(till.post(f"/purchases/{sold['purchase_id']}/void", {"time": LATER}))
    assert told(till.post(reversal, {"time": LATER}))["points"] == 30
    assert problem(till.post("/purchases", {**bought, "id": "R-3"}), 409, "coupon-voided")


def test_what_is_missing_is_told_by_name(till: Till) -> None:
    regulars = {"visits_at_least": 2}
    told(
        till.post(
            "/segments",
            {"segment_id": "regulars", "name": "Regulars", "effective_from": NOON, "definition": {"all_of": [{"behaviour": regulars}]}},
            scope="staff",
        )
    )  # fmt: skip
    unlike: dict[str, dict[str, Any]] = {
        "gold": {"tiers": ["Gold"]},
        "regular": {"segments": ["regulars"]},
        "order": {"min_order_spend_minor": 200_000},
        "lifetime": {"min_lifetime_spend_minor": 200_000},
        "dear": {"points": 1_000},
        "gone": {"stock": 0},
        "over": {"ends_at": NOON},
    }
    for name, terms in unlike.items():  # fmt: skip
        told(till.post("/rewards", {**MUG, "reward_id": name, **terms}, scope="staff"))
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "gold": ("reward-locked", {"tier": "Ordinary", "tiers": ["Gold"], "segments": []}),
        "regular": ("reward-locked", {"tier": "Ordinary", "tiers": [], "segments": ["regulars"]}),
        "order": ("spend-missing", {"of": "order", "required_minor": 200_000, "missing_minor": 200_000}),
        "lifetime": ("spend-missing", {"of": "lifetime", "required_minor": 200_000, "missing_minor": 100_000}),
        "dear": ("insufficient-points", {"points": 1_000, "available": 100, "debt": 0}),
        "gone": ("reward-out-of-stock", {}),
        "over": ("reward-not-in-window", {"starts_at": None, "ends_at": "2023-05-02T04:00:00+00:00"}),
    }
    for reward_id, (name, fields) in asked.items():
        named: dict[str, Any] = {} if name == "insufficient-points" else {"reward_id": reward_id}
        assert problem(till.post(path(reward_id), {"time": NOON}), 409, name) == {**named, **fields}
    assert problem(till.post(path("none"), {"time": NOON}), 404, "unknown-reward") == {"reward_id": "none"}
    problem(till.post("/rewards", MUG), 403, "forbidden")
    other = till.post("/rewards", {**MUG, "points": 31}, scope="staff")
    assert problem(other, 409, "reward-already-exists") == {"reward_id": "mug"}
    unread = till.post("/rewards", {**MUG, "kind": "coupon"}, scope="staff")
    assert problem(unread, 422, "invalid-field")


@pytest.mark.parametrize("doors", [1, 2])
def test_of_64_buyers_at_once_three_have_the_last_three_pieces(
    module_database_url: str, tmp_path: Path, doors: int
) -> None:
    """At two doors neither writer sees what the other has in memory; the log decides."""
    before = [command for number, member in enumerate(BUYERS) for command in who_has_100(member, f"card-{number}")]
    with till_of(module_database_url, tmp_path, *before, doors=doors) as till:
        told(till.post("/rewards", MUG, scope="staff"))
        headers, start = {"Authorization": f"Bearer {till.keys['till']}"}, threading.Barrier(len(BUYERS))

        def buy(number: int) -> str:
            start.wait(30)
            response = till.clients[number % doors].post(
                path("mug", BUYERS[number]), json={"time": NOON}, headers=headers
            )
            return "had" if response.status_code == 201 else str(response.json()["type"])

        with ThreadPoolExecutor(len(BUYERS)) as pool:
            found = Counter(pool.map(buy, range(len(BUYERS))))
        assert found == {"had": 3, "urn:loyalty:reward-out-of-stock": 61}
        assert sorted(one["left"] for one in till.ledger.states("RewardRedeemed.v1")) == [0, 1, 2]
        spent = till.ledger.states("PointsRedeemed.v1")
        assert [one["points"] for one in spent] == [30] * 3
        assert {one["member_id"] for one in spent} == {
            one["member_id"] for one in till.ledger.states("RewardRedeemed.v1")
        }
        balances = Counter(
            told(till.post(f"/members/{member}/holds", {"points": 1, "time": NOON}))["available"] for member in BUYERS
        )
        assert balances == {69: 3, 99: 61}
