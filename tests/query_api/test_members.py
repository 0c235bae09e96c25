"""Members, balances and tiers over HTTP: positions, waiting, instants, refusals."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.member import ConsentChanged
from infra import personal_data
from infra.database import connect
from infra.personal_data import Sealed
from tests.builders import ANN, BOB, SEALING, policy, published
from tests.query_api.conftest import Door
from tests.read_spec import JANUARY, earns, erases, joins, profile
from tests.spec import fact

RULES = policy("member_experience")


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    told: dict[str, Any] = response.json()
    assert (response.status_code, told["type"], told["status"]) == (status, f"urn:loyalty:{name}", status)
    assert response.headers["content-type"] == "application/problem+json"
    return told


def test_a_member_is_found_by_card(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"))
    door.read_side.models.take_in(door.read_side.teller.watermark())
    found = door.ask("/members", card="1")
    assert found.json() == {"member_id": str(ANN), "registered_at": "2024-01-01T00:00:00Z", "position": 3}
    problem(door.ask("/members", card="2"), 404, "unknown-member")


def test_a_balance_has_every_bucket_and_the_position_it_is_complete_up_to(door: Door) -> None:
    ends = JANUARY + timedelta(days=9)
    door.read_side.given(*joins(ANN, card="1"), earns(ANN, 70, at=JANUARY, expires_at=ends))
    found = door.ask(f"/members/{ANN}/balance", as_of="2024-01-02T08:00:00+08:00")
    assert found.status_code == 200
    buckets = dict.fromkeys(
        ("received", "pending", "held", "spent", "settled", "expired", "revoked", "sent", "debt"), 0
    )
    assert found.json() == buckets | {
        "member_id": str(ANN), "issued": 70, "available": 70, "as_of": "2024-01-02T00:00:00Z", "position": 4,
        "next_expiry": {"points": 70, "at": "2024-01-10T00:00:00Z"},
    }  # fmt: skip
    now = door.ask(f"/members/{ANN}/balance").json()
    assert (now["available"], now["expired"], now["next_expiry"]) == (0, 70, None)


def test_a_tier_names_the_version_that_judged(door: Door) -> None:
    door.read_side.given(published(RULES), *joins(ANN, card="1"), earns(ANN, 10_000, at=JANUARY))
    found = door.ask(f"/members/{ANN}/tier", as_of="2024-02-01T00:00:00Z").json()
    assert (found["tier"], found["next_tier"], found["points_to_next"], found["programme_version"]) == (
        "Silver", "Gold", 90_000, 1,
    )  # fmt: skip
    problem(door.ask(f"/members/{ANN}/tier", as_of="2022-01-01T00:00:00Z"), 404, "no-programme-in-force")


def test_a_tier_tells_its_counters_what_will_become_of_it_and_warns(door: Door) -> None:
    scheme = RULES.tiers.model_dump(mode="json", exclude_none=True) | {
        "warning_days": 30,
        "metric": {"points": 1, "visits": 100},
    }
    rules = policy("member_experience", tiers=scheme)
    door.read_side.given(published(rules), *joins(ANN, card="1"), earns(ANN, 99_900, at=JANUARY, paid_minor=99_900_000))
    found = door.ask(f"/members/{ANN}/tier", as_of="2024-02-01T00:00:00Z").json()
    assert found["qualifying"] == {"points": 99_900, "spend_minor": 99_900_000, "visits": 1}
    assert (found["tier"], found["qualifying_points"], found["projected_tier"], found["warning"]) == (
        "Gold", 100_000, "Gold", None,
    )  # fmt: skip
    year = door.ask(f"/members/{ANN}/tier", as_of="2025-12-25T00:00:00Z").json()
    assert (year["projected_tier"], year["points_to_keep"], year["grace_until"]) == ("Silver", 60_000, None)
    assert year["warning"] == {
        "since": "2025-12-03", "review_on": "2026-01-02", "falls_to": "Silver", "missing": 60_000,
    }  # fmt: skip


def test_entitlements_are_those_of_the_tier_and_of_all_below_as_of_any_date(door: Door) -> None:
    levels = RULES.tiers.model_dump(mode="json", exclude_none=True)["levels"]
    levels[1]["discount"] = "1/50"
    rules = policy("member_experience", tiers={"period": "membership_year", "levels": levels})
    door.read_side.given(published(rules), *joins(ANN, card="1"), earns(ANN, 100_000, at=JANUARY + timedelta(days=9)))

    def ask(as_of: str) -> tuple[str, str | None, list[tuple[str, str]]]:
        found = door.ask(f"/members/{ANN}/entitlements", as_of=as_of).json()
        return found["tier"], found["discount"], [(one["kind"], one["tier"]) for one in found["benefits"]]

    assert ask("2024-01-02T00:00:00Z") == ("Ordinary", None, [("other", "Ordinary")])
    gold = [("other", "Ordinary"), ("early_access", "Silver"), ("service_queue", "Gold")]
    assert ask("2024-02-01T00:00:00Z") == ("Gold", "1/50", gold)
    assert ask("2026-06-01T00:00:00Z") == ("Silver", "1/50", gold[:2])
    problem(door.ask(f"/members/{BOB}/entitlements"), 404, "unknown-member")


FIELDS = {"name": "Ann Wang", "phone": "+86 138 0013 8000", "email": "ann@example.cn", "address": "1 Long Road",
          "birth_date": "1990-05-31"}  # fmt: skip


def keep(door: Door, sealed: Sealed) -> None:
    assert sealed.new_key is not None
    with connect(door.settings.database_url) as database, database.cursor() as cursor:
        personal_data.keep(cursor, [sealed.new_key])


def test_a_profile_is_told_in_clear_to_staff_with_consents_and_their_history(door: Door) -> None:
    sealed = SEALING.seal_first(ANN, FIELDS)
    keep(door, sealed)
    withdrawn = fact(
        ConsentChanged, originator_id=ANN, originator_version=3, occurred_at=JANUARY + timedelta(days=1),
        member_id=ANN, purpose="mail", granted=False,
    )  # fmt: skip
    joined = joins(ANN, card="1", language="en", consents={"mail": True})
    door.read_side.given(*joined, profile(ANN, sealed), withdrawn)
    now = {"purpose": "mail", "granted": False, "at": "2024-01-02T00:00:00Z"}
    assert door.ask(f"/members/{ANN}/profile", "staff", at_least=5).json() == FIELDS | {
        "member_id": str(ANN), "registered_at": "2024-01-01T00:00:00Z", "language": "en", "consents": [now],
        "consent_history": [{"purpose": "mail", "granted": True, "at": "2024-01-01T00:00:00Z"}, now], "position": 5,
    }  # fmt: skip


def test_of_an_erased_profile_only_that_is_told(door: Door) -> None:
    sealed = SEALING.seal_first(ANN, FIELDS)
    keep(door, sealed)
    joined = joins(ANN, card="1", language="en", consents={"mail": True})
    door.read_side.given(*joined, profile(ANN, sealed))
    with connect(door.settings.database_url) as database, database.cursor() as cursor:
        personal_data.destroy(cursor, [ANN])
    told = door.ask(f"/members/{ANN}/profile", "staff").json()
    assert told.keys() == {"member_id", "registered_at", "consents", "consent_history", "erased_at", "position"}
    assert told["position"] == 4, "the read model has not heard of it yet"
    assert told["consents"] == []
    door.read_side.given(*erases(ANN, cards=["1"], at=JANUARY + timedelta(days=1)))
    told = door.ask(f"/members/{ANN}/profile", "staff").json()
    assert told.keys() == {"member_id", "registered_at", "consents", "consent_history", "erased_at", "position"}
    assert told["erased_at"] == "2024-01-02T00:00:00Z"
    assert told["consents"] == [], "nobody has agreed to anything any more"
    assert [one["granted"] for one in told["consent_history"]] == [True]
    door.read_side.models.take_in(door.read_side.teller.watermark())
    problem(door.ask("/members", card="1"), 404, "unknown-member")


def test_a_lost_key_is_a_fault_and_no_empty_profile(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"), profile(ANN, SEALING.seal_first(ANN, FIELDS)))
    problem(door.ask(f"/members/{ANN}/profile", "staff"), 500, "internal-error")


@pytest.mark.parametrize("answer", ["balance", "tier", "profile"])
def test_a_stranger_is_unknown(door: Door, answer: str) -> None:
    door.read_side.given(published(RULES))
    problem(door.ask(f"/members/{BOB}/{answer}"), 404, "unknown-member")


def test_a_question_waits_for_the_position_that_a_command_answered(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"))
    later = door.read_side.teller.tell(earns(ANN, 5, at=JANUARY))
    timer = threading.Timer(0.3, door.read_side.models.take_in, [later])
    timer.start()
    began = time.monotonic()
    found = door.ask(f"/members/{ANN}/balance", at_least=4)
    timer.join()
    assert time.monotonic() - began >= 0.25
    assert (found.json()["issued"], found.json()["position"]) == (5, 4)


def test_a_question_that_waited_long_enough_hears_the_present_position(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"))
    told = problem(door.ask(f"/members/{ANN}/balance", at_least=4, timeout_seconds=0), 425, "not-yet")
    assert (told["position"], told["at_least"]) == (3, 4)


def test_a_member_waits_for_the_own_partition_only_and_a_list_for_all(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"))
    assert door.ask(f"/members/{ANN}/balance", at_least=3).status_code == 200
    problem(door.ask("/campaigns", at_least=3, timeout_seconds=0), 425, "not-yet")
    door.read_side.models.take_in(door.read_side.teller.watermark())
    assert door.ask("/campaigns", at_least=3).status_code == 200


def test_a_parked_member_is_not_answered_for(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"), *joins(BOB, card="2"))
    told = door.read_side.teller.tell(earns(ANN, 5, at=JANUARY))
    for message in (message for messages in told.values() for message in messages):
        object.__setattr__(message, "value", b"{")
    door.read_side.models.take_in(told)
    problem(door.ask(f"/members/{ANN}/balance"), 503, "member-parked")
    assert door.ask(f"/members/{BOB}/balance").status_code == 200


def test_a_read_model_with_tables_of_another_version_is_not_asked(door: Door) -> None:
    door.read_side.given(*joins(ANN, card="1"))
    mark = "SELECT obj_description('balances_1'::regnamespace, 'pg_namespace')"
    (kept,) = door.read_side.connection.execute(mark).fetchone() or ("",)
    comment = "COMMENT ON SCHEMA balances_1 IS '{}'"
    door.read_side.connection.execute(comment.format("unknown").encode())
    try:
        problem(door.ask(f"/members/{ANN}/balance"), 503, "read-model-outdated")
        assert door.ask("/members", card="1").status_code == 200
    finally:
        door.read_side.connection.execute(comment.format(kept).encode())


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/members/ann/balance", {}, "path.member_id"),
        (f"/members/{ANN}/balance", {"as_of": "2024-01-01T00:00:00"}, "query.as_of"),
        (f"/members/{ANN}/balance", {"as_of": "0001-01-01T00:00:00+14:00"}, "query.as_of"),
        (f"/members/{ANN}/tier", {"as_of": "9999-12-31T23:59:59-12:00"}, "query.as_of"),
        (f"/members/{ANN}/balance", {"at_least": -1}, "query.at_least"),
        (f"/members/{ANN}/balance", {"timeout_seconds": 31}, "query.timeout_seconds"),
        (f"/members/{ANN}/balance", {"asof": "2024-01-01T00:00:00Z"}, "query.asof"),
        ("/members", {}, "query.card"),
        ("/campaigns", {"after": "\0"}, "query.after"),
        ("/campaigns/%00/analytics", {}, "path.campaign_id"),
        ("/facts", {"name": "\0"}, "query.name"),
        ("/facts", {"limit": 1_001}, "query.limit"),
    ],
)
def test_what_cannot_be_understood_is_named_and_never_quoted(
    door: Door, path: str, parameters: dict[str, Any], field: str
) -> None:
    door.read_side.given(published(RULES), *joins(ANN, card="1"))
    told = problem(door.ask(path, **parameters), 422, "invalid-request")
    assert any(name.startswith(field) for name in told["fields"])


def test_the_edges_of_time_are_answered(door: Door) -> None:
    door.read_side.given(published(RULES), *joins(ANN, card="1"), earns(ANN, 10_000, at=JANUARY))
    for instant, status in (("1900-01-01T00:00:00Z", 404), ("2199-12-31T23:59:59Z", 200)):
        assert door.ask(f"/members/{ANN}/tier", as_of=instant).status_code == status
        assert door.ask(f"/members/{ANN}/balance", as_of=instant).status_code == 200


def test_an_unknown_route_is_a_problem_too(door: Door) -> None:
    problem(door.ask(f"/members/{UUID(int=1)}/horoscope"), 404, "unknown-route")
