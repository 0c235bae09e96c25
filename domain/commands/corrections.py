"""What staff put right in one account: adjustments, waivers, closing, opening balances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain import correcting, redeeming
from domain.command import AgreedCommand, Decision, History, Streams, Wanted
from domain.commands.redemptions import SettleDebt, account_of, standing
from domain.correcting import given_lot, lot_of, refuse_if_closed
from domain.fact import Fact
from domain.member import Card
from domain.movements import AccountClosed, DebtWaived, OpeningBalanceImported, PointsAdjusted
from domain.points_account import PointsAccount, account_id
from domain.receipt import Receipt
from domain.refusals import EarlierThanCause, UnknownCard, UnknownTier


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMember(AgreedCommand):
    """A command about one member's account."""

    member_id: UUID

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield PointsAccount, account_id(self.member_id)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustPoints(OfMember):
    """Give points, or take them: for a reason, and in the name of whoever did it."""

    scope = "adjustment"
    remembers_refusals = True

    points: int
    """Below zero they are taken."""
    expires_at: datetime | None
    never_expires: bool
    qualifies: bool
    allow_debt: bool
    reason: str

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, earlier than the joining, closed (where points are given), points."""
        account = account_of(streams, self.member_id)
        if account.registered_at is not None and self.occurred_at < account.registered_at:
            raise EarlierThanCause(occurred_at=self.occurred_at, cause_at=account.registered_at)
        version, policy = streams.programme.in_force(self.occurred_at)
        if self.points > 0:
            refuse_if_closed(account, self.occurred_at)
            drafts = correcting.give(
                account, lot_id=lot_of(self.id), points=self.points, at=self.occurred_at, expires_at=self.expires_at,
                never=self.never_expires, qualifies=self.qualifies, reason=self.reason, policy=policy, version=version,
            )  # fmt: skip
        else:
            drafts = correcting.take(
                account, points=-self.points, at=self.occurred_at, allow_debt=self.allow_debt, qualifies=self.qualifies,
                reason=self.reason, policy=policy, version=version,
            )  # fmt: skip
        return Decision(drafts, [SettleDebt.after(self, account)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What was given or taken, and what is available after it."""
        adjusted = next(fact for fact in facts if isinstance(fact, PointsAdjusted))
        return {"points": adjusted.points, "debt": adjusted.debt, **standing(facts, adjusted, history)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiveDebt(OfMember):
    """Let debt go: all of it, or so many points."""

    scope = "waiver"

    points: int | None
    reason: str

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, debt."""
        account = account_of(streams, self.member_id)
        drafts = redeeming.waive(account, points=self.points, at=self.occurred_at, reason=self.reason)
        return Decision(drafts, [SettleDebt.after(self, account)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What was waived, and what is available after it."""
        waived = next(fact for fact in facts if isinstance(fact, DebtWaived))
        return {"points": waived.points, **standing(facts, waived, history)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(OfMember):
    """End a member's earning and spending."""

    scope = "closure"

    reason: str

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, closed before."""
        return Decision(correcting.close(account_of(streams, self.member_id), reason=self.reason))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """From when the account is closed, and the debt that stays on record."""
        closed = next(fact for fact in facts if isinstance(fact, AccountClosed))
        version = max(fact.originator_version for fact in facts if fact.originator_id == closed.originator_id)
        account = history.account(closed.originator_id, version=version)
        debt = account.owed(account.reach(closed.occurred_at)[1])
        return {"member_id": closed.member_id, "closed_at": closed.occurred_at, "debt": debt}


class OpeningLot(NamedTuple):
    """Points that a member brings along. `never`: they do not lapse."""

    points: int
    earned_at: datetime
    expires_at: datetime | None
    never: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBalance(AgreedCommand):
    """Bring in what a member had in another system. The member is named by id, or by card."""

    scope = "opening-balance"

    member_id: UUID | None
    card_id: UUID | None
    lots: list[OpeningLot]
    qualifying: list[tuple[datetime, int]]
    debt: int
    tier: str | None
    tier_since: datetime | None
    reason: str

    def wants(self, streams: Streams) -> Wanted:
        yield Receipt, self.id
        if self.card_id is not None:
            yield Card, self.card_id
        member_id = self._member(streams)
        if member_id is not None:
            yield PointsAccount, account_id(member_id)

    def target(self, streams: Streams) -> str:
        return str(self._member(streams))

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: card, member, closed, tier."""
        member_id = self._member(streams)
        if member_id is None:
            raise UnknownCard
        account = account_of(streams, member_id)
        refuse_if_closed(account, self.occurred_at)
        version, policy = streams.programme.in_force(self.occurred_at)
        if self.tier is not None and self.tier not in {level.name for level in policy.tiers.levels}:
            raise UnknownTier(tier=self.tier)
        lots = [
            given_lot(
                lot_of(self.id, number), points=lot.points, earned_at=lot.earned_at, active_from=max(lot.earned_at, self.occurred_at),
                expires_at=correcting.expiry_of(account, policy, lot.earned_at, lot.expires_at, never=lot.never),
            )
            for number, lot in enumerate(self.lots)
        ]  # fmt: skip
        drafts = correcting.open_with(
            account, lots=lots, qualifying=self.qualifying, debt=self.debt, tier=self.tier, tier_since=self.tier_since,
            at=self.occurred_at, reason=self.reason, policy=policy, version=version,
        )  # fmt: skip
        return Decision(drafts, [SettleDebt.after(self, account)])

    def _member(self, streams: Streams) -> UUID | None:
        if self.card_id is None:
            return self.member_id
        card = streams.peek(self.card_id)
        return card.member_id if isinstance(card, Card) else None

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What was brought in, and what is available after it."""
        imported = next(fact for fact in facts if isinstance(fact, OpeningBalanceImported))
        points = sum(lot["points"] for lot in imported.lots)
        return {"points": points, "debt": imported.debt, **standing(facts, imported, history)}
