"""The Query API over a real database, with a key of each scope."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.fact import Fact
from infra import event_store, keys, letters, personal_data, relay
from infra.database import connect, make_tables
from infra.keys import SCOPES, Keyring, create_key
from infra.personal_data import PersonalData
from infra.settings import Settings
from infra.stored_facts import FactMapper
from query_api.app import create_app
from tests.builders import KEYS, card_id
from tests.read_spec import PARTITIONS, ReadSide
from tests.serving import served


@dataclass
class Door:
    """The API with a client, keys by scope, and what stands behind it."""

    client: httpx.Client
    read_side: ReadSide
    settings: Settings
    keys: dict[str, str]

    def ask(self, path: str, scope: str = "admin", **parameters: Any) -> httpx.Response:
        """GET with a key of that scope."""
        headers = {"Authorization": f"Bearer {self.keys[scope]}"} if scope in self.keys else {}
        return self.client.get(path, params=parameters or None, headers=headers)

    def recorded(self, *facts: Fact) -> None:
        """Facts in the log."""
        encode = FactMapper({}).to_stored_event
        self.recorded_as_is(*((fact, encode(fact).state) for fact in facts))

    def recorded_as_is(self, *facts: tuple[Fact, bytes]) -> None:
        """Facts in the log, with these for their JSON."""
        with connect(self.settings.database_url) as log, log.transaction():
            for fact, state in facts:
                log.execute(
                    "INSERT INTO facts SELECT coalesce(max(position), 0) + 1, %s, coalesce(max(position), 0) + 1, %s, %s, %s, %s"
                    " FROM facts",
                    (fact.originator_id, fact.stored_name, state, fact.subject, fact.recorded_at),
                )


@pytest.fixture
def door(emptied_database_url: str, tmp_path: Path) -> Iterator[Door]:
    settings = Settings(
        database_url=emptied_database_url, data_dir=tmp_path, partitions=PARTITIONS, programme="member_experience"
    )
    with connect(emptied_database_url) as connection:
        make_tables(
            connection, (*event_store.TABLES, *keys.TABLES, *letters.TABLES, *personal_data.TABLES, *relay.TABLES)
        )
        relay.begin(connection, partitions=PARTITIONS, epoch="e1")
    made = {scope: create_key(settings, scope=scope, owner="tests") for scope in SCOPES}  # type: ignore[arg-type]
    read_side = ReadSide(emptied_database_url)
    app = create_app(
        settings, keyring=Keyring(settings), card_id=card_id, personal_data=PersonalData(emptied_database_url, KEYS)
    )
    with served(app) as client:
        yield Door(client, read_side, settings, made)
    read_side.close()
