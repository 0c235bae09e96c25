"""Campaigns over HTTP: what they are, what they brought, and what each figure means."""

from datetime import timedelta
from typing import Any

from domain.criteria import Definition
from domain.segment import SegmentDefined, segment_stream
from projections.analytics import definitions
from tests.builders import ANN, BOB, campaign_created, policy, published
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.read_spec import JANUARY, earns, joins
from tests.spec import fact

DAY = timedelta(days=1)
STARTS, ENDS = JANUARY + 20 * DAY, JANUARY + 30 * DAY


def told(door: Door, path: str, **parameters: Any) -> dict[str, Any]:
    response = door.ask(path, **parameters)
    found: dict[str, Any] = response.json()
    assert response.status_code == 200, found
    return found


def test_a_campaign_for_a_segment_targets_who_belonged_as_its_window_began(door: Door) -> None:
    """Ann bought before it began; Bob, who bought in it, belongs only since then."""
    definition = Definition.model_validate({"value": {"spend_minor_at_least": 1_000}})
    door.read_side.given(
        published(policy()), *joins(ANN, card="1"), *joins(BOB, card="2"),
        fact(SegmentDefined, originator_id=segment_stream("good"), segment_id="good", version=1, title="Good",
             effective_from=JANUARY, definition=definition, fingerprint="f"),
        campaign_created("gift", bonus_points=5, everyone=False, segment="good", starts_at=STARTS, ends_at=ENDS),
        earns(ANN, 1, at=STARTS - DAY, paid_minor=1_000), earns(ANN, 1, at=STARTS, paid_minor=70, campaign="gift", bonus=5),
        earns(BOB, 1, at=STARTS + DAY, paid_minor=5_000),
    )  # fmt: skip
    found = told(door, "/campaigns/gift/analytics", by="day")
    assert (found["targeted"], found["participants"], found["sales_minor"]) == (1, 1, 70)
    assert [(one["key"], one["bonus_points"]) for one in found["breakdown"]] == [("2024-01-21", 5)]
    assert found["definitions"] == told(door, "/campaigns/definitions") == definitions()
    assert told(door, "/campaigns/gift/analytics")["breakdown"] is None


def test_campaigns_are_listed_by_their_state_with_all_their_terms(door: Door) -> None:
    door.read_side.given(
        campaign_created("gift", bonus_points=5, tiers=["Gold"], everyone=False, starts_at=STARTS, ends_at=ENDS,
                         budget={"points": 50}, limits={"per_day": {"uses": 1}}, coupon="C"),
        campaign_created("later", multiplier="2", starts_at=ENDS, ends_at=ENDS + DAY),
    )  # fmt: skip
    (live,) = told(door, "/campaigns", as_of=STARTS.isoformat(), state="live")["items"]
    assert live["conditions"] == {"minimum_paid_minor": 0, "coupon": "C"}
    assert (live["state"], live["tiers"], live["budget_left"], live["budget"], live["limits"]) == (
        "live", ["Gold"], 50, {"points": 50, "mode": "grant_remaining"}, {"per_day": {"uses": 1}},
    )  # fmt: skip
    assert [one["state"] for one in told(door, "/campaigns", as_of=ENDS.isoformat())["items"]] == ["ended", "live"]
    problem(door.ask("/campaigns", state="over"), 422, "invalid-request")
    problem(door.ask("/campaigns/gift/analytics", by="store"), 422, "invalid-request")
