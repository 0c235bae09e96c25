"""Every figure of a small ledger with a bit of everything is explained, and comes out of the rules as it is recorded."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from psycopg import Connection

from domain.movements import PointsEarned, PointsRedeemed
from domain.points_account import account_id
from infra.database import connect
from projections.explaining.balance import explain_balance, explain_expiry
from projections.explaining.case import Case
from projections.explaining.fact import explain_fact, step_of
from projections.explaining.tier import explain_tier
from projections.wording import Language
from tests.domain.world import DAY
from tests.projections.whatif.recorded import END, EVERYBODY, PLAIN, Town
from tests.spec import NOON

PROGRAMME = "member_experience"


@pytest.fixture(scope="module")
def town(module_database_url: str) -> Town:
    return Town().lives().store(module_database_url)


@pytest.fixture
def log(town: Town, module_database_url: str) -> Iterator[Connection]:
    with connect(module_database_url) as opened:
        yield opened


def case_of(log: Connection, member: object, town: Town, language: Language = "en") -> Case:
    return Case(log, member, programme=PROGRAMME, language=language, position=len(town.facts))  # type: ignore[arg-type]


@pytest.mark.parametrize("member", EVERYBODY)
def test_balances_follow_from_the_log_at_any_time(town: Town, log: Connection, member: object) -> None:
    case = case_of(log, member, town)
    accounts = town.log.batch
    for days in (170, 400, 700, 900, 2_000):
        at = NOON + days * DAY
        if not any(one.fact.occurred_at <= at for one in case.matter.movements):
            continue
        found = explain_balance(case, at)
        assert (found.reproduced, found.differences) == (True, []), found.says
        assert explain_expiry(case, at).reproduced
        assert explain_tier(case, at).reproduced
        if at >= END:
            account = accounts.get(type(case.account), account_id(member))  # type: ignore[arg-type]
            assert found.gives == account.buckets(at).available


def test_every_fact_of_every_account_is_explained_and_reproduced(town: Town, log: Connection) -> None:
    seen = set()
    for member in EVERYBODY:
        case = case_of(log, member, town)
        assert case.differences(case.facts) == []
        for one in case.matter.movements:
            step = step_of(case, one)
            assert step.says
            assert one.position in step.facts
            seen.add(one.name)
    assert {"PointsEarned.v1", "PointsRevoked.v1", "PointsSent.v1", "RedemptionReversed.v1", "TierMoved.v1"} <= seen


def test_a_wrong_fact_is_told_where_it_stands_and_nowhere_else(emptied_database_url: str) -> None:
    """One point too many, written by hand."""
    town = Town()
    town.plain_members_buy(NOON)
    town.plain_members_buy(NOON + 10 * DAY)
    town.do(town.redeem(30, at=NOON + 11 * DAY, member=PLAIN[0]))
    account = account_id(PLAIN[0])
    place, right = next(
        (n, one) for n, one in enumerate(town.facts) if isinstance(one, PointsEarned) and one.originator_id == account
    )
    base, *others = right.parts
    town.planted[place] = right.model_copy(update={"parts": [{**base, "points": base["points"] + 1}, *others]})
    town.store(emptied_database_url)
    with connect(emptied_database_url) as log:
        case = Case(log, PLAIN[0], programme=PROGRAMME, language="en", position=len(town.facts))
        found = explain_balance(case, NOON + 12 * DAY)
        (difference,) = found.differences
        assert found.reproduced is False
        assert (difference.position, difference.field) == (place + 1, "parts[base].points")
        assert (difference.recorded, difference.gives) == (base["points"] + 1, base["points"])
        assert str(place + 1) in difference.says
        told = explain_fact(log, place + 1, upto=len(town.facts), programme=PROGRAMME, language="zh")
        assert (told.reproduced, [one.position for one in told.differences]) == (False, [place + 1])
        later = explain_fact(log, len(town.facts), upto=len(town.facts), programme=PROGRAMME, language="zh")
        assert later.reproduced


def test_a_fact_that_does_not_fit_is_told_and_nothing_after_it_is_worked_out(emptied_database_url: str) -> None:
    town = Town()
    town.plain_members_buy(NOON)
    spent = town.redeem(30, at=NOON + DAY, member=PLAIN[0])
    town.do(spent)
    place = len(town.facts) - 1
    right = town.facts[place]
    assert isinstance(right, PointsRedeemed)
    town.planted[place] = right.model_copy(update={"parts": [{"lot_id": UUID(int=5), "points": 30}]})
    town.store(emptied_database_url)
    with connect(emptied_database_url) as log:
        found = explain_balance(
            Case(log, PLAIN[0], programme=PROGRAMME, language="en", position=place + 1), NOON + 2 * DAY
        )
    assert (found.reproduced, found.differences[0].position) == (False, place + 1)
    assert "does not fit" in found.differences[0].says
