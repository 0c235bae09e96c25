"""A log and its read model in one database, to be proven and tampered with."""

from collections.abc import Iterable
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from domain.fact import Fact
from infra import event_store
from infra.database import make_tables
from infra.event_store import FactRecorder
from infra.settings import Settings
from infra.stored_facts import FactMapper
from projections.proofs.conservation import Conservation, prove
from projections.proofs.slices import Difference
from tests.read_spec import JANUARY, ReadSide

LATER = JANUARY + timedelta(days=9_000)


class Ledger:
    """A log and its read model, in one database."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database_url=url)
        self.read_side = ReadSide(url)
        self.database = self.read_side.connection
        make_tables(self.database, event_store.TABLES)
        self.log = FactRecorder(url)
        self.versions: dict[UUID, int] = {}

    def given(self, *facts: Fact, told: int | None = None) -> "Ledger":
        """Facts are recorded, and all of them, or the first so many, told to the read model."""
        numbered = self._numbered(facts)
        self.log.insert_events([FactMapper({}).to_stored_event(fact) for fact in numbered])
        self.read_side.given(*numbered[:told])
        return self

    def tamper(self, statement: LiteralString) -> None:
        self.database.execute(statement)

    def prove(self) -> Conservation:
        return prove(self.settings, as_of=LATER)

    def difference(self) -> Difference:
        """What a proof finds."""
        proof = self.prove()
        assert not proof.holds
        assert proof.first_difference is not None
        return proof.first_difference

    def close(self) -> None:
        self.log.close()
        self.read_side.close()

    def _numbered(self, facts: Iterable[Fact]) -> list[Fact]:
        found = []
        for fact in facts:
            version = self.versions[fact.originator_id] = self.versions.get(fact.originator_id, 0) + 1
            found.append(fact.model_copy(update={"originator_version": version}))
        return found
