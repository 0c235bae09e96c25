"""A till in front of the Command API: a client with a key for each scope, on a ledger of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from command_api.app import create_app
from domain.command import Command
from infra import keys
from infra.database import make_tables
from infra.keys import Keyring, create_key
from infra.settings import Settings
from infra.web import find_routes
from tests.builders import KEYS, SEALING, card_id
from tests.ledger import Ledger, all_recorded, execute
from tests.serving import served


@dataclass
class Till:
    """Posts with a key of a scope, and an Idempotency-Key where one is given."""

    clients: list[httpx.Client]
    keys: dict[str, str]
    ledger: Ledger

    @property
    def client(self) -> httpx.Client:
        return self.clients[0]

    def post(self, path: str, body: Any, *, key: str | None = None, scope: str = "till") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[scope]}"} | ({"Idempotency-Key": key} if key else {})
        return self.client.post(path, json=body, headers=headers)


@contextmanager
def till_of(url: str, home: Path, *before: Command, doors: int = 1, **settings_: Any) -> Iterator[Till]:
    """An empty ledger in which this has happened before, behind one or more doors, each with a writer of its own."""
    settings = Settings(database_url=url, data_dir=home, **settings_)
    with Ledger(url) as ledger, ExitStack() as serving:
        make_tables(ledger.database, keys.TABLES)
        assert all_recorded(execute(ledger.writer(), *before))
        made = {
            scope: create_key(settings, scope=scope, owner=scope) for scope in ("till", "staff", "analyst", "admin")
        }
        keyring = Keyring(settings)
        apps = [
            create_app(
                ledger.writer(), keyring=keyring, card_ids=card_id, personal_data=SEALING, signing=KEYS,
                most_waiting=settings.command_queue,
            )
            for _ in range(doors)
        ]  # fmt: skip
        for app in apps if doors > 1 else ():
            find_routes(app)
        yield Till([serving.enter_context(served(app)) for app in apps], made, ledger)


def told(response: httpx.Response, status: int = 201) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert response.status_code == status, found
    return found


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The fields of a refusal."""
    found = told(response, status)
    assert found["type"] == f"urn:loyalty:{name}"
    return {name: value for name, value in found.items() if name not in {"type", "title", "status", "detail"}}
