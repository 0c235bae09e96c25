"""What every command has: an identity, the streams that it reads, a decision and an answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar
from uuid import UUID

from domain.campaign import Campaign
from domain.fact import Fact
from domain.member import Member
from domain.points_account import PointsAccount
from domain.programme import Policy, Programme
from domain.receipt import Receipt
from domain.refusals import ConflictingRepeat, Refusal, TimeInTheFuture, refusal_again
from domain.sale import Sale
from domain.stream import Draft, Stream

CLOCK_TOLERANCE = timedelta(days=1)
"""How far a till's clock may run ahead of ours."""

S = TypeVar("S", bound=Stream)
Wanted = Iterator[tuple[type[Stream], UUID]]


class Streams(Protocol):
    """What a decision may look at."""

    recorded_at: datetime

    def get(self, kind: type[S], stream_id: UUID) -> S:
        """A stream by its id, blank where nothing was recorded yet."""

    def peek(self, stream_id: UUID) -> Any:
        """A stream if it is in memory already."""

    def new_code(self) -> str:
        """A code that nobody can guess."""

    @property
    def programme(self) -> Programme:
        """The programme that this ledger runs."""

    def campaigns(self, *, sale: Sale, member: Member, account: PointsAccount, policy: Policy) -> Sequence[Campaign]:
        """The campaigns that apply to a sale; the policy is the one that tells the member's tier then."""

    def considered(
        self, *, sale: Sale, member: Member, account: PointsAccount, policy: Policy
    ) -> Sequence[tuple[Campaign, str | None]]:
        """The campaigns that are live, and what a sale lacks for each of them to apply."""


def not_in_the_future(at: datetime, streams: Streams) -> None:
    """Refuse a business time that our clock, with some tolerance, has not reached."""
    if at > streams.recorded_at + CLOCK_TOLERANCE:
        raise TimeInTheFuture(occurred_at=at, recorded_at=streams.recorded_at)


class Decision(NamedTuple):
    """What was decided: drafts that agree, and what follows from them in the same transaction."""

    drafts: list[Draft]
    then: "Sequence[Command]" = ()
    refused: Refusal | None = None
    """The command is refused, and the drafts are what is remembered of that."""
    keys: Sequence[Any] = ()
    """Keys that were made for what the drafts seal, to be kept beside the log; opaque here."""
    erased: Sequence[UUID] = ()
    """Members whose keys are destroyed."""


class Repeat(NamedTuple):
    """The command was carried out before; this fact is the first of what it led to."""

    stream_id: UUID
    version: int = 1


class History(Protocol):
    """What an answer may look at: things as they were when the command was carried out."""

    @property
    def programme(self) -> Programme:
        """The programme with all its versions."""

    def account(self, stream_id: UUID, *, version: int) -> PointsAccount:
        """An account as it was at a version."""


class Wanting(Protocol):
    """Something that is decided or answered by streams."""

    def wants(self, streams: Streams) -> Wanted:
        """Name the streams that will be read, as far as they can be told by now."""


Told_co = TypeVar("Told_co", covariant=True)


class Question(Wanting, Protocol[Told_co]):
    """Something asked of the ledger that leads to nothing: answered by what is recorded now."""

    def answer(self, streams: Streams) -> Told_co:
        """The answer, or a refusal raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(ABC):
    """Something asked of the ledger. The caller brings the identity and the business time."""

    scope: ClassVar[str]

    id: UUID
    """The message id of (source, external id)."""
    source: str
    external_id: str
    occurred_at: datetime
    actor: str
    fingerprint: str
    answered: bool = True
    """Whether somebody waits for the answer; Kafka does not."""

    @abstractmethod
    def wants(self, streams: Streams) -> Wanted:
        """Name the streams that the decision will read, as far as they can be told by now."""

    @abstractmethod
    def decide(self, streams: Streams) -> Decision | Repeat:
        """Agree with drafts, recognise a repeat, or raise a refusal. Nothing is changed."""

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - most answers need no history
        """What the caller is told, made of the facts that the command led to: the same, whenever it is asked."""
        return {}

    def envelope(self, streams: Streams) -> dict[str, Any]:
        """The fields that all facts of the command share."""
        return {
            "recorded_at": streams.recorded_at,
            "occurred_at": self.occurred_at,
            "actor": self.actor,
            "source": self.source,
            "external_id": self.external_id,
            "correlation_id": self.id,
        }

    def same_as(self, claim: Stream, fingerprint: str, *, version: int = 1) -> Repeat:
        """The first answer, which begins with that version of the claim, for the same content; a refusal for other."""
        if fingerprint != self.fingerprint:
            raise ConflictingRepeat(source=self.source, external_id=self.external_id)
        return Repeat(claim.id, version)

    def not_in_the_future(self, streams: Streams) -> None:
        """Refuse a business time that our clock has not reached."""
        not_in_the_future(self.occurred_at, streams)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedCommand(Command):
    """A command whose identity, if the caller gave one, is claimed by a receipt."""

    keyed: bool

    def repeat(self, streams: Streams) -> Repeat | None:
        """The first answer, where the key was used before."""
        if not self.keyed:
            return None
        receipt = streams.get(Receipt, self.id)
        if receipt.refused is not None:
            self.same_as(receipt, receipt.refused.fingerprint)
            raise refusal_again(receipt.refused.refusal, receipt.refused.fields)
        return self.same_as(receipt, receipt.answered.fingerprint) if receipt.answered else None

    def claim(self, streams: Streams, *, target: str) -> list[Draft]:
        """Claim the key; first among the drafts, so that a repeat finds all that follows it."""
        if not self.keyed:
            return []
        return streams.get(Receipt, self.id).answer(scope=self.scope, fingerprint=self.fingerprint, target=target)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedCommand(KeyedCommand):
    """A command whose claim stands before what it agrees on."""

    remembers_refusals: ClassVar[bool] = False
    """Whether a refusal is remembered too, so that a delayed duplicate does not succeed."""

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else; then the clock, then what the command itself asks."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        self.not_in_the_future(streams)
        try:
            decision = self.agree(streams)
        except Refusal as refusal:
            if not (self.keyed and self.remembers_refusals):
                raise
            receipt = streams.get(Receipt, self.id)
            return Decision(receipt.refuse(refusal, scope=self.scope, fingerprint=self.fingerprint), refused=refusal)
        return decision._replace(drafts=[*self.claim(streams, target=self.target(streams)), *decision.drafts])

    @abstractmethod
    def agree(self, streams: Streams) -> Decision:
        """What the command itself decides; the claim is put before it."""

    @abstractmethod
    def target(self, streams: Streams) -> str:
        """Whom it is about: a later command that names this one finds them by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingCommand(AgreedCommand):
    """A command that takes points from somebody."""

    remembers_refusals = True
