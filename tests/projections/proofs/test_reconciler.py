"""The reconciler goes from member to member, round and round, and tells what differs until it is put right."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from projections.proofs import reconciler
from projections.proofs.reconciler import AT_ONCE, Reconciler, ReconcilerStatus, reconciled
from projections.proofs.slices import NothingProjected
from tests.projections.proofs.ledger import Ledger
from tests.read_spec import JANUARY, earns, joins

MEMBERS = [UUID(int=number) for number in range(1, AT_ONCE + 6)]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """In a database of its own, as the reconciler makes its table when it begins."""
    made = Ledger(database_url)
    yield made
    made.close()


def bought(ledger: Ledger) -> Reconciler:
    """More members than are compared at once."""
    for member in MEMBERS:
        ledger.given(*joins(member, card=str(member)), earns(member, 10, at=JANUARY))
    return Reconciler(ledger.settings)


def told(ledger: Ledger) -> ReconcilerStatus:
    return reconciled(ledger.database)


def test_before_it_ever_ran_it_has_nothing_to_tell(ledger: Ledger) -> None:
    assert told(ledger) == ReconcilerStatus(checked_at=None, members=0, difference=None)


def test_it_goes_round_and_round(ledger: Ledger) -> None:
    one = bought(ledger)
    seen = [len(one.sample().members) for _ in range(3)]
    assert seen == [AT_ONCE, 5, AT_ONCE]
    assert told(ledger).members == 2 * AT_ONCE + 5
    assert told(ledger).difference is None


def test_a_difference_is_told_until_it_is_put_right(ledger: Ledger) -> None:
    one = bought(ledger)
    ledger.database.execute("UPDATE balances_1.lots SET points = 9 WHERE member_id = %s", (MEMBERS[-1],))
    one.sample()
    assert told(ledger).difference is None
    for _ in range(3):
        one.sample()
        difference = told(ledger).difference
        assert difference is not None
        assert (difference.member_id, difference.bucket, difference.expected) == (MEMBERS[-1], "points", "10")
    ledger.tamper("UPDATE balances_1.lots SET points = 10")
    one.sample()
    assert told(ledger).difference is None


def test_what_the_read_model_does_not_know_yet_is_no_difference(ledger: Ledger) -> None:
    one = bought(ledger)
    ledger.given(earns(MEMBERS[0], 10, at=JANUARY), told=0)
    assert one.sample().differences == []


def test_without_a_read_model_no_sample_is_taken(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM projection_offsets")
    with pytest.raises(NothingProjected):
        Reconciler(ledger.settings).sample()


def test_it_works_beside_others_and_outlives_a_database_that_is_away(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "EVERY_SECONDS", 0.01)
    one = bought(ledger)
    with one.running():
        wait_for(ledger, more_than=0)
        ledger.tamper(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        wait_for(ledger, more_than=told(ledger).members + 2 * AT_ONCE)
    before = told(ledger).members
    time.sleep(0.1)
    assert told(ledger).members == before


def wait_for(ledger: Ledger, *, more_than: int) -> None:
    deadline = time.monotonic() + 60
    while told(ledger).members <= more_than:
        assert time.monotonic() < deadline
        time.sleep(0.01)
