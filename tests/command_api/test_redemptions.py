"""Spending over HTTP: holds, captures, redemptions and reversals; repeats, refusals, and many tills at once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.builders import ANN, BOB, join, line, policy, publish, purchase
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT
from tests.spec import NOON as BOUGHT_AT

NOON, LATER, UNTIL = "2023-05-02T04:00:00Z", "2023-05-02T04:10:00Z", "2023-05-02T04:15:00Z"
LAPSED = "2024-03-15T16:00:00Z"
HOLDS, REDEMPTIONS = f"/members/{ANN}/holds", f"/members/{ANN}/redemptions"
SPENDERS = 50


ANN_HAS_100 = (join(at=JOINED_AT), purchase(line(100_000), at=BOUGHT_AT))
"""One point pays ¥0.10, for up to half of a bill."""


@pytest.fixture
def till(module_database_url: str, tmp_path: Path) -> Iterator[Till]:
    with till_of(module_database_url, tmp_path, *ANN_HAS_100) as opened:
        yield opened


def without(told_: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told_.items() if name not in {"position", *names}}


class TestAHold:
    def test_answers_what_it_set_aside_and_what_is_available_besides(self, till: Till) -> None:
        answer = told(till.post(HOLDS, {"points": 30, "time": NOON}))
        assert without(answer) == {
            "hold_id": str(UUID(answer["hold_id"])), "member_id": str(ANN), "points": 30, "amount_minor": 300, "until": UNTIL, "available": 70,
        }  # fmt: skip
        assert answer["position"] == till.ledger.log()[-1][0]

    def test_may_be_asked_for_by_the_amount_it_is_to_pay(self, till: Till) -> None:
        body = {"amount_minor": 295, "bill_minor": 590, "minutes": 60, "time": NOON}
        answer = told(till.post(HOLDS, body))
        assert (answer["points"], answer["amount_minor"], answer["until"]) == (30, 295, "2023-05-02T05:00:00Z")
        captured = told(till.post(f"/holds/{answer['hold_id']}/capture", {"time": LATER}))
        assert (captured["points"], captured["amount_minor"]) == (30, 295), "it pays what it was placed for"

    def test_is_captured_in_part_and_the_rest_is_free_again(self, till: Till) -> None:
        hold = told(till.post(HOLDS, {"points": 30, "time": NOON}))["hold_id"]
        assert without(told(till.post(f"/holds/{hold}/capture", {"points": 20, "time": LATER}))) == {
            "redemption_id": hold, "member_id": str(ANN), "points": 20, "amount_minor": 200, "debt": 0, "available": 80,
        }  # fmt: skip

    def test_is_released(self, till: Till) -> None:
        hold = told(till.post(HOLDS, {"points": 30, "time": NOON}))["hold_id"]
        assert without(told(till.post(f"/holds/{hold}/release", {"time": LATER}))) == {
            "hold_id": hold, "member_id": str(ANN), "available": 100,
        }  # fmt: skip

    def test_becomes_a_redemption_that_is_reversed(self, till: Till) -> None:
        hold = told(till.post(HOLDS, {"points": 30, "time": NOON}))["hold_id"]
        told(till.post(f"/holds/{hold}/capture", {"time": LATER}))
        back = told(till.post(f"/redemptions/{hold}/reversal", {"points": 10, "time": LATER}))
        assert without(back) == {
            "redemption_id": hold, "member_id": str(ANN), "points": 10, "lapsed": 0, "restored_until": None,
            "debt_cancelled": 0, "available": 80,
        }  # fmt: skip


class TestARedemption:
    def test_answers_what_was_spent(self, till: Till) -> None:
        answer = told(till.post(REDEMPTIONS, {"amount_minor": 401, "time": NOON}))
        assert without(answer, "redemption_id") == {
            "member_id": str(ANN), "points": 41, "amount_minor": 401, "debt": 0, "available": 59,
        }  # fmt: skip

    def test_given_away_offline_is_owed_where_the_account_cannot_cover_it(self, till: Till) -> None:
        body = {"points": 130, "offline": True, "reason": "no network", "time": NOON}
        answer = told(till.post(REDEMPTIONS, body, key="k"))
        assert (answer["points"], answer["debt"], answer["available"]) == (130, 30, 0)
        assert till.ledger.states("PointsRedeemed.v1")[-1]["reason"] == "no network"
        back = told(till.post(f"/redemptions/{answer['redemption_id']}/reversal", {"time": LATER}))
        assert (back["points"], back["debt_cancelled"], back["available"]) == (130, 30, 100)

    def test_that_comes_back_after_its_lots_expired_has_lapsed(self, till: Till) -> None:
        answer = told(till.post(REDEMPTIONS, {"points": 40, "time": NOON}))
        back = told(till.post(f"/redemptions/{answer['redemption_id']}/reversal", {"time": LAPSED}))
        assert (back["points"], back["lapsed"], back["available"]) == (40, 40, 0)
        assert back["restored_until"] is None

    def test_lives_on_where_the_programme_gives_days_of_grace(self, till: Till) -> None:
        rules = policy(restore_grace_days=30, effective_from="2024-01-01T00:00:00+08:00")
        till.ledger.writer().execute([publish(rules, at=BOUGHT_AT)], recorded_at=datetime.now(UTC))
        answer = told(till.post(REDEMPTIONS, {"points": 40, "time": NOON}))
        path = f"/redemptions/{answer['redemption_id']}/reversal"
        back = told(till.post(path, {"time": LAPSED}, key="b"))
        assert without(back, "redemption_id") == {
            "member_id": str(ANN), "points": 40, "lapsed": 0, "restored_until": "2024-04-15T16:00:00Z",
            "debt_cancelled": 0, "available": 40,
        }  # fmt: skip
        assert told(till.post(path, {"time": LAPSED}, key="b")) == back

    def test_that_paid_for_goods_lives_on_with_their_return(self, till: Till) -> None:
        rules = policy(restore_grace_days=30, effective_from="2024-01-01T00:00:00+08:00")
        till.ledger.writer().execute([publish(rules, at=BOUGHT_AT)], recorded_at=datetime.now(UTC))
        bought = purchase(line(10_000), at=datetime.fromisoformat(NOON), id="R-2", points_minor=1_000)
        till.ledger.writer().execute([bought], recorded_at=datetime.now(UTC))
        back = told(till.post(f"/purchases/{bought.id}/void", {"time": LAPSED}))
        assert (back["restored"], back["restored_until"], back["available"]) == (100, "2024-04-15T16:00:00Z", 100)


class TestRepeats:
    def test_under_a_key_everything_happens_once(self, till: Till) -> None:
        hold = told(till.post(HOLDS, {"points": 30, "time": NOON}, key="h"))["hold_id"]
        asked: list[tuple[str, dict[str, Any]]] = [
            (HOLDS, {"points": 30, "time": NOON}),
            (f"/holds/{hold}/capture", {"time": LATER}),
            (f"/redemptions/{hold}/reversal", {"points": 7, "time": LATER}),
            (REDEMPTIONS, {"points": 5, "time": NOON}),
        ]
        keys = ["h", "c", "b", "r"]
        first = [told(till.post(path, body, key=key)) for key, (path, body) in zip(keys, asked, strict=True)]
        recorded = till.ledger.log()
        assert [told(till.post(path, body, key=key)) for key, (path, body) in zip(keys, asked, strict=True)] == first
        assert till.ledger.log() == recorded

    def test_other_content_under_a_key_is_a_conflict(self, till: Till) -> None:
        hold = told(till.post(HOLDS, {"points": 30, "time": NOON}, key="k"))["hold_id"]
        conflict = {"source": "/clients/till", "external_id": "k"}
        for path, body in (
            (HOLDS, {"points": 31, "time": NOON}),
            (HOLDS, {"points": 30, "time": LATER}),
            (REDEMPTIONS, {"points": 30, "time": NOON}),
            (f"/members/{BOB}/holds", {"points": 30, "time": NOON}),
            (f"/holds/{hold}/capture", {"time": LATER}),
            (f"/holds/{hold}/release", {"time": LATER}),
            (f"/redemptions/{hold}/reversal", {"time": LATER}),
        ):
            assert problem(till.post(path, body, key="k"), 422, "conflicting-repeat") == conflict
        assert told(till.post(HOLDS, {"points": 31, "time": NOON}, key="k", scope="staff")), "the key of another owner"

    def test_a_refused_spend_stays_refused_though_there_would_be_points_by_now(self, till: Till) -> None:
        body, refused = {"points": 150, "time": "2023-05-03T04:00:00Z"}, {"points": 150, "available": 100, "debt": 0}
        for path in (HOLDS, REDEMPTIONS):
            assert problem(till.post(path, body, key=path), 409, "insufficient-points") == refused
        receipt = {
            "source": "/stores/1", "id": "R-2", "time": LATER, "currency": "CNY", "store": "1", "card": "1001",
            "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 100_000}],
            "tenders": [{"kind": "card", "amount_minor": 100_000}],
        }  # fmt: skip
        assert told(till.post("/purchases", receipt))["available"] == 200
        recorded = till.ledger.log()
        for path in (HOLDS, REDEMPTIONS):
            assert problem(till.post(path, body, key=path), 409, "insufficient-points") == refused
            conflict = problem(till.post(path, {**body, "points": 10}, key=path), 422, "conflicting-repeat")
            assert conflict["external_id"] == path
        assert till.ledger.log() == recorded
        assert told(till.post(HOLDS, body, key="a new one"))["available"] == 50

    def test_without_a_key_every_one_is_another(self, till: Till) -> None:
        for available in (70, 40, 10):
            assert told(till.post(HOLDS, {"points": 30, "time": NOON}))["available"] == available


class TestRefusals:
    def test_each_is_a_problem_with_its_fields(self, till: Till) -> None:
        nobody, hold = uuid4(), told(till.post(HOLDS, {"points": 30, "time": NOON}))["hold_id"]
        spent = told(till.post(REDEMPTIONS, {"points": 10, "time": NOON}))["redemption_id"]
        of_nobody = {"points": 1, "time": NOON}
        assert problem(till.post(f"/members/{nobody}/holds", of_nobody), 404, "unknown-member") == {
            "member_id": str(nobody)
        }
        assert problem(till.post(HOLDS, {"points": 61, "time": NOON}), 409, "insufficient-points") == {
            "points": 61, "available": 60, "debt": 0,
        }  # fmt: skip
        share = {"amount_minor": 51, "bill_minor": 101, "time": NOON}
        assert problem(till.post(REDEMPTIONS, share), 422, "above-share-of-bill") == {
            "amount_minor": 51, "most_minor": 50,
        }  # fmt: skip
        capture = f"/holds/{hold}/capture"
        assert problem(till.post(f"/holds/{spent}/capture", {"time": NOON}), 404, "unknown-hold") == {"hold_id": spent}
        assert problem(till.post(f"/holds/{nobody}/release", {"time": NOON}), 404, "unknown-hold")
        assert problem(till.post(f"/holds/{ANN}/release", {"time": NOON}), 409, "id-of-another-kind")
        assert problem(till.post(capture, {"time": UNTIL}), 409, "capture-after-timeout") == {
            "hold_id": hold, "until": "2023-05-02T04:15:00+00:00",
        }  # fmt: skip
        assert problem(till.post(capture, {"points": 31, "time": LATER}), 409, "more-than-held") == {
            "hold_id": hold, "points": 31, "held": 30,
        }  # fmt: skip
        told(till.post(f"/holds/{hold}/release", {"time": LATER}))
        assert problem(till.post(capture, {"time": LATER}), 409, "hold-ended-before") == {
            "hold_id": hold, "how": "released",
        }  # fmt: skip
        reversal = f"/redemptions/{spent}/reversal"
        assert problem(till.post(reversal, {"points": 11, "time": LATER}), 409, "more-than-redeemed") == {
            "redemption_id": spent, "points": 11, "left": 10,
        }  # fmt: skip
        unknown = till.post(f"/redemptions/{hold}/reversal", {"time": LATER})
        assert problem(unknown, 404, "unknown-redemption") == {"redemption_id": hold}
        told(till.post(reversal, {"time": LATER}))
        assert problem(till.post(reversal, {"time": LATER}), 409, "redemption-reversed-before") == {
            "redemption_id": spent
        }

    @pytest.mark.parametrize(
        ("body", "name", "field"),
        [
            ({}, "invalid-field", "points"),
            ({"points": 1, "amount_minor": 10}, "invalid-field", "points"),
            ({"points": 0}, "invalid-field", "points"),
            ({"points": -1}, "invalid-field", "points"),
            ({"points": 1.0}, "invalid-field", "points"),
            ({"points": "1"}, "invalid-field", "points"),
            ({"points": True}, "invalid-field", "points"),
            ({"points": 2**53}, "invalid-field", "points"),
            ({"amount_minor": 0}, "invalid-field", "amount_minor"),
            ({"points": 1, "bill_minor": 2**53}, "invalid-field", "bill_minor"),
            ({"points": 1, "colour": "red"}, "invalid-field", "colour"),
            ({"points": 1, "time": None}, "invalid-field", "time"),
            ({"points": 1, "time": "2023-05-02T04:00:00"}, "time-without-zone", "time"),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_not_remembered(
        self, till: Till, body: dict[str, Any], name: str, field: str
    ) -> None:
        recorded = till.ledger.log()
        for path in (HOLDS, REDEMPTIONS):
            assert problem(till.post(path, {"time": NOON, **body}, key="k"), 422, name)["field"] == field
        assert till.ledger.log() == recorded
        assert told(till.post(HOLDS, {"points": 1, "time": NOON}, key="k"))

    @pytest.mark.parametrize("what", [{"minutes": 0}, {"minutes": 43_201}, {"offline": "yes"}, {"minutes": 1.5}])
    def test_other_fields_are_read_as_strictly(self, till: Till, what: dict[str, Any]) -> None:
        path = HOLDS if "minutes" in what else REDEMPTIONS
        assert problem(till.post(path, {"points": 1, "time": NOON, **what}), 422, "invalid-field")["field"] in what

    def test_a_clock_that_runs_ahead_is_refused_and_not_remembered(self, till: Till) -> None:
        ahead = {"points": 1, "time": "2999-01-01T00:00:00Z"}
        recorded = till.ledger.log()
        for path in (HOLDS, REDEMPTIONS, f"/holds/{ANN}/capture"):
            problem(till.post(path, ahead, key="k"), 422, "time-in-the-future")
        assert till.ledger.log() == recorded

    def test_only_tills_and_staff_spend(self, till: Till) -> None:
        for path in (HOLDS, REDEMPTIONS, *(f"/holds/{ANN}/{what}" for what in ("capture", "release"))):
            problem(till.post(path, {"points": 1, "time": NOON}, scope="analyst"), 403, "forbidden")
        problem(till.post(f"/redemptions/{ANN}/reversal", {"time": NOON}, scope="analyst"), 403, "forbidden")


def test_the_documentation_tells_them(till: Till) -> None:
    document = till.client.get("/openapi.json").json()
    assert {
        "/members/{member_id}/holds", "/holds/{hold_id}/capture", "/holds/{hold_id}/release",
        "/members/{member_id}/redemptions", "/redemptions/{redemption_id}/reversal",
    } <= set(document["paths"])  # fmt: skip
    assert {"HoldBody", "CaptureBody", "ReleaseBody", "RedemptionBody", "ReversalBody"} <= set(
        document["components"]["schemas"]
    )


def at_once(work: Sequence[Callable[[], httpx.Response]]) -> Counter[str]:
    """All begin together; answers how often each came out."""
    start = threading.Barrier(len(work))

    def begin(one: Callable[[], httpx.Response]) -> str:
        start.wait(30)
        response = one()
        return "spent" if response.status_code == 201 else str(response.json()["type"])

    with ThreadPoolExecutor(len(work)) as pool:
        return Counter(pool.map(begin, work))


def spend(client: httpx.Client, headers: dict[str, str], number: int) -> httpx.Response:
    """Every other one is a hold."""
    path = HOLDS if number % 2 else REDEMPTIONS
    return client.post(path, json={"points": 9, "time": NOON}, headers=headers)


def assert_the_points_are_conserved(till: Till) -> None:
    """11 × 9 of the 100 were given to somebody, each from the lot of the purchase, and none twice."""
    given = till.ledger.states("PointsHeld.v1") + till.ledger.states("PointsRedeemed.v1")
    assert [sum(part["points"] for part in one["parts"]) for one in given] == [9] * 11
    assert len({part["lot_id"] for one in given for part in one["parts"]}) == 1
    assert told(till.post(HOLDS, {"points": 1, "time": NOON}))["available"] == 0
    assert problem(till.post(HOLDS, {"points": 1, "time": NOON}), 409, "insufficient-points")["available"] == 0


@pytest.mark.parametrize("doors", [1, 2])
def test_of_50_tills_at_once_as_many_spend_as_can_afford_it(
    module_database_url: str, tmp_path: Path, doors: int
) -> None:
    """At two doors neither writer sees what the other has in memory; the log decides."""
    with till_of(module_database_url, tmp_path, *ANN_HAS_100, doors=doors) as till:
        headers = {"Authorization": f"Bearer {till.keys['till']}"}
        found = at_once([
            lambda number=number: spend(till.clients[number // 2 % doors], headers, number)  # type: ignore[misc]
            for number in range(SPENDERS)
        ])  # fmt: skip
        assert found == {"spent": 11, "urn:loyalty:insufficient-points": SPENDERS - 11}
        assert_the_points_are_conserved(till)


def test_of_50_repeats_at_once_one_is_carried_out_and_all_get_its_answer(till: Till) -> None:
    body, answers = {"points": 60, "time": NOON}, set()

    def repeat() -> httpx.Response:
        response = till.post(REDEMPTIONS, body, key="once")
        answers.add(response.text)
        return response

    assert at_once([repeat] * SPENDERS) == {"spent": SPENDERS}
    assert len(answers) == 1
    assert len(till.ledger.states("PointsRedeemed.v1")) == 1
