"""Refusals: what is wrong with a message as such."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class MalformedMessage(Refusal):
    """The message cannot be read; `problem` says why. A body over HTTP is JSON, a message on Kafka a CloudEvent 1.0 in JSON, a programme YAML."""

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
class IdOfAnotherKind(Refusal):
    """The id stands for something of another kind in the ledger. Give the id of what was meant, or choose a new one."""

    id: UUID
