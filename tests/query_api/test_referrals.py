"""Referrals over HTTP: a member's, and all of them by state."""

import pytest

from tests.builders import ANN, published
from tests.domain.referring import CODE, KIM, LEE, Referring, rules
from tests.query_api.conftest import Door
from tests.query_api.test_members import problem
from tests.spec import NOON

RULES = rules(burst={"joins": 1})
AS_OF = "2023-06-10T12:00:00+08:00"


@pytest.fixture
def asked(door: Door) -> Door:
    """Kim joined by Ann's code, bought, and both were rewarded; Lee is held."""
    world = Referring(RULES)
    world.kim_joins()
    world.kim_buys()
    world.do(world.joins(LEE, card="2002"))
    world.clock(14)
    door.read_side.given(published(RULES), *world.log.batch.facts)
    door.read_side.models.take_in(door.read_side.teller.watermark())
    return door


def test_a_member_is_told_codes_states_and_rewards(asked: Door) -> None:
    told = asked.ask(f"/members/{ANN}/referrals", "till", as_of=AS_OF).json()
    assert (told["codes"], told["referred"], told["as_of"]) == ([CODE], None, "2023-06-10T04:00:00Z")
    first, second = told["made"]
    assert (first["referee"], first["state"], first["referrer_points"]) == (str(KIM), "rewarded", 100)
    assert (second["referee"], second["state"], second["pays_at"]) == (str(LEE), "held", None)
    assert asked.ask(f"/members/{KIM}/referrals", as_of=AS_OF).json()["referred"] == first
    early = asked.ask(f"/members/{ANN}/referrals", as_of=NOON.isoformat()).json()["made"][0]
    assert (early["state"], early["pays_at"]) == ("qualified", "2023-05-16T04:00:00Z")


def test_an_analyst_is_told_all_of_them_by_state(asked: Door) -> None:
    told = asked.ask("/referrals", "analyst", as_of=AS_OF, limit=1).json()
    assert (told["counts"], told["next"]) == ({"rewarded": 1, "held": 1, "invited": 0}, str(KIM))
    (held,) = asked.ask("/referrals", "analyst", as_of=AS_OF, state="held").json()["items"]
    assert held["referee"] == str(LEE)


def test_what_cannot_be_asked_is_told(asked: Door) -> None:
    assert asked.ask("/referrals", "till").status_code == 403
    assert asked.ask("/referrals", state="forgotten").status_code == 422
    problem(asked.ask("/members/00000000-0000-4000-8000-000000000009/referrals"), 404, "unknown-member")
