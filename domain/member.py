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


class MemberMerged(Fact, name="MemberMerged.v1"):
    """Two members were found to be one person: this one lives on in the survivor, who holds its cards."""

    member_id: UUID
    survivor_id: UUID
    card_ids: list[UUID]
    reason: str | None = None


class MemberAbsorbed(Fact, name="MemberAbsorbed.v1"):
    """The other side of a merge: the survivor holds these cards now, too."""

    member_id: UUID
    absorbed_id: UUID
    card_ids: list[UUID]


class MemberUnmerged(Fact, name="MemberUnmerged.v1"):
    """A merge was undone: this member holds the cards again that it had brought."""

    member_id: UUID
    survivor_id: UUID
    card_ids: list[UUID]
    reason: str | None = None


class MemberParted(Fact, name="MemberParted.v1"):
    """The other side of an undone merge: the survivor no longer holds these cards."""

    member_id: UUID
    absorbed_id: UUID
    card_ids: list[UUID]


class Member(Stream):
    """One member of the programme."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.card_ids: frozenset[UUID] = frozenset()
        self.registered_at: datetime | None = None
        self.fingerprint = ""
        self.merged_into: UUID | None = None
        self.brought: dict[UUID, list[UUID]] = {}
        """By absorbed member, the cards that came along."""

    def merge_into(self, survivor: "Member", *, reason: str | None) -> list[Draft]:
        """Hand the cards over to the survivor."""
        cards = sorted(self.card_ids)
        return [
            self.draft(MemberMerged, member_id=self.id, survivor_id=survivor.id, card_ids=cards, reason=reason),
            survivor.draft(MemberAbsorbed, member_id=survivor.id, absorbed_id=self.id, card_ids=cards),
        ]

    def part_from(self, survivor: "Member", *, reason: str | None) -> list[Draft]:
        """Take the cards back that came along."""
        cards = survivor.brought[self.id]
        return [
            self.draft(MemberUnmerged, member_id=self.id, survivor_id=survivor.id, card_ids=cards, reason=reason),
            survivor.draft(MemberParted, member_id=survivor.id, absorbed_id=self.id, card_ids=cards),
        ]

    @evolves(MemberJoined)
    def _joined(self, fact: MemberJoined) -> None:
        self.card_ids = frozenset({fact.card_id})
        self.registered_at = fact.registered_at
        self.fingerprint = fact.fingerprint

    @evolves(MemberMerged)
    def _merged(self, fact: MemberMerged) -> None:
        self.merged_into = fact.survivor_id
        self.card_ids = frozenset()

    @evolves(MemberAbsorbed)
    def _absorbed(self, fact: MemberAbsorbed) -> None:
        self.card_ids |= set(fact.card_ids)
        self.brought[fact.absorbed_id] = fact.card_ids

    @evolves(MemberUnmerged)
    def _unmerged(self, fact: MemberUnmerged) -> None:
        self.merged_into = None
        self.card_ids |= set(fact.card_ids)

    @evolves(MemberParted)
    def _parted(self, fact: MemberParted) -> None:
        self.card_ids -= set(fact.card_ids)
        del self.brought[fact.absorbed_id]


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

    def move(self, member_id: UUID) -> list[Draft]:
        """Give the card to another member, who is the same person."""
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
