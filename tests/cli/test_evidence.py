"""`loyalty audit …`: checkpoints, proofs and changes, as an auditor meets them, bad input included."""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from domain.points_account import account_id
from infra.bootstrap import bootstrap
from infra.evidence.files import CheckpointsMissing
from infra.evidence.notary import Notary
from infra.evidence.notes import CheckpointDamaged, CheckpointOfAnotherKey, PublicKeyUnreadable, Signer
from infra.evidence.proofs import NotVouchedFor, ProofUnreadable
from infra.evidence.sources import ExportDamaged
from infra.evidence.tree import NoCheckpoint
from infra.keys import KeyFileIncomplete, load_key_file, load_signer
from infra.merkle import ProofWrong
from infra.settings import Settings
from projections.assurance.whole_streams import FactsLeftOut
from projections.whatif.files import NotWritten
from tests.builders import ANN
from tests.domain.test_commands_of_personal_data import erase
from tests.infra.evidence.vouched import Vouched
from tests.ledger import Ledger, execute

OTHER = Signer(b"o" * 32)


@pytest.fixture
def vouched(database_url: str, kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vouched]:
    """A ledger of 25 facts with three checkpoints, signed by the key of its data directory."""
    given = {
        "LOYALTY_DATABASE_URL": database_url,
        "LOYALTY_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "LOYALTY_DATA_DIR": str(tmp_path),
    }
    for name, value in {**given, "LOYALTY_CHECKPOINT_FACTS": "10"}.items():
        monkeypatch.setenv(name, value)
    load_key_file(Settings(), make=True)
    with Ledger(database_url) as ledger:
        made = Vouched(ledger, tmp_path).buy(10)
        Notary(made.settings, load_signer(made.settings)).sign_now(ledger.database)
        yield made


def audit(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, words)])


def done(*words: str | Path) -> str:
    found = audit(*words)
    assert found.exit_code == 0, (found.output, found.exception)
    return found.stdout


def exported(directory: Path) -> None:
    assert CliRunner().invoke(app, ["export", "facts", "--to", str(directory)]).exit_code == 0


def key() -> str:
    return done("public-key").strip()


def proof_file(directory: Path, *words: str) -> Path:
    path = directory / "proof.json"
    path.write_text(done("prove", *words))
    return path


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LOYALTY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOYALTY_DATA_DIR", "/nowhere")


class TestVerify:
    def test_the_log_itself(self, vouched: Vouched) -> None:
        told = done("verify")
        assert "verified: 25 facts are as they were recorded, by 3 signed checkpoints" in told
        assert str(vouched.settings.checkpoints_path) in told
        assert "append-only by triggers" in told
        vouched.buy(1)
        assert "2 facts came later" in done("verify")
        assert json.loads(done("verify", "--json"))["uncovered"] == 2

    def test_a_change_ends_with_1_and_its_position(self, vouched: Vouched) -> None:
        vouched.tamper("UPDATE facts SET name = 'X.v1' WHERE position = 17")
        found = audit("verify")
        assert found.exit_code == 1
        assert "THE LOG WAS CHANGED: first at position 17: changed" in found.stdout
        told = json.loads(audit("verify", "--json").stdout)
        assert (told["holds"], told["first_change"]["position"]) == (False, 17)

    def test_without_the_clocks_file_the_database_tells(self, vouched: Vouched) -> None:
        vouched.file.path.unlink()
        vouched.file.hashes_path.unlink()
        assert "from the database itself" in done("verify")
        vouched.tamper("UPDATE facts SET name = 'X.v1' WHERE position = 17")
        assert "position 17" in audit("verify").stdout

    def test_an_export_needs_nothing_but_the_public_key(
        self, vouched: Vouched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        public, seen = key(), tmp_path / "auditor" / "checkpoints"
        done("checkpoints", seen)
        exported(tmp_path / "export")
        vouched.tamper("UPDATE facts SET name = 'X.v1' WHERE position = 17")
        exported(tmp_path / "later")
        offline(monkeypatch)
        (tmp_path / "key").write_text(public + "\n")
        asked = ("--checkpoints", seen, "--key")
        assert "verified: 25 facts" in done("verify", "--export", tmp_path / "export", *asked, public)
        found = audit("verify", "--export", tmp_path / "later", *asked, tmp_path / "key")
        assert found.exit_code == 1
        assert "first at position 17: changed" in found.stdout

    def test_hashes_that_were_cut_off_are_told_and_written_again(self, vouched: Vouched, tmp_path: Path) -> None:
        seen = tmp_path / "auditor" / "checkpoints"
        assert "not whole" not in audit("checkpoints", seen).stderr
        hashes = seen.with_name("checkpoints.hashes")
        whole = hashes.read_bytes()
        exported(tmp_path / "export")
        for length in (32 * 25 - 1, 40, 0):
            hashes.write_bytes(whole[:length])
            for words in (("--export", tmp_path / "export", "--key", key()), ()):
                found = audit("verify", "--checkpoints", seen, *words)
                assert found.exit_code == 0
                assert f"holds the hashes of {length // 32} of 25 facts" in found.stderr
            mended = audit("checkpoints", seen)
            assert f"was not whole: the hashes of {25 - length // 32} facts were written again" in mended.stderr
            assert hashes.read_bytes() == whole
        assert "holds the hashes" not in audit("verify", "--checkpoints", seen).stderr

    def test_a_full_disk_is_told_and_the_next_time_writes_the_rest(self, vouched: Vouched) -> None:
        hashes = vouched.settings.data_dir / "seen.hashes"
        hashes.symlink_to("/dev/full")
        full = audit("checkpoints", hashes.with_suffix(""))
        assert isinstance(full.exception, NotWritten), full.output
        hashes.unlink()
        assert audit("checkpoints", hashes.with_suffix("")).stderr.startswith("3 checkpoints appended")
        assert hashes.stat().st_size == 32 * 25

    def test_with_an_export_the_rest_must_be_named(self, tmp_path: Path) -> None:
        assert audit("verify", "--export", tmp_path).exit_code == 2


class TestBadInput:
    @pytest.fixture
    def given(self, vouched: Vouched, tmp_path: Path) -> dict[str, Any]:
        vouched.export(tmp_path / "export")
        return {"--export": tmp_path / "export", "--checkpoints": vouched.settings.checkpoints_path, "--key": key()}

    def refused(self, given: dict[str, Any], **changes: Any) -> BaseException | None:
        asked = given | {f"--{name}": value for name, value in changes.items()}
        found = audit("verify", *(word for pair in asked.items() for word in pair))
        assert found.exit_code == 1
        return found.exception

    def test_a_wrong_key(self, given: dict[str, Any]) -> None:
        assert isinstance(self.refused(given, key=OTHER.public), CheckpointOfAnotherKey)
        assert isinstance(self.refused(given, key="key+of+nobody"), PublicKeyUnreadable)
        missing = self.refused(given, key="/nowhere/key.pub")
        assert isinstance(missing, PublicKeyUnreadable)
        assert "there is no file /nowhere/key.pub" in str(missing)

    def test_checkpoints_that_are_cut_off(self, given: dict[str, Any], tmp_path: Path) -> None:
        whole = given["--checkpoints"].read_text()
        for length in (len(whole) - 30, len(whole) - 100, len(whole) - 140, 10):
            (tmp_path / "cut").write_text(whole[:length])
            error = self.refused(given, checkpoints=tmp_path / "cut")
            assert isinstance(error, CheckpointDamaged)
            assert "fetch" in str(error)

    def test_checkpoints_that_are_missing_or_no_text(self, given: dict[str, Any], tmp_path: Path) -> None:
        assert isinstance(self.refused(given, checkpoints=tmp_path / "none"), CheckpointsMissing)
        (tmp_path / "bytes").write_bytes(b"\xff\xfe\0")
        assert isinstance(self.refused(given, checkpoints=tmp_path / "bytes"), CheckpointDamaged)
        (tmp_path / "empty").write_text("")
        assert isinstance(self.refused(given, checkpoints=tmp_path / "empty"), CheckpointsMissing)

    def test_an_export_that_is_none(self, given: dict[str, Any], tmp_path: Path) -> None:
        assert "manifest" in str(self.refused(given, export=tmp_path))
        manifest = given["--export"] / "manifest.json"
        told = manifest.read_text()
        for text in (told[:-20], "[]", "{}", told.replace('"format": 1', '"format": 2')):
            manifest.write_text(text)
            assert isinstance(self.refused(given), ExportDamaged)

    def test_a_file_of_an_export_that_is_damaged_cut_off_or_gone(self, given: dict[str, Any]) -> None:
        path = next(given["--export"].glob("facts/*/9-*.parquet"))
        whole = path.read_bytes()
        for spoilt in (whole[:-10], whole[:100] + b"x" + whole[101:]):
            path.write_bytes(spoilt)
            assert "copy it again" in str(self.refused(given))
        path.unlink()
        assert "is missing from the export" in str(self.refused(given))

    def test_a_file_that_is_not_what_it_should_be_though_the_manifest_says_so(self, given: dict[str, Any]) -> None:
        path = next(given["--export"].glob("facts/*/9-*.parquet"))
        manifest = given["--export"] / "manifest.json"
        told = json.loads(manifest.read_text())
        path.write_bytes(b"no parquet")
        told["exports"]["facts"]["files"][1]["sha256"] = sha256(b"no parquet").hexdigest()
        manifest.write_text(json.dumps(told))
        assert "no readable Parquet" in str(self.refused(given))

    def test_an_export_that_is_shorter_than_the_checkpoints(self, given: dict[str, Any]) -> None:
        manifest = given["--export"] / "manifest.json"
        told = json.loads(manifest.read_text())
        told["exports"]["facts"]["files"].pop()
        manifest.write_text(json.dumps(told))
        found = audit("verify", *(word for pair in given.items() for word in pair))
        assert found.exit_code == 1
        assert "first at position 25: removed" in found.stdout

    def test_a_key_file_of_an_older_release(self, vouched: Vouched) -> None:
        path = vouched.settings.keys_path
        kept = json.loads(path.read_text())
        del kept["checkpoints"]
        path.write_text(json.dumps(kept))
        assert isinstance(audit("public-key").exception, KeyFileIncomplete)

    def test_a_ledger_without_checkpoints(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in settings.environment().items():
            monkeypatch.setenv(name, value)
        load_key_file(settings, make=True)
        assert isinstance(audit("verify").exception, NoCheckpoint)
        bootstrap(settings)
        for words in (["verify"], ["prove", "1"]):
            assert isinstance(audit(*words).exception, NoCheckpoint)


class TestProofs:
    def test_a_fact_is_proven_offline(self, vouched: Vouched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        public, path = key(), proof_file(tmp_path, "17")
        offline(monkeypatch)
        told = done("check-proof", path, "--key", public)
        assert "proven: 1 facts, in the log of 25 facts" in told
        (fact,) = json.loads(path.read_text())["facts"]
        assert told.startswith(f"position 17  {fact['name']}  recorded ")
        assert f"stream {fact['stream_id']}, version {fact['version']}" in told
        for name, value in json.loads(fact["state"]).items():
            if isinstance(value, str) and name not in {"originator_id", "recorded_at"}:
                assert f"    {name}: {value}\n" in told
        assert len(told.splitlines()) == len(json.loads(fact["state"])) - 3 + 3, "a line for each thing that it says"

    def test_a_member_of_whom_facts_were_left_out_is_not_proven(self, vouched: Vouched, tmp_path: Path) -> None:
        path = proof_file(tmp_path, "--member", str(ANN))
        whole = json.loads(path.read_text())
        account = str(account_id(ANN))
        (first, *_, before_last, last) = [at for at, one in enumerate(whole["facts"]) if one["stream_id"] == account]
        for taken in (first, before_last):
            facts = [one for at, one in enumerate(whole["facts"]) if at != taken]
            path.write_text(json.dumps(whole | {"facts": facts}))
            found = audit("check-proof", path, "--key", key())
            assert isinstance(found.exception, FactsLeftOut)
            assert f"stream {account}: version {whole['facts'][taken]['version']} is missing" in str(found.exception)
        path.write_text(json.dumps(whole | {"facts": [*whole["facts"], whole["facts"][-1]]}))
        assert isinstance(audit("check-proof", path, "--key", key()).exception, FactsLeftOut)
        path.write_text(json.dumps(whole | {"facts": [one for at, one in enumerate(whole["facts"]) if at != last]}))
        assert "proven" in done("check-proof", path, "--key", key()), "what came last in a stream is not missed"

    def test_no_proof_is_printed_that_would_not_hold(self, vouched: Vouched) -> None:
        vouched.tamper("UPDATE facts SET name = 'X.v1' WHERE position = 17")
        found = audit("prove", "17")
        assert (found.exit_code, found.stdout) == (1, "")
        assert isinstance(found.exception, ProofWrong)
        assert "no proof is printed" in str(found.exception)
        done("prove", "16")
        vouched.tamper("UPDATE facts SET subject = gen_random_uuid() WHERE name = 'X.v1'")
        assert isinstance(audit("prove", "--member", str(ANN)).exception, FactsLeftOut)
        vouched.tamper("UPDATE checkpoints SET note = replace(note, E'\\n20', E'\\n21') WHERE size = 25")
        assert isinstance(audit("prove", "16").exception, CheckpointDamaged)

    def test_every_fact_of_a_member_is_proven_and_stays_so_after_an_erasure(
        self, vouched: Vouched, tmp_path: Path
    ) -> None:
        path = proof_file(tmp_path, "--member", str(ANN))
        execute(vouched.writer, erase())
        told = json.loads(done("check-proof", path, "--key", key(), "--json"))
        positions = [one["position"] for one in told["facts"]]
        assert positions == [
            row[0]
            for row in vouched.ledger.rows(
                "SELECT position FROM facts WHERE subject = %s AND position <= 25 ORDER BY 1", ANN
            )
        ]
        assert len(positions) > 20
        done("checkpoint")
        assert "verified: " in done("verify")
        assert f"of member {ANN}" in done("check-proof", path, "--key", key())

    @pytest.mark.parametrize(
        ("field", "value"),
        [("state", "{}"), ("position", 16), ("version", 9), ("name", "X.v1"), ("recorded_at", "2024-01-01T00:00:01Z"),
         ("subject", str(ANN)[:-1] + "9"), ("stream_id", str(ANN)), ("path", [])],
    )  # fmt: skip
    def test_no_field_of_it_can_be_another(self, vouched: Vouched, tmp_path: Path, field: str, value: Any) -> None:
        path = proof_file(tmp_path, "17")
        told = json.loads(path.read_text())
        told["facts"][0][field] = value
        path.write_text(json.dumps(told))
        found = audit("check-proof", path, "--key", key())
        assert found.exit_code == 1
        assert isinstance(found.exception, ProofWrong)

    def test_a_file_that_is_no_proof(self, vouched: Vouched, tmp_path: Path) -> None:
        path = proof_file(tmp_path, "17")
        whole = path.read_text()
        for text in (whole[:-50], "{}", whole.replace('"format": 1', '"format": 2'), "\0"):
            path.write_text(text)
            assert isinstance(audit("check-proof", path, "--key", key()).exception, ProofUnreadable)
        assert isinstance(audit("check-proof", tmp_path, "--key", key()).exception, ProofUnreadable)
        path.write_text(whole)
        assert isinstance(audit("check-proof", path, "--key", str(OTHER.public)).exception, CheckpointOfAnotherKey)

    def test_what_no_checkpoint_vouches_for(self, vouched: Vouched) -> None:
        vouched.buy(1)
        assert isinstance(audit("prove", "26").exception, NotVouchedFor)
        assert isinstance(audit("prove", "--member", str(OTHER.public.id) * 4).exception, NotVouchedFor)
        assert "\n27\n" in done("checkpoint")
        done("prove", "26")

    def test_what_of_a_member_came_after_the_checkpoint_is_told_or_signed(self, vouched: Vouched) -> None:
        assert audit("prove", "--member", str(ANN)).stderr == ""
        vouched.buy(1)
        (bought,) = vouched.ledger.rows("SELECT count(*) FROM facts WHERE subject = %s AND position > 25", ANN)[0]
        found = audit("prove", "--member", str(ANN))
        before = [one["position"] for one in json.loads(found.stdout)["facts"]]
        assert found.stderr.startswith(f"left out: {bought} facts of the member")
        assert max(before) <= 25
        found = audit("prove", "--member", str(ANN), "--sign-now")
        assert found.stderr == ""
        after = [one["position"] for one in json.loads(found.stdout)["facts"]]
        assert after == [*before, *range(27 - bought + 1, 28)]
        vouched.buy(1)
        assert audit("prove", "29").exit_code == 1
        done("prove", "29", "--sign-now")

    def test_wrong_usage(self) -> None:
        assert audit("prove").exit_code == 2
        assert audit("prove", "1", "--member", str(ANN)).exit_code == 2
        assert audit("prove", "0").exit_code == 2
