"""What is known of a member: changing it, and letting go of everything personal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.command import AgreedCommand, Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.fact import Fact
from domain.member import Card, Consent, Member, PersonalDataErased
from domain.personal_data import Sealed
from domain.receipt import Receipt
from domain.refusals import MemberErased, MemberMerged, UnknownMember
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProfile(AgreedCommand):
    """State anew, or take back, what is known of a member."""

    scope = "profile"

    member_id: UUID
    personal: Sealed | None = None
    language: str | None = None
    removed: Sequence[str] = ()
    consents: Sequence[Consent] = ()

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Member, self.member_id

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown, erased, merged. Where nothing changes, there is nothing to record."""
        member = _member(streams, self.member_id)
        if member.erased:
            raise MemberErased(member_id=self.member_id)
        _refuse_if_merged(member)
        changed = member.change(sealed=self.personal, language=self.language, removed=self.removed)
        return Decision([*changed, *member.agree(self.consents)], keys=self._keys(changed))

    def _keys(self, changed: Sequence[Draft]) -> Sequence[Any]:
        """The key that was made for this, if something was sealed under it."""
        made = self.personal.new_key if self.personal else None
        return [made] if made and any(draft.what.get("sealed") for draft in changed) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePersonalData(KeyedCommand):
    """Destroy the keys of a member, and of those who were merged into them, and unlink the cards."""

    scope = "erasure"

    member_id: UUID
    reason: str

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield Member, self.member_id
        member = streams.peek(self.member_id)
        if isinstance(member, Member):
            for card_id in member.card_ids:
                yield Card, card_id

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Once erased, always erased: whoever asks again gets the first answer. Refused: unknown, merged."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        member = _member(streams, self.member_id)
        if member.erased_version is not None:
            return Repeat(member.id, member.erased_version)
        _refuse_if_merged(member)
        person = [one for one in one_person(streams, member) if not one.erased]
        cards = [streams.get(Card, card_id) for card_id in sorted(member.card_ids)]
        drafts = [
            *self.claim(streams, target=str(self.member_id)),
            *(draft for one in person for draft in one.erase(reason=self.reason)),
            *(draft for card in cards for draft in card.unlink(member.id)),
        ]
        return Decision(drafts, erased=[one.id for one in person])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """When the data were erased."""
        return {"erased_at": next(fact.occurred_at for fact in facts if isinstance(fact, PersonalDataErased))}


def _member(streams: Streams, member_id: UUID) -> Member:
    member = streams.get(Member, member_id)
    if not member.exists:
        raise UnknownMember(member_id=member_id)
    return member


def _refuse_if_merged(member: Member) -> None:
    if member.merged_into is not None:
        raise MemberMerged(member_id=member.id, survivor_id=member.merged_into)


def one_person(streams: Streams, member: Member) -> list[Member]:
    """The member, and all who were merged into them, or into one of those."""
    found = [member]
    for one in found:
        found += [streams.get(Member, absorbed_id) for absorbed_id in one.brought]
    return found
