"""`loyalty export`: Parquet that is whole or not there, added to from where it ended."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from psycopg import Connection
from typer.testing import CliRunner, Result

from cli.main import app
from infra.database import connect
from infra.evidence.sources import Export, ExportDamaged
from infra.file_lock import FileLock, LockHeld
from infra.parquet import ParquetNotInstalled
from projections.exports import run
from projections.exports.directory import LOCK, NotAnExport
from projections.exports.run import AlreadyExported, AnotherLedger, NothingToExport
from projections.whatif.files import NotWritten
from tests.infra.evidence.vouched import Vouched
from tests.ledger import Ledger

AS_STORED = (
    "SELECT position, originator_id, originator_version, name, state, subject, recorded_at FROM facts ORDER BY position"
)


@pytest.fixture
def vouched(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vouched]:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    with Ledger(database_url) as ledger:
        yield Vouched(ledger, tmp_path / "data").buy(8)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "export"


def export(what: str, to: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["export", what, "--to", str(to), *options])


def done(what: str, to: Path, *options: str) -> dict[str, int]:
    result = export(what, to, *options, "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, int] = json.loads(result.stdout)
    return told


def refused(result: Result, error: type[Exception]) -> str:
    assert (result.exit_code, type(result.exception)) == (1, error), result.output
    return str(result.exception)


def held(to: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(to)): path.read_bytes() for path in to.rglob("*") if path.is_file() and path.name != LOCK
    }


def exported(to: Path) -> list[tuple[object, ...]]:
    return pl.read_parquet(to / "facts" / "*" / "*.parquet").sort("position").rows()


def stored(database: Connection) -> list[tuple[object, ...]]:
    return [
        (position, stream.bytes, version, name, bytes(state), subject.bytes, at)
        for position, stream, version, name, state, subject, at in database.execute(AS_STORED)
    ]


def test_facts_are_exported_as_they_are_stored(vouched: Vouched, to: Path) -> None:
    assert done("facts", to) == {"rows": 21, "files": 1, "position": 21}
    assert exported(to) == stored(vouched.ledger.database)
    vouched.sign()
    assert vouched.verify(Export(to)).holds, "and auditors can verify them offline"


def test_what_is_new_is_added_and_what_was_there_stays(vouched: Vouched, to: Path) -> None:
    done("facts", to, "--since-last")
    before = held(to)
    assert done("facts", to, "--since-last")["rows"] == 0
    assert held(to) == before
    vouched.buy(3)
    assert done("facts", to, "--since-last") == {"rows": 6, "files": 1, "position": 27}
    assert exported(to) == stored(vouched.ledger.database)
    kept = {path: held(to)[path] for path in before if path != "manifest.json"}
    assert kept.items() <= before.items(), "files that were there are as they were"
    vouched.sign()
    assert vouched.verify(Export(to)).holds


def test_files_are_by_month_and_bounded(vouched: Vouched, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vouched.tamper(
        "UPDATE facts SET recorded_at = '2024-01-31T23:59:59.999999Z' WHERE position <= 7",
        "UPDATE facts SET recorded_at = '2024-02-01T00:00:00Z' WHERE position > 7",
        "UPDATE facts SET recorded_at = '2024-01-31T12:00:00Z' WHERE position = 11",
    )
    monkeypatch.setattr(run, "PAGE", 3)
    monkeypatch.setattr(run, "FILE", 4)
    assert done("facts", to)["rows"] == 21
    paths = [file["path"] for file in json.loads((to / "manifest.json").read_text())["exports"]["facts"]["files"]]
    assert [path.removeprefix("facts/month=2024-").removesuffix(".parquet") for path in paths] == [
        "01/1-6", "01/7-7", "02/8-10", "01/11-11", "02/12-15", "02/16-21"
    ]  # fmt: skip
    assert exported(to) == stored(vouched.ledger.database)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may become longer than this: the operating system refuses to write on, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100, 2_000])
def test_where_there_is_no_room_the_former_export_stays(vouched: Vouched, to: Path, size: int) -> None:
    done("facts", to)
    before = held(to)
    vouched.buy(3)
    with room_for(size):
        result = export("facts", to, "--since-last")
    assert "is as it was; see to room" in refused(result, NotWritten)
    assert held(to) == before
    assert done("facts", to, "--since-last")["rows"] == 6


def test_a_failure_after_files_took_their_place_takes_them_away(
    vouched: Vouched, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("facts", to)
    before = held(to)
    vouched.buy(3)
    replace, left = Path.replace, ["facts"]

    def full(path: Path, target: Path) -> Path:
        if not left:
            raise OSError(28, os.strerror(28))
        left.pop()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in refused(export("facts", to, "--since-last"), NotWritten)
    assert held(to) == before


def test_what_a_killed_run_has_left_is_removed_by_the_next(vouched: Vouched, to: Path) -> None:
    month = to / "facts" / "month=2024-01"
    month.mkdir(parents=True)
    (month / "1-9.parquet.partial").write_bytes(b"PAR1")
    (month / "1-9.parquet").write_bytes(b"PAR1")
    (month / "mine.parquet").write_bytes(b"PAR1")
    assert done("facts", to)["rows"] == 21
    assert [path.name for path in month.iterdir() if not path.name.startswith("1-21")] == ["mine.parquet"]


def test_a_second_run_needs_to_be_told_to_add(vouched: Vouched, to: Path) -> None:
    done("facts", to)
    assert "--since-last" in refused(export("facts", to), AlreadyExported)


def test_another_ledgers_export_is_left_alone(vouched: Vouched, to: Path) -> None:
    done("facts", to)
    before = held(to)
    vouched.tamper("UPDATE facts SET originator_version = 200 WHERE position = 21")
    assert "position 21" in refused(export("facts", to, "--since-last"), AnotherLedger)
    vouched.tamper("DELETE FROM facts WHERE position > 10")
    assert "or none" in refused(export("facts", to, "--since-last"), AnotherLedger)
    vouched.tamper("UPDATE facts SET name = 'Another.v1' WHERE position = 1")
    assert "another ledger" in refused(export("facts", to, "--since-last"), AnotherLedger)
    assert held(to) == before


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 2, "ledger": "", "exports": {}}', b"\xff\xfe"])
def test_a_damaged_manifest_is_told(vouched: Vouched, to: Path, damage: str | bytes) -> None:
    done("facts", to)
    (to / "manifest.json").write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    assert "manifest.json is not readable" in refused(export("facts", to, "--since-last"), ExportDamaged)


def test_a_damaged_file_is_not_added_to(vouched: Vouched, to: Path) -> None:
    done("facts", to)
    (file,) = to.glob("facts/*/*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    assert "not as it was written" in refused(export("facts", to, "--since-last"), ExportDamaged)
    file.unlink()
    assert "is missing" in refused(export("facts", to, "--since-last"), ExportDamaged)


def test_a_directory_with_something_else_is_left_alone(vouched: Vouched, to: Path) -> None:
    to.mkdir()
    (to / "letters.txt").write_text("mine")
    assert "letters.txt" in refused(export("facts", to), NotAnExport)
    assert set(held(to)) == {"letters.txt"}


def test_a_place_that_cannot_be_written_to_is_told(vouched: Vouched, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(export("facts", tmp_path / "file" / "in"), NotWritten)
    assert refused(export("facts", tmp_path / "file"), NotWritten)


def test_two_runs_do_not_write_to_one_directory(vouched: Vouched, to: Path) -> None:
    to.mkdir()
    with FileLock(to / LOCK):
        assert "in use by process" in refused(export("facts", to), LockHeld)


def test_an_empty_log_has_nothing_to_export(vouched: Vouched, to: Path) -> None:
    vouched.tamper("DELETE FROM facts")
    assert refused(export("facts", to), NothingToExport)
    assert not to.exists()


def test_wrong_usage_is_told(vouched: Vouched, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = export("nothing", to)
    assert result.exit_code == 2
    assert "there is no export nothing" in result.output
    monkeypatch.setattr("infra.parquet.find_spec", lambda _: None)
    assert "loyalty-ledger[analysts]" in refused(export("facts", to), ParquetNotInstalled)


def test_the_log_is_only_read(vouched: Vouched, to: Path) -> None:
    with connect(vouched.ledger.url) as log:
        log.execute("SET default_transaction_read_only = on")
        told: list[tuple[int, int]] = []
        run.export(log, "facts", to, since_last=False, progress=lambda *at: told.append(at))
    assert told == [(21, 21)]
