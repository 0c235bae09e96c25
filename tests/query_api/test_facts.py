"""The log over HTTP: page by page, filtered, fact by fact."""

from tests.builders import ANN, BOB
from tests.query_api.conftest import Door
from tests.read_spec import JANUARY, earns, joins


def positions(told: dict[str, list[dict[str, int]]]) -> list[int]:
    return [one["position"] for one in told["items"]]


def test_pages_follow_each_other_without_hole_or_overlap(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"), *(earns(ANN, number, at=JANUARY) for number in range(4)))
    seen: list[int] = []
    after: int | None = 0
    for expected in ([1, 2, 3], [4, 5, 6], [7]):
        page = door.ask("/facts", after=after, limit=3).json()
        assert positions(page) == expected
        seen += expected
        after = page["next"]
    assert (after, seen) == (None, list(range(1, 8)))


def test_facts_are_filtered_by_member_name_and_stream(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"), *joins(BOB, card="2"), earns(BOB, 5, at=JANUARY))
    assert positions(door.ask("/facts", member=BOB).json()) == [4, 5, 6, 7]
    assert positions(door.ask("/facts", name="CardAssigned.v1").json()) == [2, 5]
    assert positions(door.ask("/facts", member=BOB, name="CardAssigned.v1").json()) == [5]
    assert positions(door.ask("/facts", stream=ANN).json()) == [1]


def test_a_fact_tells_its_place_its_envelope_and_what_it_says(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"))
    told = door.ask("/facts/2").json()
    body = told.pop("body")
    assert told["name"] == "CardAssigned.v1"
    assert (told["position"], told["member_id"], told["actor"]) == (2, str(ANN), "/stores/1")
    assert body["source"] == "/stores/1"
    unknown = door.ask("/facts/9")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:loyalty:unknown-fact")
