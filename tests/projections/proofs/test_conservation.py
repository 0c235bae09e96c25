"""Conservation: it is proven of whatever happens, and whoever tampers with log or read model is named."""

from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest

from domain import grants, movements
from domain.fact import Fact
from domain.lots import Buckets
from projections.proofs import conservation
from projections.proofs.conservation import prove
from projections.proofs.slices import NothingProjected, add
from projections.proofs.tally import TELLERS
from tests.projections.histories import RULES, History
from tests.projections.proofs.ledger import LATER, Ledger
from tests.read_spec import JANUARY, earns, joins, revokes

MOVE_NO_POINTS = {movements.AccountClosed, grants.BirthdayCelebrated}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_conservation_is_proven_of_any_history_and_the_write_side_agrees(
    ledger: Ledger, rules: str, late: bool
) -> None:
    stories = [History(f"proof{rules}{late}{n}", RULES[rules], late=late).goes_on(60) for n in range(25)]
    ledger.given(*(fact for story in stories for fact in story.facts))
    latest = max(story.latest() for story in stories)
    proof = prove(ledger.settings, as_of=latest)
    assert proof.first_difference is None
    assert proof.holds
    expected = Buckets()
    for story in stories:
        for member in story.members:
            add(expected, story.buckets(member, at=latest))
    assert proof.log == proof.read_model == expected
    assert (proof.members, proof.position) == (50, proof.facts)


def test_every_fact_that_moves_points_is_tallied() -> None:
    named = {**vars(movements), **vars(grants)}.values()
    kinds = {kind for kind in named if isinstance(kind, type) and issubclass(kind, Fact)} - {Fact}
    assert {kind.stored_name for kind in kinds - MOVE_NO_POINTS} == set(TELLERS)


def bought(ledger: Ledger, **what: Any) -> tuple[UUID, UUID]:
    """Two members who bought; the second one gave something back. They, and the last fact's position is 9."""
    ann, bob, purchase = uuid4(), uuid4(), uuid4()
    ledger.given(
        *joins(ann, card="1"), *joins(bob, card="2"),
        earns(ann, 10, at=JANUARY), earns(bob, 20, at=JANUARY, purchase_id=purchase),
        revokes(bob, purchase, 5, bought_at=JANUARY, at=JANUARY), **what,
    )  # fmt: skip
    return ann, bob


def test_what_holds_is_told_with_its_position_and_sums(ledger: Ledger) -> None:
    bought(ledger)
    proof = ledger.prove()
    assert proof.holds
    assert (proof.facts, proof.moving_facts, proof.members, proof.lots) == (9, 5, 2, 2)
    assert (proof.position, proof.read_model_position) == (9, 0)
    assert proof.log == proof.read_model == Buckets(issued=30, available=25, revoked=5)


def test_a_read_model_that_is_behind_is_compared_as_far_as_it_goes(ledger: Ledger) -> None:
    bought(ledger, told=7)
    proof = ledger.prove()
    assert proof.holds
    assert (proof.log.issued, proof.log.revoked) == (30, 5)
    assert (proof.read_model.issued, proof.read_model.revoked) == (10, 0)


def test_without_a_read_model_there_is_nothing_to_compare(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM projection_offsets")
    with pytest.raises(NothingProjected):
        ledger.prove()


@pytest.mark.parametrize(
    ("statement", "bucket", "expected", "found", "position"),
    [
        ("UPDATE balances_1.lots SET points = 21 WHERE points = 20", "points", "20", "21", 9),
        ("UPDATE balances_1.lots SET earned_at = earned_at + interval '1 day' WHERE points = 20", "earned_at", "", "", 9),
        ("UPDATE balances_1.movements SET points = 4", "revoked", "5", "4", 9),
        ("DELETE FROM balances_1.movements", "revoked", "5", "0", 9),
        ("INSERT INTO balances_1.movements SELECT * FROM balances_1.movements", "revoked", "5", "10", 9),
        ("DELETE FROM balances_1.lots WHERE points = 20", "issued", "", "", 9),
        ("INSERT INTO balances_1.lots SELECT * FROM balances_1.lots WHERE points = 20", "issued", "", "", 9),
        ("DELETE FROM balances_1.accounts WHERE member_id IN (SELECT member_id FROM balances_1.movements)", "accounts", "True", "False", 9),
        ("UPDATE facts SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"points\":20', '\"points\":4'), 'UTF8') WHERE position = 8",
         "clawed", "4", "5", 9),
        ("UPDATE facts SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"points\":20', '\"points\":21'), 'UTF8') WHERE position = 8",
         "points", "21", "20", 9),
    ],
)  # fmt: skip
def test_whoever_tampers_with_one_lot_is_told_which(
    ledger: Ledger, statement: LiteralString, bucket: str, expected: str, found: str, position: int
) -> None:
    _, bob = bought(ledger)
    ledger.tamper(statement)
    wrong = ledger.difference()
    assert (wrong.member_id, wrong.bucket, wrong.position) == (bob, bucket, position)
    if expected:
        assert (wrong.expected, wrong.found) == (expected, found)


def test_a_member_whom_the_log_does_not_know_is_told(ledger: Ledger) -> None:
    bought(ledger)
    stranger = uuid4()
    ledger.database.execute("INSERT INTO balances_1.debts VALUES (%s, 'raised', 5, now(), 1, %s)", (stranger, stranger))
    assert ledger.difference().member_id == stranger


def test_a_fact_that_is_missing_leaves_a_gap(ledger: Ledger) -> None:
    bought(ledger)
    ledger.tamper("DELETE FROM facts WHERE position = 1")
    wrong = ledger.difference()
    assert (wrong.what, wrong.expected, wrong.found) == ("positions have no gap", "9", "8")


def test_what_is_received_must_have_been_sent(ledger: Ledger) -> None:
    stories = (History(f"sent {n}", RULES["lasting"], late=False).goes_on(80) for n in range(100))
    story = next(one for one in stories if any(isinstance(fact, movements.PointsSent) for fact in one.facts))
    ledger.given(*story.facts)
    (position,) = ledger.database.execute(
        "SELECT max(position) FROM facts WHERE name = 'PointsReceived.v1'"
    ).fetchone() or (0,)
    ledger.database.execute("UPDATE facts SET name = 'OpeningBalanceImported.v1' WHERE position = %s", (position,))
    assert not ledger.prove().holds


def test_first_means_by_position(ledger: Ledger) -> None:
    ann, _ = bought(ledger)
    ledger.tamper("UPDATE balances_1.lots SET points = points + 1")
    assert ledger.difference().member_id == ann
    assert ledger.prove().differing_members == 2


def test_slices_folded_by_several_processes_add_up_to_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    facts: list[Fact] = []
    for number in range(30):
        member = uuid4()
        facts += [*joins(member, card=f"C-{number}"), earns(member, number + 1, at=JANUARY)]
    ledger.given(*facts)
    whole = ledger.prove()
    monkeypatch.setattr(conservation, "FACTS_IN_A_SLICE", 20)
    seen: list[tuple[int, int]] = []
    parted = prove(ledger.settings, as_of=LATER, progress=lambda done, total: seen.append((done, total)))
    assert parted == whole
    assert whole.log.issued == sum(range(1, 31))
    assert seen == [(number, 7) for number in range(1, 8)]
