"""Closings of tills over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.fact import message_id
from tests.command_api.till import Till, problem, till_of, told

CLOSING = {
    "source": "/stores/1/tills/4", "id": "Z-1", "time": "2023-12-31T22:10:00+08:00", "business_day": "2023-12-31",
    "receipts": 3, "paid_minor": 720,
}  # fmt: skip


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    home: Path = tmp_path_factory.mktemp("till")
    with till_of(module_database_url, home) as opened:
        yield opened


def close(till: Till, *, scope: str = "till", **changes: Any) -> Any:
    return till.post("/tills/closings", {**CLOSING, **changes}, scope=scope)


def test_a_closing_is_recorded_once_and_a_repeat_gets_the_first_answer(till: Till) -> None:
    answer = told(close(till))
    assert answer | {"position": 0} == {
        "position": 0, "source": "/stores/1/tills/4", "business_day": "2023-12-31", "receipts": 3, "paid_minor": 720,
        "supersedes": None, "superseded_by": None,
    }  # fmt: skip
    assert told(close(till)) == answer
    (stored,) = till.ledger.states("TillClosed.v1")
    assert (stored["source"], stored["business_day"], stored["receipts"], stored["actor"]) == (
        "/stores/1/tills/4", "2023-12-31", 3, "/stores/1/tills/4"
    )  # fmt: skip


def test_another_closing_of_the_day_says_which_counts(till: Till) -> None:
    told(close(till))
    later = told(close(till, id="Z-2", time="2023-12-31T23:00:00+08:00", receipts=4))
    assert later["supersedes"] == str(message_id("/stores/1/tills/4", "Z-1"))
    late = told(close(till, id="Z-3", time="2023-12-31T22:30:00+08:00"))
    assert late["superseded_by"] == str(message_id("/stores/1/tills/4", "Z-2"))


def test_what_is_refused(till: Till) -> None:
    told(close(till))
    problem(close(till, receipts=4), 422, "conflicting-repeat")
    problem(close(till, id="Z-9", receipts="3"), 422, "invalid-field")
    assert problem(close(till, id="Z-9", colour="red"), 422, "invalid-field")["field"] == "colour"
    assert problem(close(till, id="Z-9", business_day="2024-01-01"), 422, "invalid-field")["field"] == "business_day"
    assert close(till, scope="analyst").status_code == 403
    assert till.post("/tills/closings", [], scope="staff").status_code == 422
