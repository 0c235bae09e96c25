"""A ledger on a real database: writers that share it, and what its log holds."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from psycopg import Connection

from domain.command import Command
from domain.loyalty import CACHED_FACTS, Loyalty, Outcome, Recorded
from infra import event_store, letters, personal_data
from infra.database import connect, make_tables
from tests.builders import policy, publish

NOW = datetime(2024, 1, 1, tzinfo=UTC)


class Ledger:
    """A log with the programme `member_experience`; every writer has a connection and a cache of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self.database: Connection = self._closing.enter_context(connect(self.url))
        make_tables(self.database, (*event_store.TABLES, *letters.TABLES, *personal_data.TABLES))
        for guarded in ("facts", "fact_hashes", "checkpoints"):  # until somebody makes sure of it again
            self.database.execute(f"ALTER TABLE {guarded} DISABLE TRIGGER USER".encode())
        self.database.execute(
            "TRUNCATE facts, fact_hashes, checkpoints, account_snapshots, intake_offsets, dead_letters, member_keys"
            " RESTART IDENTITY"
        )
        execute(self.writer(), publish(policy(), at=NOW))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def writer(self, *, cached_facts: int = CACHED_FACTS) -> Loyalty:
        env = {
            "PERSISTENCE_MODULE": "infra.event_store:Factory",
            "FACTS_TOPIC": "domain.fact:FACTS",
            "DATABASE_URL": self.url,
        }
        return self._closing.enter_context(Loyalty(env, programme="member_experience", cached_facts=cached_facts))

    def log(self) -> list[tuple[int, UUID, int, str]]:
        """Position, stream, version and name of every fact."""
        return self.rows("SELECT position, originator_id, originator_version, name FROM facts ORDER BY position")

    def names(self, *, after: int = 0) -> list[str]:
        return [name.removesuffix(".v1") for position, _, _, name in self.log() if position > after]

    def states(self, name: str) -> list[dict[str, Any]]:
        return [
            row[0]
            for row in self.rows(
                "SELECT convert_from(state, 'UTF8')::jsonb FROM facts WHERE name = %s ORDER BY position", name
            )
        ]

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        return self.database.execute(query.encode(), parameters).fetchall()

    def kill_writers(self) -> None:
        """Break every other connection, as a crash of the server would."""
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def execute(writer: Loyalty, *commands: Command, **what: Any) -> list[Outcome]:
    return writer.execute(commands, recorded_at=NOW, **what)


def all_recorded(outcomes: Sequence[Outcome]) -> bool:
    return all(isinstance(outcome, Recorded) for outcome in outcomes)
