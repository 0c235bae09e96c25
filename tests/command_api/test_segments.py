"""Segments over HTTP: versions, repeats and refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_api.till import Till, problem, till_of, told

REGULARS = {
    "all_of": [{"behaviour": {"visits_at_least": 2, "within_days": 30}}, {"value": {"spend_minor_at_least": 1}}]
}


def body(**what: Any) -> dict[str, Any]:
    return {
        "segment_id": "regulars", "name": "Regulars", "effective_from": "2023-05-01T00:00:00+08:00",
        "definition": REGULARS, **what,
    }  # fmt: skip


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    home: Path = tmp_path_factory.mktemp("till")
    with till_of(module_database_url, home) as made:
        yield made


def test_versions_are_defined_by_staff_and_numbered_and_a_repeat_gets_the_first_answer(till: Till) -> None:
    first = told(till.post("/segments", body(), scope="staff"))
    assert (first["segment_id"], first["version"]) == ("regulars", 1)
    second = told(till.post("/segments", body(effective_from="2023-06-01T00:00:00+08:00"), scope="staff", key="k"))
    assert second["version"] == 2
    assert told(till.post("/segments", body(), scope="staff"))["version"] == 1
    again = told(till.post("/segments", body(effective_from="2023-06-01T00:00:00+08:00"), scope="staff", key="k"))
    assert again == second
    rows = till.ledger.rows("SELECT name FROM facts WHERE name LIKE 'Segment%%' ORDER BY position")
    assert [name for (name,) in rows] == ["SegmentDefined.v1", "SegmentListed.v1", "SegmentDefined.v1"]


def test_what_cannot_be_is_refused_by_name(till: Till) -> None:
    told(till.post("/segments", body(segment_id="loyal"), scope="staff"))
    earlier = till.post(
        "/segments", body(segment_id="loyal", effective_from="2023-04-01T00:00:00+08:00"), scope="staff"
    )
    assert set(problem(earlier, 409, "effective-date-not-after-published")) == {"effective_from", "published_until"}
    platinum = till.post("/segments", body(definition={"loyalty": {"tier_at_least": "Platinum"}}), scope="staff")
    assert problem(platinum, 422, "unknown-tier") == {"tier": "Platinum"}
    problem(till.post("/segments", body(definition={"loyalty": {}}), scope="staff"), 422, "invalid-field")
    problem(till.post("/segments", body(colour="red"), scope="staff"), 422, "invalid-field")
    told(till.post("/segments", body(), scope="till"), 403)
