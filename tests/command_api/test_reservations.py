"""Quotes that reserve, over HTTP: however many ask at once, a budget is promised once, kept, and free again when given up."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest

from tests.builders import ANN, create_campaign, join
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT
from tests.ledger import NOW

NOON, LATER, OVER = "2023-05-02T04:00:00Z", "2023-05-02T04:10:00Z", "2023-05-02T04:15:00Z"
LINES = [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 1_000}]
ASKED: dict[str, Any] = {"currency": "CNY", "store": "1", "lines": LINES, "time": NOON, "reserve": True}
BUYERS = 64
MEMBERS = [UUID(int=number, version=4) for number in range(1, BUYERS + 1)]
PROMISED = [7] * 14 + [2]

Item = TypeVar("Item")


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A gift of 7 points, of 100 that there are: two doors."""
    joining = [join(member, at=JOINED_AT, card=str(number)) for number, member in enumerate(MEMBERS)]
    gift = create_campaign("gift", at=NOW, bonus_points=7, budget={"points": 100})
    home: Path = tmp_path_factory.mktemp("home")
    with till_of(module_database_url, home, join(at=JOINED_AT), *joining, gift, doors=2) as opened:
        yield opened


def at_once(till: Till, items: Sequence[Item], post: Callable[[httpx.Client, Item], httpx.Response]) -> list[Any]:
    """Everybody begins together, at the doors in turns."""
    start = threading.Barrier(len(items))

    def begin(number: int) -> Any:
        start.wait(30)
        return told(post(till.clients[number % len(till.clients)], items[number]))

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(begin, range(len(items))))


def gifts(answers: Sequence[dict[str, Any]]) -> list[int]:
    """What the campaign gives to each, the most first."""
    found = [sum(part["points"] for part in one["points"] if part["part"] == "gift") for one in answers]
    return sorted(found, reverse=True)


def receipt(number: int, member: object, *, at: str = LATER, **what: Any) -> dict[str, Any]:
    return {
        "source": "/stores/1", "id": f"R-{number}", "time": at, "currency": "CNY", "store": "1", "member": str(member),
        "lines": LINES, "tenders": [{"kind": "cash", "amount_minor": 1_000}], **what,
    }  # fmt: skip


def test_64_that_ask_at_once_are_promised_the_budget_and_no_more_and_given_what_they_were_promised(till: Till) -> None:
    headers, numbers = {"Authorization": f"Bearer {till.keys['till']}"}, itertools.count()

    def ask(client: httpx.Client, member: UUID) -> httpx.Response:
        return client.post("/quotes", json=ASKED | {"member": str(member)}, headers=headers)

    def sell(client: httpx.Client, quote: dict[str, Any]) -> httpx.Response:
        body = receipt(next(numbers), quote["member_id"], quote=quote["quote_id"])
        return client.post("/purchases", json=body, headers=headers)

    def give_up(client: httpx.Client, quote: dict[str, Any]) -> httpx.Response:
        return client.post(f"/quotes/{quote['quote_id']}/release", json={"time": LATER}, headers=headers)

    quotes = at_once(till, MEMBERS, ask)
    assert gifts(quotes) == PROMISED + [0] * (BUYERS - len(PROMISED))
    promised = [one for one in quotes if one["reserved"]["campaigns"]]
    assert sorted(sum(gift["points"] for gift in one["reserved"]["campaigns"]) for one in promised) == sorted(PROMISED)
    assert told(till.post("/purchases", receipt(1_000, ANN, store="2")))["points"] == [{"part": "base", "points": 1}]

    bought, given_up = promised[:8], promised[8:]
    assert gifts(at_once(till, bought, sell)) == gifts(bought)
    free = sum(gifts(given_up))
    assert all(one["campaigns"] == ["gift"] for one in at_once(till, given_up, give_up))

    again = at_once(till, MEMBERS, ask)
    assert sum(gifts(again)) == free
    kept = [one for one in again if one["reserved"]["campaigns"]]
    assert gifts(at_once(till, kept, sell)) == gifts(kept)
    assert sum(one["points"] for one in till.ledger.states("BudgetDrawn.v1")) == 100


def test_under_a_key_a_till_is_told_the_same_again(till: Till) -> None:
    body = ASKED | {"member": str(ANN), "store": "3"}
    first = told(till.post("/quotes", body, key="k"))
    before = till.ledger.log()
    assert told(till.post("/quotes", body, key="k")) == first
    assert till.ledger.log() == before
    assert (first["expires_at"], first["position"]) == (OVER, before[-1][0])
    assert first["reserved"] == {"points": 0, "coupons": [], "campaigns": []}
    problem(till.post("/quotes", body | {"store": "4"}, key="k"), 422, "conflicting-repeat")
    problem(till.post("/quotes", body, key="k" * 256), 422, "invalid-field")


def test_points_are_held_until_the_sale_or_the_release(till: Till) -> None:
    told(till.post(f"/members/{ANN}/adjustments", {"points": 500, "time": NOON, "reason": "goodwill"}, scope="staff"))
    body = ASKED | {"member": str(ANN), "points": 50, "store": "5"}
    first = told(till.post("/quotes", body))
    assert (first["reserved"]["points"], first["to_pay_minor"]) == (50, 500)
    hold = {"points": 480, "time": LATER}
    problem(till.post(f"/members/{ANN}/holds", hold), 409, "insufficient-points")
    released = told(till.post(f"/quotes/{first['quote_id']}/release", {"time": LATER}))
    assert (released["points"], released["coupons"], released["campaigns"]) == (50, [], [])
    assert told(till.post(f"/quotes/{first['quote_id']}/release", {"time": OVER})) == released, "twice is a repeat"
    second = told(till.post("/quotes", body))
    tenders = [{"kind": "points", "amount_minor": 500}, {"kind": "cash", "amount_minor": 500}]
    sold = told(till.post("/purchases", receipt(2_000, ANN, store="5", quote=second["quote_id"], tenders=tenders)))
    assert (sold["redeemed"], sold["debt"]) == (50, 0)
    ended = till.post(f"/quotes/{second['quote_id']}/release", {"time": LATER})
    assert problem(ended, 409, "reservation-ended-before")["how"] == "sold"


def test_what_is_not_there_to_be_given_up_is_told_by_name(till: Till) -> None:
    quote = told(till.post("/quotes", ASKED | {"member": str(ANN), "store": "6"}))
    late = problem(till.post(f"/quotes/{quote['quote_id']}/release", {"time": OVER}), 409, "reservation-ended-before")
    assert late["how"] == "timed-out"
    problem(till.post(f"/quotes/{quote['quote_id']}A/release", {"time": LATER}), 422, "quote-invalid")
    problem(till.post(f"/quotes/{quote['quote_id']}/release", {"time": LATER}, scope="analyst"), 403, "forbidden")
    plain = told(till.post("/quotes", ASKED | {"member": str(ANN), "reserve": False}), 200)
    problem(till.post(f"/quotes/{plain['quote_id']}/release", {"time": LATER}), 404, "nothing-reserved")
