"""Points at the end of their life, at the door, with nobody there to sweep them away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import ANN, join, line, policy, publish, purchase
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT

REDEMPTIONS = f"/members/{ANN}/redemptions"
RULES = policy(
    time_zone="America/New_York", expiry={"mode": "rolling", "months": 6}, effective_from="2023-06-01T00:00:00Z"
)
LIVES = {
    "through a day of 23 hours": ("2024-09-09T12:00:00-04:00", "2025-03-10T04:00:00+00:00"),
    "through a day of 25 hours": ("2024-05-03T12:00:00-04:00", "2024-11-04T05:00:00+00:00"),
    "earned in summer, gone in winter": ("2024-06-01T00:30:00-04:00", "2024-12-02T05:00:00+00:00"),
    "earned on 29 February": ("2024-02-29T23:59:59-05:00", "2024-08-30T04:00:00+00:00"),
    "through 29 February, the last of its month": ("2023-08-31T12:00:00-04:00", "2024-03-01T05:00:00+00:00"),
}


@pytest.fixture
def till(module_database_url: str, tmp_path: Path) -> Iterator[Till]:
    with till_of(module_database_url, tmp_path, publish(RULES, at=JOINED_AT), join(at=JOINED_AT)) as opened:
        yield opened


@pytest.mark.parametrize("life", LIVES)
def test_points_can_be_spent_until_the_last_second_of_their_last_local_day(till: Till, life: str) -> None:
    bought_at, ends = LIVES[life]
    lapses = datetime.fromisoformat(ends)
    till.ledger.writer().execute(
        [purchase(line(50_000), at=datetime.fromisoformat(bought_at))], recorded_at=datetime.now(UTC)
    )
    late = problem(till.post(REDEMPTIONS, {"points": 1, "time": ends}), 409, "insufficient-points")
    assert late == {"points": 1, "available": 0, "debt": 0}
    in_time = told(till.post(REDEMPTIONS, {"points": 50, "time": (lapses - timedelta(seconds=1)).isoformat()}))
    assert (in_time["points"], in_time["debt"]) == (50, 0)
    assert "PointsExpired" not in till.ledger.names(), "nobody recorded that they lapsed"


@pytest.mark.parametrize(("early", "debt"), [(timedelta(seconds=1), 0), (timedelta(), 10)])
def test_a_purchase_paid_by_points_that_have_lapsed_makes_debt(till: Till, early: timedelta, debt: int) -> None:
    bought_at, ends = LIVES["through a day of 23 hours"]
    till.ledger.writer().execute(
        [purchase(line(50_000), at=datetime.fromisoformat(bought_at))], recorded_at=datetime.now(UTC)
    )
    body = {
        "source": "/stores/1", "id": "R-2", "time": (datetime.fromisoformat(ends) - early).isoformat(), "currency": "CNY",
        "store": "1", "card": "1001", "lines": [{"line": "1", "sku": "1", "quantity": 1, "gross_minor": 200}],
        "tenders": [{"kind": "points", "amount_minor": 100}, {"kind": "cash", "amount_minor": 100}],
    }  # fmt: skip
    answer = told(till.post("/purchases", body))
    assert (answer["redeemed"], answer["debt"]) == (10, debt)
