"""Everybody's balance over HTTP: by pages and as lines, at any instant, as known at any."""

import json
import pickle
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.fact import Fact
from domain.lots import Buckets
from infra.stored_facts import FactMapper
from projections.past import CannotBeFolded
from projections.proofs.slices import add
from projections.proofs.tally import TELLERS, Tally
from query_api import streaming
from tests.builders import ANN, BOB, published
from tests.projections.histories import RULES, stories
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.read_spec import JANUARY, earns, joins

BEGAN = datetime(2024, 6, 1, tzinfo=UTC)


class Told:
    """Several histories that nothing came late to, recorded a fact a second, and what they add up to."""

    def __init__(self, door: Door) -> None:
        self.door = door
        told = stories("pending", False, 4)
        self.facts = [
            fact.model_copy(update={"recorded_at": BEGAN + timedelta(seconds=number)})
            for number, fact in enumerate(
                (published(RULES["pending"]), *(one for story in told for one in story.facts))
            )
        ]
        door.recorded(*self.facts)
        door.read_side.given(*self.facts)
        door.read_side.models.take_in(door.read_side.teller.watermark())

    def lines(self, **asked: Any) -> list[dict[str, Any]]:
        found = self.door.ask("/balances.ndjson", **{name: at.isoformat() for name, at in asked.items()})
        assert found.status_code == 200, found.text
        return [json.loads(line) for line in found.text.splitlines()]

    def totals(self, *, as_of: datetime, known: int) -> dict[str, int]:
        """What the first facts add up to, of those that had happened."""
        sums, encode = Buckets(), FactMapper({}).to_stored_event
        tallies: dict[Any, Tally] = {}
        for place, fact in enumerate(self.facts[:known], start=1):
            if fact.occurred_at <= as_of and fact.stored_name in TELLERS:
                tally = tallies.setdefault(fact.subject, Tally())
                tally.tell([(fact.subject, place, fact.stored_name, encode(fact).state)])
        for tally in tallies.values():
            add(sums, tally.buckets(as_of))
        return asdict(sums)


@pytest.fixture
def told(door: Door) -> Told:
    return Told(door)


def test_lines_add_up_to_what_the_facts_do_at_any_instant_as_known_at_any(told: Told) -> None:
    times = sorted(fact.occurred_at for fact in told.facts[1:])
    last = len(told.facts)
    seen = set()
    for as_of in (times[len(times) // 3], times[2 * len(times) // 3], times[-1] + timedelta(days=200)):
        for known in (last // 2, last):
            known_at = told.facts[known - 1].recorded_at
            *lines, end = told.lines(as_of=as_of, known_at=known_at)
            assert end["totals"] == told.totals(as_of=as_of, known=known)
            assert end["totals"] == {name: sum(line[name] for line in lines) for name in end["totals"]}
            assert (end["members"], end["position"]) == (len(lines), known)
            seen.add(json.dumps(end["totals"]))
            if known == last:
                assert told.lines(as_of=as_of) == [*lines, end], "known last is as known now"
    assert len(seen) > 3


def test_what_several_processes_fold_comes_in_order_and_whole(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"as_of": told.facts[-1].occurred_at, "known_at": told.facts[-1].recorded_at}
    whole = told.lines(**asked)
    monkeypatch.setattr("projections.all_balances.FACTS", len(told.facts) // 5)
    assert told.lines(**asked) == whole
    assert pickle.loads(pickle.dumps(CannotBeFolded(7))).position == 7, "what another process raises is told alike"


def test_pages_hold_what_lines_do_and_what_a_member_is_told(told: Told) -> None:
    as_of = told.facts[-1].occurred_at.isoformat()
    known_at = told.facts[len(told.facts) // 2].recorded_at.isoformat()
    for asked in ({"as_of": as_of}, {"as_of": as_of, "known_at": known_at}):
        found: list[dict[str, Any]] = []
        after = None
        while after is not None or not found:
            page = told.door.ask("/balances", limit=4, **asked, **({"after": after} if after else {})).json()
            found += page["items"]
            if (after := page["next"]) is None:
                break
        *lines, end = told.lines(**{name: datetime.fromisoformat(at) for name, at in asked.items()})
        assert found == lines
        assert [one["member_id"] for one in found] == sorted(one["member_id"] for one in found)
        for one in found[::3]:
            alone = told.door.ask(f"/members/{one['member_id']}/balance", **asked).json()
            assert alone | {"position": end["position"]} == one


def test_before_anybody_had_points_there_is_nothing_and_before_the_first_fact_no_answer(told: Told) -> None:
    (end,) = [line for line in told.lines(as_of=JANUARY - timedelta(days=9_000)) if "members" in line]
    assert set(end["totals"].values()) == {0}
    early = (BEGAN - timedelta(days=1)).isoformat()
    for path in ("/balances", "/balances.ndjson"):
        problem(told.door.ask(path, known_at=early), 404, "before-first-fact")
        problem(told.door.ask(path, known_at="2199-01-01T00:00:00Z"), 422, "known-at-in-future")
        problem(told.door.ask(path, "till"), 403, "forbidden")


def test_while_facts_are_parked_nothing_is_told_that_would_not_be_whole(door: Door) -> None:
    """A member whose facts cannot be folded is not answered for, now or as known then; others are."""
    good: list[Fact] = [published(RULES["pending"]), *joins(ANN, card="1"), *joins(BOB, card="2")]
    bad = earns(ANN, 5, at=JANUARY)
    facts = [fact.model_copy(update={"recorded_at": BEGAN + timedelta(hours=n)}) for n, fact in enumerate([*good, bad])]
    door.recorded(*facts[:-1])
    door.recorded_as_is((facts[-1], b"{}"))
    door.read_side.given(*facts[:-1])
    teller = door.read_side.teller
    door.read_side.models.take_in(teller.tell_stored([(bad.stored_name, ANN, b"{}")]))
    door.read_side.models.take_in(teller.watermark())
    before, last = facts[-2].recorded_at.isoformat(), facts[-1].recorded_at.isoformat()
    for asked in ({}, {"known_at": last}):
        for path in (f"/members/{ANN}/balance", "/balances", "/balances.ndjson"):
            problem(door.ask(path, **asked), 503, "member-parked")
        assert door.ask(f"/members/{BOB}/balance", **asked).status_code == 200
    assert problem(door.ask("/expiries", known_at=last), 503, "member-parked")["position"] == len(facts)
    for path in (f"/members/{ANN}/balance", f"/members/{ANN}/lots", "/balances", "/expiries"):
        assert door.ask(path, known_at=before).status_code == 200


def test_who_takes_nothing_is_cut_off_and_the_next_is_answered(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the answer: what is asked for it is not held open for ever."""
    monkeypatch.setattr(streaming, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("projections.all_balances.AT_ONCE", 1)
    known_at = {"known_at": told.facts[-1].recorded_at.isoformat()}
    headers = {"Authorization": f"Bearer {told.door.keys['analyst']}"}
    for _ in range(4):
        with told.door.client.stream("GET", "/balances.ndjson", params=known_at, headers=headers) as found:
            assert found.status_code == 200
    assert "members" in told.lines(known_at=told.facts[-1].recorded_at)[-1]
