"""When checkpoints are signed, over what, and where they are written."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import Connection

from infra.append_only import make_log
from infra.database import connect
from infra.evidence.files import CheckpointFile
from infra.evidence.notary import Notary
from infra.evidence.proofs import roots_up_to
from infra.evidence.tree import BLOCK, LogBroken, Tree, facts_between
from infra.merkle import (
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_data,
    leaf_hash,
    root_of,
)
from infra.settings import Settings
from tests.infra.evidence.vouched import SIGNER

SOON, LATER = timedelta(seconds=59), timedelta(seconds=61)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    made = Settings(database_url=database_url, data_dir=tmp_path, checkpoint_facts=10, checkpoint_seconds=60)
    make_log(made)
    return made


@pytest.fixture
def log(settings: Settings) -> Iterator[Connection]:
    with connect(settings.database_url) as connection:
        yield connection


def record(log: Connection, facts: int) -> None:
    log.execute(
        "INSERT INTO facts SELECT last + n, gen_random_uuid(), n, 'Größe.v1', convert_to(repeat('x', n %% 300), 'UTF8'),"
        " gen_random_uuid(), timestamptz '1969-12-31 23:59:59.999998Z' + n * interval '1 microsecond'"
        " FROM generate_series(1, %s) AS n, (SELECT coalesce(max(position), 0) AS last FROM facts) AS known",
        (facts,),
    )


def sizes(log: Connection) -> list[int]:
    return [one.size for one in Tree(log).kept()]


def leaves(log: Connection) -> list[bytes]:
    rows = log.execute(
        "SELECT position, originator_id, originator_version, name, state, subject, recorded_at FROM facts ORDER BY position"
    )
    return [leaf_hash(leaf_data(*row)) for row in rows]


def test_leaf_data_is_the_same_by_python_and_by_postgresql(log: Connection) -> None:
    record(log, 400)
    rows = log.execute(
        "SELECT position, originator_id, originator_version, name, state, subject, recorded_at FROM facts ORDER BY position"
    )
    assert [leaf_data(*row) for row in rows] == facts_between(log, 0, 400)


def test_a_checkpoint_is_due_every_so_many_facts_and_after_a_while(settings: Settings, log: Connection) -> None:
    notary, now = Notary(settings, SIGNER), datetime.now(UTC)
    assert notary.look(log, now) == 0
    record(log, 3)
    assert notary.look(log, now) == 1, "the first one needs no waiting"
    record(log, 6)
    assert notary.look(log, now + SOON) == 0
    record(log, 25)
    assert notary.look(log, now + SOON) == 3
    assert notary.look(log, now + SOON) == 0
    assert notary.look(log, datetime.now(UTC) + LATER) == 1
    assert notary.look(log, datetime.now(UTC) + LATER) == 0
    assert sizes(log) == [3, 10, 20, 30, 34]


def test_roots_are_those_over_all_facts_whoever_signs_and_however_often(settings: Settings, log: Connection) -> None:
    for facts in (1, 1_022, 1, 1, 2_500):
        record(log, facts)
        Notary(settings.model_copy(update={"checkpoint_facts": 700}), SIGNER).sign_now(log)
    every = leaves(log)
    assert len(every) == 3_525 > 3 * BLOCK
    for kept in Tree(log).kept():
        signed = SIGNER.public.opened(kept.note)
        assert (signed.size, signed.root) == (kept.size, root_of(every[: kept.size]))
    assert Tree(log).leaves(1_000, 2_100) == every[1_000:2_100]
    assert CheckpointFile(settings.checkpoints_path).hashes(0, 3_525) == every


def test_proofs_over_many_blocks_lead_to_the_roots(settings: Settings, log: Connection) -> None:
    record(log, 3_300)
    Notary(settings, SIGNER).sign_now(log)
    every, tree = leaves(log), Tree(log)
    for size in (1, 1_023, 1_024, 1_025, 2_048, 2_500, 3_300):
        roots, root = roots_up_to(tree, size), root_of(every[:size])
        assert tree.root(0, size) == root
        for index in {0, size // 2, size - 1}:
            check_inclusion(every[index], index, size, inclusion_path(roots, index, size), root)
        for before in {1, (size + 1) // 2, size}:
            check_consistency(before, size, consistency_path(roots, before, size), root_of(every[:before]), root)


def test_what_was_cut_off_in_the_file_is_written_again(settings: Settings, log: Connection) -> None:
    file = CheckpointFile(settings.checkpoints_path)
    record(log, 35)
    Notary(settings, SIGNER).sign_now(log)
    whole, hashes = file.path.read_bytes(), file.hashes_path.read_bytes()
    assert len(hashes) == 35 * 32
    for kept in (0, 10, whole.index(b"\n\n") + 2, len(whole) // 2, len(whole) - 1):
        file.path.write_bytes(whole[:kept])
        file.hashes_path.write_bytes(hashes[: kept * 3])
        assert CheckpointFile(file.path).follow(Tree(log)) > 0
        assert (file.path.read_bytes(), file.hashes_path.read_bytes()) == (whole, hashes)
    assert CheckpointFile(file.path).follow(Tree(log)) == 0


def test_two_notaries_in_turn_write_each_checkpoint_once(settings: Settings, log: Connection) -> None:
    one, other = Notary(settings, SIGNER), Notary(settings, SIGNER)
    for notary in (one, other, one, one, other):
        record(log, 7)
        notary.sign_now(log)
    notes = CheckpointFile(settings.checkpoints_path).notes()
    assert notes == [kept.note for kept in Tree(log).kept()]
    assert sizes(log) == [7, 10, 14, 20, 21, 28, 30, 35]


def test_a_database_that_lacks_what_was_published_is_not_signed_over(settings: Settings, log: Connection) -> None:
    record(log, 20)
    Notary(settings, SIGNER).sign_now(log)
    log.execute("ALTER TABLE checkpoints DISABLE TRIGGER append_only")
    log.execute("DELETE FROM checkpoints WHERE size = 20")
    with pytest.raises(LogBroken, match="restored from an older backup"):
        Notary(settings, SIGNER).sign_now(log)


def test_it_works_beside_others_until_they_end(settings: Settings, log: Connection) -> None:
    record(log, 5)
    deadline = time.monotonic() + 60
    with Notary(settings, SIGNER).running(), Notary(settings, SIGNER).running():
        while not sizes(log):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        record(log, 5)
        while sizes(log) != [5, 10]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert CheckpointFile(settings.checkpoints_path).notes() == [one.note for one in Tree(log).kept()]


def test_nothing_it_meets_brings_down_what_it_works_beside(
    settings: Settings, log: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    log.execute("INSERT INTO facts VALUES (2, %s, 1, 'X.v1', '', %s, now())", (UUID(int=1), UUID(int=1)))
    deadline = time.monotonic() + 60
    with Notary(settings, SIGNER).running():
        while "no checkpoint is signed: between the positions 1 and 2 facts are missing" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert sizes(log) == []
