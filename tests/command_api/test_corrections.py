"""Corrections over HTTP: answers, repeats, scopes, and a problem for what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from command_api.app import create_app
from infra import keys
from infra.database import make_tables
from infra.keys import Keyring, create_key
from infra.settings import Settings
from tests.builders import ANN, BOB, KEYS, SEALING, card_id, join
from tests.domain.story import JOINED_AT
from tests.ledger import Ledger, execute
from tests.serving import served

NOON, LATER = "2023-05-02T04:00:00Z", "2023-06-02T04:00:00Z"


class Staff:
    """A client with a key for staff and one for a till."""

    def __init__(self, client: httpx.Client, made: dict[str, str]) -> None:
        self.client = client
        self.keys = made

    def post(self, path: str, body: Any, *, status: int = 201, scope: str = "staff", key: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[scope]}"} | ({"Idempotency-Key": key} if key else {})
        response = self.client.post(path, json=body, headers=headers)
        assert response.status_code == status, response.text
        return response.json()

    def adjust(self, points: int, **what: Any) -> Any:
        options = {name: what.pop(name) for name in ("status", "scope", "key") if name in what}
        body = {"points": points, "reason": "goodwill", "time": NOON, **what}
        return self.post(f"/members/{ANN}/adjustments", body, **options)


@pytest.fixture
def staff(module_database_url: str, tmp_path: Path) -> Iterator[Staff]:
    settings = Settings(database_url=module_database_url, data_dir=tmp_path)
    with Ledger(module_database_url) as ledger:
        make_tables(ledger.database, keys.TABLES)
        execute(ledger.writer(), join(at=JOINED_AT), join(BOB, at=JOINED_AT, card="1002"))
        made = {scope: create_key(settings, scope=scope, owner=scope) for scope in ("till", "staff")}
        with served(
            create_app(
                ledger.writer(),
                keyring=Keyring(settings),
                card_ids=card_id,
                personal_data=SEALING,
                signing=KEYS,
                most_waiting=settings.command_queue,
            )
        ) as client:
            yield Staff(client, made)


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """Without the position."""
    return {name: value for name, value in answer.items() if name != "position"}


def test_points_are_given_and_taken_and_a_repeat_gets_the_first_answer(staff: Staff) -> None:
    first = staff.adjust(30, key="K-1")
    assert told(first) == {"member_id": str(ANN), "points": 30, "debt": 0, "available": 30}
    assert told(staff.adjust(-10)) == {"member_id": str(ANN), "points": -10, "debt": 0, "available": 20}
    assert staff.adjust(30, key="K-1") == first
    assert staff.adjust(31, key="K-1", status=422)["type"] == "urn:loyalty:conflicting-repeat"


def test_a_refusal_to_take_is_told_with_its_fields_and_remembered(staff: Staff) -> None:
    refused = staff.adjust(-10, key="K-1", status=409)
    assert refused["type"] == "urn:loyalty:insufficient-points"
    assert (refused["points"], refused["available"], refused["debt"]) == (10, 0, 0)
    staff.adjust(30)
    assert staff.adjust(-10, key="K-1", status=409) == refused
    staff.adjust(-10, key="K-2")


def test_debt_is_waived(staff: Staff) -> None:
    staff.adjust(-10, allow_debt=True)
    body = {"reason": "goodwill", "time": NOON}
    assert told(staff.post(f"/members/{ANN}/waivers", {**body, "points": 4})) == {
        "member_id": str(ANN), "points": 4, "available": 0
    }  # fmt: skip
    assert staff.post(f"/members/{ANN}/waivers", {**body, "points": 7}, status=409)["debt"] == 6
    assert staff.post(f"/members/{ANN}/waivers", body)["points"] == 6


def test_points_are_transferred_once_no_return_can_take_them_back(staff: Staff) -> None:
    receipt = {
        "source": "/stores/1", "id": "R-1", "time": NOON, "currency": "CNY", "store": "1", "card": "1001",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 30_000}],
        "tenders": [{"kind": "card", "amount_minor": 30_000}],
    }  # fmt: skip
    staff.post("/purchases", receipt)
    body = {"to": str(BOB), "points": 10}
    refused = staff.post(f"/members/{ANN}/transfers", {**body, "time": NOON}, status=409)
    assert refused["type"] == "urn:loyalty:insufficient-points"
    sent = staff.post(f"/members/{ANN}/transfers", {**body, "time": LATER}, key="K-1")
    assert (sent["points"], sent["available"], sent["to"]) == (10, 20, str(BOB))
    assert staff.post(f"/members/{ANN}/transfers", {**body, "time": LATER}, key="K-1") == sent
    assert staff.post(f"/members/{ANN}/transfers", {**body, "to": str(ANN), "time": LATER}, status=422)["type"] == (
        "urn:loyalty:transfer-to-oneself"
    )


def test_two_members_are_merged_and_parted_again(staff: Staff) -> None:
    staff.adjust(30)
    merged = staff.post(f"/members/{ANN}/merge", {"into": str(BOB), "time": LATER})
    assert (merged["member_id"], merged["merged"], merged["points"], merged["available"]) == (
        str(BOB),
        str(ANN),
        30,
        30,
    )
    assert staff.adjust(1, time=LATER, status=409)["survivor_id"] == str(BOB)
    parted = staff.post(f"/members/{ANN}/unmerge", {"survivor": str(BOB), "time": LATER})
    assert (parted["unmerged"], parted["points"], parted["available"]) == (str(ANN), 30, 0)
    assert staff.adjust(1, time=LATER)["available"] == 31
    again = staff.post(f"/members/{ANN}/unmerge", {"survivor": str(BOB), "time": LATER}, status=409)
    assert again["type"] == "urn:loyalty:not-merged"


def test_an_account_is_closed_and_its_debt_stays(staff: Staff) -> None:
    staff.adjust(-10, allow_debt=True)
    closed = staff.post(f"/members/{ANN}/closure", {"reason": "asked", "time": NOON})
    assert (closed["debt"], closed["closed_at"]) == (10, NOON)
    assert staff.adjust(1, status=409)["type"] == "urn:loyalty:account-is-closed"


def test_an_opening_balance_is_brought_in_once(staff: Staff) -> None:
    body = {"reference": "old-1", "card": "1001", "time": NOON, "lots": [{"points": 40, "earned_at": NOON}], "debt": 3}
    first = staff.post("/opening-balances", body)
    assert told(first) == {"member_id": str(ANN), "points": 40, "debt": 3, "available": 37}
    assert staff.post("/opening-balances", body) == first
    assert staff.post("/opening-balances", {**body, "debt": 4}, status=422)["type"] == "urn:loyalty:conflicting-repeat"
    assert staff.post("/opening-balances", {**body, "reference": "old-2", "card": "9"}, status=404)["type"] == (
        "urn:loyalty:unknown-card"
    )


@pytest.mark.parametrize(
    "path", ["adjustments", "waivers", "closure", "transfers", "merge", "unmerge", "../opening-balances"]
)
def test_corrections_are_for_staff(staff: Staff, path: str) -> None:
    staff.post(f"/members/{ANN}/{path}".replace(f"/members/{ANN}/..", ""), {}, status=403, scope="till")
    staff.post(f"/members/{ANN}/{path}".replace(f"/members/{ANN}/..", ""), {"colour": "red"}, status=422)
