"""A real ledger that its owner tampers with: what was done is found, at its position."""

from pathlib import Path

import pytest

from infra.evidence.sources import Live
from infra.evidence.tree import LogBroken
from tests.domain.test_commands_of_personal_data import erase
from tests.infra.evidence.vouched import Vouched, write_export
from tests.ledger import execute
from tests.test_docs import blocks

COLUMNS = "originator_id, originator_version, name, state, subject, recorded_at"
SWAP = f"""
UPDATE facts SET ({COLUMNS}) = (SELECT {COLUMNS} FROM facts AS other WHERE other.position = %d - facts.position)
WHERE position IN (%d, %d)
"""


def deferred(vouched: Vouched) -> None:
    """Whoever tampers takes away what is in the way."""
    vouched.tamper("ALTER TABLE facts DROP CONSTRAINT facts_originator_id_originator_version_key")


TAMPERED = {
    "a byte of a state": (
        ["UPDATE facts SET state = set_byte(state, 40, get_byte(state, 40) # 1) WHERE position = 17"], 17, "changed",
    ),
    "the time": (["UPDATE facts SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = 23"], 23, "changed"),
    "the name": (["UPDATE facts SET name = 'PointsEarned.v2' WHERE position = 6"], 6, "changed"),
    "the subject": (["UPDATE facts SET subject = gen_random_uuid() WHERE position = 1"], 1, "changed"),
    "the stream": (["UPDATE facts SET originator_id = gen_random_uuid() WHERE position = 40"], 40, "changed"),
    "the version": (["UPDATE facts SET originator_version = 77 WHERE position = 39"], 39, "changed"),
    "two rows": (["UPDATE facts SET name = 'X.v1' WHERE position IN (12, 14)"], 12, "changed"),
    "a row less": (["DELETE FROM facts WHERE position = 18"], 18, "removed"),
    "the first row less": (["DELETE FROM facts WHERE position = 1"], 1, "removed"),
    "the last row less": (["DELETE FROM facts WHERE position = 45"], 45, "removed"),
    "all of them less": (["DELETE FROM facts"], 1, "removed"),
    "a row less and the others moved up": (
        ["DELETE FROM facts WHERE position = 18", "UPDATE facts SET position = position + 999 WHERE position > 18",
         "UPDATE facts SET position = position - 1000 WHERE position > 999"], 18, "removed",
    ),
    "two neighbours": ([SWAP % (45, 22, 23)], 22, "reordered"),
    "two that are far apart": ([SWAP % (38, 5, 33)], 5, "reordered"),
    "a row more": (
        ["UPDATE facts SET position = position + 1000 WHERE position >= 31", "UPDATE facts SET position = position - 999 WHERE position > 1000",
         "INSERT INTO facts SELECT 31, gen_random_uuid(), 1, name, state, subject, recorded_at FROM facts WHERE position = 30"], 31, "inserted",
    ),
    "a row before the first": (
        ["INSERT INTO facts SELECT 0, gen_random_uuid(), 1, name, state, subject, recorded_at FROM facts WHERE position = 30"], 1, "inserted",
    ),
    "one changed before one that is gone": (
        ["DELETE FROM facts WHERE position = 38", "UPDATE facts SET name = 'X.v1' WHERE position = 35"], 35, "changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_it_is_found_at_its_position_live_and_in_an_export(vouched: Vouched, tmp_path: Path, what: str) -> None:
    statements, position, kind = TAMPERED[what]
    assert vouched.buy(20).sign() == 5
    assert vouched.verify().holds
    deferred(vouched)
    vouched.tamper(*statements)
    for source in (Live(vouched.ledger.database), vouched.export(tmp_path / "export")):
        found = vouched.change(source)
        assert (found.position, found.last, found.what) == (position, position, kind), found.told


def test_an_untouched_ledger_holds_and_tells_what_is_not_vouched_for_yet(vouched: Vouched, tmp_path: Path) -> None:
    vouched.buy(20).sign()
    vouched.buy(2)
    for source in (Live(vouched.ledger.database), vouched.export(tmp_path / "export")):
        found = vouched.verify(source)
        assert (found.holds, found.facts, found.size, found.uncovered) == (True, 49, 45, 4)
        assert found.first_change is None
        assert found.checkpoints == 5


def test_rows_of_an_export_in_another_order_are_found(vouched: Vouched, tmp_path: Path) -> None:
    vouched.buy(20).sign()
    rows = vouched.ledger.rows(f"SELECT position, {COLUMNS} FROM facts ORDER BY position")
    told = [[r[0], r[1].bytes, r[2], r[3], bytes(r[4]), r[5].bytes, r[6]] for r in rows]
    moved = [*told[:11], told[13], told[11], told[12], *told[14:]]
    assert (found := vouched.change(write_export(tmp_path / "moved", moved))).position == 12
    assert found.what == "reordered"
    twice = [*told[:20], told[4], *told[20:]]
    assert (found := vouched.change(write_export(tmp_path / "twice", twice))).position == 21
    assert found.what == "inserted"


def test_behind_the_last_checkpoint_a_gap_is_found(vouched: Vouched) -> None:
    vouched.buy(3).sign()
    vouched.buy(3)
    vouched.tamper("DELETE FROM facts WHERE position = 13")
    assert (found := vouched.change()).position == 13
    assert found.what == "removed"


def test_hashes_that_were_changed_too_are_not_trusted_where_others_are_kept(vouched: Vouched) -> None:
    """The owner of the database rewrites facts and their hashes: the file of the clock still tells the place."""
    vouched.buy(20).sign()
    vouched.tamper(
        "UPDATE facts SET name = 'X.v1' WHERE position = 17",
        "UPDATE fact_hashes SET hashes = set_byte(hashes, 100, 1) WHERE first = 11",
    )
    live = Live(vouched.ledger.database)
    found = vouched.verify(live, vouched.tree.leaves, vouched.file.hashes).first_change
    assert found is not None
    assert (found.position, found.last, found.what) == (17, 17, "changed")


def test_without_hashes_to_trust_it_is_found_between_two_checkpoints(vouched: Vouched) -> None:
    vouched.buy(20).sign()
    vouched.tamper("UPDATE facts SET name = 'X.v1' WHERE position = 17")
    found = vouched.verify(Live(vouched.ledger.database), lambda _, __: None).first_change
    assert found is not None
    assert (found.position, found.last, found.what) == (11, 20, "rewritten")


def test_an_erasure_changes_nothing_that_is_vouched_for(vouched: Vouched) -> None:
    vouched.buy(5).sign()
    execute(vouched.writer, erase())
    vouched.sign()
    assert vouched.verify().holds


def test_a_notary_does_not_sign_over_what_was_changed(vouched: Vouched) -> None:
    vouched.buy(3).sign()
    vouched.buy(3)
    vouched.tamper("UPDATE fact_hashes SET hashes = set_byte(hashes, 3, 1) WHERE first = 1")
    with pytest.raises(LogBroken, match="root that was signed"):
        vouched.sign()
    assert len(vouched.checkpoints()) == 2


def test_a_notary_does_not_sign_over_a_gap(vouched: Vouched) -> None:
    vouched.buy(3).sign()
    vouched.buy(3)
    vouched.tamper("DELETE FROM facts WHERE position = 13")
    with pytest.raises(LogBroken, match="are missing"):
        vouched.sign()


def test_the_check_by_hand_that_auditors_are_shown_finds_a_change(vouched: Vouched) -> None:
    (check,) = (block for block in blocks("auditors.md", "sql") if "JOIN fact_hashes" in block)
    vouched.buy(20).sign()
    assert vouched.ledger.rows(check) == []
    vouched.tamper("UPDATE facts SET recorded_at = recorded_at + interval '1 microsecond' WHERE position IN (17, 31)")
    assert sorted(vouched.ledger.rows(check)) == [(17,), (31,)]
