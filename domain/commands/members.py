"""Joining a person to the programme."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.command import Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.commands.crediting import CreditKeptPurchase
from domain.commands.referees import refer, refusal_of
from domain.fact import Fact
from domain.member import Card, Member, MemberJoined
from domain.personal_data import Sealed
from domain.points_account import PointsAccount, account_id
from domain.purchase import (
    Purchase,
)
from domain.receipt import Receipt
from domain.referral import Referrer, referrer_stream
from domain.refusals import (
    CardAlreadyAssigned,
    MemberAlreadyExists,
    Refusal,
)
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinMember(KeyedCommand):
    """Join a person to the programme, with a card."""

    scope = "member"

    member_id: UUID
    chosen: bool
    """Whether the client chose the member id; otherwise the card tells a repeat."""
    card_id: UUID
    registered_at: datetime
    language: str | None = None
    consents: dict[str, bool] | None = None
    attribution: dict[str, str] | None = None
    referral_code: str | None = None
    personal: Sealed | None = None

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield Member, self.member_id
        yield Card, self.card_id
        yield PointsAccount, account_id(self.member_id)
        card = streams.peek(self.card_id)
        if card is not None:
            for member_id in _holders(card):
                yield Member, member_id
            for purchase_id in card.kept:
                yield Purchase, purchase_id
        if self.referral_code is not None:
            yield Referrer, referrer_stream(self.referral_code)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by member id, by card; then the clock, and what stands in the way of a recommendation."""
        repeat = self.repeat(streams) or self._joined_before(streams)
        if repeat:
            return repeat
        self.not_in_the_future(streams)
        card = streams.get(Card, self.card_id)
        member = streams.get(Member, self.member_id)
        joined = member.draft(
            MemberJoined,
            member_id=self.member_id,
            card_id=self.card_id,
            registered_at=self.registered_at,
            language=self.language,
            consents=self.consents,
            attribution=self.attribution,
            fingerprint=self.fingerprint,
        )
        referred, referred_by = self._referred(streams, card)
        account = streams.get(PointsAccount, account_id(self.member_id))
        drafts = [
            *self.claim(streams, target=str(self.member_id)),
            joined,
            *member.change(sealed=self.personal),
            *card.assign(self.member_id),
            *account.open(member_id=self.member_id, registered_at=self.registered_at, referred_by=referred_by),
            *referred,
        ]
        then = [self._crediting(streams, purchase_id) for purchase_id in card.kept]
        return Decision(drafts, then, keys=[self.personal.new_key] if self.personal else ())

    def _joined_before(self, streams: Streams) -> Repeat | None:
        member, card = streams.get(Member, self.member_id), streams.get(Card, self.card_id)
        if member.exists:
            if member.fingerprint != self.fingerprint:
                raise self._not_referred(streams, member.id) or MemberAlreadyExists(member_id=self.member_id)
            return Repeat(member.id)
        if not self.chosen:
            for holder in _holders(card):
                if streams.get(Member, holder).fingerprint == self.fingerprint:
                    return Repeat(holder)
        if card.member_id is not None:
            raise self._not_referred(streams, card.member_id) or CardAlreadyAssigned(card_id=self.card_id)
        return None

    def _referred(self, streams: Streams, card: Card) -> tuple[list[Draft], UUID | None]:
        if self.referral_code is None:
            return [], None
        return refer(streams, self.referral_code, referee_id=self.member_id, card=card, at=self.registered_at)

    def _not_referred(self, streams: Streams, member_id: UUID) -> Refusal | None:
        """Who comes with a code and is a member is told what stands in the way of that."""
        if self.referral_code is None:
            return None
        return refusal_of(streams, self.referral_code, member_id=member_id, at=self.registered_at)

    def _crediting(self, streams: Streams, purchase_id: UUID) -> "CreditKeptPurchase":
        recorded = streams.get(Purchase, purchase_id).recorded
        assert recorded is not None, "a card keeps only purchases that were recorded"
        return CreditKeptPurchase(
            id=self.id,
            source=recorded.source,
            external_id=recorded.external_id,
            occurred_at=recorded.occurred_at,
            actor=self.actor,
            fingerprint=self.fingerprint,
            purchase_id=purchase_id,
            member_id=self.member_id,
            card_id=self.card_id,
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The member's id."""
        return {"member_id": next(fact.member_id for fact in facts if isinstance(fact, MemberJoined))}


def _holders(card: Card) -> list[UUID]:
    """Who holds the card, and who did: what they joined with is a repeat even after their data were erased."""
    return card.former if card.member_id is None else [card.member_id, *card.former]
