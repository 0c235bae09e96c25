"""The log over HTTP: page by page, filtered, fact by fact."""

import json
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from domain.fact import Fact
from query_api import facts
from tests.builders import ANN, BOB
from tests.domain.world import DAY, World
from tests.query_api.conftest import Door
from tests.query_api.test_points import RULES
from tests.read_spec import JANUARY, earns, joins
from tests.spec import NOON


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


def test_a_name_that_nothing_is_stored_under_is_refused(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"))
    for path in ("/facts", "/facts.ndjson"):
        refused = door.ask(path, name="Nope.v1")
        assert (refused.status_code, refused.json()["type"]) == (404, "urn:loyalty:unknown-fact-name")
    assert positions(door.ask("/facts", name="PointsExpired.v1").json()) == []


def test_a_fact_tells_its_place_its_envelope_and_what_it_says(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"))
    told = door.ask("/facts/2").json()
    body = told.pop("body")
    assert told["name"] == "CardAssigned.v1"
    assert (told["position"], told["member_id"], told["actor"]) == (2, str(ANN), "/stores/1")
    assert body["source"] == "/stores/1"
    unknown = door.ask("/facts/9")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:loyalty:unknown-fact")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"actor": "/stores/1"}, list(range(1, 9))),
        ({"actor": "/stores/2"}, []),
        ({"store": "1"}, [7, 8]),
        ({"campaign": "spring"}, [8]),
        ({"member": BOB, "campaign": "spring"}, [8]),
        ({"occurred_from": (JANUARY + timedelta(days=1)).isoformat()}, [8]),
        ({"occurred_before": (JANUARY + timedelta(days=1)).isoformat(), "name": "PointsEarned.v1"}, [7]),
        ({"recorded_before": "1990-01-01T00:00:00Z"}, []),
        ({"recorded_from": "1990-01-01T00:00:00Z", "store": "1"}, [7, 8]),
    ],
)
def test_facts_are_filtered_by_what_they_say(door: Door, asked: dict[str, Any], found: list[int]) -> None:
    bought = earns(BOB, 5, at=JANUARY + timedelta(days=1), campaign="spring", bonus=3)
    door.recorded(*joins(ANN, card="1"), *joins(BOB, card="2"), earns(BOB, 5, at=JANUARY), bought)
    assert positions(door.ask("/facts", **asked).json()) == found


def test_a_cause_leads_to_all_of_its_facts(door: Door) -> None:
    door.recorded(*joins(ANN, card="1"))
    cause = door.ask("/facts/2").json()["body"]["correlation_id"]
    assert 2 in positions(door.ask("/facts", cause=cause).json())


def test_a_look_at_the_log_ends_and_says_where(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "WINDOW", 3)
    door.recorded(*joins(ANN, card="1"), *joins(BOB, card="2"), earns(BOB, 5, at=JANUARY))
    first = door.ask("/facts", name="PointsEarned.v1").json()
    assert (first["items"], first["next"]) == ([], 3)
    second = door.ask("/facts", name="PointsEarned.v1", after=6).json()
    assert (positions(second), second["next"]) == ([7], None)
    assert positions(door.ask("/facts", member=BOB).json()) == [4, 5, 6, 7]


def test_all_facts_come_as_lines_and_go_on_after_the_last_one_had(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "LINES", 2)
    monkeypatch.setattr(facts, "WINDOW", 3)
    door.recorded(*joins(ANN, card="1"), *(earns(ANN, number, at=JANUARY) for number in range(6)))
    for asked, expected in (
        ({}, range(1, 10)),
        ({"after": 4}, range(5, 10)),
        ({"name": "PointsEarned.v1"}, range(4, 10)),
    ):
        told = door.ask("/facts.ndjson", **asked)
        assert told.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(one)["position"] for one in told.text.splitlines()] == list(expected)
    assert door.ask("/facts.ndjson", "analyst").status_code == 403


def bought_and_redeemed_and_reversed() -> list[Fact]:
    """A day apart each."""
    world = World(RULES)
    world.buys(30, at=NOON)
    redemption = world.redeem(12, at=NOON + DAY)
    world.do(redemption)
    world.do(world.reverse(redemption.id, at=NOON + 2 * DAY))
    return world.log.batch.facts


def test_a_fact_leads_to_what_it_refers_to_and_to_what_refers_to_it(door: Door) -> None:
    log = bought_and_redeemed_and_reversed()
    door.recorded(*log)
    place = {fact.stored_name.removesuffix(".v1"): number for number, fact in enumerate(log, start=1)}

    def names(position: int, what: str) -> set[str]:
        return {one["name"].removesuffix(".v1") for one in door.ask(f"/facts/{position}").json()[what]}

    spent = place["PointsRedeemed"]
    assert "PointsEarned" in names(spent, "refers_to")
    assert "RedemptionReversed" in names(spent, "referred_to_by")
    assert "PointsRedeemed" in names(place["RedemptionReversed"], "refers_to")
    assert {"PointsRedeemed", "RedemptionReversed"} <= names(place["PointsEarned"], "referred_to_by")
    assert "PurchaseRecorded" in names(place["PointsEarned"], "cause")


def test_facts_are_those_that_were_known_and_had_happened(door: Door) -> None:
    """A fact a day, told in the reverse of the order in which they happened: byte for byte what a naive fold leaves."""
    happened = [*joins(ANN, card="1"), *(earns(ANN, number, at=JANUARY - number * DAY) for number in range(4))]
    door.recorded(*(one.model_copy(update={"recorded_at": NOON + n * DAY}) for n, one in enumerate(happened)))
    lines = door.ask("/facts.ndjson").text.splitlines()
    times = [datetime.fromisoformat(json.loads(one)["occurred_at"]) for one in lines]
    for known, as_of in product((None, *range(len(lines))), (None, *times)):
        asked = {
            "known_at": None if known is None else (NOON + (known + 0.5) * DAY).isoformat(),
            "as_of": as_of and as_of.isoformat(),
        }
        stated: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        left = [
            one
            for n, (one, at) in enumerate(zip(lines, times, strict=True))
            if (known is None or n <= known) and (as_of is None or at <= as_of)
        ]
        assert door.ask("/facts.ndjson", **stated).text == "".join(f"{one}\n" for one in left)
        assert door.ask("/facts", **stated).json() == {"items": [json.loads(one) for one in left], "next": None}


def test_one_fact_and_what_refers_to_it_are_as_they_were_known(door: Door) -> None:
    log = bought_and_redeemed_and_reversed()
    door.recorded(*(one.model_copy(update={"recorded_at": NOON + n * DAY}) for n, one in enumerate(log)))
    place = {fact.stored_name.removesuffix(".v1"): number for number, fact in enumerate(log, start=1)}
    earned, reversed_ = place["PointsEarned"], place["RedemptionReversed"]
    later = {one["position"] for one in door.ask(f"/facts/{earned}").json()["referred_to_by"]}
    assert reversed_ in later
    before = {"known_at": (NOON + (reversed_ - 1.5) * DAY).isoformat()}
    for asked in (before, {"as_of": (NOON + 1.5 * DAY).isoformat()}):
        found = {one["position"] for one in door.ask(f"/facts/{earned}", **asked).json()["referred_to_by"]}
        assert found == {one for one in later if one < reversed_}
        assert door.ask(f"/facts/{reversed_}", **asked).json()["type"] == "urn:loyalty:unknown-fact"


@pytest.mark.parametrize("path", ["/facts", "/facts.ndjson", "/facts/1", "/returns"])
def test_what_was_known_before_anything_or_will_be_is_refused(door: Door, path: str) -> None:
    door.recorded(*joins(ANN, card="1"))
    for known_at, problem in (
        ("2020-01-01T00:00:00Z", "before-first-fact"),
        ("2199-01-01T00:00:00Z", "known-at-in-future"),
    ):
        assert door.ask(path, known_at=known_at).json()["type"] == f"urn:loyalty:{problem}"
