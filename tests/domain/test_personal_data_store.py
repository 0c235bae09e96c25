"""Personal data on a real log: keys kept and destroyed with the facts, whoever else writes at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import PersistenceError

from domain.loyalty import Loyalty, Recorded, Refused, Repeated
from domain.refusals import MemberErased
from infra.personal_data import PersonalData, Sealed
from tests.builders import ANN, BOB, KEYS, SEALING, join, line, purchase
from tests.domain.story import JOINED_AT
from tests.domain.test_commands_of_personal_data import change, erase
from tests.domain.test_loyalty_writers import before_the_lock
from tests.ledger import Ledger, execute
from tests.spec import NOON

FIELDS = {"name": "Ann Wang", "phone": "+86 138 0013 8000"}
BOUGHT = purchase(line(15_000), at=NOON)


def people(ledger: Ledger) -> PersonalData:
    return PersonalData(ledger.url, KEYS)


def joins(writer: Loyalty, **what: Any) -> Sealed:
    sealed = SEALING.seal_first(ANN, FIELDS)
    (outcome,) = execute(writer, join(at=JOINED_AT, personal=sealed, **what))
    assert isinstance(outcome, Recorded)
    return sealed


def known(ledger: Ledger) -> dict[str, str]:
    """What the log says of Ann, opened as the read side does; the last text of each field."""
    sealed = {
        field: (UUID(fact["key_id"]), text)
        for fact in ledger.states("ProfileChanged.v1")
        for field, text in fact.get("sealed", {}).items()
    }
    return people(ledger).open(ANN, sealed).fields


def keys(ledger: Ledger) -> list[tuple[bool, bool]]:
    """Of each key: whether it is there, and whether it was destroyed."""
    return ledger.rows("SELECT wrapped IS NOT NULL, destroyed_at IS NOT NULL FROM member_keys")


def test_the_key_is_kept_with_the_fact_that_it_seals(ledger: Ledger) -> None:
    joins(ledger.writer())
    assert keys(ledger) == [(True, False)]
    assert known(ledger) == FIELDS


def test_a_transaction_that_fails_keeps_neither(ledger: Ledger) -> None:
    writer = ledger.writer()
    sealed = joins(writer)
    assert sealed.new_key is not None
    twice = sealed._replace(new_key=sealed.new_key)
    with pytest.raises(PersistenceError):
        execute(writer, join(BOB, at=JOINED_AT, card="7", personal=twice))
    assert ledger.names().count("MemberJoined") == 1
    assert keys(ledger) == [(True, False)]
    assert isinstance(execute(writer, join(BOB, at=JOINED_AT, card="7"))[0], Recorded)


def test_changes_use_the_key_and_the_last_one_counts(ledger: Ledger) -> None:
    writer = ledger.writer()
    joins(writer)
    for number in range(3):
        execute(writer, change(personal=people(ledger).seal(ANN, {"phone": f"1000{number}"})))
    assert known(ledger) == FIELDS | {"phone": "10002"}
    assert keys(ledger) == [(True, False)]
    before = len(ledger.log())
    execute(writer, change(personal=people(ledger).seal(ANN, {"phone": "10002"})))
    assert len(ledger.log()) == before, "the same again changes nothing"


def test_an_erasure_destroys_the_key_with_its_fact_and_the_answer_stays_the_same(ledger: Ledger) -> None:
    writer, other = ledger.writer(), ledger.writer()
    joins(writer)
    (first,) = execute(writer, erase(key="k"))
    assert isinstance(first, Recorded)
    assert (keys(ledger), known(ledger)) == ([(False, True)], {})
    assert ledger.names()[-2:] == ["PersonalDataErased", "CardUnlinked"]
    for again in (erase(key="k"), erase(), erase(key="other")):
        for one in (writer, other):
            (outcome,) = execute(one, again)
            assert isinstance(outcome, Repeated)
            assert (outcome.answer, outcome.position) == (first.answer, first.position)


def test_another_process_that_has_card_and_account_in_memory_notices(ledger: Ledger) -> None:
    intake, door = ledger.writer(), ledger.writer()
    joins(door)
    execute(intake, BOUGHT)
    execute(door, erase())
    execute(intake, purchase(line(15_000), at=NOON, id="R-2"))
    assert ledger.names()[-2:] == ["PurchaseRecorded", "PurchaseKeptForCard"]
    assert len(ledger.states("PointsEarned.v1")) == 1


class TestAnErasureBetweenDecisionAndLock:
    def test_lets_a_purchase_be_recorded_unclaimed(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        intake, door = ledger.writer(), ledger.writer()
        joins(door)
        before_the_lock(intake, lambda: execute(door, erase()), monkeypatch)
        execute(intake, BOUGHT)
        assert ledger.names()[-2:] == ["PurchaseRecorded", "PurchaseKeptForCard"]

    def test_lets_a_change_be_refused_and_no_key_is_kept(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        execute(one, join(at=JOINED_AT))
        before_the_lock(one, lambda: execute(other, erase()), monkeypatch)
        (outcome,) = execute(one, change(personal=people(ledger).seal(ANN, FIELDS)))
        assert outcome == Refused(MemberErased(member_id=ANN))
        assert keys(ledger) == []

    def test_is_decided_once_where_two_erase(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = ledger.writer(), ledger.writer()
        joins(one)
        before_the_lock(one, lambda: execute(other, erase()), monkeypatch)
        (outcome,) = execute(one, erase())
        assert isinstance(outcome, Repeated)
        assert ledger.names().count("PersonalDataErased") == 1


def test_two_first_changes_at_once_may_leave_two_keys_and_both_are_read_and_destroyed(ledger: Ledger) -> None:
    one, other = ledger.writer(), ledger.writer()
    execute(one, join(at=JOINED_AT))
    first, second = (people(ledger).seal(ANN, {field: FIELDS[field]}) for field in FIELDS)
    assert first.key_id != second.key_id
    execute(one, change(personal=first))
    execute(other, change(personal=second))
    assert known(ledger) == FIELDS
    execute(one, erase())
    assert (keys(ledger), known(ledger)) == ([(False, True)] * 2, {})


def test_changes_and_an_erasure_from_all_sides_leave_nothing_that_opens(ledger: Ledger) -> None:
    joins(ledger.writer())
    writers = [ledger.writer() for _ in range(4)]

    def work(number: int) -> None:
        for step in range(8):
            sealed = people(ledger).seal(ANN, {"phone": f"1{number}{step}000"})
            command = erase() if (number, step) == (2, 4) else change(personal=sealed)
            (outcome,) = execute(writers[number], command)
            assert isinstance(outcome, Recorded) or outcome == Refused(MemberErased(member_id=ANN))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    names = ledger.names()
    assert "ProfileChanged" not in names[names.index("PersonalDataErased") :]
    assert (set(keys(ledger)), known(ledger)) == ({(False, True)}, {})
