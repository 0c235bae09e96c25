"""Asking for an explanation: from the log, beside the read models."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg import Connection

from infra.log_tables import last_position
from projections.explaining.balance import explain_balance, explain_expiry
from projections.explaining.case import Case
from projections.explaining.fact import explain_fact
from projections.explaining.purchase import (
    buyer_of,
    explain_discount,
    explain_purchase,
    explain_purchase_of_nobody,
)
from projections.explaining.read_model import ReadModels
from projections.explaining.recorded import NotRecorded
from projections.explaining.refusal import explain_letter, explain_refusal
from projections.explaining.step import Explanation, Told
from projections.explaining.tier import explain_tier
from projections.known import known_position
from projections.wording import Language


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks in which language, by what was known. All raise `NotRecorded`, `NothingYet` and `BeforeFirstFact`."""

    log: Connection
    read: Connection
    programme: str
    partitions: int
    language: Language = "en"
    known_at: datetime | None = None

    def balance(self, member_id: UUID, as_of: datetime | None = None) -> Explanation:
        at = self._at(as_of)
        return explain_balance(self._case(member_id), at, self._told(lambda models: models.balance(member_id, at)))

    def expiry(self, member_id: UUID, as_of: datetime | None = None) -> Explanation:
        at = self._at(as_of)
        return explain_expiry(self._case(member_id), at, self._told(lambda models: models.next_expiry(member_id, at)))

    def tier(self, member_id: UUID, as_of: datetime | None = None) -> Explanation:
        """Raises `NoProgrammeInForce`, too."""
        at = self._at(as_of)
        return explain_tier(self._case(member_id), at, self._told(lambda models: models.tier(member_id, at)))

    def fact(self, position: int) -> Explanation:
        return explain_fact(self.log, position, upto=self._position(), programme=self.programme, language=self.language)

    def purchase(self, purchase_id: UUID) -> Explanation:
        position = self._position()
        member_id = buyer_of(self.log, purchase_id, position=position)
        if member_id is None:
            return explain_purchase_of_nobody(self.log, purchase_id, language=self.language, position=position)
        return explain_purchase(self._case(member_id), purchase_id)

    def discount(self, purchase_id: UUID) -> Explanation:
        """Discounts are quoted to members: of a receipt of nobody there is none."""
        position = self._position()
        member_id = buyer_of(self.log, purchase_id, position=position)
        if member_id is None:
            raise NotRecorded("discount of purchase", purchase_id, upto=position)
        return explain_discount(self._case(member_id), purchase_id)

    def refusal(self, position: int, member_id: UUID | None = None) -> Explanation:
        """Of a message that is remembered as refused."""
        return explain_refusal(
            self.log,
            position,
            upto=self._position(),
            programme=self.programme,
            language=self.language,
            member_id=member_id,
        )

    def letter(self, letter_id: int) -> Explanation:
        return explain_letter(
            self.log, letter_id, upto=self._position(), known_at=self.known_at, language=self.language
        )

    def _at(self, as_of: datetime | None) -> datetime:
        return (as_of or self.known_at or datetime.now(UTC)).astimezone(UTC)

    def _case(self, member_id: UUID) -> Case:
        return Case(self.log, member_id, programme=self.programme, language=self.language, position=self._position())

    def _position(self) -> int:
        """That of the last fact that was known."""
        if self.known_at is None:
            return last_position(self.log)
        return known_position(self.log, self.known_at)

    def _told(self, ask: Callable[[ReadModels], Told]) -> Told | None:
        """What was known once, the read models do not tell."""
        if self.known_at is not None:
            return None
        return ask(ReadModels(self.read, programme=self.programme, partitions=self.partitions))
