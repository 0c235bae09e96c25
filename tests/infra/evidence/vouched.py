"""A small ledger with a notary, and what its owner may do to it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from infra.append_only import GUARDED, make_log
from infra.evidence.files import CheckpointFile
from infra.evidence.notary import Notary
from infra.evidence.notes import Checkpoint, PublicKey, Signer, opened_in_order
from infra.evidence.sources import Export, Live, Source
from infra.evidence.tree import Tree
from infra.evidence.verifying import Change, Hashes, Verified, verify
from infra.settings import Settings
from tests.builders import ANN, SEALING, join, line, purchase
from tests.domain.story import JOINED_AT
from tests.ledger import Ledger, all_recorded, execute

SIGNER = Signer(b"s" * 32)
EVERY = 10


class Vouched:
    """Ann joins and buys; each tenth fact there is a checkpoint."""

    def __init__(self, ledger: Ledger, directory: Path) -> None:
        self.ledger = ledger
        self.settings = Settings(
            database_url=ledger.url, data_dir=directory, checkpoint_facts=EVERY, checkpoint_seconds=3_600
        )
        make_log(self.settings)
        self.tree = Tree(ledger.database)
        self.file = CheckpointFile(self.settings.checkpoints_path)
        self.writer = ledger.writer()
        self._bought = 0
        execute(self.writer, join(at=JOINED_AT, personal=SEALING.seal_first(ANN, {"name": "Ann"})))

    def buy(self, times: int) -> "Vouched":
        """Two facts each."""
        for _ in range(times):
            self._bought += 1
            assert all_recorded(execute(self.writer, purchase(line(1_000), id=f"R-{self._bought}", at=JOINED_AT)))
        return self

    def sign(self) -> int:
        return Notary(self.settings, SIGNER).sign_now(self.ledger.database)

    def tamper(self, *statements: str) -> None:
        """As the owner, who takes the guard away first."""
        for table in GUARDED:
            self.ledger.database.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only".encode())
        for statement in statements:
            self.ledger.database.execute(statement.encode())

    def checkpoints(self, key: PublicKey = SIGNER.public) -> list[Checkpoint]:
        return opened_in_order((one.note for one in self.tree.kept()), key)

    def verify(self, source: Source | None = None, *hashes: Hashes) -> Verified:
        source = source or Live(self.ledger.database)
        return verify(source, self.checkpoints(), hashes or [self.file.hashes], key_id=SIGNER.public.id)

    def change(self, source: Source | None = None) -> Change:
        found = self.verify(source)
        assert not found.holds
        assert found.first_change is not None
        return found.first_change

    def export(self, directory: Path) -> Export:
        rows = self.ledger.rows(
            "SELECT position, originator_id, originator_version, name, state, subject, recorded_at FROM facts ORDER BY position"
        )
        return write_export(directory, [[r[0], r[1].bytes, r[2], r[3], bytes(r[4]), r[5].bytes, r[6]] for r in rows])


SCHEMA: dict[str, Any] = {
    "position": pl.Int64, "stream_id": pl.Binary, "version": pl.Int64, "name": pl.String, "state": pl.Binary,
    "subject": pl.Binary, "recorded_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def write_export(directory: Path, rows: list[list[Any]], *, at_once: int = 8) -> Export:
    """An export in the form that is agreed, in several files."""
    files = []
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(0, len(rows), at_once):
        part = rows[number : number + at_once]
        path = directory / "facts" / "month=2024-01" / f"{part[0][0]}-{part[-1][0]}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(part, schema=SCHEMA, orient="row").write_parquet(path)
        told = {
            "rows": len(part),
            "first": number + 1,
            "last": part[-1][0],
            "sha256": sha256(path.read_bytes()).hexdigest(),
        }
        files.append({"path": str(path.relative_to(directory)), **told})
    manifest = {"format": 1, "exports": {"facts": {"files": files, "last_position": len(rows)}}}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return Export(directory)
