"""Questions to the ledger: answered on a real log, together, with nothing recorded."""

from datetime import timedelta

import pytest

from domain.command import Streams, Wanted
from domain.commands.quotes import AskQuote
from domain.loyalty import Failed, Refused
from domain.messages.quotes import QuoteBody, quote_question
from domain.points_account import PointsAccount
from domain.quoting import Quotation
from domain.refusals import UnknownCard
from tests.builders import card_id, counted, create_campaign, join, line, purchase
from tests.domain.story import JOINED_AT
from tests.domain.test_snapshots import Forgetful
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.spec import NOON

DAY = timedelta(days=1)


def asked(*, day: int = 0, card: str = "1001", store: str = "1") -> AskQuote:
    body = QuoteBody(currency="CNY", store=store, lines=counted([line(15_000)]), card=card, time=NOON + day * DAY)
    return quote_question(body, card_ids=card_id, now=NOW)


def told(answer: object) -> list[tuple[str, int]]:
    assert isinstance(answer, Quotation)
    return [(part["part"], part["points"]) for part in answer.told["points"]]


class Stumbling(AskQuote):
    """A question that nobody can answer."""

    def wants(self, streams: Streams) -> Wanted:
        return iter(())

    def answer(self, streams: Streams) -> Quotation:
        raise ZeroDivisionError


def test_each_gets_its_own_answer_and_nothing_is_recorded(ledger: Ledger) -> None:
    writer = ledger.writer()
    assert all_recorded(execute(writer, join(at=JOINED_AT), join(None, at=JOINED_AT, card="1002")))
    before = ledger.log()
    stumbling = Stumbling(card_id=None, member_id=None, basket=asked().basket)
    questions = [asked(), asked(card="9999"), stumbling, asked(card="1002")]
    first, second, third, fourth = writer.ask(questions, recorded_at=NOW)
    assert told(first) == told(fourth) == [("base", 15)]
    assert second == Refused(UnknownCard())
    assert isinstance(third, Failed)
    assert ledger.log() == before


def test_what_another_writer_has_recorded_meanwhile_counts(ledger: Ledger) -> None:
    door, other = ledger.writer(), ledger.writer()
    execute(other, join(at=JOINED_AT))
    assert told(door.ask([asked()], recorded_at=NOW)[0]) == [("base", 15)]
    execute(other, create_campaign("gift", at=NOW, bonus_points=50))
    assert told(door.ask([asked()], recorded_at=NOW)[0]) == [("base", 15), ("gift", 50)]
    execute(other, purchase(line(15_000), at=NOON))
    (answer,) = door.ask([asked()], recorded_at=NOW)
    assert told(answer) == [("base", 15)], "the bonus of this day is had"
    assert isinstance(answer, Quotation)
    assert answer.told["points_as_cash"]["available"] == 65


def test_a_long_account_is_asked_by_its_snapshot_and_as_a_whole_where_that_is_too_short(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = Forgetful(ledger, monkeypatch)
    writer = forgetful.writer
    execute(writer, join(at=JOINED_AT), create_campaign("gift", at=NOW, bonus_points=7))
    for day in range(60):
        execute(writer, purchase(line(15_000), at=NOON + day * DAY, id=f"R-{day}"))
    whole = ledger.writer()
    forgetful.counted.clear()
    for day, store in ((60, "1"), (59, "1"), (59, "2"), (1, "1"), (1, "2")):
        question = asked(day=day, store=store)
        (short,), (long,) = (one.ask([question], recorded_at=NOW) for one in (writer, whole))
        assert isinstance(short, Quotation)
        assert short == long
    assert forgetful.counted.keys() == {"restored", "whole"}


def test_an_answer_leaves_the_account_in_memory_as_it_is_recorded(ledger: Ledger) -> None:
    writer = ledger.writer()
    execute(writer, join(at=JOINED_AT), create_campaign("gift", at=NOW, bonus_points=50))
    for _ in range(3):
        writer.ask([asked(), asked()], recorded_at=NOW)
    assert execute(writer, purchase(line(15_000), at=NOON))[0].answer["points"] == [  # type: ignore[union-attr]
        {"part": "base", "points": 15}, {"part": "gift", "points": 50},
    ]  # fmt: skip
    (kept,) = (one for one in (kept.stream for kept in writer._cache._kept.values()) if isinstance(one, PointsAccount))
    (read,) = (one for one in ledger.writer().present(PointsAccount, [kept.id], at=NOON))
    assert (kept.version, kept.periods, kept.lots.keys()) == (read.version, read.periods, read.lots.keys())
