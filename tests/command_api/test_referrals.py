"""Referrals at the door and by the clock: a code, a join, a purchase, and rewards that no storm of retries doubles."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from consumers.clock import Clock
from infra.database import make_tables
from infra.settings import Settings
from projections import agenda
from tests.builders import ANN, BOB, SEALING, join, policy, publish
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT
from tests.ledger import NOW
from tests.spec import NOON

TERMS = {
    "minimum_paid_minor": 15_000, "referrer": {"points": 100}, "referee": {"points": 50}, "burst": {"joins": 2},
    "cap": {"referrals": 4},
}  # fmt: skip
RULES = policy(expiry={"mode": "never"}, referral=TERMS, effective_from=JOINED_AT)
AT = NOON.isoformat()
MANY = 24


@pytest.fixture
def till(module_database_url: str, tmp_path: Path) -> Iterator[Till]:
    before = (publish(RULES, at=NOW), join(ANN, at=JOINED_AT), join(BOB, at=JOINED_AT, card="1002"))
    with till_of(module_database_url, tmp_path, *before, doors=2) as opened:
        make_tables(opened.ledger.database, agenda.TABLES)
        opened.ledger.database.execute("TRUNCATE agenda")
        opened.ledger.database.execute("UPDATE clock_state SET position = 0")
        yield opened


def code_of(till: Till, member: UUID = ANN) -> str:
    found: str = told(till.post("/referrals", {"referrer": str(member), "time": AT}))["code"]
    return found


def joining(code: str, card: str, **what: Any) -> dict[str, Any]:
    return {"card": card, "registered_at": AT, "referral_code": code, **what}


def receipt(card: str, paid: int = 16_000, *, number: str = "R-1") -> dict[str, Any]:
    return {
        "source": "/stores/1", "id": number, "time": AT, "currency": "CNY", "store": "1", "card": card,
        "lines": [{"line": "1", "sku": "1", "quantity": 1, "gross_minor": paid}],
        "tenders": [{"kind": "cash", "amount_minor": paid}],
    }  # fmt: skip


def storm(till: Till, path: str, body: Any, *, scope: str) -> list[tuple[int, dict[str, Any]]]:
    """The same request many times at once, at both doors."""
    headers = {"Authorization": f"Bearer {till.keys[scope]}"}

    def post(number: int) -> tuple[int, dict[str, Any]]:
        found = till.clients[number % 2].post(path, json=body, headers=headers)
        return found.status_code, found.json()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(post, range(MANY)))


def clock_of(till: Till, home: Path) -> Clock:
    return Clock(Settings(database_url=till.ledger.url, data_dir=home), till.ledger.writer(), lambda: SEALING)


def test_a_storm_of_retries_at_two_doors_and_three_clocks_pays_once(till: Till, tmp_path: Path) -> None:
    codes = {body["code"] for _, body in storm(till, "/referrals", {"referrer": str(ANN), "time": AT}, scope="till")}
    (code,) = codes
    joined = storm(till, "/members", joining(code, "2001"), scope="staff")
    assert {status for status, _ in joined} == {201}
    (kim,) = {body["member_id"] for _, body in joined}
    assert {status for status, _ in storm(till, "/purchases", receipt("2001"), scope="till")} == {201}
    clocks = [clock_of(till, tmp_path) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        looked = list(pool.map(lambda clock: clock.look(datetime.now(UTC)).facts, clocks * 3))
    assert sum(one["ReferralRewarded.v1"] for one in looked) == 1
    granted = till.ledger.rows(
        "SELECT subject, (convert_from(state, 'UTF8')::jsonb #>> '{lot,points}')::int,"
        " convert_from(state, 'UTF8')::jsonb ->> 'occurred_at' FROM facts WHERE name = 'PointsGranted.v1'"
    )
    assert {(str(member), points) for member, points, _ in granted} == {(str(ANN), 100), (kim, 50)}
    assert {at for _, _, at in granted} == {"2023-05-16T04:00:00Z"}, "14 days after the purchase"
    names = Counter(till.ledger.names())
    assert (names["ReferralJoined"], len(granted)) == (1, 2)


def test_a_return_takes_both_rewards_back(till: Till, tmp_path: Path) -> None:
    told(till.post("/members", joining(code_of(till), "2001"), scope="staff"))
    bought = told(till.post("/purchases", receipt("2001")))["purchase_id"]
    assert clock_of(till, tmp_path).look(datetime.now(UTC)).facts["ReferralRewarded.v1"] == 1
    told(till.post(f"/purchases/{bought}/void", {"time": "2023-06-01T04:00:00Z", "reason": "broken"}))
    revoked = till.ledger.rows("SELECT subject FROM facts WHERE name = 'GrantRevoked.v1'")
    assert len(revoked) == 2


def test_refusals_each_by_name(till: Till) -> None:
    code, other = code_of(till), code_of(till, BOB)
    assert code != other
    assert code_of(till) == code
    body = {"referrer": str(ANN), "code": "ANNS-OWN-CODE", "time": AT}
    assert problem(till.post("/referrals", body), 409, "referral-code-issued-before")["code"] == code
    problem(till.post("/referrals", {"referrer": str(uuid4()), "time": AT}), 404, "unknown-member")

    def refused(status: int, name: str, *, code: str, card: str, **what: Any) -> None:
        problem(till.post("/members", joining(code, card, **what), scope="staff"), status, name)

    refused(404, "unknown-referral-code", code="NO-SUCH-CODE", card="2001")
    refused(409, "referral-of-oneself", code=code, card="1001")
    refused(409, "referral-of-oneself", code=code, card="2001", member_id=str(ANN))
    refused(409, "referral-of-member", code=code, card="1002")
    kim = told(till.post("/members", joining(code, "2001"), scope="staff"))["member_id"]
    refused(409, "second-referrer", code=other, card="2001")
    refused(409, "referral-cycle", code=code_of(till, UUID(kim)), card="1001")
    for card in ("2002", "2003", "2004"):
        told(till.post("/members", joining(code, card), scope="staff"))
    refused(409, "referral-cap-reached", code=code, card="2005")


def test_what_came_in_a_burst_is_held_until_staff_decide(till: Till, tmp_path: Path) -> None:
    code = code_of(till)
    members = [
        told(till.post("/members", joining(code, card), scope="staff"))["member_id"] for card in ("21", "22", "23")
    ]
    for number, card in enumerate(("21", "22", "23")):
        told(till.post("/purchases", receipt(card, number=f"R-{number}")))
    clock = clock_of(till, tmp_path)
    assert clock.look(datetime.now(UTC)).facts["ReferralRewarded.v1"] == 2
    review, body = f"/referrals/{members[2]}/review", {"decision": "approve", "reason": "a class trip", "time": AT}
    problem(till.post(review, body), 403, "forbidden")
    problem(till.post(f"/referrals/{members[0]}/review", body, scope="staff"), 409, "referral-not-held")
    problem(till.post(f"/referrals/{ANN}/review", body, scope="staff"), 404, "unknown-referral")
    first = told(till.post(review, body, scope="staff", key="K"))
    assert (first["approved"], first["member_id"]) == (True, members[2])
    assert told(till.post(review, body, scope="staff", key="K")) == first
    assert clock.look(datetime.now(UTC)).facts["ReferralRewarded.v1"] == 1


def test_a_programme_without_the_section_offers_none(module_database_url: str, tmp_path: Path) -> None:
    with till_of(module_database_url, tmp_path, join(ANN, at=JOINED_AT)) as till:
        refused = till.post("/referrals", {"referrer": str(ANN), "time": AT})
        problem(refused, 422, "referrals-not-offered")
        assert "version that has `referral`" in refused.json()["detail"], "nobody asked to join"
        problem(till.post("/members", joining("NO-SUCH-CODE", "2001"), scope="staff"), 422, "referrals-not-offered")
