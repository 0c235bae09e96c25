"""What differs is told by its places, in a line each."""

import json
from datetime import UTC, datetime
from uuid import UUID

from domain.lots import Lot
from projections.whatif.differing import LONGEST, MOST_PLACES, told
from projections.whatif.history import Difference, differences
from tests.builders import ANN, policy
from tests.projections.whatif.recorded import Town
from tests.projections.whatif.replaying import in_force, under

BEGAN = datetime(2024, 3, 1, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def lot(id_: UUID, points: int, spent: int = 0) -> Lot:
    return Lot(id_, "base", points, BEGAN, BEGAN, None, spent=spent)


def test_a_lot_is_told_by_the_field_that_differs_or_as_a_whole() -> None:
    recorded, replayed = {FIRST: lot(FIRST, 80, 5)}, {FIRST: lot(FIRST, 80, 7), SECOND: lot(SECOND, 9)}
    assert told(Difference(ANN, "lots", recorded, replayed)) == {
        "member_id": str(ANN), "field": "lots", "more": 0, "places": [
            {"place": f"lots.{FIRST}.spent", "recorded": "5", "replayed": "7"},
            {"place": f"lots.{SECOND}", "recorded": None, "replayed": f"id {SECOND}, part base, points 9,"
             " earned_at 2024-03-01T00:00:00+00:00, active_from 2024-03-01T00:00:00+00:00, expires_at None"},
        ],
    }  # fmt: skip


def test_many_places_are_counted() -> None:
    many = told(Difference(ANN, "periods", dict.fromkeys(range(10), 1), dict.fromkeys(range(10), 2)))
    assert (len(many["places"]), many["more"]) == (MOST_PLACES, 10 - MOST_PLACES)
    assert many["places"][0] == {"place": "periods.0", "recorded": "1", "replayed": "2"}


def test_whatever_a_replay_comes_to_can_be_read() -> None:
    """No name of a class, no address in memory, nothing without end."""
    town = Town().lives()
    recorded, _ = in_force(town.facts)
    doubled = under(policy(earning={"points": 2, "per_minor": 1_000}), town.facts)
    found = [told(one) for one in differences(recorded.world, doubled.world)]
    assert found
    for one in found:
        assert one["places"], one
        for place in one["places"]:
            assert place["recorded"] != place["replayed"], one
            assert all(len(place[side] or "") <= LONGEST for side in ("recorded", "replayed"))
    text = json.dumps(found)
    assert not any(sign in text for sign in ("Lot(", "UUID(", "datetime.", " object at "))
