"""A shop whose clock can be set: members, a log on a real database, and a clock that looks when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from consumers.clock import Clock
from domain.command import Command
from domain.loyalty import Outcome, Recorded
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from infra.database import make_tables
from infra.personal_data import PersonalData
from infra.settings import Settings
from projections import agenda, birth_dates
from tests.builders import ANN, BOB, KEYS, join, line, policy, publish, purchase
from tests.domain.story import JOINED_AT
from tests.domain.world import World
from tests.ledger import Ledger, all_recorded
from tests.spec import NOON

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
RULES = policy(expiry={"mode": "rolling", "months": 1}, effective_from=JOINED_AT - DAY)
PENDING = policy(
    earning={"points": 1, "per_minor": 1000, "pending_days": 14},
    expiry={"mode": "rolling", "months": 1},
    effective_from=NOON - DAY,
)
LAPSES = datetime(2023, 6, 2, 16, tzinfo=UTC)
"""Of the points of NOON, the 2nd of May: the end of the 2nd of June in Shanghai."""
LATER = datetime(2024, 1, 1, tzinfo=UTC)


class Shop:
    """A ledger with members and a clock; Ann and Bob have joined under rules by which points live a month."""

    def __init__(self, ledger: Ledger, home: Path) -> None:
        self.ledger = ledger
        self.settings = Settings(database_url=ledger.url, data_dir=home)
        self.writer, self.reader = ledger.writer(), ledger.writer()
        self.personal_data = PersonalData(ledger.url, KEYS)
        self.clock = Clock(self.settings, ledger.writer(), lambda: self.personal_data)
        self.told = World()
        """Only tells commands; nothing of it happens in its own log."""
        members = (join(member, at=JOINED_AT, card=card) for member, card in ((ANN, "1001"), (BOB, "1002")))
        assert all_recorded(self.do(publish(RULES, at=JOINED_AT), *members))

    def do(self, *commands: Command) -> list[Outcome]:
        return self.writer.execute(commands, recorded_at=datetime.now(UTC))

    def buys(self, points: int = 5, *, at: datetime = NOON, id: str = "R-1", card: str = "1001", **what: Any) -> UUID:  # noqa: A002
        command = purchase(line(points * 1_000), at=at, id=id, card=card, **what)
        (outcome,) = self.do(command)
        assert isinstance(outcome, Recorded), outcome
        return command.id

    def look(self, now: datetime = LATER, **how: Any) -> dict[str, int]:
        return dict(self.clock.look(now, **how).facts)

    def recorded(self) -> list[dict[str, Any]]:
        """The facts of the clock."""
        return [
            row[0] | {"name": row[1]}
            for row in self.ledger.rows(
                "SELECT convert_from(state, 'UTF8')::jsonb, name FROM facts"
                " WHERE convert_from(state, 'UTF8')::jsonb->>'actor' = '/clock' ORDER BY position"
            )
        ]

    def account(self, member: UUID = ANN) -> PointsAccount:
        (account,) = self.reader.present(PointsAccount, [account_id(member)], at=LATER)
        return account

    def rank(self, rules: Policy, at: datetime) -> str:
        """The tier that decisions see."""
        return rules.tiers.levels[self.account().rank_at(rules, at)].name


@contextmanager
def shop_of(url: str, home: Path) -> Iterator[Shop]:
    """Everything is new."""
    with Ledger(url) as ledger:
        make_tables(ledger.database, (*agenda.TABLES, *birth_dates.TABLES))
        ledger.database.execute("TRUNCATE agenda, birth_dates")
        ledger.database.execute("UPDATE birthdays_state SET (position, looked_on, versions) = (0, NULL, 0)")
        ledger.database.execute(
            "UPDATE clock_state SET (position, looked_at, recorded_at, recorded) = (0, NULL, NULL, '{}')"
        )
        yield Shop(ledger, home)
