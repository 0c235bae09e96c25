"""The read model of referrals: codes, states and rewards, and lines of statements, from the facts alone."""

from datetime import datetime
from uuid import UUID

import pytest

from projections.referrals import MemberReferrals, ReferralList, referral_list, referrals_of
from projections.statements import statement_of
from tests.builders import ANN, BOB, published
from tests.domain.referring import CODE, KIM, LEE, Referring, rules
from tests.domain.world import DAY
from tests.read_spec import ReadSide
from tests.spec import NOON

LATER = NOON + 60 * DAY
RULES = rules(burst={"joins": 1})


@pytest.fixture
def world() -> Referring:
    """Kim joined by Ann's code and bought, and was rewarded on day 14; Lee is held, as it was the second on that day."""
    world = Referring(RULES)
    world.kim_joins()
    world.kim_buys()
    world.do(world.joins(LEE, card="2002"))
    world.clock(14)
    return world


def told(read_side: ReadSide, world: Referring) -> ReadSide:
    return read_side.given(published(RULES), *world.log.batch.facts)


def ask(read_side: ReadSide, member: UUID, *, at: datetime = LATER) -> MemberReferrals:
    found = read_side.ask("referrals", referrals_of, member_id=member, as_of=at)
    assert found is not None
    return found


def listed(read_side: ReadSide, **asked: object) -> ReferralList:
    what = {"state": None, "after": None, "limit": 100, "as_of": LATER, **asked}
    return read_side.ask("referrals", referral_list, **what)


def test_a_member_sees_codes_and_whom_they_brought_and_who_brought_them(read_side: ReadSide, world: Referring) -> None:
    told(read_side, world)
    ann, kim = ask(read_side, ANN), ask(read_side, KIM)
    assert (ann.codes, ann.referred) == ([CODE], None)
    assert [(one.referee, one.state, one.referrer_points, one.referee_points) for one in ann.made] == [
        (KIM, "rewarded", 100, 50), (LEE, "held", 0, 0),
    ]  # fmt: skip
    assert (kim.codes, kim.made) == ([], [])
    assert kim.referred == ann.made[0]
    assert read_side.ask("referrals", referrals_of, member_id=UUID(int=5), as_of=LATER) is None


def test_each_state_is_told_as_of_its_time(read_side: ReadSide, world: Referring) -> None:
    told(read_side, world)
    before, bought = ask(read_side, ANN, at=NOON + 13 * DAY).made[0], ask(read_side, KIM, at=NOON - DAY)
    assert (before.state, before.pays_at, before.purchase_id) == ("qualified", NOON + 14 * DAY, None)
    assert bought.referred is None


def test_a_reversal_and_a_review_are_told_with_their_reasons(read_side: ReadSide, world: Referring) -> None:
    (purchase_id,) = world.account(KIM).credited
    world.kim_returns(purchase_id, day=20)
    world.do(world.reviews("reject", member=LEE, day=20))
    told(read_side, world)
    kim, lee = ask(read_side, ANN).made
    assert (kim.state, kim.reason, kim.purchase_id, kim.referrer_points) == (
        "reversed",
        "purchase-returned",
        purchase_id,
        0,
    )
    assert (lee.state, lee.reason, lee.reviewed_by) == ("rejected", "looked at", "/clients/tests")


def test_a_reward_is_told_with_the_purchase_that_it_counts_for_by_now(read_side: ReadSide) -> None:
    world = Referring(RULES)
    world.kim_joins()
    first, second = world.kim_buys(), world.kim_buys(day=1, id="R-2")
    world.clock(14)
    world.kim_returns(first, day=3)
    told(read_side, world)
    kim, before = ask(read_side, ANN).made[0], ask(read_side, ANN, at=NOON + 13 * DAY).made[0]
    assert (kim.state, kim.purchase_id, kim.referrer_points) == ("rewarded", second, 100)
    assert (before.state, before.purchase_id) == ("qualified", None)


def test_all_are_listed_page_by_page_and_counted_by_state(read_side: ReadSide, world: Referring) -> None:
    world.do(world.asks(BOB, "BOBS-CODE-9"))
    told(read_side, world)
    first = listed(read_side, limit=1)
    assert first.counts == {"rewarded": 1, "held": 1, "invited": 1}
    assert [one.referee for one in first.items] == [KIM]
    assert [one.referee for one in listed(read_side, after=first.next).items] == [LEE]
    assert [one.referee for one in listed(read_side, state="held").items] == [LEE]


def test_the_survivor_of_a_merge_sees_what_the_other_brought(read_side: ReadSide, world: Referring) -> None:
    world.do(world.merge(ANN, BOB, at=NOON + 20 * DAY))
    told(read_side, world)
    assert [one.referee for one in ask(read_side, BOB).made] == [KIM, LEE]
    assert ask(read_side, BOB).codes == [CODE]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["Recommendation: 100 points given", "Recommendation no longer counts: 100 points taken back"]),
        ("zh", ["推荐奖励：获得 100 积分", "推荐奖励取消：收回 100 积分"]),
    ],
)
def test_statements_tell_rewards_and_their_reversal(
    read_side: ReadSide, world: Referring, language: str, texts: list[str]
) -> None:
    (purchase_id,) = world.account(KIM).credited
    world.kim_returns(purchase_id, day=20)
    told(read_side, world)
    asked = {"order": "oldest", "after": "", "limit": 10, "as_of": LATER, "language": language}
    statement = read_side.ask("balances", statement_of, member_id=ANN, programme="member_experience", **asked)
    assert statement is not None
    given, taken = statement.items
    assert ([given.text, taken.text], given.points, taken.balance) == (texts, 100, 0)
    assert taken.reverses == given.id
