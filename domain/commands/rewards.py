"""Rewards: made, stocked, and had for points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import redeeming
from domain.buyer import Buyer, absorbed
from domain.campaign import CATALOGUE_ID, Catalogue
from domain.command import AgreedCommand, Decision, History, KeyedCommand, Repeat, SpendingCommand, Streams, Wanted
from domain.commands.coupons import IssueCoupon, issued_answer
from domain.commands.redemptions import REWARD, SettleDebt, account_of, standing
from domain.commands.returns import current
from domain.correcting import refuse_if_closed
from domain.coupon import BOUGHT, good_through
from domain.criteria import Window
from domain.fact import Fact
from domain.member import Member
from domain.movements import PointsRedeemed
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.purchase import Purchase
from domain.receipt import Receipt
from domain.refusals import (
    OrderAlreadyShown,
    RewardAlreadyExists,
    UnknownPurchase,
    UnknownReward,
    UnknownSegment,
    UnknownTier,
    WindowEndsBeforeItBegins,
)
from domain.reward import (
    Applicant,
    Reward,
    RewardCreated,
    RewardRedeemed,
    RewardStocked,
    RewardTerms,
    obstacles,
    reward_stream,
)
from domain.segment import AccountHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReward(KeyedCommand):
    """Make a reward."""

    scope = "reward-made"

    reward_id: str
    terms: RewardTerms

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Reward, reward_stream(self.reward_id)
        yield Catalogue, CATALOGUE_ID

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by reward id; then the window, tiers and segments."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        reward, catalogue = (
            streams.get(Reward, reward_stream(self.reward_id)),
            streams.get(Catalogue, CATALOGUE_ID),
        )
        if reward.created is not None:
            if reward.created.fingerprint != self.fingerprint:
                raise RewardAlreadyExists(reward_id=self.reward_id)
            return Repeat(reward.id)
        self._check(streams, catalogue)
        created = reward.create(reward_id=self.reward_id, terms=self.terms, fingerprint=self.fingerprint)
        return Decision(
            [*self.claim(streams, target=self.reward_id), *created, *catalogue.enter_reward(self.reward_id)]
        )

    def _check(self, streams: Streams, catalogue: Catalogue) -> None:
        begin, end = self.terms.starts_at, self.terms.ends_at
        if begin is not None and end is not None and end <= begin:
            raise WindowEndsBeforeItBegins(starts_at=begin, ends_at=end)
        known = {level.name for policy in streams.programme.versions for level in policy.tiers.levels}
        for tier in self.terms.tiers or ():
            if tier not in known:
                raise UnknownTier(tier=tier)
        for segment_id in self.terms.segments or ():
            if segment_id not in catalogue.segments:
                raise UnknownSegment(segment_id=segment_id)

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The reward's id."""
        return {"reward_id": next(fact.reward_id for fact in facts if isinstance(fact, RewardCreated))}


def reward_of(streams: Streams, reward_id: str) -> tuple[Reward, RewardTerms]:
    """A reward that was made, and its terms."""
    reward = streams.get(Reward, reward_stream(reward_id))
    if reward.created is None:
        raise UnknownReward(reward_id=reward_id)
    return reward, reward.created.terms


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReward(AgreedCommand):
    """Add pieces of a reward."""

    scope = "stock"

    reward_id: str
    pieces: int
    reason: str

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Reward, reward_stream(self.reward_id)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return self.reward_id

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown reward, one that cannot run out."""
        reward, _ = reward_of(streams, self.reward_id)
        return Decision(reward.stock(self.pieces, reason=self.reason))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """What came in, and what there are with it."""
        stocked = next(fact for fact in facts if isinstance(fact, RewardStocked))
        return {"reward_id": stocked.reward_id, "pieces": stocked.pieces, "stock_left": stocked.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemReward(SpendingCommand):
    """Have a piece of a reward for points; where it is a coupon, that is issued."""

    scope = REWARD

    member_id: UUID
    reward_id: str
    purchase_id: UUID | None
    """The order whose amount the terms ask for."""

    def wants(self, streams: Streams) -> Wanted:
        yield Receipt, self.id
        yield Member, self.member_id
        yield PointsAccount, account_id(self.member_id)
        yield Reward, reward_stream(self.reward_id)
        if self.purchase_id is not None:
            yield Purchase, self.purchase_id
        account = streams.peek(account_id(self.member_id))
        for other in account.absorbed if isinstance(account, PointsAccount) else ():
            yield PointsAccount, account_id(other)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return str(self.member_id)

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, closed, reward, window, tier or segment, spend, limit, stock, order, points."""
        account = account_of(streams, self.member_id)
        refuse_if_closed(account, self.occurred_at)
        reward, terms = reward_of(streams, self.reward_id)
        version, policy = streams.programme.in_force(self.occurred_at)
        for refusal in obstacles(
            self.reward_id, terms, reward.left, self._applicant(streams, account, policy, reward, terms)
        ):
            raise refusal
        if terms.min_order_spend_minor and self.purchase_id in reward.orders.values():
            raise OrderAlreadyShown(reward_id=self.reward_id, purchase_id=self.purchase_id)
        redeemed = redeeming.redeem(
            account, redemption_id=self.id, points=terms.points, at=self.occurred_at, reward_id=self.reward_id,
            reward_name=terms.name, programme_version=version,
        )  # fmt: skip
        coupon = None if terms.coupon is None else streams.new_code()
        handed_out = reward.hand_out(
            member_id=self.member_id, redemption_id=self.id, points=terms.points, coupon=coupon,
            order_id=self.purchase_id if terms.min_order_spend_minor else None,
        )  # fmt: skip
        issuing = self._issuing(terms, policy, coupon)
        return Decision([*redeemed, *handed_out], [*issuing, SettleDebt.after(self, account)])

    def _applicant(
        self, streams: Streams, account: PointsAccount, policy: Policy, reward: Reward, terms: RewardTerms
    ) -> Applicant:
        member, at = streams.get(Member, self.member_id), self.occurred_at
        buyer = Buyer(member, account, policy=policy, at=at, streams=streams)
        brought = absorbed(streams, account)
        persons = {one.member_id for one in (account, *brought) if one.member_id is not None}
        history = AccountHistory(account, policy, at, brought)
        return Applicant(
            at=at,
            tier=buyer.tier,
            segments=[name for name in terms.segments or () if buyer.belongs_to(name)],
            lifetime_minor=history.spent_minor(Window(None)) if terms.min_lifetime_spend_minor else 0,
            had=sum(reward.had[member_id] for member_id in persons),
            order_minor=self._kept_of_order(streams, persons),
        )

    def _kept_of_order(self, streams: Streams, persons: set[UUID]) -> int:
        """What is still paid for the order that is shown; it must be the member's."""
        if self.purchase_id is None:
            return 0
        purchase = current(streams, self.purchase_id)
        if purchase.recorded is None or purchase.member_id not in persons:
            raise UnknownPurchase(purchase_id=self.purchase_id)
        return purchase.left_minor

    def _issuing(self, terms: RewardTerms, policy: Policy, code: str | None) -> list[IssueCoupon]:
        if terms.coupon is None:
            return []
        until: datetime = good_through(policy, self.occurred_at, terms.coupon.valid_days)
        return [
            IssueCoupon.of(
                self, member_id=self.member_id, kind_id=terms.coupon.kind, valid_from=self.occurred_at,
                valid_until=until, reference=f"{BOUGHT}{self.id}", amount_minor=terms.coupon.amount_minor, code=code,
            )
        ]  # fmt: skip

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """The redemption, what is left of the reward, its coupon, and what is available after it."""
        redeemed = next(fact for fact in facts if isinstance(fact, PointsRedeemed))
        handed_out = next(fact for fact in facts if isinstance(fact, RewardRedeemed))
        return {
            "redemption_id": redeemed.redemption_id, "reward_id": handed_out.reward_id, "points": redeemed.points,
            "stock_left": handed_out.left, "coupon": issued_answer(facts), **standing(facts, redeemed, history),
        }  # fmt: skip
