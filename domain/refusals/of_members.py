"""Refusals: members, programmes and campaigns."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.refusals.base import Refusal


@dataclass(eq=False)
class NoProgrammeInForce(Refusal):
    """No version of the programme was in force at that time. Publish one with an earlier `effective_from`."""

    programme: str
    occurred_at: datetime


@dataclass(eq=False)
class UnknownMember(Refusal):
    """There is no such member. Join the member first, or send the card instead."""

    member_id: UUID


@dataclass(eq=False)
class UnknownCard(Refusal):
    """Nobody holds this card. Join the member first, or name the member instead."""


@dataclass(eq=False)
class MemberAlreadyExists(Refusal):
    """Another member was joined with this id. Choose another id, or none."""

    member_id: UUID


@dataclass(eq=False)
class CardAlreadyAssigned(Refusal):
    """The card belongs to a member already. One card has one holder."""

    card_id: UUID


@dataclass(eq=False)
class MemberErased(Refusal):
    """The personal data of this member were erased, for good. Somebody who comes back joins anew."""

    member_id: UUID


@dataclass(eq=False)
class CampaignAlreadyExists(Refusal):
    """Another campaign has this id. Choose another id."""

    campaign_id: str


@dataclass(eq=False)
class CampaignUsedUp(Refusal):
    """A discount that was quoted is no longer covered by the campaign's budget, or the member's limit. Ask for a quote again."""

    campaign_id: str
    discount_minor: int
    left_minor: int


@dataclass(eq=False)
class UnknownMembers(Refusal):
    """Some of the members that the campaign targets do not exist. Only a card may join later; list that instead."""

    member_ids: list[UUID]
    """The first few of them."""
    count: int


@dataclass(eq=False)
class WindowEndsBeforeItBegins(Refusal):
    """The campaign ends before, or as, it begins. Both ends are instants; the end is not part of the window."""

    starts_at: datetime
    ends_at: datetime


@dataclass(eq=False)
class PolicyRefused(Refusal):
    """The linter found errors in the programme, or it cannot be read. Correct them; `loyalty programme lint` shows where."""

    findings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.__doc__ or "", *self.findings))


@dataclass(eq=False)
class EffectiveDateNotAfterPublished(Refusal):
    """A version takes effect after the ones published before it. The past is not rewritten."""

    effective_from: datetime
    published_until: datetime


@dataclass(eq=False)
class AccountIsClosed(Refusal):
    """The account was closed by then: it earns and spends no more. Debt, returns and reversals still count."""

    member_id: UUID
    closed_at: datetime


@dataclass(eq=False)
class AccountAlreadyClosed(Refusal):
    """The account was closed before. There is nothing left to close."""

    member_id: UUID


@dataclass(eq=False)
class UnknownTier(Refusal):
    """The programme has no tier of this name. Use a name of the version in force."""

    tier: str


@dataclass(eq=False)
class TransferToOneself(Refusal):
    """Points go from one member to another. Name two different members."""

    member_id: UUID


@dataclass(eq=False)
class MemberMerged(Refusal):
    """The member was merged into another. Name the survivor."""

    member_id: UUID
    survivor_id: UUID


@dataclass(eq=False)
class HoldsOpen(Refusal):
    """The member has open holds. Capture or release them, or wait until they time out."""

    member_id: UUID
    holds: tuple[UUID, ...]


@dataclass(eq=False)
class NotMerged(Refusal):
    """The member was not merged into that one. Name the two members of the merge."""

    member_id: UUID
    survivor_id: UUID
