"""Points over HTTP: lots, what will lapse, the statement; their parameters and refusals."""

from typing import Any

import pytest

from tests.builders import ANN, BOB, policy, published
from tests.domain.world import DAY, World
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.spec import NOON

RULES = policy(points_as_cash={"points": 1, "amount_minor": 10}, expiry={"mode": "rolling", "months": 1})
AS_OF = "2023-05-10T12:00:00+08:00"


@pytest.fixture
def asked(door: Door) -> Door:
    """Ann bought for 30 points and spent 12 of them."""
    world = World(RULES)
    world.buys(30, at=NOON)
    world.do(world.redeem(12, at=NOON + DAY))
    facts = [one for one in world.log.batch.facts if one.subject in {ANN, BOB}]
    door.read_side.given(published(RULES), *facts)
    door.read_side.models.take_in(door.read_side.teller.watermark())
    return door


def test_lots_are_told_page_by_page(asked: Door) -> None:
    told = asked.ask(f"/members/{ANN}/lots", as_of=AS_OF, limit=1).json()
    (lot,) = told["items"]
    assert (lot["origin"], lot["part"], lot["points"], lot["available"], lot["spent"]) == (
        "purchase",
        "base",
        30,
        18,
        12,
    )
    assert (lot["expires_at"], told["next"], told["as_of"]) == ("2023-06-02T16:00:00Z", None, "2023-05-10T04:00:00Z")


def test_what_will_lapse_is_told_by_local_day(asked: Door) -> None:
    for path in (f"/members/{ANN}/expiries", "/expiries"):
        told = asked.ask(path, as_of=AS_OF).json()
        assert told["days"] == [{"day": "2023-06-02", "points": 18}]
        assert (told["points"], told["time_zone"], told["until"]) == (18, "Asia/Shanghai", "2200-01-01T00:00:00Z")
        assert asked.ask(path, as_of=AS_OF, until="2023-06-01T00:00:00Z").json()["days"] == []


def test_a_statement_is_told_in_the_language_asked_for_newest_first(asked: Door) -> None:
    english = asked.ask(f"/members/{ANN}/statement", as_of=AS_OF).json()
    assert [(one["text"], one["balance"]) for one in english["items"]] == [
        ("12 points used", 18), ("Purchase: 30 points earned", 30),
    ]  # fmt: skip
    assert (english["language"], english["title"], english["balance"], english["debt"]) == ("en", "Your points", 18, 0)
    first = asked.ask(f"/members/{ANN}/statement", as_of=AS_OF, language="zh", order="oldest", limit=1).json()
    assert (first["title"], [one["text"] for one in first["items"]]) == ("您的积分", ["购物：获得 30 积分"])
    second = asked.ask(
        f"/members/{ANN}/statement", as_of=AS_OF, language="zh", order="oldest", limit=1, after=first["next"]
    ).json()
    assert ([one["text"] for one in second["items"]], second["next"]) == (["使用 12 积分"], None)


@pytest.mark.parametrize("answer", ["balance", "lots", "expiries", "statement"])
def test_a_stranger_is_unknown(door: Door, answer: str) -> None:
    door.read_side.given(published(RULES))
    problem(door.ask(f"/members/{BOB}/{answer}", as_of=AS_OF), 404, "unknown-member")


@pytest.mark.parametrize("path", [f"/members/{ANN}/expiries", f"/members/{ANN}/statement", "/expiries"])
def test_before_the_first_version_there_are_no_local_days(asked: Door, path: str) -> None:
    problem(asked.ask(path, as_of="2022-01-01T00:00:00Z"), 404, "no-programme-in-force")


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        (f"/members/{ANN}/statement", {"language": "de"}, "query.language"),
        (f"/members/{ANN}/statement", {"order": "random"}, "query.order"),
        (f"/members/{ANN}/statement", {"limit": 0}, "query.limit"),
        (f"/members/{ANN}/statement", {"after": "\0"}, "query.after"),
        (f"/members/{ANN}/statement", {"lang": "zh"}, "query.lang"),
        (f"/members/{ANN}/lots", {"limit": 1_001}, "query.limit"),
        (f"/members/{ANN}/lots", {"until": AS_OF}, "query.until"),
        ("/expiries", {"until": "2023-06-01"}, "query.until"),
    ],
)
def test_what_cannot_be_understood_is_named(asked: Door, path: str, parameters: dict[str, Any], field: str) -> None:
    assert problem(asked.ask(path, **parameters), 422, "invalid-request")["fields"] == [field]


def test_any_text_is_a_place_in_a_list(asked: Door) -> None:
    for path in (f"/members/{ANN}/statement", f"/members/{ANN}/lots"):
        assert asked.ask(path, as_of=AS_OF, after="nowhere").status_code == 200


def test_a_statement_has_a_title_where_the_programme_gives_none(door: Door) -> None:
    world = World(policy(texts=None))
    world.buys(30, at=NOON)
    facts = [one for one in world.log.batch.facts if one.subject in {ANN, BOB}]
    door.read_side.given(published(policy(texts=None)), *facts)
    door.read_side.models.take_in(door.read_side.teller.watermark())
    titles = [door.ask(f"/members/{ANN}/statement", as_of=AS_OF, language=one).json()["title"] for one in ("en", "zh")]
    assert titles == ["Statement of points", "积分对账单"]
