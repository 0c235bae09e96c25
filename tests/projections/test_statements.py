"""A member's history in plain words: a line for each cause, and what there was after it."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from projections.causes import ORDER
from projections.points import balance_of
from projections.statements import Line, Statement, statement_of
from projections.wording import ASIDES, LANGUAGES, LINES, sentence
from tests.builders import ANN, BOB, policy, published, returned
from tests.domain.world import DAY, World
from tests.projections.histories import RULES, stories
from tests.read_spec import ReadSide
from tests.spec import NOON

CASH = {"points": 1, "amount_minor": 10}
LASTING = policy(points_as_cash=CASH, expiry={"mode": "never"})
SHORT = policy(points_as_cash=CASH, expiry={"mode": "rolling", "months": 1})
HOUR = timedelta(hours=1)


def ask(read_side: ReadSide, member_id: UUID = ANN, *, at: datetime = NOON + 90 * DAY, **what: Any) -> Statement:
    asked: dict[str, Any] = {"language": "en", "order": "oldest", "after": "", "limit": 1_000, "as_of": at}
    found = read_side.ask("balances", statement_of, member_id=member_id, programme="member_experience", **asked | what)
    assert found is not None
    return found


def lines(statement: Statement) -> list[tuple[str, str, int, int]]:
    return [(one.kind, one.text, one.points, one.balance) for one in statement.items]


def paged(read_side: ReadSide, order: str) -> list[Line]:
    found: list[Line] = []
    after: str | None = ""
    while after is not None:
        page = ask(read_side, order=order, after=after, limit=3)
        found, after = found + page.items, page.next
    return found


def told(read_side: ReadSide, world: World) -> ReadSide:
    rules = world.log.batch.programme.versions[0]
    return read_side.given(published(rules), *(one for one in world.log.batch.facts if one.subject in {ANN, BOB}))


def test_a_purchase_its_parts_and_its_points_payment_are_one_line(read_side: ReadSide) -> None:
    world = World(LASTING)
    world.buys(30, at=NOON)
    sold = world.buys(20, at=NOON + HOUR, id="R-2", points_minor=100)
    told(read_side, world)
    first, second = ask(read_side).items
    assert (first.text, first.points, first.balance) == ("Purchase: 30 points earned", 30, 30)
    assert (second.id, second.kind, second.reverses) == (str(sold), "purchase", None)
    assert (second.text, second.points, second.balance) == ("Purchase: 19 points earned; 10 points used", 9, 39)
    assert [(one.part, one.points) for one in second.parts] == [("base", 19)]


def test_a_return_names_its_purchase_and_what_it_gave_back(read_side: ReadSide) -> None:
    world = World(LASTING)
    sold = world.buys(30, at=NOON)
    world.gives_back(sold, 1, at=NOON + DAY)
    world.do(returned(sold, at=NOON + 2 * DAY))
    told(read_side, world)
    statement = ask(read_side)
    assert lines(statement)[1:] == [
        ("return", "Return: 1 point taken back", -1, 29), ("full-return", "Everything returned: 29 points taken back", -29, 0),
    ]  # fmt: skip
    assert [one.reverses for one in statement.items] == [None, str(sold), str(sold)]


def test_holding_moves_nothing_capturing_does_and_a_reversal_names_what_it_reverses(read_side: ReadSide) -> None:
    world = World(LASTING)
    world.buys(30, at=NOON)
    hold, given_up = world.hold(10, at=NOON + DAY, minutes=60), world.hold(5, at=NOON + DAY + HOUR, minutes=60)
    capture = world.capture(hold.id, 8, at=NOON + DAY + timedelta(minutes=5))
    release = world.release(given_up.id, at=NOON + DAY + HOUR + timedelta(minutes=5))
    reverse = world.reverse(hold.id, 3, at=NOON + 2 * DAY)
    for command in (hold, capture, given_up, release, reverse):
        world.do(command)
    told(read_side, world)
    statement = ask(read_side)
    assert lines(statement)[1:] == [
        ("hold", "10 points set aside", 0, 30),
        ("redemption", "8 points used (2 points no longer set aside)", -8, 22),
        ("hold", "5 points set aside", 0, 22),
        ("release", "5 points no longer set aside", 0, 22),
        ("reversal", "3 points given back, as their use was cancelled", 3, 25),
    ]
    assert [one.reverses for one in statement.items[-2:]] == [str(given_up.id), str(capture.id)]


def test_what_lapsed_is_told_by_the_clock_and_what_comes_back_too_late_lapses_at_once(read_side: ReadSide) -> None:
    world = World(SHORT)
    sold = world.buys(30, at=NOON)
    spent = world.redeem(10, at=NOON + DAY)
    world.do(spent)
    world.do(world.reverse(spent.id, 4, at=NOON + 40 * DAY))
    world.gives_back(sold, 30, at=NOON + 41 * DAY)
    told(read_side, world)
    statement = ask(read_side)
    assert lines(statement)[2:] == [
        ("expiry", "20 points expired", -20, 0),
        ("reversal", "4 points given back, as their use was cancelled (4 points of them expired at once)", 0, 0),
        ("return", "Return: 30 points taken back (24 points of them had expired before)", -6, -6),
    ]
    expired = statement.items[2]
    assert (expired.at.isoformat(), expired.day) == ("2023-06-02T16:00:00+00:00", date(2023, 6, 3))
    assert (statement.balance, statement.debt, statement.pending) == (-6, 6, 0)
    assert lines(ask(read_side, at=NOON + 20 * DAY)) == lines(statement)[:2]


def test_what_comes_back_too_late_and_lives_on_is_told_with_its_last_day(read_side: ReadSide) -> None:
    world = World(SHORT.model_copy(update={"restore_grace_days": 30}))
    world.buys(30, at=NOON)
    spent = world.redeem(10, at=NOON + DAY)
    world.do(spent)
    world.do(world.reverse(spent.id, 4, at=NOON + 40 * DAY))
    told(read_side, world)
    assert lines(ask(read_side))[2:] == [
        ("expiry", "20 points expired", -20, 0),
        (
            "reversal",
            "4 points given back, as their use was cancelled; 4 points that had expired live on (until 2023-07-11)", 4, 4,
        ),
        ("expiry", "4 points expired", -4, 0),
    ]  # fmt: skip
    assert (
        ask(read_side, language="zh").items[3].text
        == "兑换取消：退回 4 积分；其中已失效的 4 积分获得延期（延至 2023-07-11）"
    )
    assert ask(read_side).items[-1].at.isoformat() == "2023-07-11T16:00:00+00:00"


def test_what_is_owed_makes_the_balance_negative_and_the_next_points_pay_it(read_side: ReadSide) -> None:
    world = World(LASTING)
    world.do(world.redeem(10, at=NOON, offline=True))
    world.do(world.waive(3, at=NOON + DAY))
    world.buys(20, at=NOON + 2 * DAY)
    told(read_side, world)
    assert lines(ask(read_side)) == [
        ("redemption", "10 points used", -10, -10),
        ("waiver", "3 points that were owed need not be paid (reason: goodwill)", 3, -7),
        ("purchase", "Purchase: 20 points earned", 20, 13),
    ]


def test_what_staff_and_other_members_do_is_told_on_both_sides(read_side: ReadSide) -> None:
    world = World(LASTING)
    world.do(world.opening(lots=[{"points": 50, "earned_at": NOON - 30 * DAY, "never_expires": True}], at=NOON))
    world.do(world.adjust(7, at=NOON + HOUR))
    world.do(world.adjust(-2, at=NOON + 2 * HOUR))
    world.do(world.transfer(20, at=NOON + DAY))
    world.do(world.merge(at=NOON + 2 * DAY))
    world.do(world.unmerge(at=NOON + 3 * DAY))
    told(read_side, world)
    mine, others = ask(read_side), ask(read_side, BOB)
    assert lines(mine) == [
        ("opening-balance", "50 points brought in from before (reason: opening balance)", 50, 50),
        ("adjustment", "Correction: 7 points given (reason: goodwill)", 7, 57),
        ("adjustment-taken", "Correction: 2 points taken (reason: goodwill)", -2, 55),
        ("transfer-sent", "20 points sent to another member", -20, 35),
        ("merge-sent", "Joined with another membership: 35 points moved there", -35, 0),
        ("unmerge-received", "Memberships parted: 35 points came back", 35, 35),
    ]
    assert lines(others) == [
        ("transfer-received", "20 points received from another member", 20, 20),
        ("merge-received", "Another membership joined: 35 points came along", 35, 55),
        ("unmerge-sent", "Memberships parted: 35 points went back", -35, 20),
    ]
    assert {one.other_member for one in others.items} == {ANN}


def test_points_that_cannot_be_used_yet_count_and_are_said_to_be_so(read_side: ReadSide) -> None:
    pending = policy(expiry={"mode": "never"}, earning={"points": 1, "per_minor": 1_000, "pending_days": 5})
    world = World(pending)
    world.buys(30, at=NOON)
    told(read_side, world)
    statement = ask(read_side, at=NOON + DAY)
    assert (statement.items[0].text, statement.balance, statement.pending) == (
        "Purchase: 30 points earned (can be used from 2023-05-07)", 30, 30,
    )  # fmt: skip
    assert ask(read_side).items[0].text == "Purchase: 30 points earned"
    assert ask(read_side, at=NOON + DAY, language="zh").items[0].text == "购物：获得 30 积分（2023-05-07 起可用）"


def test_pages_follow_each_other_in_either_order(read_side: ReadSide) -> None:
    world = World(LASTING)
    for number in range(7):
        world.buys(1, at=NOON + number % 3 * DAY, id=f"R-{number}")
    told(read_side, world)
    whole = ask(read_side).items
    assert paged(read_side, "oldest") == whole
    assert paged(read_side, "newest") == whole[::-1]


def test_of_one_instant_all_purchases_stand_before_what_voids_them(read_side: ReadSide) -> None:
    world = World(LASTING)
    for number in range(4):
        world.do(returned(world.buys(10, at=NOON, id=f"R-{number}"), at=NOON, id=f"V-{number}"))
    told(read_side, world)
    whole = ask(read_side).items
    assert [(one.kind, one.balance) for one in whole] == [
        *(("purchase", points) for points in (10, 20, 30, 40)), *(("full-return", points) for points in (30, 20, 10, 0)),
    ]  # fmt: skip
    assert {one.reverses for one in whole[4:]} == {one.id for one in whole[:4]}
    assert paged(read_side, "oldest") == paged(read_side, "newest")[::-1] == whole


def test_of_one_instant_all_holds_stand_before_what_ends_them(read_side: ReadSide) -> None:
    world = World(LASTING)
    world.buys(30, at=NOON)
    holds = [world.hold(5, at=NOON + DAY) for _ in range(4)]
    used, *given_up = (hold.id for hold in holds)
    ends = [world.capture(used, 2, at=NOON + DAY), *(world.release(hold, at=NOON + DAY) for hold in given_up)]
    for command in (*holds, *ends, world.reverse(used, at=NOON + DAY)):
        world.do(command)
    told(read_side, world)
    assert [(one.kind, one.text, one.balance) for one in ask(read_side).items[1:]] == [
        *[("hold", "5 points set aside", 30)] * 4,
        ("redemption", "2 points used (3 points no longer set aside)", 28),
        *[("release", "5 points no longer set aside", 28)] * 3,
        ("reversal", "2 points given back, as their use was cancelled", 30),
    ]


def test_every_sentence_is_there_in_every_language() -> None:
    assert all(set(each) == set(LANGUAGES) for each in (*LINES.values(), *ASIDES.values()))


def test_every_line_has_its_place_among_those_of_its_instant() -> None:
    assert set(ORDER) == LINES.keys() - {"expiry", "settlement"}, "what the clock does stands first"


def test_chinese_is_set_in_full_width_and_what_staff_wrote_stays_as_it_is() -> None:
    asides: list[tuple[str, int | date | str]] = [
        (name, 1_200) for name in ASIDES if name not in {"from", "until", "reward", "reason"}
    ]
    texts = [sentence([(kind, 1_200), ("debt-came", 5)], [*asides, ("from", date(2024, 5, 7))], "zh") for kind in LINES]
    for text in texts:
        assert not re.search(r"[():;]|,(?!\d)", text), text
        assert not re.search(r"[^\x00-\x7f] +[^\x00-\x7f]", text), text
    assert sentence([("opening-balance", 5)], [("reason", "opening balance")], "zh") == (
        "转入原有 5 积分（原因：opening balance）"
    )


def test_a_stranger_is_unknown(read_side: ReadSide) -> None:
    what = {"programme": "x", "language": "en", "order": "newest", "after": "", "limit": 1, "as_of": NOON}
    assert read_side.ask("balances", statement_of, member_id=BOB, **what) is None


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_lines_add_up_to_the_balance_at_any_instant(read_side: ReadSide, rules: str, late: bool) -> None:
    several = stories(rules, late, number=12)
    read_side.given(published(RULES[rules]), *(fact for story in several for fact in story.facts))
    for story in several:
        for member in story.members:
            for days in (0, 7, 60):
                at = story.latest() + timedelta(days=days)
                found = ask(read_side, member, at=at)
                whole = read_side.ask("balances", balance_of, member_id=member, as_of=at)
                assert whole is not None
                assert found.balance == whole.pending + whole.available + whole.held - whole.debt
                assert found.balance == sum(line.points for line in found.items)
                assert len({line.id for line in found.items}) == len(found.items)
                assert "settlement" not in {line.kind for line in found.items}


@pytest.mark.parametrize("rules", RULES)
def test_where_nothing_came_late_each_line_tells_the_balance_of_its_instant(read_side: ReadSide, rules: str) -> None:
    several = stories(rules, late=False, number=5)
    read_side.given(published(RULES[rules]), *(fact for story in several for fact in story.facts))
    for story in several:
        for member in story.members:
            found = ask(read_side, member, at=story.latest() + 60 * DAY).items
            place = {line.id: number for number, line in enumerate(found)}
            assert all(place[line.reverses] < place[line.id] for line in found if line.reverses is not None)
            at_last = {line.at: line.balance for line in found}
            for at, balance in at_last.items():
                whole = read_side.ask("balances", balance_of, member_id=member, as_of=at)
                assert whole is not None
                assert balance == whole.pending + whole.available + whole.held - whole.debt
