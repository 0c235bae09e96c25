"""Members and the cards they hold."""

from datetime import datetime
from uuid import UUID

from domain.fact import Fact
from domain.refusals import CardAlreadyAssigned
from domain.stream import Draft, Stream, evolves


class MemberJoined(Fact, name="MemberJoined.v1"):
    """A person joined the programme."""

    member_id: UUID
    card_id: UUID
    registered_at: datetime
    language: str | None = None
    consents: dict[str, bool] | None = None
    attribution: dict[str, str] | None = None
    fingerprint: str


class CardAssigned(Fact, name="CardAssigned.v1"):
    """A card was given to a member."""

    member_id: UUID


class PurchaseKeptForCard(Fact, name="PurchaseKeptForCard.v1"):
    """A purchase was made with a card that nobody holds yet; it is credited when the card joins."""

    purchase_id: UUID


class Member(Stream):
    """One member of the programme."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.card_ids: frozenset[UUID] = frozenset()
        self.registered_at: datetime | None = None
        self.fingerprint = ""

    @evolves(MemberJoined)
    def _joined(self, fact: MemberJoined) -> None:
        self.card_ids = frozenset({fact.card_id})
        self.registered_at = fact.registered_at
        self.fingerprint = fact.fingerprint


class Card(Stream):
    """A card, known by the HMAC of its number, and who holds it."""

    leads_on = True

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.member_id: UUID | None = None
        self.kept: list[UUID] = []

    def assign(self, member_id: UUID) -> list[Draft]:
        """Give the card to a member; a card has one holder."""
        if self.member_id is not None:
            raise CardAlreadyAssigned(card_id=self.id)
        return [self.draft(CardAssigned, member_id=member_id)]

    def keep(self, purchase_id: UUID) -> list[Draft]:
        """Remember a purchase until somebody holds the card."""
        return [self.draft(PurchaseKeptForCard, purchase_id=purchase_id)]

    @evolves(CardAssigned)
    def _assigned(self, fact: CardAssigned) -> None:
        self.member_id = fact.member_id
        self.kept = []

    @evolves(PurchaseKeptForCard)
    def _kept(self, fact: PurchaseKeptForCard) -> None:
        self.kept.append(fact.purchase_id)
