"""Members, what is known of them, and the cards they hold."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.fact import Fact
from domain.personal_data import Sealed
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


class ProfileChanged(Fact, name="ProfileChanged.v1"):
    """What is known of a member was stated or taken back; personal fields are sealed under the key that is named."""

    member_id: UUID
    key_id: UUID | None = None
    sealed: dict[str, str] | None = None
    marks: dict[str, str] | None = None
    language: str | None = None
    removed: list[str] | None = None


class ConsentChanged(Fact, name="ConsentChanged.v1"):
    """A member agreed to a purpose, on one channel or whatever the channel, or does so no longer."""

    member_id: UUID
    purpose: str
    channel: str | None = None
    granted: bool


class PersonalDataErased(Fact, name="PersonalDataErased.v1"):
    """A member's keys were destroyed with this fact: nothing personal can be read any more."""

    member_id: UUID
    reason: str


class CardAssigned(Fact, name="CardAssigned.v1"):
    """A card was given to a member."""

    member_id: UUID


class CardUnlinked(Fact, name="CardUnlinked.v1"):
    """A card no longer leads to the member; somebody else may join with it."""

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


class Consent(NamedTuple):
    """What a member was asked for: a purpose, on one channel or whatever the channel. None: not asked any more."""

    purpose: str
    channel: str | None
    granted: bool | None


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
        self.language: str | None = None
        self.marks: dict[str, str] = {}
        """Of the personal fields that are stated."""
        self.consents: dict[tuple[str, str | None], bool] = {}
        self.erased_version: int | None = None

    @property
    def erased(self) -> bool:
        return self.erased_version is not None

    def change(
        self, *, sealed: Sealed | None = None, language: str | None = None, removed: Sequence[str] = ()
    ) -> list[Draft]:
        """State fields anew or take them back, as far as that makes a difference."""
        marks = sealed.marks if sealed else {}
        changed = [field for field, mark in marks.items() if self.marks.get(field) != mark]
        gone = [field for field in removed if field in self.marks or (field == "language" and self.language)]
        other_language = language if language != self.language else None
        if not (changed or gone or other_language):
            return []
        what: dict[str, object] = {"language": other_language, "removed": gone or None}
        if sealed and changed:
            what["key_id"] = sealed.key_id
            what["sealed"] = {field: sealed.texts[field] for field in changed}
            what["marks"] = {field: marks[field] for field in changed}
        return [self.draft(ProfileChanged, member_id=self.id, **what)]

    def agree(self, asked: Iterable[Consent]) -> list[Draft]:
        """Grant or withdraw consents. A purpose that is withdrawn is so on every channel."""
        return [
            self.draft(ConsentChanged, member_id=self.id, purpose=one.purpose, channel=channel, granted=granted)
            for one in asked
            for channel, granted in self._moved_by(one).items()
        ]

    def _moved_by(self, asked: Consent) -> dict[str | None, bool]:
        """The consents, by channel, that are not yet as they are to be."""
        purpose, channel, granted = asked
        held = self.consents.get((purpose, channel))
        if granted:
            return {} if held else {channel: True}
        withdrawn: dict[str | None, bool] = {
            on: False
            for (known, on), is_granted in self.consents.items()
            if is_granted and known == purpose and channel in {None, on}
        }
        if granted is False and held is None:
            withdrawn[channel] = False
        return withdrawn

    def erase(self, *, reason: str) -> list[Draft]:
        """Let everything personal go; what was bought and earned stays."""
        return [self.draft(PersonalDataErased, member_id=self.id, reason=reason)]

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
        self.language = fact.language
        self.consents = {(purpose, None): granted for purpose, granted in (fact.consents or {}).items()}

    @evolves(ProfileChanged)
    def _changed(self, fact: ProfileChanged) -> None:
        self.marks |= fact.marks or {}
        self.language = fact.language or self.language
        for field in fact.removed or ():
            self.marks.pop(field, None)
            if field == "language":
                self.language = None

    @evolves(ConsentChanged)
    def _agreed(self, fact: ConsentChanged) -> None:
        self.consents[fact.purpose, fact.channel] = fact.granted

    @evolves(PersonalDataErased)
    def _erased(self, fact: PersonalDataErased) -> None:
        self.erased_version = fact.originator_version
        self.card_ids, self.language, self.marks, self.consents = frozenset(), None, {}, {}
        self.brought = {absorbed_id: [] for absorbed_id in self.brought}

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
        self.former: list[UUID] = []
        """Who held it before."""
        self.unlinked_at: datetime | None = None
        self.kept: list[UUID] = []

    def assign(self, member_id: UUID) -> list[Draft]:
        """Give the card to a member; a card has one holder."""
        if self.member_id is not None:
            raise CardAlreadyAssigned(card_id=self.id)
        return [self.draft(CardAssigned, member_id=member_id)]

    def move(self, member_id: UUID) -> list[Draft]:
        """Give the card to another member, who is the same person."""
        return [self.draft(CardAssigned, member_id=member_id)]

    def unlink(self, member_id: UUID) -> list[Draft]:
        """Let the card lead nowhere, if it leads to that member."""
        return [self.draft(CardUnlinked, member_id=member_id)] if self.member_id == member_id else []

    def keep(self, purchase_id: UUID) -> list[Draft]:
        """Remember a purchase until somebody holds the card."""
        return [self.draft(PurchaseKeptForCard, purchase_id=purchase_id)]

    @evolves(CardAssigned)
    def _assigned(self, fact: CardAssigned) -> None:
        if self.member_id is not None:
            self.former.append(self.member_id)
        self.member_id = fact.member_id
        self.kept = []

    @evolves(CardUnlinked)
    def _unlinked(self, fact: CardUnlinked) -> None:
        self.member_id = None
        self.former.append(fact.member_id)
        self.unlinked_at = fact.occurred_at

    @evolves(PurchaseKeptForCard)
    def _kept(self, fact: PurchaseKeptForCard) -> None:
        """What its former holder bought is not for the next one, however late it arrives."""
        if self.unlinked_at is None or fact.occurred_at >= self.unlinked_at:
            self.kept.append(fact.purchase_id)
