"""Receipts put right over HTTP: claims and reassignments, and the commands that they become."""

from typing import Any
from uuid import UUID

from pydantic import Field

from domain.basket import Word
from domain.commands.receipts import ClaimReceipt, ReassignPurchase
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds
from domain.messages.reading import BusinessTime, Message, Why, canonical, fingerprint
from domain.refusals import InvalidField


class ClaimBody(Message):
    """The body of `POST /purchases/{id}/claim`: whose receipt it is, by card or by member."""

    card: Word | None = Field(default=None, description="The number of a card that somebody holds.")
    member: UUID | None = Field(default=None, description="The member, instead of the card.")
    time: BusinessTime


class ReassignmentBody(ClaimBody):
    """The body of `POST /purchases/{id}/reassignment`: whose purchase it is, by card or by member, and why."""

    reason: Why


def claim_command(body: ClaimBody, *, purchase_id: UUID, identity: Identity, card_ids: CardIds) -> ClaimReceipt:
    """The command of a claim."""
    return ClaimReceipt(**_fields(body, purchase_id, identity, card_ids))


def reassignment_command(
    body: ReassignmentBody, *, purchase_id: UUID, identity: Identity, card_ids: CardIds
) -> ReassignPurchase:
    """The command of a reassignment."""
    return ReassignPurchase(**_fields(body, purchase_id, identity, card_ids), reason=body.reason)


def _fields(body: ClaimBody, purchase_id: UUID, identity: Identity, card_ids: CardIds) -> dict[str, Any]:
    """What both have; the fingerprint is made without the card number, which it must not help to guess."""
    if (body.card is None) == (body.member is None):
        raise InvalidField(field="member", problem="give the card or the member, and not both")
    card_id = None if body.card is None else card_ids(body.card)
    content = canonical(body, without=frozenset({"card"}))
    card = b"" if card_id is None else card_id.bytes
    return {
        **identity.fields(),
        "occurred_at": body.time,
        "fingerprint": fingerprint(purchase_id.bytes, type(body).__name__.encode(), content, card),
        "purchase_id": purchase_id,
        "member_id": body.member,
        "card_id": card_id,
    }
