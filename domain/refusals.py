"""What can stand in the way of a command: typed refusals with fields, each with one stable name."""

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

REFUSALS: dict[str, type["Refusal"]] = {}
"""Every refusal by its name: the `reason` of a dead letter and the last part of a problem's `type`."""


@dataclass(eq=False)
class Refusal(Exception):
    """A command that was understood and is refused. Nothing of it is recorded."""

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        REFUSALS[cls.name] = cls

    def fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.fields() == other.fields()

    __hash__ = Exception.__hash__

    def __str__(self) -> str:
        return f"{self.__doc__} ({', '.join(f'{name}={value}' for name, value in self.fields().items())})"


@dataclass(eq=False)
class MalformedMessage(Refusal):
    """The message cannot be read as a CloudEvent in JSON. Send a CloudEvents 1.0 message."""

    problem: str


@dataclass(eq=False)
class InvalidField(Refusal):
    """A field is missing or its value is not allowed. Correct the field and send the message again."""

    field: str
    problem: str


@dataclass(eq=False)
class TimeWithoutZone(Refusal):
    """A time lacks its offset from UTC. Send it as RFC 3339 with `Z` or an offset."""

    field: str


@dataclass(eq=False)
class NegativeQuantity(Refusal):
    """A quantity below zero is not a sale. Send a return instead."""

    field: str


@dataclass(eq=False)
class OversizedMessage(Refusal):
    """The message is larger than is accepted. Split it."""

    size: int
    limit: int


@dataclass(eq=False)
class UnknownType(Refusal):
    """Nobody here knows this type of message. Look the types up in the contract."""

    message_type: str


@dataclass(eq=False)
class UnsupportedVersion(Refusal):
    """The version of the message is newer than this ledger. Upgrade, then redrive the letter."""

    message_type: str


@dataclass(eq=False)
class UnsupportedType(Refusal):
    """Messages of this type are known and not yet supported. The letter can be redriven once they are."""

    message_type: str


@dataclass(eq=False)
class UnsupportedFeature(Refusal):
    """A part of the message is not yet supported. Leave it out, or redrive once it is."""

    feature: str


@dataclass(eq=False)
class ConflictingRepeat(Refusal):
    """The identity of this message was claimed before by other content. Use a new id for new content."""

    source: str
    external_id: str


@dataclass(eq=False)
class WrongCurrency(Refusal):
    """The programme counts in another currency. Send amounts in the programme's currency."""

    currency: str
    expected: str


@dataclass(eq=False)
class TendersDoNotMatch(Refusal):
    """What was tendered is not what was paid for the lines. Σ tenders must equal Σ (gross − discount)."""

    tendered_minor: int
    paid_minor: int


@dataclass(eq=False)
class TimeInTheFuture(Refusal):
    """The business time lies too far ahead of our clock. Check the clock of the till."""

    occurred_at: datetime
    recorded_at: datetime


@dataclass(eq=False)
class FactTooLarge(Refusal):
    """What would have to be recorded is larger than one fact may be. Split the purchase."""

    size: int
    limit: int


@dataclass(eq=False)
class NoProgrammeInForce(Refusal):
    """No version of the programme was in force at that time. Publish one with an earlier `effective_from`."""

    programme: str
    occurred_at: datetime


@dataclass(eq=False)
class IdOfAnotherKind(Refusal):
    """The id stands for something of another kind in the ledger. Give the id of what was meant, or choose a new one."""

    id: UUID


@dataclass(eq=False)
class UnknownMember(Refusal):
    """There is no such member. Join the member first, or send the card instead."""

    member_id: UUID


@dataclass(eq=False)
class MemberAlreadyExists(Refusal):
    """Another member was joined with this id. Choose another id, or none."""

    member_id: UUID


@dataclass(eq=False)
class CardAlreadyAssigned(Refusal):
    """The card belongs to a member already. One card has one holder."""

    card_id: UUID


@dataclass(eq=False)
class PersonalDataNotAccepted(Refusal):
    """Personal fields are not accepted before they can be encrypted. Leave them out."""

    fields_refused: tuple[str, ...]


@dataclass(eq=False)
class CampaignAlreadyExists(Refusal):
    """Another campaign has this id. Choose another id."""

    campaign_id: str


@dataclass(eq=False)
class WindowEndsBeforeItBegins(Refusal):
    """The campaign ends before, or as, it begins. Both ends are instants; the end is not part of the window."""

    starts_at: datetime
    ends_at: datetime


@dataclass(eq=False)
class PolicyRefused(Refusal):
    """The linter found errors in the programme. Correct them; `loyalty programme lint` shows where."""

    findings: tuple[str, ...]


@dataclass(eq=False)
class EffectiveDateNotAfterPublished(Refusal):
    """A version takes effect after the ones published before it. The past is not rewritten."""

    effective_from: datetime
    published_until: datetime


@dataclass(eq=False)
class UnknownPurchase(Refusal):
    """There is no such purchase. Over Kafka a return may come first; here it comes after."""

    purchase_id: UUID


@dataclass(eq=False)
class UnknownLine(Refusal):
    """The purchase has no such line. Name lines as the purchase did."""

    line: str
    purchase_id: UUID


@dataclass(eq=False)
class OverReturn(Refusal):
    """More is to go back than is left of the line. Return at most what is left."""

    line: str
    left_minor: int
    left_quantity: str


@dataclass(eq=False)
class PurchaseVoidedBefore(Refusal):
    """The purchase was voided: nothing is left of it that could go back. Look up what was meant to be returned."""

    purchase_id: UUID
