"""Who may ask what, and what is open to all."""

import pytest

from domain.fact import Fact, message_id
from domain.purchase import PurchaseRecorded
from tests.builders import ANN, campaign_created, defined, policy, published
from tests.query_api.conftest import Door
from tests.query_api.test_returns import SOLD
from tests.read_spec import joins
from tests.spec import fact

EVERY = {"till", "staff", "analyst", "auditor", "admin"}
R1 = message_id("/stores/1", "R-1")
MATRIX = {
    "/members?card=1": EVERY,
    f"/members/{ANN}/balance": EVERY,
    f"/members/{ANN}/tier": EVERY,
    f"/members/{ANN}/profile": {"staff", "admin"},
    f"/members/{ANN}/lots": EVERY,
    f"/members/{ANN}/expiries": EVERY,
    f"/members/{ANN}/statement": EVERY,
    "/purchases?source=/stores/1&id=R-1": EVERY,
    f"/purchases/{R1}": EVERY,
    "/expiries": EVERY - {"till"},
    "/campaigns": EVERY - {"till"},
    "/campaigns/spring/analytics": EVERY - {"till"},
    "/segments": EVERY - {"till"},
    "/segments/regulars/members": EVERY - {"till"},
    f"/members/{ANN}/segments": EVERY,
    "/programmes": EVERY - {"till"},
    "/completeness?from=2023-06-01&to=2023-06-30": {"auditor", "staff", "admin"},
    "/facts": {"auditor", "admin"},
    "/facts/1": {"auditor", "admin"},
    f"/explain/balance?member={ANN}": EVERY - {"till"},
    f"/explain/expiry?member={ANN}": EVERY - {"till"},
    f"/explain/tier?member={ANN}": EVERY - {"till"},
    "/explain/fact/1": EVERY - {"till"},
    f"/explain/purchase/{R1}": EVERY - {"till"},
}


def history() -> list[Fact]:
    segment = defined("regulars", {"behaviour": {"visits_at_least": 2}})
    return [
        published(policy("member_experience")), campaign_created("spring", multiplier="2"), segment, *joins(ANN, card="1"),
    ]  # fmt: skip


@pytest.fixture
def busy(door: Door) -> Door:
    door.read_side.given(*history())
    door.recorded(fact(PurchaseRecorded, originator_id=R1, originator_version=1, **SOLD), *history())
    return door


def test_each_scope_opens_what_it_is_for_and_nothing_else(busy: Door) -> None:
    for path, scopes in MATRIX.items():
        opened = {scope for scope in EVERY if busy.ask(path, scope).status_code == 200}
        assert opened == scopes, path
        for scope in EVERY - scopes:
            told = busy.ask(path, scope)
            assert (told.status_code, told.json()["type"]) == (403, "urn:loyalty:forbidden")
            assert set(told.json()["scopes"]) == scopes


def test_without_a_good_key_nothing_opens(busy: Door) -> None:
    for path in MATRIX:
        for headers in ({}, {"Authorization": "Bearer ll_admin_0_0"}, {"Authorization": "Basic YTpi"}):
            told = busy.client.get(path, headers=headers)
            assert (told.status_code, told.json()["type"]) == (401, "urn:loyalty:unauthorized")
            assert told.headers["WWW-Authenticate"] == "Bearer"


def test_health_readiness_and_documentation_are_open(busy: Door) -> None:
    for path in ("/health", "/ready", "/docs", "/openapi.json"):
        assert busy.ask(path, "nobody").status_code == 200


def test_the_documentation_asks_for_a_key(door: Door) -> None:
    document = door.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
