"""Claims, reassignments and exchanges over HTTP: answers, repeats, scopes, and a problem for each refusal."""

from typing import Any
from uuid import UUID

from domain.fact import message_id
from tests.builders import ANN, BOB
from tests.command_api.test_returns import LATER, NOON, R1, Shop, till
from tests.command_api.till import problem, told

__all__ = ["till"]

R2 = message_id("/stores/1", "R-2")
ANONYMOUS: dict[str, Any] = {
    "source": "/stores/1", "id": "R-2", "time": NOON, "currency": "CNY", "store": "1",
    "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 15_000}],
    "tenders": [{"kind": "cash", "amount_minor": 15_000}],
}  # fmt: skip
STANDING = {"tier": "Ordinary", "next_tier": "Silver"}


def bob(till: Shop) -> None:
    body = {"member_id": str(BOB), "card": "1002", "registered_at": "2023-03-15T10:00:00+08:00"}
    told(till.post("/members", body, scope="staff"))


def test_a_claim_answers_what_the_receipt_brought(till: Shop) -> None:
    told(till.post("/purchases", ANONYMOUS))
    part = {"time": LATER, "lines": [{"line": "1", "quantity": 0, "amount_minor": 1_000}]}
    told(till.give_back(part, of=R2))
    first = told(till.post(f"/purchases/{R2}/claim", {"time": LATER, "card": "1001"}, key="k"))
    position = first.pop("position")
    assert first == {
        "purchase_id": str(R2), "member_id": str(ANN), "points": [{"part": "base", "points": 15}],
        "revoked": [{"part": "base", "points": 1}], "available": 24, **STANDING, "points_to_next": 9_976,
    }  # fmt: skip
    for key in ("k", None):
        again = told(till.post(f"/purchases/{R2}/claim", {"time": LATER, "card": "1001"}, key=key))
        assert again == {**first, "position": position}


def test_a_reassignment_answers_the_purchase_that_stands_and_what_it_brought(till: Shop) -> None:
    bob(till)
    body = {"time": LATER, "card": "1002", "reason": "wrong card"}
    told(till.give_back({"time": LATER, "lines": [{"line": "2", "quantity": "0.482", "amount_minor": 500}]}))
    first = told(till.post(f"/purchases/{R1}/reassignment", body, key="k", scope="staff"))
    assert told(till.post(f"/purchases/{R1}/reassignment", body, key="k", scope="staff")) == first
    instead = first["purchase_id"]
    assert instead != str(R1)
    assert first == {
        "position": first["position"], "purchase_id": instead, "corrects": str(R1), "member_id": str(BOB),
        "points": [{"part": "base", "points": 10}], "revoked": [{"part": "base", "points": 1}], "available": 9,
        **STANDING, "points_to_next": 9_991,
    }  # fmt: skip
    rest = told(till.void({"time": LATER}))
    assert (rest["purchase_id"], rest["member_id"], rest["returned_minor"]) == (instead, str(BOB), 9_500)


def test_an_exchange_answers_what_was_bought_and_what_went_back(till: Shop) -> None:
    goods = {
        "purchase": {"source": "/stores/1", "id": "R-1"},
        "lines": [{"line": "1", "quantity": 1, "amount_minor": 4_750}],
    }
    receipt = {
        **ANONYMOUS,
        "id": "X-1",
        "card": "1001",
        "returned": [goods],
        "tenders": [{"kind": "cash", "amount_minor": 10_250}],
    }
    first = told(till.post("/purchases", receipt))
    assert told(till.post("/purchases", receipt)) == first
    assert first["points"] == [{"part": "base", "points": 15}]
    assert first["returned"] == [
        {"purchase_id": str(R1), "returned_minor": 4_750, "revoked": [{"part": "base", "points": 5}]}
    ]
    assert first["available"] == 20
    problem(till.post("/purchases", {**receipt, "returned": []}), 422, "tenders-do-not-match")
    other = {
        **receipt,
        "id": "X-2",
        "returned": [{**goods, "lines": [{"line": "1", "quantity": 2, "amount_minor": 4_750}]}],
    }
    over = problem(till.post("/purchases", other), 409, "over-return")
    assert (over["left_minor"], over["left_quantity"]) == (4_750, 1)


def test_each_refusal_is_a_problem_with_its_fields(till: Shop) -> None:
    def claim(of: UUID = R2, status: int = 409, name: str = "", **what: Any) -> dict[str, Any]:
        return problem(till.post(f"/purchases/{of}/claim", {"time": LATER, **what}), status, name)

    def reassign(of: UUID = R1, status: int = 409, name: str = "", **what: Any) -> dict[str, Any]:
        body = {"time": LATER, "reason": "x", **what}
        return problem(till.post(f"/purchases/{of}/reassignment", body, scope="staff"), status, name)

    told(till.post("/purchases", ANONYMOUS))
    nobody = UUID(int=5)
    for ask, mine in ((claim, R2), (reassign, R1)):
        assert ask(nobody, 404, "unknown-purchase", card="1001")["purchase_id"] == str(nobody)
        ask(mine, 404, "unknown-card", card="9")
        assert ask(mine, 404, "unknown-member", member=str(nobody))["member_id"] == str(nobody)
        ask(mine, 422, "invalid-field", card="1001", member=str(ANN))
        ask(mine, 422, "invalid-field")
        ask(mine, 422, "invalid-field", card="1001", colour="red")
        ask(mine, 422, "time-in-the-future", card="1001", time="2999-01-01T00:00:00Z")
        ask(mine, 422, "time-without-zone", card="1001", time="2023-05-05T04:00:00")
        ask(ANN, 409, "id-of-another-kind", card="1001")
    assert claim(R1, 409, "purchase-claimed-before", card="1001")["purchase_id"] == str(R1)
    late = claim(R2, 409, "claim-too-late", card="1001", time="2023-06-01T16:00:00Z")
    assert late["until"] == "2023-06-01T16:00:00+00:00"
    reassign(R2, 409, "receipt-without-card", card="1001")
    assert reassign(R1, 409, "same-holder", card="1001")["member_id"] == str(ANN)
    told(till.void({"time": LATER}))
    reassign(R1, 409, "purchase-voided-before", card="1001")


def test_a_till_may_claim_and_only_staff_may_reassign(till: Shop) -> None:
    body = {"time": LATER, "card": "1001", "reason": "x"}
    problem(till.post(f"/purchases/{R1}/reassignment", body), 403, "forbidden")
    problem(till.post(f"/purchases/{R1}/claim", {"time": LATER, "card": "1001"}, scope="analyst"), 403, "forbidden")


def test_the_documentation_tells_all_three(till: Shop) -> None:
    document = till.client.get("/openapi.json").json()
    assert {"/purchases/{purchase_id}/claim", "/purchases/{purchase_id}/reassignment"} <= set(document["paths"])
    assert {"ClaimBody", "ReassignmentBody", "ReturnData", "WentBack"} <= set(document["components"]["schemas"])
