"""The clock on a real log: what is due is found, recorded once and dated right; what is not due costs nothing."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest

from consumers import clock as clocks
from consumers.clock import Clock, Looked
from domain.command import Command
from domain.commands.clock import RecordTime
from domain.due import brought_about
from domain.loyalty import Loyalty, Recorded
from domain.points_account import PointsAccount, account_id
from infra.database import CLOCK_LOCK
from tests.builders import ANN, BOB, join, line, publish, purchase, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import World
from tests.ledger import all_recorded
from tests.shop_with_clock import DAY, LAPSES, LATER, MINUTE, PENDING, Shop, shop_of
from tests.spec import NOON


@pytest.fixture
def shop(module_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with shop_of(module_database_url, tmp_path) as opened:
        yield opened


def test_what_has_lapsed_is_recorded_once_at_the_instant_at_which_it_did(shop: Shop) -> None:
    shop.buys(5)
    shop.buys(7, at=NOON + DAY, id="R-2")
    assert shop.look() == {"PointsExpired.v1": 2}
    first, second = shop.recorded()
    assert (first["occurred_at"], first["parts"][0]["points"]) == ("2023-06-02T16:00:00Z", 5)
    assert (second["occurred_at"], second["parts"][0]["points"]) == ("2023-06-03T16:00:00Z", 7)
    assert first["source"] == "/clock"
    assert first["correlation_id"] != second["correlation_id"], "two days are two causes"
    assert shop.look() == {}
    assert shop.look(LATER + 9 * DAY) == {}


def test_nothing_is_recorded_before_its_time(shop: Shop) -> None:
    shop.buys()
    assert shop.look(LAPSES - timedelta(seconds=1)) == {}
    assert shop.look(LAPSES) == {"PointsExpired.v1": 1}


def test_a_hold_times_out_and_a_capture_from_before_still_counts(shop: Shop) -> None:
    shop.buys()
    hold = shop.told.hold(3)
    shop.do(hold)
    assert shop.look(NOON + 20 * MINUTE) == {"HoldTimedOut.v1": 1}
    assert shop.recorded()[0]["occurred_at"] == "2023-05-02T04:15:00Z"
    (captured,) = shop.do(shop.told.capture(hold.id, at=NOON + 10 * MINUTE))
    assert isinstance(captured, Recorded)
    assert shop.look(NOON + 30 * MINUTE) == {}
    assert shop.account().buckets(NOON + 30 * MINUTE).spent == 3


def test_debt_is_settled_when_pending_points_become_active(shop: Shop) -> None:
    assert all_recorded(shop.do(publish(PENDING, at=NOON)))
    shop.do(shop.told.redeem(4, offline=True))
    assert shop.look(NOON + DAY) == {}
    shop.buys(5)
    assert shop.look(NOON + 2 * DAY) == {}, "still pending"
    assert shop.look(NOON + 20 * DAY) == {"DebtSettled.v1": 1}
    assert shop.recorded()[0]["occurred_at"] == "2023-05-15T16:00:00Z"
    assert shop.account().buckets(NOON + 20 * DAY).available == 1


def test_what_comes_late_is_noticed_even_if_it_had_lapsed_before_it_came(shop: Shop) -> None:
    shop.buys()
    shop.look()
    shop.buys(7, at=NOON - DAY, id="R-late")
    assert shop.look() == {"PointsExpired.v1": 1}
    assert shop.recorded()[-1]["occurred_at"] == "2023-06-01T16:00:00Z"


class TestReturnsThatWaitForTheirPurchase:
    OVER = datetime(2023, 6, 1, 16, tzinfo=UTC)
    """The end of the thirtieth local day after NOON."""

    def test_are_closed_when_they_have_waited_too_long(self, shop: Shop) -> None:
        sale = purchase(line(5_000), at=NOON)
        shop.writer.execute([returned(sale.id, at=NOON, id="V-1")], recorded_at=NOON)
        assert shop.look(self.OVER - timedelta(seconds=1)) == {}
        assert shop.look(LATER) == {"ReturnClosed.v1": 1}
        assert shop.recorded()[0]["occurred_at"] == "2023-06-01T16:00:00Z"
        assert shop.look(LATER + DAY) == {}
        shop.do(sale)
        assert shop.account().buckets(NOON).available == 5

    def test_are_not_closed_once_it_has_come(self, shop: Shop) -> None:
        sale = purchase(line(5_000), at=NOON)
        shop.writer.execute([returned(sale.id, at=NOON, id="V-1")], recorded_at=NOON)
        assert shop.clock.look(NOON).streams == 1
        shop.do(sale)
        assert shop.look(LATER) == {}
        assert shop.account().buckets(NOON).issued == shop.account().buckets(NOON).revoked == 5

    def test_each_waits_for_itself(self, shop: Shop) -> None:
        backs = [returned(UUID(int=7), at=NOON, id=f"V-{days}") for days in (0, 3)]
        for days, one in zip((0, 3), backs, strict=True):
            shop.writer.execute([one], recorded_at=NOON + days * DAY)
        assert shop.look(self.OVER + DAY) == {"ReturnClosed.v1": 1}
        assert shop.look(self.OVER + 3 * DAY, dry=True) == {"ReturnClosed.v1": 1}
        assert shop.look(self.OVER + 3 * DAY) == {"ReturnClosed.v1": 1}


def test_accounts_in_which_nothing_is_due_are_not_even_read(shop: Shop) -> None:
    shop.buys()
    shop.buys(at=LATER, id="R-2", card="1002")
    assert shop.clock.look(NOON) == Looked(0, Counter())
    assert shop.clock.look(LATER).streams == 1
    assert shop.clock.look(LATER).streams == 0


def test_a_dry_run_tells_what_would_be_recorded_also_ahead_of_time_and_records_nothing(shop: Shop) -> None:
    shop.buys(at=datetime.now(UTC) - DAY)
    ahead = datetime.now(UTC) + 40 * DAY
    assert shop.look(ahead, dry=True) == {"PointsExpired.v1": 1}
    assert shop.look(ahead, dry=True) == {"PointsExpired.v1": 1}
    assert shop.recorded() == []
    assert shop.look(datetime.now(UTC)) == {}


def test_the_command_itself_never_records_ahead_of_time(shop: Shop) -> None:
    shop.buys(at=datetime.now(UTC) - DAY)
    shop.do(RecordTime.of(account_id(ANN), now=datetime.now(UTC) + 40 * DAY))
    assert shop.recorded() == []


def test_an_account_that_cannot_be_decided_is_put_off_and_the_others_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.buys()
    shop.buys(id="R-2", card="1002")
    decide = RecordTime.decide

    def trip(command: RecordTime, streams: Any) -> Any:
        if command.account == account_id(ANN):
            raise ZeroDivisionError
        return decide(command, streams)

    with monkeypatch.context() as patch:
        patch.setattr(RecordTime, "decide", trip)
        assert shop.look() == {"PointsExpired.v1": 1}
        assert shop.look() == {}
    assert shop.look(LATER + MINUTE) == {}
    assert shop.look(LATER + 61 * MINUTE) == {"PointsExpired.v1": 1}


def test_after_a_long_pause_it_catches_up_in_many_small_transactions_and_can_be_stopped_between_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "MOST_FACTS", 10)
    monkeypatch.setattr(clocks, "AT_ONCE", 7)
    cards = [str(2_000 + number) for number in range(40)]
    shop.do(*(join(uuid5(ANN, card), at=JOINED_AT, card=card) for card in cards))
    shop.do(
        *(purchase(line(5_000), at=NOON + n * DAY, id=f"{card}-{n}", card=card) for card in cards for n in range(3))
    )

    class After(threading.Event):
        """Somebody asks to stop after a few transactions."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 4

    transactions: list[int] = []
    execute = Loyalty.execute

    def counted(loyalty: Loyalty, commands: Any, **what: Any) -> Any:
        transactions.append(len(commands))
        return execute(loyalty, commands, **what)

    monkeypatch.setattr(Loyalty, "execute", counted)
    with shop.clock._connected() as database:
        shop.clock._look(database, LATER, stop=After())
    assert 0 < len(shop.recorded()) < 3 * 40
    shop.look()
    assert len(shop.recorded()) == 3 * 40
    assert max(transactions) <= 7


def test_several_clocks_at_once_record_everything_once(shop: Shop) -> None:
    cards = [str(3_000 + number) for number in range(60)]
    shop.do(*(join(uuid5(BOB, card), at=JOINED_AT, card=card) for card in cards))
    shop.do(*(purchase(line(5_000), at=NOON, id=card, card=card) for card in cards))
    others = [Clock(shop.settings, shop.ledger.writer(), lambda: shop.personal_data) for _ in range(4)]
    start, found = threading.Barrier(len(others)), []

    def look(one: Clock) -> None:
        start.wait()
        found.append(one.look(LATER).facts.total())

    threads = [threading.Thread(target=look, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 0, 60]
    assert len(shop.recorded()) == 60


def test_two_that_look_without_the_lock_are_harmless_too(shop: Shop) -> None:
    """As when the server restarts in the middle of a look: the account decides."""
    shop.buys()
    other = shop.ledger.writer()
    stale = other.present(PointsAccount, [account_id(ANN)], at=LATER)
    assert shop.look() == {"PointsExpired.v1": 1}
    assert brought_about(stale[0], LATER), "it had not heard of that"
    other.execute([RecordTime.of(account_id(ANN), now=LATER)], recorded_at=datetime.now(UTC))
    assert len(shop.recorded()) == 1


class Dice:
    """Any command of Ann or Bob, at any time of a quarter of a year."""

    def __init__(self, seed: int, told: World) -> None:
        self.random = random.Random(seed)
        self.told = told
        self.bought: list[UUID] = [UUID(int=0)]
        self.held: list[UUID] = [UUID(int=0)]
        self.spent: list[UUID] = [UUID(int=0)]

    def throw(self, number: int) -> Command:
        at = NOON + timedelta(hours=self.random.randrange(24 * 90))
        who, other = self.random.sample([ANN, BOB], 2)
        points = self.random.randrange(1, 9)
        minutes = self.random.randrange(1, 99_999)
        sale = purchase(line(points * 2_000), at=at, id=f"P-{number}", card="1001" if who == ANN else "1002")
        hold = self.told.hold(points, at=at, minutes=minutes, member=who)
        redemption = self.told.redeem(points, at=at, member=who, offline=True)
        command = self.random.choice([
            sale, sale, sale, hold, hold, redemption,
            returned(self.random.choice(self.bought), at=at, id=f"V-{number}"),
            self.told.capture(self.random.choice(self.held), at=at),
            self.told.release(self.random.choice(self.held), at=at),
            self.told.reverse(self.random.choice(self.spent), at=at),
            self.told.adjust(self.random.choice([points, -points]), at=at, member=who, allow_debt=True),
            self.told.transfer(points, at=at, member=who, to=other),
        ])  # fmt: skip
        for made, kept in ((sale, self.bought), (hold, self.held), (redemption, self.spent)):
            if command is made:
                kept.append(made.id)
        return command


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_nothing_that_is_due_is_missed(shop: Shop, seed: int) -> None:
    """In any order of time; the clock looks now and then."""
    assert all_recorded(shop.do(publish(PENDING, at=NOON)))
    dice, now, outcomes = Dice(seed, shop.told), NOON, Counter[str]()
    for number in range(100):
        (outcome,) = shop.do(dice.throw(number))
        outcomes[type(outcome).__name__] += 1
        if dice.random.random() < 0.3:
            now += timedelta(hours=dice.random.randrange(24 * 5))
            shop.look(now)
            assert [brought_about(shop.account(member), now) for member in (ANN, BOB)] == [[], []]
    shop.look()
    assert [brought_about(shop.account(member), LATER) for member in (ANN, BOB)] == [[], []]
    assert outcomes["Recorded"] > 40
    assert not outcomes["Failed"]
    assert {one["name"] for one in shop.recorded()} == {"PointsExpired.v1", "HoldTimedOut.v1", "DebtSettled.v1"}


def test_it_waits_for_another_one_to_end(shop: Shop) -> None:
    shop.buys()
    with psycopg.connect(shop.ledger.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (CLOCK_LOCK,))
        waiting = threading.Thread(target=shop.look)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert shop.recorded() == []
        other.execute("SELECT pg_advisory_unlock(%s)", (CLOCK_LOCK,))
        waiting.join(30)
    assert len(shop.recorded()) == 1
