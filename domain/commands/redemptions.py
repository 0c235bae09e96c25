"""Spending points: holds, captures, releases, redemptions and their reversal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

from domain import moving, redeeming
from domain.allowance import check_payable, payable
from domain.buyer import united
from domain.command import Command, Decision, History, SpendingCommand, Streams, Wanted
from domain.correcting import refuse_if_closed
from domain.coupon import Coupon, coupon_stream
from domain.expiry import grace_ends
from domain.fact import Fact
from domain.lots import Hold, total
from domain.movements import HoldReleased, PointsHeld, PointsProlonged, PointsRedeemed, RedemptionReversed
from domain.points_account import PointsAccount, account_id
from domain.policy.points import PointsAsCash
from domain.receipt import Receipt
from domain.refusals import InvalidField, MemberMerged, PointsAreNotCash, UnknownHold, UnknownMember, UnknownRedemption
from domain.reward import Reward, reward_stream
from domain.stream import Draft

REWARD = "reward"
"""The scope of the command that lets points buy a reward."""


def account_of(streams: Streams, member_id: UUID) -> PointsAccount:
    """The account of a member who is one: known, and not merged into another."""
    account = streams.get(PointsAccount, account_id(member_id))
    if not account.exists:
        raise UnknownMember(member_id=member_id)
    if account.merged_into is not None:
        raise MemberMerged(member_id=member_id, survivor_id=account.merged_into)
    return account


def survivors_of(streams: Streams, account: PointsAccount) -> list[PointsAccount]:
    """Of a member who was merged, the accounts that everything has gone through since; the last has it now."""
    survivors = []
    while account.merged_into is not None:
        account = streams.get(PointsAccount, account_id(account.merged_into))
        survivors.append(account)
    return survivors


def grace_until(streams: Streams, at: datetime) -> datetime | None:
    """Until when points live that come back at an instant, though they had lapsed, by the version in force then."""
    _, policy = streams.programme.in_force(at)
    return grace_ends(policy, at)


def restored_until(facts: Sequence[Fact]) -> datetime | None:
    """Until when what came back after it had lapsed lives on; None where it does not."""
    return next((fact.lots[0]["expires_at"] for fact in facts if isinstance(fact, PointsProlonged)), None)


def standing(facts: Sequence[Fact], moved: Any, history: History) -> dict[str, Any]:
    """Whose points moved, and what is available after all of it."""
    version = max(fact.originator_version for fact in facts if fact.originator_id == moved.originator_id)
    account = history.account(moved.originator_id, version=version)
    return {"member_id": moved.member_id, "available": account.available(moved.occurred_at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDebt(Command):
    """After points or debt have moved, then what can pay pays."""

    scope = "settle"

    account: UUID

    @classmethod
    def after(cls, cause: Command, account: PointsAccount) -> Self:
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=cause.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            account=account.id,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """What an account that was merged has come by goes to the survivor first."""
        account = streams.get(PointsAccount, self.account)
        if account.merged_into is None:
            return Decision(account.settle(self.occurred_at))
        survivor = streams.get(PointsAccount, account_id(account.merged_into))
        moved = moving.forward(account, survivor, transfer_id=uuid5(self.id, str(account.version)), at=self.occurred_at)
        return Decision(moved, [SettleDebt.after(self, survivor)])


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAsCash(SpendingCommand):
    """A command of one member that lets points pay at the till."""

    member_id: UUID
    points: int | None
    amount_minor: int | None
    """Instead of the points: what they are to pay."""
    bill_minor: int | None

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Receipt, self.id
        yield PointsAccount, account_id(self.member_id)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)

    def cash(self, streams: Streams) -> PointsAsCash:
        """The rate of the version of the business time."""
        _, policy = streams.programme.in_force(self.occurred_at)
        if policy.points_as_cash is None:
            raise PointsAreNotCash(programme=policy.name)
        return policy.points_as_cash

    def check(self, streams: Streams, account: PointsAccount, points: int, *, amount_minor: int) -> None:
        """Refused in this order: minimum, step, share of the bill, limit of the day."""
        at = self.occurred_at
        _, policy = streams.programme.in_force(at)
        redeeming.check_as_cash(self.cash(streams), points, amount_minor=amount_minor, bill_minor=self.bill_minor)
        left = payable(united(streams, account), policy=policy, at=at)
        check_payable(points, left=left, policy=policy)

    def asked(self, cash: PointsAsCash) -> tuple[int, int]:
        """How many points, and what they pay in minor units."""
        if self.points is None:
            amount_minor = self.amount_minor or 0
            return redeeming.points_for(cash, amount_minor), amount_minor
        return self.points, redeeming.worth(cash, self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPoints(SpendAsCash):
    """Set points aside until they are captured, released, or time out."""

    scope = "hold"

    minutes: int | None

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, closed, programme, rate, minimum, step, share, day, points."""
        account = account_of(streams, self.member_id)
        refuse_if_closed(account, self.occurred_at)
        cash = self.cash(streams)
        points, amount_minor = self.asked(cash)
        self.check(streams, account, points, amount_minor=amount_minor)
        until = self.occurred_at + timedelta(minutes=self.minutes or cash.hold_minutes)
        return Decision(
            redeeming.hold(
                account, hold_id=self.id, points=points, at=self.occurred_at, until=until,
                amount_minor=amount_minor,
            )
        )  # fmt: skip

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The hold, and what is available besides."""
        held = next(fact for fact in facts if isinstance(fact, PointsHeld))
        return {
            "hold_id": held.hold_id, "points": held.points, "amount_minor": held.amount_minor, "until": held.until,
            **standing(facts, held, history),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemPoints(SpendAsCash):
    """Spend points at once; `offline`, where the till gave them away already, what is missing is owed."""

    scope = "redemption"

    offline: bool
    reason: str | None

    def agree(self, streams: Streams) -> Decision:
        """Refused as a hold is; offline only for the member, the programme and the rate."""
        account = account_of(streams, self.member_id)
        if not self.offline:
            refuse_if_closed(account, self.occurred_at)
        cash = self.cash(streams)
        points, amount_minor = self.asked(cash)
        if not self.offline:
            self.check(streams, account, points, amount_minor=amount_minor)
        drafts = redeeming.redeem(
            account, redemption_id=self.id, points=points, at=self.occurred_at, offline=self.offline,
            amount_minor=amount_minor, reason=self.reason,
        )  # fmt: skip
        return Decision(drafts, [SettleDebt.after(self, account)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The redemption, and what is available after it."""
        return redeemed_answer(facts, history)


def redeemed_answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
    """What was spent, what of it is owed, and what is available after it."""
    redeemed = next(fact for fact in facts if isinstance(fact, PointsRedeemed))
    return {
        "redemption_id": redeemed.redemption_id, "points": redeemed.points, "amount_minor": redeemed.amount_minor,
        "debt": redeemed.debt, **standing(facts, redeemed, history),
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OfReceipt(SpendingCommand):
    """A command about something that an earlier command made: its receipt leads to the account."""

    target_id: UUID

    def wants(self, streams: Streams) -> Wanted:
        yield Receipt, self.id
        yield Receipt, self.target_id
        receipt = streams.peek(self.target_id)
        if isinstance(receipt, Receipt) and (member_id := _member_of(receipt)) is not None:
            yield PointsAccount, account_id(member_id)

    def target(self, streams: Streams) -> str:
        receipt = streams.get(Receipt, self.target_id)
        assert receipt.answered is not None, "what it agreed on was found by this receipt"
        return receipt.answered.target

    def account(self, streams: Streams) -> PointsAccount | None:
        """The account that the receipt leads to."""
        member_id = _member_of(streams.get(Receipt, self.target_id))
        return None if member_id is None else streams.get(PointsAccount, account_id(member_id))


def _member_of(receipt: Receipt) -> UUID | None:
    """Holds, captures and redemptions name their member."""
    if receipt.answered is None or receipt.answered.scope not in {HoldPoints.scope, RedeemPoints.scope, REWARD}:
        return None
    return UUID(receipt.answered.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHold(OfReceipt):
    """Spend what a hold set aside, or part of it; the rest is free again."""

    scope = "capture"

    points: int | None

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown hold, ended before, after the time-out, more than held."""
        account = self.account(streams)
        if account is None:
            raise UnknownHold(hold_id=self.target_id)
        held = redeeming.open_hold(account, self.target_id)
        points = held.points if self.points is None else self.points
        drafts = redeeming.capture(
            account, hold_id=held.id, points=points, at=self.occurred_at, amount_minor=_pays(held, points, streams)
        )
        return Decision(drafts, [SettleDebt.after(self, account)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The redemption, and what is available after it."""
        return redeemed_answer(facts, history)


def _pays(held: Hold, points: int, streams: Streams) -> int | None:
    """What points of a hold pay, by the rate at which it was placed; all of them pay what it was placed for."""
    _, policy = streams.programme.in_force(held.at)
    if held.amount_minor is None or policy.points_as_cash is None:
        return held.amount_minor
    return min(held.amount_minor, redeeming.worth(policy.points_as_cash, points))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold(OfReceipt):
    """Give a hold up."""

    scope = "release"

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown hold, ended before."""
        account = self.account(streams)
        if account is None:
            raise UnknownHold(hold_id=self.target_id)
        drafts = redeeming.release(account, hold_id=self.target_id, at=self.occurred_at)
        return Decision(drafts, [SettleDebt.after(self, account)])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What is available again."""
        released = next(fact for fact in facts if isinstance(fact, HoldReleased))
        return {"hold_id": released.hold_id, **standing(facts, released, history)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRedemption(OfReceipt):
    """Bring a redemption back to the lots that it came from, all of it or part."""

    scope = "reversal"

    points: int | None
    reason: str | None

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown redemption, reversed before, more than is left; a reward that comes back in
        part, or whose coupon was used or is reserved.
        """
        account = self.account(streams)
        if account is None:
            raise UnknownRedemption(redemption_id=self.target_id)
        drafts = redeeming.reverse(
            account, redemption_id=self.target_id, points=self.points, at=self.occurred_at, reason=self.reason,
            grace_until=grace_until(streams, self.occurred_at), survivors=survivors_of(streams, account),
        )  # fmt: skip
        drafts += self._reward_back(streams, account)
        return Decision(drafts, [SettleDebt.after(self, account)])

    def _reward_back(self, streams: Streams, account: PointsAccount) -> list[Draft]:
        """Where the points had bought a reward: its piece comes back, and its coupon is void."""
        redemption = account.redemptions[self.target_id]
        if redemption.reward_id is None:
            return []
        if self.points is not None:
            raise InvalidField(field="points", problem="a reward comes back as a whole; leave the points out")
        assert account.member_id is not None, "an account that exists is somebody's"
        reward = streams.get(Reward, reward_stream(redemption.reward_id))
        code = reward.coupons.get(redemption.id)
        withdrawn = (
            []
            if code is None
            else streams.get(Coupon, coupon_stream(code)).withdraw(
                at=self.occurred_at, reason=self.reason or "its redemption was reversed"
            )
        )
        return [*reward.give_back(member_id=account.member_id, redemption_id=redemption.id), *withdrawn]

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What came back, what of it has lapsed and does not live on, and what is available."""
        back = next(fact for fact in facts if isinstance(fact, RedemptionReversed))
        living_on = sum(total(fact.lots) for fact in facts if isinstance(fact, PointsProlonged))
        return {
            "redemption_id": back.redemption_id, "points": back.points, "lapsed": back.lapsed - living_on,
            "restored_until": restored_until(facts), "debt_cancelled": back.cancelled, **standing(facts, back, history),
        }  # fmt: skip
