"""Members over HTTP: joining with personal data, changing them, erasing them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from command_api.app import create_app
from infra import keys
from infra.database import make_tables
from infra.keys import Keyring, create_key
from infra.personal_data import PersonalData
from infra.settings import Settings
from tests.builders import ANN, BOB, KEYS, card_id
from tests.ledger import Ledger
from tests.serving import served

FIELDS = {"name": "Ann Wang", "phone": "+86 138 0013 8000", "email": "ann@example.cn", "address": "1 Long Road",
          "birth_date": "1990-05-31"}  # fmt: skip
BODY: dict[str, Any] = {"member_id": str(ANN), "card": "1001", "registered_at": "2023-03-15T10:00:00+08:00", **FIELDS}


@dataclass
class Desk:
    """A client with a key for each scope, and the ledger behind the door."""

    client: httpx.Client
    keys: dict[str, str]
    ledger: Ledger

    def ask(
        self, method: str, path: str, *, key: str | None = None, scope: str = "staff", **what: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[scope]}"} | ({"Idempotency-Key": key} if key else {})
        return self.client.request(method, path, headers=headers, **what)

    def join(self, body: Any = BODY, **what: Any) -> httpx.Response:
        return self.ask("POST", "/members", json=body, **what)

    def change(self, body: Any, *, of: UUID = ANN, **what: Any) -> httpx.Response:
        return self.ask("PATCH", f"/members/{of}", json=body, **what)

    def erase(self, reason: str = "member-request", *, of: UUID = ANN, **what: Any) -> httpx.Response:
        return self.ask("DELETE", f"/members/{of}/personal-data", params={"reason": reason}, **what)

    def known(self) -> dict[str, str]:
        """Of every field the last text in the log, opened."""
        sealed = {
            field: (UUID(fact["key_id"]), text)
            for fact in self.ledger.states("ProfileChanged.v1")
            for field, text in fact.get("sealed", {}).items()
        }
        return PersonalData(self.ledger.url, KEYS).open(ANN, sealed).fields


@pytest.fixture
def desk(module_database_url: str, tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(database_url=module_database_url, data_dir=tmp_path)
    with Ledger(module_database_url) as ledger:
        make_tables(ledger.database, keys.TABLES)
        made = {
            scope: create_key(settings, scope=scope, owner=scope) for scope in ("till", "staff", "analyst", "admin")
        }
        app = create_app(
            ledger.writer(),
            keyring=Keyring(settings),
            card_ids=card_id,
            personal_data=PersonalData(ledger.url, KEYS),
            signing=KEYS,
            most_waiting=settings.command_queue,
        )
        with served(app) as client:
            yield Desk(client, made, ledger)


def told(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert response.status_code == status, found
    assert [value for value in FIELDS.values() if value in response.text] == [], "no answer quotes what was sent"
    return found


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    found = told(response, status)
    assert found["type"] == f"urn:loyalty:{name}"
    return found


def nothing_in_clear(ledger: Ledger) -> bool:
    tables = [name for (name,) in ledger.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    rows = [str(row) for table in tables for row in ledger.rows(f"SELECT kept::text FROM {table} AS kept")]
    rows += [str(state) for name in {one[3] for one in ledger.log()} for state in ledger.states(name)]
    return not any(value in row for row in rows for value in FIELDS.values())


def test_a_member_joins_with_personal_data_and_none_of_it_is_kept_in_clear(desk: Desk) -> None:
    first = told(desk.join(), 201)
    assert first == {"member_id": str(ANN), "position": 5}
    assert told(desk.join(), 201) == first
    assert desk.known() == FIELDS
    assert nothing_in_clear(desk.ledger)


def test_a_batch_takes_them_too_and_names_the_field_that_is_wrong(desk: Desk) -> None:
    other = {"card": "7", "registered_at": "2023-03-15T10:00:00+08:00", "name": "Bob", "birth_date": "2024-01-01"}
    found = told(desk.ask("POST", "/members/batch", json={"items": [BODY, other]}))
    assert [(item["status"], item.get("field")) for item in found["items"]] == [(201, None), (422, "birth_date")]
    assert desk.known() == FIELDS


def test_a_badly_shaped_member_is_refused_alone_and_the_others_keep_their_own_keys(desk: Desk) -> None:
    bad: list[Any] = [{**BODY, "colour": "red"}, {"card": "7"}, "Ann", BODY]
    for _ in range(2):
        found = told(desk.ask("POST", "/members/batch", key="k", json={"items": bad}))["items"]
        assert [(item["status"], item.get("field")) for item in found] == [
            (422, "colour"), (422, "registered_at"), (422, ""), (201, None)
        ]  # fmt: skip
        assert found[3]["member_id"] == str(ANN)
    assert desk.ledger.states("MemberJoined.v1")[0]["external_id"] == "k/3"
    assert len(desk.ledger.states("MemberJoined.v1")) == 1


def test_what_is_left_out_stays_null_takes_back_and_the_rest_is_new(desk: Desk) -> None:
    desk.join()
    changed = told(desk.change({"phone": "+86 139 0013 9000", "email": None, "language": "zh-CN"}))
    assert changed == {"member_id": str(ANN), "position": 6}
    assert desk.known()["phone"] == "+86 139 0013 9000"
    (fact,) = desk.ledger.states("ProfileChanged.v1")[1:]
    assert (set(fact["sealed"]), fact["removed"], fact["language"]) == ({"phone"}, ["email"], "zh-CN")


def test_a_member_without_personal_data_gets_a_key_with_the_first_of_them(desk: Desk) -> None:
    desk.join({name: value for name, value in BODY.items() if name not in FIELDS})
    assert desk.ledger.rows("SELECT * FROM member_keys") == []
    told(desk.change({"name": "Ann Wang"}))
    told(desk.change({"phone": "+86 138 0013 8000"}))
    assert desk.known() == {"name": "Ann Wang", "phone": "+86 138 0013 8000"}
    assert len(desk.ledger.rows("SELECT * FROM member_keys")) == 1


def test_where_nothing_changes_the_answer_is_the_same_and_only_the_key_of_the_client_is_recorded(desk: Desk) -> None:
    position = told(desk.join(), 201)["position"]
    for body in (FIELDS, {}, {"consents": {"mail": None}}):
        assert told(desk.change(body))["position"] == position
    answered = told(desk.change(FIELDS, key="k"))
    assert answered == told(desk.change(FIELDS, key="k")) == {"member_id": str(ANN), "position": position + 1}
    assert desk.ledger.names(after=position) == ["MessageAnswered"]


def test_a_repeat_gets_the_first_answer_and_other_content_none(desk: Desk) -> None:
    desk.join()
    first = told(desk.change({"name": "Anne"}, key="k"))
    told(desk.change({"name": "Ann"}))
    assert told(desk.change({"name": "Anne"}, key="k")) == first
    assert desk.known()["name"] == "Ann"
    problem(desk.change({"name": "Anna"}, key="k"), 422, "conflicting-repeat")


def test_consents_are_facts_of_their_own(desk: Desk) -> None:
    desk.join(BODY | {"consents": {"mail": True}})
    told(desk.change({"consents": {"mail": None, "ads": {"sms": True, "email": False}}}))
    facts = desk.ledger.states("ConsentChanged.v1")
    assert [(one["purpose"], one.get("channel"), one["granted"]) for one in facts] == [
        ("ads", "email", False), ("ads", "sms", True), ("mail", None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ann at example.cn"}, "email"),
        ({"phone": "Ann Wang"}, "phone"),
        ({"birth_date": "2990-01-01"}, "birth_date"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_field_and_never_quoted(
    desk: Desk, body: dict[str, str], field: str
) -> None:
    desk.join()
    for refused in (desk.change(body), desk.join(BODY | body)):
        assert problem(refused, 422, "invalid-field")["field"] == field
        assert body[field] not in refused.text


def test_an_erasure_is_answered_the_same_for_ever(desk: Desk) -> None:
    desk.join()
    first = told(desk.erase(key="k"))
    assert first.keys() == {"member_id", "position", "erased_at"}
    for again in (desk.erase(key="k"), desk.erase(), desk.erase("law", key="other", scope="admin")):
        assert told(again) == first
    problem(desk.erase("law", key="k"), 422, "conflicting-repeat")
    assert desk.known() == {}


def test_after_an_erasure_nothing_is_changed_and_the_first_join_is_still_a_repeat(desk: Desk) -> None:
    joined = told(desk.join(), 201)
    changed = told(desk.change({"name": "Anne"}, key="k"))
    desk.erase()
    assert problem(desk.change({"name": "Ann"}), 410, "member-erased")["member_id"] == str(ANN)
    assert told(desk.change({"name": "Anne"}, key="k")) == changed
    assert told(desk.join(), 201) == joined
    problem(desk.join(BODY | {"name": "Anna"}), 409, "member-already-exists")
    assert desk.known() == {}


def test_after_an_erasure_the_card_is_free(desk: Desk) -> None:
    desk.join()
    desk.erase()
    sold = {
        "source": "/stores/1", "id": "R-1", "time": "2023-12-02T04:00:00Z", "currency": "CNY", "store": "1", "card": "1001",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 9_500}], "tenders": [{"kind": "cash", "amount_minor": 9_500}],
    }  # fmt: skip
    assert told(desk.ask("POST", "/purchases", json=sold, scope="till"), 201)["member_id"] is None
    back = told(desk.join({"card": "1001", "registered_at": "2023-12-05T10:00:00+08:00", "name": "Ann Wang"}), 201)
    assert back["member_id"] != str(ANN)


def test_a_stranger_is_unknown(desk: Desk) -> None:
    problem(desk.change({"name": "Bob"}, of=BOB), 404, "unknown-member")
    problem(desk.erase(of=BOB), 404, "unknown-member")
    assert desk.ledger.rows("SELECT * FROM member_keys") == []


@pytest.mark.parametrize("scope", ["till", "analyst"])
def test_only_staff_may(desk: Desk, scope: str) -> None:
    for refused in (desk.join(scope=scope), desk.change({}, scope=scope), desk.erase(scope=scope)):
        problem(refused, 403, "forbidden")


@pytest.mark.parametrize("reason", ["", "Ann Wang asked for it", "x" * 65])
def test_a_reason_is_a_word_as_a_sentence_might_name_somebody(desk: Desk, reason: str) -> None:
    desk.join()
    assert problem(desk.erase(reason), 422, "invalid-request")["fields"] == ["query.reason"]
