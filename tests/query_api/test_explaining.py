"""Explanations over HTTP: from the log, beside the read models."""

from datetime import datetime
from uuid import uuid4

import pytest

from domain.movements import PointsEarned, PointsRevoked
from domain.points_account import account_id
from tests.builders import ANN, BOB
from tests.domain.world import DAY
from tests.projections.explaining.shop import Shop
from tests.projections.whatif.recorded import END, Town, store
from tests.query_api.conftest import Door
from tests.spec import NOON


@pytest.fixture
def town(door: Door) -> Town:
    town = Town()
    town.log.batch.recorded_at = END
    town.ann_and_bob_do_all_sorts(NOON, "1")
    town.store(door.settings.database_url or "")
    door.read_side.given(*town.facts)
    return town


@pytest.mark.parametrize("what", ["balance", "expiry", "tier"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_figure_of_a_member_is_explained_and_is_what_the_read_model_tells(
    door: Door, town: Town, what: str, language: str
) -> None:
    told = door.ask(f"/explain/{what}", "analyst", member=ANN, as_of=END.isoformat(), language=language).json()
    assert (told["about"], told["language"], told["reproduced"], told["differences"]) == (what, language, True, [])
    assert told["read_model"]["agrees"] is True
    assert told["read_model"]["gives"] == told["gives"]
    assert told["position"] == len(town.facts)
    assert all(step["rule"].startswith("rules ") for step in told["steps"])


def test_a_balance_is_that_of_the_balances_route_and_of_what_was_known(door: Door, town: Town) -> None:
    live = door.ask(f"/members/{ANN}/balance").json()
    assert door.ask("/explain/balance", member=ANN).json()["gives"] == live["available"]
    told = door.ask("/explain/balance", member=ANN, known_at=END.isoformat(), as_of=END.isoformat()).json()
    assert (told["read_model"], told["reproduced"], told["position"]) == (None, True, len(town.facts))


def test_a_read_model_that_tells_something_else_is_told(door: Door, town: Town) -> None:
    assert town.facts
    with door.read_side.connection.transaction():
        door.read_side.connection.execute("UPDATE balances_1.lots SET points = points + 7 WHERE member_id = %s", (ANN,))
    told = door.ask("/explain/balance", member=ANN, as_of=NOON.isoformat()).json()
    assert (told["reproduced"], told["read_model"]["agrees"]) == (False, False)
    assert told["differences"][0]["position"] is None


def test_a_fact_of_an_account_is_explained_and_another_is_what_was_stated(door: Door, town: Town) -> None:
    position = next(n for n, one in enumerate(town.facts, 1) if one.originator_id == account_id(ANN) and n > 20)
    assert door.ask(f"/explain/fact/{position}", "staff").json()["reproduced"] is True
    told = door.ask("/explain/fact/1", "auditor").json()
    assert (told["reproduced"], told["gives"]) == (None, None)


def test_what_is_not_there_cannot_be_explained(door: Door, town: Town) -> None:
    for path, status, name in (
        (f"/explain/balance?member={uuid4()}", 404, "unknown-member"),
        (f"/explain/fact/{len(town.facts) + 1}", 404, "unknown-fact"),
        (f"/explain/tier?member={ANN}&as_of=1999-01-01T00:00:00Z", 404, "before-first-fact"),
        (f"/explain/balance?member={ANN}&known_at=1999-01-01T00:00:00Z", 404, "before-first-fact"),
        (f"/explain/balance?member={ANN}&known_at=2199-01-01T00:00:00Z", 422, "known-at-in-future"),
        (f"/explain/balance?member={ANN}&language=fr", 422, "invalid-request"),
        (f"/explain/balance?member={ANN}&asof=2024-01-01T00:00:00Z", 422, "invalid-request"),
        ("/explain/fact/-1", 404, "unknown-fact"),
        ("/explain/fact/99999999999999999999", 422, "invalid-request"),
    ):
        told = door.ask(path)
        assert (told.status_code, told.json()["type"]) == (status, f"urn:loyalty:{name}"), (path, told.text)


def test_before_anything_happened_it_is_told_when_it_did(door: Door, town: Town) -> None:
    """An instant of business, not of recording."""
    told = door.ask(f"/explain/tier?member={ANN}&as_of=1999-01-01T00:00:00Z").json()
    first = min(one.occurred_at for one in town.facts if one.originator_id == account_id(ANN))
    assert datetime.fromisoformat(told["first_occurred_at"]) == first
    assert "first_recorded_at" not in told
    told = door.ask(f"/explain/tier?member={ANN}&known_at=1999-01-01T00:00:00Z").json()
    assert datetime.fromisoformat(told["first_recorded_at"]) == town.facts[0].recorded_at


def test_a_member_whose_read_model_is_not_there_is_explained_all_the_same(door: Door) -> None:
    town = Town()
    town.store(door.settings.database_url or "")
    told = door.ask("/explain/balance", member=ANN).json()
    assert (told["reproduced"], told["read_model"]["agrees"]) == (True, None)


def test_purchases_discounts_refusals_and_letters_are_explained(door: Door) -> None:
    shop = Shop().store(door.settings.database_url or "")
    for path, about, reproduced in (
        (f"/explain/purchase/{shop.first}", "purchase", True),
        (f"/explain/discount/{shop.second}", "discount", True),
        (f"/explain/refusal/{shop.refused}", "refusal", None),
        (f"/explain/refusal/{shop.refused}?member={ANN}", "refusal", True),
        (f"/explain/refusal/{shop.refused}?member={BOB}", "refusal", None),
        ("/explain/letter/1", "refusal", None),
    ):
        told = door.ask(path, "staff").json()
        assert (told["about"], told["reproduced"]) == (about, reproduced), told
    told = door.ask(f"/explain/refusal/{shop.refused}?member={ANN}", "staff").json()
    moved = [n for n, one in enumerate(shop.facts, 1) if one.originator_id == account_id(ANN) and n > 9]
    assert told["steps"][-1]["facts"] == moved, "earned, and taken back by a return: each of them once"
    told = door.ask(f"/explain/refusal/{shop.refused}?member={BOB}", "staff").json()
    assert [one["field"] for one in told["differences"]] == ["available"]
    assert "another member's" in told["differences"][0]["says"], "nothing is wrong with the ledger"
    for path, name in (
        (f"/explain/purchase/{ANN}", "unknown-purchase"),
        (f"/explain/discount/{shop.nobodys}", "unknown-discount-of-purchase"),
        ("/explain/refusal/1", "unknown-refusal"),
        ("/explain/letter/9", "unknown-dead-letter"),
    ):
        told = door.ask(path, "staff")
        assert (told.status_code, told.json()["type"]) == (404, f"urn:loyalty:{name}")


def test_what_was_known_then_is_explained_by_it_and_what_came_later_is_unknown(door: Door) -> None:
    """A fact a day."""
    shop = Shop()
    facts = [one.model_copy(update={"recorded_at": NOON + n * DAY}) for n, one in enumerate(shop.facts)]
    shop.store(door.settings.database_url or "", facts)
    returned = next(n for n, one in enumerate(facts, 1) if isinstance(one, PointsRevoked))
    sold = next(n for n, one in enumerate(facts, 1) if one.originator_id == shop.first)
    with door.read_side.connection.transaction():
        kept, redriven = NOON + 5 * DAY, NOON + 9 * DAY
        door.read_side.connection.execute(
            "UPDATE dead_letters SET (recorded_at, redriven_at) = (%s, %s)", (kept, redriven)
        )
    asked = {
        f"/explain/purchase/{shop.first}": (sold, "unknown-purchase"),
        f"/explain/discount/{shop.first}": (sold, "unknown-purchase"),
        f"/explain/fact/{returned}": (returned, "unknown-fact"),
        f"/explain/refusal/{shop.refused}": (shop.refused, "unknown-fact"),
    }
    for path, (position, name) in asked.items():
        known_at = facts[position - 1].recorded_at
        told = door.ask(path, known_at=known_at.isoformat()).json()
        assert told["position"] == position, path
        told = door.ask(path, known_at=(known_at - DAY / 2).isoformat())
        assert (told.status_code, told.json()["type"]) == (404, f"urn:loyalty:{name}"), path
        assert told.json()["detail"].endswith(f" up to position {position - 1}.")
    gives = [
        door.ask(f"/explain/purchase/{shop.first}", known_at=(NOON + (position - 1) * DAY).isoformat()).json()["gives"]
        for position in (returned - 1, returned)
    ]
    assert gives[0] > gives[1], "what came back was not known yet"
    assert gives[1] == door.ask(f"/explain/purchase/{shop.first}").json()["gives"]
    letters = [door.ask("/explain/letter/1", known_at=(NOON + n * DAY).isoformat()).json() for n in (4, 5, 9)]
    assert letters[0]["type"] == "urn:loyalty:unknown-dead-letter"
    assert "redriven" not in letters[1]["steps"][-1]["says"]
    assert letters[2]["steps"] == door.ask("/explain/letter/1").json()["steps"] != letters[1]["steps"]


def test_where_the_members_own_facts_are_not_what_the_rules_give_a_refusal_is_not_reproduced(door: Door) -> None:
    """A point too many, written by hand: it does not pass for another member's refusal."""
    shop = Shop()
    facts = shop.facts
    number, right = next((n, one) for n, one in enumerate(facts) if isinstance(one, PointsEarned))
    parts = [{**one, "points": one["points"] + 1} for one in right.parts]
    facts[number] = right.model_copy(update={"parts": parts})
    shop.store(door.settings.database_url or "", facts)
    told = door.ask(f"/explain/refusal/{shop.refused}?member={ANN}").json()
    assert told["reproduced"] is False
    assert number + 1 in {one["position"] for one in told["differences"]}


def test_a_discount_that_the_rules_do_not_give_is_told(door: Door) -> None:
    """A minor unit too many, written by hand."""
    shop = Shop()
    number, right = next((n, one) for n, one in enumerate(shop.facts) if one.originator_id == shop.first)
    off = [{**one, "amount_minor": one["amount_minor"] + 1} for one in right.discounts or []]  # type: ignore[attr-defined]
    facts = [right.model_copy(update={"discounts": off}) if n == number else one for n, one in enumerate(shop.facts)]
    store(door.settings.database_url or "", facts)
    told = door.ask(f"/explain/discount/{shop.first}").json()
    assert (told["reproduced"], told["differences"][0]["position"]) == (False, number + 1)
