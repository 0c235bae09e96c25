"""A segment is defined, somebody buys their way into it and back out, and is congratulated on a birthday meanwhile."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.builders import policy
from tests.journeys.ledger import running

NOW = datetime.now(UTC)
REGULARS = {
    "all_of": [{"behaviour": {"visits_at_least": 2, "within_days": 30}}, {"value": {"spend_minor_at_least": 9_000}}]
}


def told(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert response.is_success, found
    return found


def bought(name: str, store: str, at: datetime) -> dict[str, Any]:
    return {
        "id": name, "source": "/tills/1", "time": at.isoformat(), "currency": "USD", "store": store, "card": "900000017",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 5_000}],
        "tenders": [{"kind": "cash", "amount_minor": 5_000}],
    }  # fmt: skip


def test_membership_follows_what_is_bought_and_taken_back_and_a_birthday_brings_a_gift(tmp_path: Path) -> None:
    rules = policy("corner_shop", birthday={"points": 25}, effective_from=NOW - timedelta(days=30))
    segment = {"segment_id": "regulars", "name": "Regulars", "definition": REGULARS}
    with (
        running(tmp_path, clock=True) as ledger,
        ledger.client("command", "admin") as admin,
        ledger.client("query", "analyst") as analyst,
    ):
        told(
            admin.post(
                "/programmes/corner_shop/versions", json={"policy": rules.model_dump(mode="json", exclude_none=True)}
            )
        )
        since = (NOW - timedelta(days=10)).isoformat()
        told(admin.post("/segments", json={**segment, "effective_from": since}))

        born = f"1988-{NOW.astimezone(rules.zone):%m-%d}"
        body = {"card": "900000017", "registered_at": (NOW - timedelta(days=9)).isoformat(), "birth_date": born}
        member = told(admin.post("/members", json=body))["member_id"]
        told(admin.post("/purchases", json=bought("R-1", "1", NOW - timedelta(days=3))))
        second = told(admin.post("/purchases", json=bought("R-2", "2", NOW - timedelta(days=2))))

        def members(**asked: Any) -> list[str]:
            found: list[str] = told(analyst.get("/segments/regulars/members", params=asked))["items"]
            return found

        position = second["position"]
        assert members(at_least=position) == [member]
        assert members(as_of=(NOW - timedelta(days=2, seconds=1)).isoformat()) == []
        (item,) = told(analyst.get(f"/members/{member}/segments"))["items"]
        assert item == {"segment_id": "regulars", "version": 1, "name": "Regulars"}

        void = admin.post(
            f"/purchases/{second['purchase_id']}/void",
            json={"time": NOW.isoformat()},
            headers={"Idempotency-Key": "V-1"},
        )
        voided = told(void)
        assert members(at_least=voided["position"]) == []

        def balance() -> int:
            found: int = told(analyst.get(f"/members/{member}/balance"))["issued"]
            return found

        ledger.wait(lambda: balance() == 50 + 50 + 25)
        statement = told(analyst.get(f"/members/{member}/statement", params={"language": "en"}))
        assert any("birthday" in str(line).lower() for line in statement["items"])
