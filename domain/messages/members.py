"""Members as they are joined, over HTTP or from a file, and the command that they become."""

from typing import Annotated, TypeVar
from uuid import UUID, uuid4

from pydantic import AfterValidator, Field

from domain.basket import Word
from domain.commands.members import JoinMember
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds
from domain.messages.reading import Message, UtcTime, canonical, fingerprint
from domain.refusals import PersonalDataNotAccepted, UnsupportedFeature

V = TypeVar("V")


def in_order(named: dict[str, V]) -> dict[str, V]:
    """The same entries by name: their order says nothing, so it makes no difference to a repeat."""
    return dict(sorted(named.items()))


PERSONAL = ("name", "phone", "email", "birth_date")


class MemberBody(Message):
    """The body of `POST /members`. A member id that the client chose makes a repeat an answer; so does the card."""

    member_id: UUID | None = Field(default=None, description="Chosen by the client; else one is made.")
    card: Word = Field(description="The card's number. It is kept only as a keyed hash.")
    registered_at: UtcTime
    name: str | None = Field(default=None, description="Not accepted yet: personal data must be encrypted first.")
    phone: str | None = Field(default=None, description="Not accepted yet, like `name`.")
    email: str | None = Field(default=None, description="Not accepted yet, like `name`.")
    birth_date: str | None = Field(default=None, description="Not accepted yet, like `name`.")
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")] | None = None
    consents: Annotated[dict[Word, bool], Field(max_length=50), AfterValidator(in_order)] | None = None
    attribution: Annotated[dict[Word, Word], Field(max_length=50), AfterValidator(in_order)] | None = None
    referral_code: Word | None = Field(default=None, description="Not supported yet.")


def join_command(body: MemberBody, *, identity: Identity, card_ids: CardIds, answered: bool = True) -> JoinMember:
    """The command of a join. Personal fields are refused until they can be encrypted."""
    personal = tuple(name for name in PERSONAL if getattr(body, name) is not None)
    if personal:
        raise PersonalDataNotAccepted(fields_refused=personal)
    if body.referral_code is not None:
        raise UnsupportedFeature(feature="referral_code")
    card_id = card_ids(body.card)
    return JoinMember(
        **identity.fields(),
        occurred_at=body.registered_at,
        fingerprint=fingerprint(canonical(body, without=frozenset({"card"})), card_id.bytes),
        answered=answered,
        member_id=body.member_id or uuid4(),
        chosen=body.member_id is not None,
        card_id=card_id,
        registered_at=body.registered_at,
        language=body.language,
        consents=body.consents,
        attribution=body.attribution,
    )
