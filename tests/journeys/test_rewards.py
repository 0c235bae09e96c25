"""Points buy a coupon, the coupon is used, flagged, restored and expires; everything is told, with a projector and a clock."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from tests.builders import policy
from tests.journeys.ledger import running
from tests.journeys.test_segments import told

NOW = datetime.now(UTC)
TEN_OFF = {
    "reward_id": "ten-off", "name": {"en": "$10 off", "zh": "立减十元"}, "kind": "cash_off", "points": 40, "stock": 1,
    "coupon": {"kind": "ten-off", "valid_days": 7, "amount_minor": 1_000},
}  # fmt: skip


def ago(**what: int) -> str:
    return (NOW - timedelta(**what)).isoformat()


def receipt(at: str, *codes: str) -> dict[str, Any]:
    return {
        "currency": "USD", "store": "1", "card": "900000017",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 6_000}],
        "tenders": [{"kind": "cash", "amount_minor": 6_000}], "coupons": [{"code": code} for code in codes],
    }  # fmt: skip


def test_a_coupon_for_points_goes_through_all_of_its_life(tmp_path: Path) -> None:
    rules = policy("corner_shop", effective_from=NOW - timedelta(days=60))
    with (
        running(tmp_path, clock=True) as ledger,
        ledger.client("command", "admin") as admin,
        ledger.client("query", "analyst") as analyst,
    ):
        version = {"policy": rules.model_dump(mode="json", exclude_none=True)}
        told(admin.post("/programmes/corner_shop/versions", json=version))
        told(admin.post("/rewards", json=TEN_OFF))
        body = {"card": "900000017", "registered_at": ago(days=30)}
        member = told(admin.post("/members", json=body))["member_id"]

        def buys(name: str, at: str, *codes: str) -> dict[str, Any]:
            return told(
                admin.post("/purchases", json={"source": "/tills/1", "id": name, "time": at, **receipt(at, *codes)})
            )

        def coupon(position: int) -> dict[str, Any]:
            (found,) = told(analyst.get(f"/members/{member}/coupons", params={"at_least": position}))["items"]
            assert isinstance(found, dict)
            return found

        first = buys("R-1", ago(days=21))
        (offer,) = told(analyst.get(f"/members/{member}/rewards", params={"at_least": first["position"]}))["items"]
        assert (offer["state"], offer["stock_left"], offer["points_missing"]) == ("affordable", 1, 0)

        had = told(admin.post(f"/members/{member}/rewards/ten-off/redemptions", json={"time": ago(days=20)}))
        code = had["coupon"]["code"]
        (offer,) = told(analyst.get(f"/members/{member}/rewards", params={"at_least": had["position"]}))["items"]
        assert [lock["why"] for lock in offer["locked_by"]] == ["reward-out-of-stock", "insufficient-points"]

        used = buys("R-2", ago(days=19), code)
        assert coupon(used["position"])["purchase_id"] == used["purchase_id"]

        event = {
            "specversion": "1.0", "type": "pos.purchase.completed.v1", "source": "/tills/2", "id": "R-3",
            "time": ago(days=18), "datacontenttype": "application/json", "data": receipt(ago(days=18), code),
        }  # fmt: skip
        producer = KafkaProducer(bootstrap_servers=ledger.run["kafka_bootstrap_servers"])
        producer.send("pos.purchases.v1", json.dumps(event).encode(), key=b"/tills/2").get(30)
        producer.close()
        ledger.wait(lambda: bool(coupon(0)["flags"]))
        assert coupon(0)["flags"][0]["problem"] == "coupon-used"

        void = told(admin.post(f"/purchases/{used['purchase_id']}/void", json={"time": ago(days=17)}))
        assert coupon(void["position"])["state"] == "expired", (
            "by now; it was issued again when its purchase was voided"
        )
        then = told(analyst.get(f"/members/{member}/coupons", params={"as_of": ago(days=16)}))["items"][0]
        assert then["state"] == "issued"

        ledger.wait(lambda: any(one["name"] == "CouponExpired.v1" for one in facts(ledger)))
        statement = told(analyst.get(f"/members/{member}/statement", params={"language": "zh"}))["items"]
        assert any("立减十元" in line["text"] for line in statement)


def facts(ledger: Any) -> list[dict[str, Any]]:
    with ledger.client("query", "auditor") as auditor:
        found: list[dict[str, Any]] = told(auditor.get("/facts", params={"limit": 1_000}))["items"]
        return found
