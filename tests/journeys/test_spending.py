"""Points at the till: held over HTTP, paid with a receipt through Kafka, brought back by a return, owed after a day offline."""

import json
from pathlib import Path
from typing import Any

import httpx

from domain.programme import SHIPPED
from tests.journeys.ledger import Ledger, running

CARD, TILL = "900000017", "/stores/367/tills/4"


def receipt(
    name: str, time: str, total: int, *, by_points: int = 0, holds: list[str] | None = None, card: str = CARD
) -> dict[str, Any]:
    """A CloudEvent of a receipt with one line; points are worth a cent each, and a dollar of money earns one."""
    data = {
        "currency": "USD", "store": "367", "card": card, "holds": holds or [],
        "lines": [{"line": "1", "sku": "1119941", "quantity": 2, "gross_minor": total}],
        "tenders": [{"kind": "points", "amount_minor": by_points}, {"kind": "card", "amount_minor": total - by_points}],
    }  # fmt: skip
    return event("completed", name, time, data)


def returned(name: str, time: str, of: str, amount_minor: int) -> dict[str, Any]:
    lines = [{"line": "1", "quantity": 1, "amount_minor": amount_minor}]
    return event("returned", name, time, {"purchase": {"source": TILL, "id": of}, "lines": lines})


def event(kind: str, name: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": f"pos.purchase.{kind}.v1", "source": TILL, "id": name, "time": time, "data": data,
    }  # fmt: skip


def load(ledger: Ledger, *events: dict[str, Any]) -> int:
    """Through Kafka, as a till does; answers the position once all is in."""
    kind = "returns" if events[0]["type"] == "pos.purchase.returned.v1" else "purchases"
    lines = "".join(json.dumps(one) + "\n" for one in events)
    assert f"{len(events)} {kind} published, 0 refused" in ledger.loyalty("load", kind, "-", stdin=lines.encode())
    status = ledger.caught_up()
    assert status.open_letters == 0
    return int(status.position)


def told(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert response.status_code == 201, found
    return found


def facts(auditor: httpx.Client, member: str, name: str) -> list[dict[str, Any]]:
    page = auditor.get("/facts", params={"member": member, "name": f"{name}.v1"}).json()
    return [one["body"] for one in page["items"]]


def test_points_pay_a_receipt_and_come_back_with_it(tmp_path: Path) -> None:
    with (
        running(tmp_path) as ledger,
        ledger.client("command", "staff") as staff,
        ledger.client("command", "till") as till,
    ):
        member = told(staff.post("/members", json={"card": CARD, "registered_at": "2017-01-01T12:00:00Z"}))["member_id"]
        load(ledger, receipt("R-1", "2017-03-01T12:00:00Z", 30_000))

        asked = {"amount_minor": 150, "bill_minor": 300, "time": "2017-03-02T12:00:00Z"}
        hold = told(till.post(f"/members/{member}/holds", json=asked, headers={"Idempotency-Key": "H-1"}))
        assert (hold["points"], hold["until"], hold["available"]) == (150, "2017-03-02T12:15:00Z", 150)
        receipts = [
            receipt("R-2", "2017-03-02T12:04:00Z", 300, by_points=150, holds=[hold["hold_id"]]),
            receipt("R-3", "2017-03-04T12:00:00Z", 600, by_points=300),
            receipt("R-4", "2017-03-05T12:00:00Z", 10_000),
        ]
        load(ledger, *receipts)
        went_back = returned("T-2", "2017-03-06T12:00:00Z", "R-2", 100)
        position = load(ledger, went_back)
        # 301 were earned and 150 spent on R-2. R-3 took the other 151, was short of 149, and paid 3 of them itself, R-4 100.
        # Of the ¢300 of R-2 went back ¢100, and with them a third of its points: 50, of which 46 were owed.
        refused = till.post(f"/members/{member}/holds", json={"points": 100, "time": "2017-03-06T12:00:00Z"}).json()
        assert (refused["available"], refused["debt"]) == (4, 0)
        load(ledger, *receipts)
        assert load(ledger, went_back) == position + 1, "repeats: only the refusal is new"

        with ledger.client("query", "auditor") as auditor:
            spent = facts(auditor, member, "PointsRedeemed")
            assert [(one["points"], one["amount_minor"], one.get("debt", 0)) for one in spent] == [
                (150, 150, 0), (300, 300, 149),
            ]  # fmt: skip
            assert spent[0]["hold_id"] == hold["hold_id"]
            assert [one["points"] for one in facts(auditor, member, "RedemptionReversed")] == [50]
            settled = [sum(part["points"] for part in one["parts"]) for one in facts(auditor, member, "DebtSettled")]
            assert settled == [3, 100, 46]

        with ledger.client("query", "staff") as reader:
            balance = reader.get(f"/members/{member}/balance", params={"as_of": "2017-03-06T12:00:00Z"}).json()
            buckets = {name: balance[name] for name in ("issued", "available", "spent", "settled", "debt")}
            assert buckets == {"issued": 404, "available": 4, "spent": 251, "settled": 149, "debt": 0}

        what_comes_back_late_lives_on(ledger, staff, till)


def what_comes_back_late_lives_on(ledger: Ledger, staff: httpx.Client, till: httpx.Client) -> None:
    """With 30 days of grace in the version of the time, from the till to the statement and the proof."""
    rules = SHIPPED.joinpath("corner_shop.yaml").read_text().replace("2016-01-01T", "2019-01-01T")
    (ledger.home / "grace.yaml").write_text(f"{rules}\nrestore_grace_days: 30\n")
    assert "version 2 is published" in ledger.loyalty("programme", "publish", "grace.yaml")
    member = told(staff.post("/members", json={"card": "900000018", "registered_at": "2017-01-01T12:00:00Z"}))[
        "member_id"
    ]
    load(ledger, receipt("R-5", "2017-03-01T12:00:00Z", 20_000, card="900000018"))
    spent = told(till.post(f"/members/{member}/redemptions", json={"points": 150, "time": "2017-03-02T12:00:00Z"}))
    back = told(till.post(f"/redemptions/{spent['redemption_id']}/reversal", json={"time": "2019-06-10T12:00:00Z"}))
    assert (back["points"], back["lapsed"], back["restored_until"], back["available"]) == (
        150, 0, "2019-07-11T04:00:00Z", 150,
    )  # fmt: skip
    asked = {"points": 100, "time": "2019-07-11T04:00:00Z"}
    assert till.post(f"/members/{member}/redemptions", json=asked).json()["available"] == 0, "on day 31"
    last = told(till.post(f"/members/{member}/redemptions", json={**asked, "time": "2019-07-11T03:59:59Z"}))
    assert (last["points"], last["available"]) == (100, 50), "on day 30"
    ledger.caught_up()
    with ledger.client("query", "staff") as reader:
        balance = reader.get(f"/members/{member}/balance", params={"as_of": "2019-07-11T04:00:00Z"}).json()
        buckets = {name: balance[name] for name in ("issued", "received", "spent", "expired", "sent", "available")}
        assert buckets == {"issued": 200, "received": 150, "spent": 100, "expired": 100, "sent": 150, "available": 0}
        told_ = reader.get(f"/members/{member}/statement", params={"order": "oldest"}).json()
        assert [(one["text"], one["points"], one["balance"]) for one in told_["items"][-4:]] == [
            ("50 points expired", -50, 0),
            (
                "150 points given back, as their use was cancelled; 150 points that had expired live on (until 2019-07-10)",
                150, 150,
            ),
            ("100 points used", -100, 50),
            ("50 points expired", -50, 0),
        ]  # fmt: skip
        lots = reader.get(f"/members/{member}/lots").json()["items"]
        assert sorted(lot["origin"] for lot in lots) == ["grace", "purchase"]
    assert "conservation holds" in ledger.loyalty("audit", "conservation")
