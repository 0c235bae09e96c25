"""The same purchases in a plain application of the eventsourcing library: `@event` aggregates, one save each."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from cli.demo.complete_journey import Basket
from domain.commands.purchases import RecordPurchase
from domain.messages.purchases import PurchaseCompleted, purchase_command
from domain.messages.reading import read
from infra.keys import KeyFile
from infra.settings import Settings


class PlainPurchase(Aggregate):
    """One receipt."""

    @event("Recorded")
    def __init__(self, purchase: UUID, occurred_at: datetime, lines: list[Any], tenders: list[Any]) -> None:
        self.purchase = purchase
        self.occurred_at = occurred_at
        self.lines = lines
        self.tenders = tenders

    @staticmethod
    def create_id(purchase: UUID) -> UUID:
        return purchase


class PlainAccount(Aggregate):
    """One card's points."""

    @event("Opened")
    def __init__(self, card_id: UUID) -> None:
        self.card_id = card_id
        self.points = 0

    @staticmethod
    def create_id(card_id: UUID) -> UUID:
        return uuid5(card_id, "points")

    @event("Earned")
    def earn(self, purchase: UUID, points: int) -> None:  # noqa: ARG002 - what an argument says is kept in the event
        self.points += points


class PlainLedger(Application[UUID]):
    """Base points only: no campaigns, no tiers, no offsets, no letters."""

    def record(self, purchase: RecordPurchase) -> None:
        assert purchase.card_id is not None, "every basket of the dataset has a card"
        recorded = PlainPurchase(purchase.id, purchase.occurred_at, purchase.lines, purchase.tenders)
        account = self._account(purchase.card_id)
        paid = sum(line["gross_minor"] - line.get("discount_minor", 0) for line in purchase.lines)
        account.earn(purchase.id, paid // 100)
        self.save(recorded, account)

    def _account(self, card_id: UUID) -> PlainAccount:
        try:
            return self.repository.get(PlainAccount.create_id(card_id))
        except AggregateNotFoundError:
            return PlainAccount(card_id)


def one_save_each(settings: Settings, keys: KeyFile, baskets: Sequence[Basket]) -> float:
    """Purchases a second, the messages read by the same code as ours."""
    place = conninfo_to_dict(settings.database_url or "")
    env = {"PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_LOCK_TIMEOUT": "5"}
    env |= {f"POSTGRES_{name.upper()}": str(place[name]) for name in ("dbname", "host", "port", "user", "password")}
    with PlainLedger(env) as ledger:
        started = time.perf_counter()
        for basket in baskets:
            message = read(PurchaseCompleted, basket.value, strictly=False)
            identity = {"source": message.source, "external_id": message.id, "time": message.time}
            ledger.record(purchase_command(message.data, **identity, card_ids=keys.card_id, answered=False))  # type: ignore[arg-type]
        return len(baskets) / (time.perf_counter() - started)
