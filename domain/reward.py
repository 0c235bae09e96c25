"""Rewards: what points buy, for whom, when, and how many pieces of it there are (M04, R01, R02)."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.basket import Word
from domain.fact import Fact
from domain.money import MAX_AMOUNT, AmountMinor
from domain.policy.parts import Text
from domain.refusals import (
    Refusal,
    RewardLimit,
    RewardLocked,
    RewardNotInWindow,
    RewardOutOfStock,
    RewardWithoutStock,
    SpendMissing,
)
from domain.stream import Draft, Stream, evolves

REWARDS = UUID("c1f0b7de-35a4-5d92-b8e7-90c46d2a3b15")
"""The name space of the streams of rewards."""

Pieces = Annotated[int, Field(strict=True, ge=1, le=10**9)]
Named = Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]


class CouponTerms(BaseModel):
    """The coupon that a reward is: good through so many local days after the day of the redemption."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Word = Field(description="A word that campaigns and tills know it by.")
    valid_days: Annotated[int, Field(strict=True, ge=0, le=3_660)] = Field(
        description="Local days after the day of the redemption."
    )
    amount_minor: Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)] | None = Field(
        default=None, description="What it takes off a bill, in minor units, where it is money."
    )


class RewardTerms(BaseModel):
    """What a reward costs, and who may have it when. A part that is absent demands nothing. The window is half open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text = Field(description="In English and Chinese.")
    kind: Literal["good", "coupon", "service", "cash_off"] = Field(
        description="With `coupon` and `cash_off` a coupon is issued."
    )
    points: Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)] = Field(description="What it costs.")
    stock: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = Field(
        default=None, description="Pieces at the beginning; null: it cannot run out."
    )
    starts_at: datetime | None = Field(default=None, description="The first instant at which it can be had.")
    ends_at: datetime | None = Field(default=None, description="The first instant at which it can be had no longer.")
    tiers: Named | None = Field(default=None, description="Only members of these tiers, each by its name.")
    segments: Named | None = Field(default=None, description="Only members of one of these segments.")
    min_order_spend_minor: AmountMinor = Field(
        default=0, description="What must be kept of one purchase, named with the redemption."
    )
    min_lifetime_spend_minor: AmountMinor = Field(
        default=0, description="What must be kept of all purchases of the member, paid by whatever means."
    )
    per_member: Pieces | None = Field(default=None, description="How often a member can have it.")
    coupon: CouponTerms | None = Field(default=None, description="The coupon that it is.")

    @model_validator(mode="after")
    def _a_coupon_has_terms(self) -> Self:
        if (self.kind in {"coupon", "cash_off"}) != (self.coupon is not None):
            raise ValueError("`coupon` belongs to the kinds `coupon` and `cash_off`, and only to them")
        if self.kind == "cash_off" and self.coupon is not None and self.coupon.amount_minor is None:
            raise ValueError("a `cash_off` has the `amount_minor` that its coupon takes off a bill")
        return self


class RewardCreated(Fact, name="RewardCreated.v1"):
    """A reward was made."""

    reward_id: str
    terms: RewardTerms
    fingerprint: str


class RewardStocked(Fact, name="RewardStocked.v1"):
    """Pieces of a reward came in; `left` is what there are with them."""

    reward_id: str
    pieces: int
    left: int
    reason: str


class RewardRedeemed(Fact, name="RewardRedeemed.v1"):
    """A member had a piece of a reward for points; `left` is what there are after it, where they can run out."""

    member_id: UUID
    reward_id: str
    redemption_id: UUID
    points: int
    left: int | None = None
    coupon: str | None = None
    """The code of the coupon that it is."""
    order_id: UUID | None = None
    """The purchase that was shown for it, where the terms ask for one: it opens the reward once."""


class RewardGivenBack(Fact, name="RewardGivenBack.v1"):
    """The redemption of a reward was reversed: its piece can be had again."""

    member_id: UUID
    reward_id: str
    redemption_id: UUID
    left: int | None = None


def reward_stream(reward_id: str) -> UUID:
    return uuid5(REWARDS, reward_id)


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """What the terms ask of a member, at an instant."""

    at: datetime
    tier: str
    segments: Collection[str]
    """Of those that the reward names, those that the member belongs to."""
    lifetime_minor: int
    had: int
    order_minor: int | None
    """What is kept of the purchase that is shown; None: it is not asked for yet."""


def obstacles(reward_id: str, terms: RewardTerms, left: int | None, who: Applicant) -> Iterator[Refusal]:
    """What keeps a member from a reward besides its price, in the order in which it is refused."""
    begun = terms.starts_at is None or terms.starts_at <= who.at
    if not begun or (terms.ends_at is not None and who.at >= terms.ends_at):
        yield RewardNotInWindow(reward_id=reward_id, starts_at=terms.starts_at, ends_at=terms.ends_at)
    tier_fits = terms.tiers is None or who.tier in terms.tiers
    if not tier_fits or (terms.segments is not None and not who.segments):
        yield RewardLocked(
            reward_id=reward_id, tier=who.tier, tiers=terms.tiers or (), segments=terms.segments or ()
        )  # fmt: skip
    spends = {
        "order": (terms.min_order_spend_minor, who.order_minor),
        "lifetime": (terms.min_lifetime_spend_minor, who.lifetime_minor),
    }
    for of, (required, spent) in spends.items():
        if spent is not None and spent < required:
            yield SpendMissing(reward_id=reward_id, of=of, required_minor=required, missing_minor=required - spent)
    if terms.per_member is not None and who.had >= terms.per_member:
        yield RewardLimit(reward_id=reward_id, per_member=terms.per_member)
    if left == 0:
        yield RewardOutOfStock(reward_id=reward_id)


class Reward(Stream):
    """One reward: its terms, what is left of it, and who had how many."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.reward_id = ""
        self.created: RewardCreated | None = None
        self.left: int | None = None
        self.had: Counter[UUID] = Counter()
        self.coupons: dict[UUID, str] = {}
        """Codes, by redemption."""
        self.orders: dict[UUID, UUID] = {}
        """Purchases that were shown, by redemption."""

    def create(self, **what: object) -> list[Draft]:
        """Make it."""
        return [self.draft(RewardCreated, **what)]

    def stock(self, pieces: int, *, reason: str) -> list[Draft]:
        """Add pieces; refused where they cannot run out anyway."""
        if self.left is None:
            raise RewardWithoutStock(reward_id=self.reward_id)
        what = {"reward_id": self.reward_id, "pieces": pieces, "left": self.left + pieces, "reason": reason}
        return [self.draft(RewardStocked, **what)]

    def hand_out(
        self, *, member_id: UUID, redemption_id: UUID, points: int, coupon: str | None, order_id: UUID | None
    ) -> list[Draft]:
        """Give a piece to a member; `obstacles` are asked before."""
        return [
            self.draft(
                RewardRedeemed, member_id=member_id, reward_id=self.reward_id, redemption_id=redemption_id,
                points=points, left=None if self.left is None else self.left - 1, coupon=coupon, order_id=order_id,
            )
        ]  # fmt: skip

    def give_back(self, *, member_id: UUID, redemption_id: UUID) -> list[Draft]:
        """Take the piece of a redemption back."""
        return [
            self.draft(
                RewardGivenBack, member_id=member_id, reward_id=self.reward_id, redemption_id=redemption_id,
                left=None if self.left is None else self.left + 1,
            )
        ]  # fmt: skip

    @evolves(RewardCreated)
    def _created(self, fact: RewardCreated) -> None:
        self.reward_id, self.created, self.left = fact.reward_id, fact, fact.terms.stock

    @evolves(RewardStocked)
    def _stocked(self, fact: RewardStocked) -> None:
        self.left = fact.left

    @evolves(RewardRedeemed)
    def _redeemed(self, fact: RewardRedeemed) -> None:
        self.left = fact.left
        self.had[fact.member_id] += 1
        if fact.coupon is not None:
            self.coupons[fact.redemption_id] = fact.coupon
        if fact.order_id is not None:
            self.orders[fact.redemption_id] = fact.order_id

    @evolves(RewardGivenBack)
    def _given_back(self, fact: RewardGivenBack) -> None:
        self.left = fact.left
        self.had[fact.member_id] -= 1
        self.coupons.pop(fact.redemption_id, None)
        self.orders.pop(fact.redemption_id, None)
