"""What tills counted, held against a real log."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.commands.returns import TakeBack
from domain.fact import message_id
from projections.completeness import run
from projections.completeness.counting import Look
from projections.completeness.run import NothingPublished
from tests.builders import back, brought, join, line, purchase, reassign, returned
from tests.domain.story import JOINED_AT
from tests.ledger import Ledger, all_recorded, execute
from tests.projections.completeness.shop import OTHER, TILL, Shop, at


@pytest.fixture
def shop(emptied_database_url: str) -> Iterator[Shop]:
    with Ledger(emptied_database_url) as ledger:
        yield Shop(ledger)


def test_a_day_is_complete_when_number_and_amount_are_what_the_till_counted(shop: Shop) -> None:
    found = shop.sells(1, 2, 3).closes(3).asked()
    (one,) = found.items
    assert (one.state, one.till, one.stores, str(one.business_day)) == ("complete", TILL, ["1"], "2023-06-01")
    assert (one.counted_receipts, one.recorded_receipts, one.counted_minor, one.recorded_minor) == (3, 3, 3_000, 3_000)
    assert (one.closings, one.closed_at, one.missing) == (1, at(23), 0)
    assert (found.holds, found.complete, found.differing, found.not_closed, found.tills) == (True, 1, 0, 0, 1)
    assert (found.time_zone, found.position) == ("Asia/Shanghai", len(shop.ledger.log()))


def test_a_receipt_that_never_came_is_missed_and_named_by_its_number(shop: Shop) -> None:
    found = shop.sells(1, 2, 4, 5).closes(5).asked()
    (one,) = found.items
    assert not found.holds
    assert (one.state, one.counted_receipts, one.recorded_receipts) == ("differs", 5, 4)
    assert (one.missing, one.missing_ids) == (1, ["R-3"])
    assert (found.counted_receipts, found.recorded_receipts, found.counted_minor, found.recorded_minor) == (
        5, 4, 5_000, 4_000,
    )  # fmt: skip
    assert shop.sells(3, hour=20).asked().holds, "it came late"


def test_a_number_that_was_passed_over_is_nobodys_receipt_when_the_count_is_reached(shop: Shop) -> None:
    assert shop.sells(1, 2, 4).closes(3).the_day().missing_ids == []


def test_the_same_number_of_receipts_with_another_amount_differs(shop: Shop) -> None:
    one = shop.sells(1, 2).closes(2, 2_001).the_day()
    assert (one.state, one.missing) == ("differs", 0)


def test_more_than_was_counted_differs_too(shop: Shop) -> None:
    assert shop.sells(1, 2).closes(1).the_day().state == "differs"
    assert shop.closes(0, hour=22, day=1, of=0).the_day().counted_receipts == 0


def test_a_day_without_a_closing_is_told_and_not_held_against_anybody(shop: Shop) -> None:
    found = shop.sells(1, 3).asked()
    (one,) = found.items
    assert (one.state, one.counted_receipts, one.closed_at, one.missing_ids) == ("not-closed", None, None, ["R-2"])
    assert (found.holds, found.not_closed, found.recorded_receipts) == (True, 1, 0)


def test_a_closing_of_a_day_without_a_single_receipt_is_not_passed_over(shop: Shop) -> None:
    one = shop.closes(2, store="1").the_day()
    assert (one.state, one.recorded_receipts, one.stores) == ("differs", 0, ["1"])


def test_the_last_closing_by_business_time_counts_whenever_it_comes(shop: Shop) -> None:
    shop.sells(1, 2, 3).closes(3, hour=23).closes(2, hour=22)
    one = shop.the_day()
    assert (one.state, one.closings, one.closed_at) == ("complete", 2, at(23))
    assert shop.closes(4, hour=23).the_day().counted_receipts == 4, "of two of one instant, the last to be recorded"


def test_receipts_count_on_their_local_day_past_midnight_on_the_next(shop: Shop) -> None:
    shop.sells(1, hour=23).sells(2, hour=0, day=1).closes(1, hour=1, day=1, of=0).closes(1, day=1)
    assert [one.state for one in shop.asked(days=2).items] == ["complete", "complete"]


def test_numbers_between_two_days_are_missing_where_the_count_is_short(shop: Shop) -> None:
    shop.sells(1, 2).sells(5, 6, day=1).closes(3).closes(3, day=1)
    assert [one.missing_ids for one in shop.asked(days=2).items] == [["R-3"], ["R-4"]]


def test_returns_and_voids_are_counted_apart_and_their_numbers_are_none_that_miss(shop: Shop) -> None:
    shop.sells(1, 2, 5)
    first, second = (message_id(TILL, f"R-{number}") for number in (1, 2))
    back_one = returned(first, back(quantity=1, amount_minor=400), at=at(14), id="R-3")
    void = returned(second, at=at(15), id="R-4")
    kept = returned(message_id(TILL, "R-99"), back(quantity=1, amount_minor=1), at=at(15), id="R-6")
    assert all_recorded(execute(shop.writer, *map(of_till, (back_one, void, kept))))
    shop.sells(7).closes(5)
    one = shop.the_day()
    assert (one.recorded_receipts, one.recorded_minor) == (4, 4_000)
    assert (one.returns, one.returned_minor, one.voids, one.voided_minor) == (1, 400, 1, 1_000)
    assert (one.state, one.missing) == ("differs", 0)


def test_an_exchange_is_a_purchase_of_all_its_lines_and_a_return(shop: Shop) -> None:
    shop.sells(1)
    goods = [brought(back(quantity=1, amount_minor=1_000), of="R-1", source=TILL)]
    bought = purchase(line(2_500), at=at(16), id="R-2", source=TILL, card=None, brought=goods)
    assert all_recorded(execute(shop.writer, bought))
    one = shop.closes(2, 3_500).the_day()
    assert (one.state, one.returns, one.returned_minor) == ("complete", 1, 1_000)


def test_what_staff_puts_right_later_is_none_of_the_tills_receipts(shop: Shop) -> None:
    people = (join(at=JOINED_AT), join(None, at=JOINED_AT, card="1002"))
    assert all_recorded(execute(shop.writer, *people))
    sold = purchase(line(1_000), at=at(12), id="R-1", source=TILL)
    assert all_recorded(execute(shop.writer, sold, reassign(sold.id, at=at(13), card="1002")))
    one = shop.closes(1).the_day()
    assert (one.state, one.voids, one.returns) == ("complete", 0, 0)


def test_one_store_or_one_till_can_be_asked_for(shop: Shop) -> None:
    shop.sells(1).closes(1).sells(1, till=OTHER).closes(2, till=OTHER)
    assert [one.till for one in shop.asked().items] == [TILL, OTHER]
    assert ([one.till for one in shop.asked(store="2").items], shop.asked(store="2").holds) == ([OTHER], False)
    assert ([one.till for one in shop.asked(till=TILL).items], shop.asked(till=TILL).holds) == ([TILL], True)
    assert shop.asked(store="3").items == []


def test_other_days_are_left_out(shop: Shop) -> None:
    shop.sells(1).sells(2, day=1).sells(3, day=2).closes(1, day=1)
    assert [str(one.business_day) for one in shop.asked(days=2).items] == ["2023-06-01", "2023-06-02"]


def test_a_log_is_read_by_several_processes_to_the_same_result(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sells(*range(1, 30)).closes(29).sells(*range(30, 40), day=1).closes(11, day=1)
    found = shop.asked(days=2)
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr(run, "PAGE", 20)
    question = run.Question(at(0).date(), at(0, day=1).date())
    assert run.completeness(shop.settings, question, progress=lambda *step: steps.append(step)) == found
    assert steps[-1] == (len(steps), len(steps))
    assert len(steps) == -(-found.position // 20)


def test_days_are_those_of_the_version_in_force(shop: Shop) -> None:
    zones = [(datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC")), ZoneInfo("Asia/Shanghai")), (at(0), ZoneInfo("UTC"))]
    look = Look("", zones, at(0).date(), at(0).date(), None)
    assert (str(look.day(at(-1))), str(look.day(at(3)))) == ("2023-05-31", "2023-05-31")
    assert str(look.day(datetime(2000, 1, 1, 20, tzinfo=ZoneInfo("UTC")))) == "2000-01-02"


def test_without_a_programme_there_are_no_days(shop: Shop) -> None:
    settings = shop.settings.model_copy(update={"programme": "nobodys"})
    with pytest.raises(NothingPublished):
        run.completeness(settings, run.Question(at(0).date(), at(0).date()))


def of_till(command: TakeBack) -> TakeBack:
    """A return as the till sent it over Kafka."""
    return replace(command, id=message_id(TILL, command.external_id), source=TILL, actor=TILL)


@pytest.mark.parametrize(("first", "reads"), [("2024-01-02", True), ("2024-01-03", False)])
def test_what_was_recorded_long_before_the_days_is_not_read(shop: Shop, first: str, reads: bool) -> None:
    """All of it was recorded at 8 o'clock of the 1st of January in Shanghai; a till's clock may run ahead by a day."""
    shop.sells(1)
    steps: list[int] = []
    question = run.Question(date.fromisoformat(first), date.fromisoformat(first))
    run.completeness(shop.settings, question, progress=lambda done, _: steps.append(done))
    assert bool(steps) == reads
