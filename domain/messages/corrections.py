"""Corrections by staff, over HTTP or from a file, and the commands that they become."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StrictBool, model_validator

from domain.basket import Word
from domain.commands.corrections import AdjustPoints, CloseAccount, ImportBalance, OpeningLot, WaiveDebt
from domain.commands.transfers import MergeMembers, TransferPoints, UnmergeMembers
from domain.messages.identity import Identity
from domain.messages.purchases import CardIds
from domain.messages.reading import BusinessTime, Message, UtcTime, Why, WhyIfTold, canonical, fingerprint
from domain.money import MAX_AMOUNT
from domain.refusals import InvalidField

Points = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]
AnyPoints = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]


class AdjustmentBody(Message):
    """The body of `POST /members/{id}/adjustments`. Given points lapse as those of a purchase of that time would, unless told."""

    points: Annotated[int, Field(strict=True, ge=-MAX_AMOUNT, le=MAX_AMOUNT, description="Below zero they are taken.")]
    reason: Why
    time: BusinessTime
    expires_at: UtcTime | None = Field(
        default=None, description="The first instant at which they can no longer be spent."
    )
    never_expires: StrictBool = Field(default=False, description="Whether they never lapse.")
    qualifying: StrictBool = Field(default=False, description="Whether they count for the tier.")
    allow_debt: StrictBool = Field(default=False, description="Whether more may be taken than is available.")


class WaiverBody(Message):
    """The body of `POST /members/{id}/waivers`. The holder of the key is who approved it."""

    points: Points | None = Field(default=None, description="All that is owed, if left out.")
    reason: Why
    time: BusinessTime


class ClosureBody(Message):
    """The body of `POST /members/{id}/closure`."""

    reason: Why
    time: BusinessTime


class TransferBody(Message):
    """The body of `POST /members/{id}/transfers`."""

    to: UUID = Field(description="The member who receives them.")
    points: Points = Field(description="Points that are sent.")
    time: BusinessTime
    reason: WhyIfTold = None


class MergeBody(Message):
    """The body of `POST /members/{id}/merge`: the member of the path lives on in `into`."""

    into: UUID = Field(description="The member who lives on.")
    time: BusinessTime
    reason: WhyIfTold = None


class UnmergeBody(Message):
    """The body of `POST /members/{id}/unmerge`: the member of the path is parted from `from` again."""

    survivor: UUID = Field(description="The member into whom the one of the path was merged.")
    time: BusinessTime
    reason: WhyIfTold = None


class OpeningLotBody(Message):
    """Points that a member brings along."""

    points: Points = Field(description="Points of this lot that are left.")
    earned_at: UtcTime = Field(description="When they were earned.")
    expires_at: UtcTime | None = Field(default=None, description="As the programme says for that time, if left out.")
    never_expires: StrictBool = Field(default=False, description="Whether they never lapse.")


class QualifyingBody(Message):
    """Qualifying points of another system, dated."""

    points: Points = Field(description="Points that count for the tier.")
    at: UtcTime = Field(description="When they were earned.")


class OpeningBalanceBody(Message):
    """One member's opening balance: a line of `loyalty load balances`, or the body of `POST /opening-balances`."""

    reference: Word = Field(description="Its identity for ever: the same content again is a repeat.")
    card: Word | None = Field(default=None, description="The card's number, or else `member`.")
    member: UUID | None = Field(default=None, description="The member, instead of the card.")
    time: UtcTime = Field(description="As of when the balance is brought in.")
    lots: list[OpeningLotBody] = Field(
        default=[], max_length=1_000, description="The points that are brought in, lot by lot."
    )
    qualifying: list[QualifyingBody] = Field(default=[], max_length=1_000, description="What counts for the tier.")
    debt: AnyPoints = Field(default=0, description="Points that are owed.")
    tier: Word | None = Field(default=None, description="Held at least until the review of the period.")
    tier_since: UtcTime | None = Field(default=None, description="Since when the tier is held.")
    reason: Why = "opening balance"

    @model_validator(mode="after")
    def _one_member(self) -> Self:
        if (self.card is None) == (self.member is None):
            raise ValueError("give the card or the member")
        return self

    @model_validator(mode="after")
    def _nothing_ahead(self) -> Self:
        dates = [*(lot.earned_at for lot in self.lots), *(one.at for one in self.qualifying), self.tier_since]
        if any(at is not None and at > self.time for at in dates):
            raise ValueError("nothing was earned, counted or reached after `time`")
        if any(lot.never_expires and lot.expires_at is not None for lot in self.lots):
            raise ValueError("a lot that never expires has no expires_at")
        return self


def adjustment_command(body: AdjustmentBody, *, member_id: UUID, identity: Identity) -> AdjustPoints:
    """The command of an adjustment. Nothing to give or take is none; what is taken has no expiry."""
    if not body.points:
        raise InvalidField(field="points", problem="nothing to give and nothing to take")
    if body.never_expires and body.expires_at is not None:
        raise InvalidField(field="expires_at", problem="they never expire")
    if body.expires_at is not None and body.expires_at <= body.time:
        raise InvalidField(field="expires_at", problem="before they are given")
    return AdjustPoints(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        points=body.points, expires_at=body.expires_at, never_expires=body.never_expires, qualifies=body.qualifying,
        allow_debt=body.allow_debt, reason=body.reason,
    )  # fmt: skip


def waiver_command(body: WaiverBody, *, member_id: UUID, identity: Identity) -> WaiveDebt:
    """The command of a waiver."""
    return WaiveDebt(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        points=body.points, reason=body.reason,
    )  # fmt: skip


def closure_command(body: ClosureBody, *, member_id: UUID, identity: Identity) -> CloseAccount:
    """The command of a closure."""
    return CloseAccount(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        reason=body.reason,
    )  # fmt: skip


def transfer_command(body: TransferBody, *, member_id: UUID, identity: Identity) -> TransferPoints:
    """The command of a transfer."""
    return TransferPoints(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        other_id=body.to, points=body.points, reason=body.reason,
    )  # fmt: skip


def merge_command(body: MergeBody, *, member_id: UUID, identity: Identity) -> MergeMembers:
    """The command of a merge."""
    return MergeMembers(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        other_id=body.into, reason=body.reason,
    )  # fmt: skip


def unmerge_command(body: UnmergeBody, *, member_id: UUID, identity: Identity) -> UnmergeMembers:
    """The command that undoes a merge."""
    return UnmergeMembers(
        **identity.fields(), occurred_at=body.time, fingerprint=_content(body, member_id), member_id=member_id,
        other_id=body.survivor, reason=body.reason,
    )  # fmt: skip


IMPORTS = "/imports/opening-balances"
"""The source of opening balances: a reference is brought in once, whoever does it."""


def import_command(body: OpeningBalanceBody, *, actor: str, card_ids: CardIds) -> ImportBalance:
    """The command of an opening balance; its reference is its identity."""
    card_id = None if body.card is None else card_ids(body.card)
    identity = Identity(source=IMPORTS, external_id=body.reference, actor=actor, keyed=True)
    content = fingerprint(canonical(body, without=frozenset({"card"})), card_id.bytes if card_id else b"")
    return ImportBalance(
        **identity.fields(), occurred_at=body.time, fingerprint=content, member_id=body.member, card_id=card_id,
        lots=[OpeningLot(lot.points, lot.earned_at, lot.expires_at, lot.never_expires) for lot in body.lots],
        qualifying=[(one.at, one.points) for one in body.qualifying], debt=body.debt, tier=body.tier,
        tier_since=body.tier_since, reason=body.reason,
    )  # fmt: skip


def _content(body: Message, member_id: UUID) -> str:
    return fingerprint(member_id.bytes, type(body).__name__.encode(), canonical(body))
