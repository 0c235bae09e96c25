"""Snapshots of accounts: a cache that changes no decision, whatever has happened before and whatever is asked."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from domain import snapshots
from domain.books import InClosedBooks, OpenEntries
from domain.command import Command
from domain.commands.purchases import RecordPurchase
from domain.loading import FACTS_BETWEEN, Loader
from domain.loyalty import Failed, Outcome, Recorded, Refused
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.snapshots import IN_PART, WHOLE
from infra.stored_facts import FactMapper
from tests.builders import ANN, FAR_AHEAD, create_campaign, join, line, publish, purchase, returned
from tests.domain.story import JOINED_AT
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.projections import histories
from tests.projections.histories import RULES, RULES_OF_TIERS, History
from tests.spec import NOON

DAY = timedelta(days=1)
JOINS = 6
"""The facts of two joins, whose external ids are random."""


class Forgetful:
    """A writer that keeps nothing in memory and takes a snapshot whenever it folded a few facts; what it does is counted."""

    def __init__(self, ledger: Ledger, patch: pytest.MonkeyPatch, *, rules: Policy | None = None) -> None:
        self.ledger = ledger
        self.counted: Counter[str] = Counter()
        self._count(patch, snapshots, "restored")
        self._count(patch, Loader, "whole")
        if rules is not None:
            ledger.database.execute("TRUNCATE facts")
        self.writer = ledger.writer()
        self.writer._cache._most_facts = 0
        self.writer._loader = Loader(self.writer.facts, self.writer.decoded, facts_between=5)
        if rules is not None:
            assert all_recorded(execute(self.writer, publish(rules, at=NOW)))
        self.batch = self
        self.recorded_at = FAR_AHEAD

    def when(self, command: Command) -> "Forgetful":
        """As a log in memory carries a command out."""
        (outcome,) = self.writer.execute([command], recorded_at=self.recorded_at)
        if isinstance(outcome, Failed):
            raise outcome.error
        self.refusal = outcome.refusal if isinstance(outcome, Refused) else None
        return self

    def states(self, members: list[UUID]) -> list[bytes]:
        rows = self.ledger.rows("SELECT state FROM facts WHERE subject = ANY(%s) ORDER BY position", members)
        return [state for (state,) in rows]

    def _count(self, patch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        done: Callable[..., Any] = getattr(place, name)

        def counted(*args: Any) -> Any:
            self.counted[name] += 1
            return done(*args)

        patch.setattr(place, name, counted)


@pytest.mark.parametrize("rules", [*RULES, "rolling"])
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_a_history_decided_on_snapshots_is_byte_for_byte_that_decided_on_whole_accounts(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, rules: str, late: bool
) -> None:
    names, policy = [f"snapshots{rules}{late}{number}" for number in range(3)], (RULES | RULES_OF_TIERS)[rules]
    whole = [History(name, policy, late=late).goes_on(60) for name in names]
    monkeypatch.setattr(snapshots, "OPEN_FOR", 3 * DAY)
    forgetful = Forgetful(ledger, monkeypatch, rules=policy)
    monkeypatch.setattr(histories, "given_log", lambda *_: forgetful)
    encode = FactMapper({}).to_stored_event
    for story in whole:
        again = History(story.name, policy, late=late).goes_on(60)
        expected = [encode(fact).state for fact in story.facts]
        assert forgetful.states(again.members)[JOINS:] == expected[JOINS:]
    more = 1 if rules in RULES_OF_TIERS else 2  # there, what qualified in closed books matters for ever
    assert forgetful.counted["restored"] >= more * forgetful.counted["whole"] > 0, "both ways were gone"


@pytest.fixture
def forgetful(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Forgetful:
    """Ann has bought once a day for a hundred days, for 15 points each, under a campaign that gives a bonus a day."""
    made = Forgetful(ledger, monkeypatch)
    execute(made.writer, create_campaign("gift", at=NOW, bonus_points=7, stores=["1"]), join(at=JOINED_AT))
    for start in range(0, 100, 10):
        assert all_recorded(execute(made.writer, *(bought(day) for day in range(start, start + 10))))
    made.writer._loader.begin()
    made.counted.clear()
    return made


def bought(day: int, **what: Any) -> RecordPurchase:
    return purchase(line(15_000), **{"at": NOON + day * DAY, "id": f"R-{day}", **what})


def answer(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Recorded)
    return outcome.answer


def test_a_purchase_of_these_days_needs_no_more_than_the_snapshot(forgetful: Forgetful) -> None:
    (outcome,) = execute(forgetful.writer, bought(100))
    assert (answer(outcome)["available"], forgetful.counted) == (101 * 22, {"restored": 1})


def test_a_return_of_an_old_purchase_opens_the_closed_books(forgetful: Forgetful) -> None:
    (outcome,) = execute(forgetful.writer, returned(bought(3).id, at=NOON + 100 * DAY, strictly=True))
    assert answer(outcome)["revoked"] == [{"part": "base", "points": 15}, {"part": "gift", "points": 7}]
    assert answer(outcome)["available"] == 99 * 22
    assert forgetful.counted["whole"] == 1


def test_a_late_purchase_is_given_no_second_bonus_of_a_day_in_closed_books(forgetful: Forgetful) -> None:
    (outcome,) = execute(forgetful.writer, bought(3, id="R-late"))
    assert answer(outcome)["points"] == [{"part": "base", "points": 15}]
    assert answer(outcome)["available"] == 4 * 22 + 15, "as of then"


def test_the_answer_to_a_late_purchase_is_made_of_the_whole_account(forgetful: Forgetful) -> None:
    (outcome,) = execute(forgetful.writer, bought(3, id="R-late", store="2"))
    assert answer(outcome)["available"] == 4 * 22 + 15


def test_an_account_is_brought_as_open_as_an_instant_needs_it(forgetful: Forgetful) -> None:
    (late,) = forgetful.writer.present(PointsAccount, [account_id(ANN)], at=NOON + 100 * DAY)
    (early,) = forgetful.writer.present(PointsAccount, [account_id(ANN)], at=NOON)
    assert late.open_since is not None
    assert early.open_since is None
    assert early.available(NOON) == 22
    assert late.available(NOON + 100 * DAY) == early.available(NOON + 100 * DAY) == 2_200


def test_snapshots_may_be_deleted_at_any_time(forgetful: Forgetful) -> None:
    forgetful.ledger.database.execute("DELETE FROM account_snapshots")
    (outcome,) = execute(forgetful.writer, bought(100))
    assert (answer(outcome)["available"], forgetful.counted) == (101 * 22, {})


def test_books_of_another_shape_or_fold_are_not_looked_at(forgetful: Forgetful) -> None:
    forgetful.ledger.database.execute("UPDATE account_snapshots SET name = 'AccountBooks.0', state = 'nonsense'")
    (outcome,) = execute(forgetful.writer, bought(100))
    assert (answer(outcome)["available"], forgetful.counted) == (101 * 22, {})
    execute(forgetful.writer, bought(101))
    assert forgetful.ledger.rows("SELECT name, version FROM account_snapshots") == [(snapshots.NAME, 101)], "anew"


def test_an_older_snapshot_never_replaces_a_newer_one(forgetful: Forgetful) -> None:
    ((version,),) = forgetful.ledger.rows("SELECT version FROM account_snapshots")
    older = StoredEvent(account_id(ANN), version - 1, snapshots.NAME, b"older")
    forgetful.writer.facts.keep_snapshots([older])
    assert forgetful.ledger.rows("SELECT version FROM account_snapshots") == [(version,)]


def test_short_accounts_leave_no_snapshot(ledger: Ledger) -> None:
    writer = ledger.writer()
    execute(writer, join(at=JOINED_AT), *(bought(day) for day in range(FACTS_BETWEEN - 10)))
    other = ledger.writer()
    execute(other, bought(1_000))
    execute(other, bought(1_001))
    assert ledger.rows("SELECT count(*) FROM account_snapshots") == [(0,)]


def test_the_books_hold_every_attribute_of_an_account() -> None:
    """Whoever gives an account a new one decides whether it may be closed in part."""
    attributes = vars(PointsAccount(uuid4())).keys() - {"id", "version"}
    assert attributes == set(WHOLE) | IN_PART - {"blank", "lots_of"}


class TestOpenBooks:
    def test_what_is_not_in_them_may_be_in_closed_ones(self) -> None:
        book = OpenEntries(ANN, {1: "one"})
        assert (book[1], book.get(1), 1 in book, list(dict.values(book))) == ("one", "one", True, ["one"])
        asking: list[Callable[[], object]] = [
            lambda: book[2], lambda: book.get(2), lambda: 2 in book, lambda: list(book), lambda: len(book),
            book.values, book.items, lambda: {**book}, lambda: book == {},
        ]  # fmt: skip
        for ask in asking:
            with pytest.raises(InClosedBooks):
                ask()

    def test_what_cannot_be_closed_is_there_or_not(self) -> None:
        book = OpenEntries(ANN, {5: "five"}, lambda number: number < 3)
        assert (5 in book, 4 in book, book.get(5), book.get(4), book.get(4, "none")) == (
            True,
            False,
            "five",
            None,
            "none",
        )
        with pytest.raises(KeyError):
            _ = book[4]
        for ask in (lambda: 2 in book, lambda: book.get(2), lambda: book[2], lambda: sorted(book)):
            with pytest.raises(InClosedBooks):
                ask()
