"""Members as they are joined and changed, over HTTP or from a file, and the commands that this becomes."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID, uuid4

from pydantic import AfterValidator, BeforeValidator, Field

from domain.basket import Word
from domain.commands.members import JoinMember
from domain.commands.personal_data import ChangeProfile, ErasePersonalData
from domain.member import Consent
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds
from domain.messages.reading import Message, UtcTime, canonical, date_as_text, fingerprint
from domain.personal_data import FIELDS, Sealing
from domain.refusals import InvalidField

V = TypeVar("V")


def in_order(named: dict[str, V]) -> dict[str, V]:
    """The same entries by name: their order says nothing, so it makes no difference to a repeat."""
    return dict(sorted(named.items()))


def _telephone(number: str) -> str:
    if not re.fullmatch(r"\+?[0-9]{5,15}", re.sub(r"[ ()./-]", "", number)):
        raise ValueError("a telephone number has 5 to 15 digits, with `+` before the country code")
    return number


def _within_living_memory(day: date) -> date:
    if day.year < 1900:
        raise ValueError("the year lies before 1900")
    return day


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Telephone = Annotated[str, Field(max_length=40), AfterValidator(_telephone)]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")]
Address = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
BirthDate = Annotated[date, BeforeValidator(date_as_text), AfterValidator(_within_living_memory)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")]
Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""A word such as `member-request`: it is kept in clear for ever, and a sentence might name somebody."""
Asked = Annotated[dict[Word, bool | None], Field(max_length=50), AfterValidator(in_order)] | bool | None
"""Of a purpose: whatever the channel, or channel by channel; null withdraws."""


class Personal(Message):
    """What is only ever kept encrypted."""

    name: Name | None = Field(default=None, description="The member's name. Kept encrypted.")
    phone: Telephone | None = Field(
        default=None, description="5 to 15 digits, with `+` before the country code. Kept encrypted."
    )
    email: Email | None = Field(default=None, description="The e-mail address. Kept encrypted.")
    address: Address | None = Field(
        default=None, description="The postal address, in several lines if need be. Kept encrypted."
    )
    birth_date: BirthDate | None = Field(
        default=None, description="The day of birth, such as `1990-05-31`. Kept encrypted."
    )


class MemberBody(Personal):
    """The body of `POST /members`. A member id that the client chose makes a repeat an answer; so does the card."""

    member_id: UUID | None = Field(default=None, description="Chosen by the client; else one is made.")
    card: Word = Field(description="The card's number. It is kept only as a keyed hash.")
    registered_at: UtcTime = Field(description="When the member joined.")
    language: Language | None = Field(default=None, description="The language to write in: `zh`, `zh-CN`.")
    consents: Annotated[dict[Word, bool], Field(max_length=50), AfterValidator(in_order)] | None = Field(
        default=None, description="What the member agrees to, by purpose."
    )
    attribution: Annotated[dict[Word, Word], Field(max_length=50), AfterValidator(in_order)] | None = Field(
        default=None, description="What brought the member here, by name; nothing personal."
    )
    referral_code: Word | None = Field(default=None, description="Of the member who recommended the programme.")


class MemberPatch(Personal):
    """The body of `PATCH /members/{id}`, a JSON merge patch: what is left out stays, null takes back."""

    language: Language | None = Field(default=None, description="The language to write in: `zh`, `zh-CN`.")
    consents: Annotated[dict[Word, Asked], Field(max_length=50), AfterValidator(in_order)] = Field(
        default={}, description="By purpose: true or false, null to withdraw, or the same by channel."
    )


def join_command(
    body: MemberBody, *, identity: Identity, card_ids: CardIds, sealing: Sealing, answered: bool = True
) -> JoinMember:
    """The command of a join; from here on card and personal fields are hidden."""
    card_id, member_id, personal = card_ids(body.card), body.member_id or uuid4(), _personal(body)
    _born_before(body, body.registered_at)
    content = [canonical(body, without=frozenset({"card", *FIELDS})), card_id.bytes]
    if personal:
        content.append(sealing.digest(canonical(body, without=_NOT_PERSONAL)))
    return JoinMember(
        **identity.fields(),
        occurred_at=body.registered_at,
        fingerprint=fingerprint(*content),
        answered=answered,
        member_id=member_id,
        chosen=body.member_id is not None,
        card_id=card_id,
        registered_at=body.registered_at,
        language=body.language,
        consents=body.consents,
        attribution=body.attribution,
        referral_code=body.referral_code,
        personal=sealing.seal_first(member_id, personal) if personal else None,
    )


def change_command(
    body: MemberPatch, *, member_id: UUID, identity: Identity, sealing: Sealing, now: datetime
) -> ChangeProfile:
    """The command of a change; sealing may have to wait for the database."""
    _born_before(body, now)
    personal = _personal(body)
    stated = body.__pydantic_serializer__.to_json(body, exclude_unset=True)
    return ChangeProfile(
        **identity.fields(),
        occurred_at=now,
        fingerprint=fingerprint(member_id.bytes, sealing.digest(stated)),
        member_id=member_id,
        personal=sealing.seal(member_id, personal) if personal else None,
        language=body.language,
        removed=[
            field for field in (*FIELDS, "language") if field in body.model_fields_set and getattr(body, field) is None
        ],
        consents=list(_consents(body)),
    )


def erase_command(member_id: UUID, *, reason: str, identity: Identity, now: datetime) -> ErasePersonalData:
    """The command of an erasure."""
    return ErasePersonalData(
        **identity.fields(),
        occurred_at=now,
        fingerprint=fingerprint(member_id.bytes, reason.encode()),
        member_id=member_id,
        reason=reason,
    )


_NOT_PERSONAL = frozenset(MemberBody.model_fields) - frozenset(FIELDS)


def _personal(body: Personal) -> dict[str, str]:
    """The personal fields that are stated, as text."""
    return {field: str(value) for field in FIELDS if (value := getattr(body, field)) is not None}


def _born_before(body: Personal, at: datetime) -> None:
    """Somewhere it may be a day later than in UTC."""
    if body.birth_date is not None and body.birth_date > at.date() + timedelta(days=1):
        raise InvalidField(field="birth_date", problem="the date lies in the future")


def _consents(body: MemberPatch) -> Iterator[Consent]:
    for purpose, asked in body.consents.items():
        by_channel: dict[str, bool | None] | dict[None, bool | None] = (
            asked if isinstance(asked, dict) else {None: asked}
        )
        for channel, granted in by_channel.items():
            yield Consent(purpose, channel, granted)
