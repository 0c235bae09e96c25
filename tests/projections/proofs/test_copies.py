"""Copies, of which the benchmark makes large ledgers: to every proof they are members like others."""

from uuid import uuid4

from bench import copies
from domain.lots import Buckets
from infra import relay
from infra.database import make_tables
from projections import agenda
from projections.proofs.slices import add
from tests.projections.histories import RULES, History
from tests.projections.proofs.ledger import Ledger
from tests.read_spec import JANUARY, earns, joins


def copied(ledger: Ledger, *, after: int, times: int) -> None:
    make_tables(ledger.database, (*relay.TABLES, *agenda.TABLES))
    relay.begin(ledger.database, partitions=12, epoch="e")
    copies.copy(ledger.settings, after=after, times=times)


def test_a_ledger_and_its_copies_add_up(ledger: Ledger) -> None:
    stories = [History(f"copied{n}", RULES["pending"], late=False).goes_on(60) for n in range(5)]
    ledger.given(*(fact for story in stories for fact in story.facts))
    once = ledger.prove()
    copied(ledger, after=0, times=3)
    proof = ledger.prove()
    assert proof.first_difference is None
    assert (proof.members, proof.lots, proof.facts) == (4 * once.members, 4 * once.lots, 4 * once.facts)
    assert proof.position == proof.read_model_position == proof.facts
    expected = Buckets()
    for _ in range(4):
        add(expected, once.log)
    assert proof.log == proof.read_model == expected
    assert ledger.database.execute("SELECT position, prevs FROM relay_state WHERE name = 'facts'").fetchone() == (
        proof.position, [proof.position] * 12,
    )  # fmt: skip


def test_those_before_are_not_copied(ledger: Ledger) -> None:
    ann, bob = uuid4(), uuid4()
    ledger.given(*joins(ann, card="1"), earns(ann, 10, at=JANUARY))
    before = ledger.prove().facts
    ledger.given(*joins(bob, card="2"), earns(bob, 20, at=JANUARY))
    copied(ledger, after=before, times=2)
    proof = ledger.prove()
    assert (proof.holds, proof.members, proof.log.issued) == (True, 4, 70)
    assert ledger.database.execute("SELECT count(*) FROM facts WHERE subject = %s", (ann,)).fetchone() == (before,)
