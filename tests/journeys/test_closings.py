"""Real baskets through a whole ledger, held against what their tills counted, by an independent count of the files."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli.demo import complete_journey
from tests.journeys.ledger import running

BASKETS = 400
HERE = ZoneInfo("America/New_York")
"""Of `corner_shop`."""


def closings(baskets: list[Any]) -> Iterator[bytes]:
    """Each till is closed for each day on which it sold."""
    receipts, paid = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for basket in baskets:
        day = datetime.fromisoformat(basket["time"]).astimezone(HERE).date().isoformat()
        receipts[basket["source"], day] += 1
        paid[basket["source"], day] += sum(tender["amount_minor"] for tender in basket["data"]["tenders"])
    for (till, day), count in receipts.items():
        data = {"business_day": day, "receipts": count, "paid_minor": paid[till, day]}
        event = {
            "specversion": "1.0", "type": "pos.till.closed.v1", "source": till, "id": f"Z-{day}",
            "time": f"{day}T23:59:59-05:00", "data": data,
        }  # fmt: skip
        yield json.dumps(event).encode() + b"\n"


def test_the_basket_that_never_came_is_missed_until_it_comes(tmp_path: Path) -> None:
    lines = [basket.value + b"\n" for basket in complete_journey.baskets(BASKETS)]
    baskets = [json.loads(line) for line in lines]
    lost = baskets[BASKETS // 2]
    (tmp_path / "closings").write_bytes(b"".join(closings(baskets)))
    (tmp_path / "purchases").write_bytes(b"".join(lines[: BASKETS // 2] + lines[BASKETS // 2 + 1 :]))
    days = ("--from", "2017-01-01", "--to", "2017-01-31")
    with running(tmp_path) as ledger:
        assert "399 purchases published, 0 refused" in ledger.loyalty("load", "purchases", "purchases")
        assert "closings published, 0 refused" in ledger.loyalty("load", "closings", "closings")
        assert ledger.caught_up().open_letters == 0
        found = ledger.loyalty("audit", "completeness", *days, check=False)
        assert "1 differ, 0 were not closed" in found
        assert f"{BASKETS} receipts of" in found
        assert lost["source"] in found
        with ledger.client("query", "auditor") as auditor:
            told = auditor.get("/completeness?from=2017-01-01&to=2017-01-31&state=differs").json()
        assert [(one["till"], one["counted_receipts"] - one["recorded_receipts"]) for one in told["items"]] == [
            (lost["source"], 1)
        ]
        assert told["counted_receipts"] == told["recorded_receipts"] + 1 == BASKETS
        with ledger.client("command", "till") as till:
            body = {**lost["data"], **{name: lost[name] for name in ("source", "id", "time")}}
            till.post("/purchases", json=body).raise_for_status()
        assert "complete: all that tills counted is recorded" in ledger.loyalty("audit", "completeness", *days)
