"""Returns and voids over HTTP: answers, repeats, and a problem for each refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.fact import message_id
from tests.builders import ANN, join
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT

R1 = message_id("/stores/1", "R-1")
NOON, LATER = "2023-05-02T04:00:00Z", "2023-05-05T04:00:00Z"
BODY: dict[str, Any] = {"time": LATER, "lines": [{"line": "1", "quantity": 0, "amount_minor": 600}]}


class Shop(Till):
    """A till that takes back what Ann has bought."""

    def give_back(self, body: Any, *, of: UUID = R1, **what: Any) -> httpx.Response:
        return self.post(f"/purchases/{of}/returns", body, **what)

    def void(self, body: Any, *, of: UUID = R1, **what: Any) -> httpx.Response:
        return self.post(f"/purchases/{of}/void", body, **what)


@pytest.fixture
def till(module_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Ann has bought for ¥95 and ¥5, and earned 10."""
    with till_of(module_database_url, tmp_path, join(at=JOINED_AT)) as opened:
        shop = Shop(opened.clients, opened.keys, opened.ledger)
        receipt = {
            "source": "/stores/1", "id": "R-1", "time": NOON, "currency": "CNY", "store": "1", "card": "1001",
            "lines": [
                {"line": "1", "sku": "a", "quantity": 2, "gross_minor": 9_500},
                {"line": "2", "sku": "b", "quantity": "0.482", "gross_minor": 500},
            ],
            "tenders": [{"kind": "card", "amount_minor": 10_000}],
        }  # fmt: skip
        assert shop.post("/purchases", receipt).json()["purchase_id"] == str(R1)
        yield shop


def test_a_return_answers_what_it_took_and_where_the_member_stands(till: Shop) -> None:
    assert told(till.give_back(BODY)) == {
        "position": 8, "purchase_id": str(R1), "member_id": str(ANN), "returned_minor": 600,
        "revoked": [{"part": "base", "points": 1}], "restored": 0, "restored_until": None, "available": 9, "tier": "Ordinary",
        "next_tier": "Silver", "points_to_next": 9_991,
    }  # fmt: skip
    assert told(till.void({"time": LATER, "reason": "rung up twice"}))["revoked"] == [{"part": "base", "points": 9}]


def test_under_a_key_it_happens_once(till: Shop) -> None:
    first = told(till.give_back(BODY, key="k"))
    assert told(till.give_back(BODY, key="k")) == first
    problem(till.give_back({**BODY, "reason": "other"}, key="k"), 422, "conflicting-repeat")
    problem(till.give_back(BODY, key="k", of=UUID(int=5)), 422, "conflicting-repeat")
    problem(till.void({"time": LATER}, key="k"), 422, "conflicting-repeat")
    assert told(till.give_back(BODY, key="k", scope="staff"))["returned_minor"] == 600, "the key of another owner"
    assert told(till.give_back(BODY))["position"] > first["position"], "without a key it is another return"


def test_a_void_happens_once_with_or_without_a_key(till: Shop) -> None:
    first = told(till.void({"time": LATER}))
    assert (first["returned_minor"], first["available"]) == (10_000, 0)
    assert told(till.void({"time": LATER})) == first
    assert told(till.void({"time": NOON, "reason": "again"}, key="k")) == first


def test_each_refusal_is_a_problem_with_its_fields(till: Shop) -> None:
    def line(**changes: Any) -> dict[str, Any]:
        return {**BODY, "lines": [{**BODY["lines"][0], **changes}]}

    over = problem(till.give_back(line(amount_minor=9_501)), 409, "over-return")
    assert (over["line"], over["left_minor"], over["left_quantity"]) == ("1", 9_500, 2)
    pieces = problem(till.give_back(line(line="2", quantity="0.483", amount_minor=0)), 409, "over-return")
    assert (pieces["left_minor"], pieces["left_quantity"]) == (500, "0.482")
    assert problem(till.give_back(line(line="9")), 422, "unknown-line")["line"] == "9"
    nobody = UUID(int=5)
    assert problem(till.give_back(BODY, of=nobody), 404, "unknown-purchase")["purchase_id"] == str(nobody)
    problem(till.void({"time": LATER}, of=nobody), 404, "unknown-purchase")
    problem(till.give_back(BODY, of=ANN), 409, "id-of-another-kind")
    problem(till.give_back({**BODY, "time": "2999-01-01T00:00:00Z"}), 422, "time-in-the-future")
    problem(till.give_back(line(quantity=0, amount_minor=0)), 422, "invalid-field")
    problem(till.give_back(line(quantity=-1)), 422, "negative-quantity")
    problem(till.give_back({**BODY, "colour": "red"}), 422, "invalid-field")
    for quantity in (0.482, 1.0, "0,482", "half", True, None, 10**9 + 1):
        refused = problem(till.give_back(line(quantity=quantity)), 422, "invalid-field")
        assert refused["field"] == "lines.0.quantity"
        assert refused["problem"].endswith('or a decimal string with at most six decimals, such as "0.750"'), quantity
    problem(till.give_back({**BODY, "time": "2023-05-05T04:00:00"}), 422, "time-without-zone")
    problem(till.give_back(BODY, scope="analyst"), 403, "forbidden")
    told(till.void({"time": LATER}))
    assert problem(till.give_back(BODY), 409, "purchase-voided-before")["purchase_id"] == str(R1)


def test_a_purchase_whose_line_ids_repeat_is_refused(till: Shop) -> None:
    line = {"line": "1", "sku": "a", "quantity": 1, "gross_minor": 100}
    receipt = {
        "source": "/stores/1", "id": "R-2", "time": NOON, "currency": "CNY", "store": "1", "lines": [line, line],
        "tenders": [{"kind": "card", "amount_minor": 200}],
    }  # fmt: skip
    assert problem(till.post("/purchases", receipt), 422, "invalid-field")["field"] == "lines.1.line"


def test_the_documentation_tells_both(till: Shop) -> None:
    document = till.client.get("/openapi.json").json()
    assert {"/purchases/{purchase_id}/returns", "/purchases/{purchase_id}/void"} <= set(document["paths"])
    assert {"ReturnBody", "VoidBody", "TakenBackAnswer"} <= set(document["components"]["schemas"])
