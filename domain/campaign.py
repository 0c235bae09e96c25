"""Campaigns: who earns more, when and on what; and the catalogue that lists them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from domain.basket import Line
from domain.campaign_terms import Budget, Conditions, CouponGift, Effect, Limits
from domain.fact import Fact
from domain.stream import Draft, Stream, evolves

if TYPE_CHECKING:
    from domain.buyer import Buyer
    from domain.sale import Sale

CAMPAIGNS = UUID("0e4a3f2c-5d4e-5b8e-9a51-3d0f6b8f1c27")
CATALOGUE_ID = uuid5(CAMPAIGNS, "")
OUTSIDE_WINDOW = "outside-window"
AUDIENCE_CHUNK = 4_000
"""Members in one fact: 4,000 ids of 39 bytes stay well below the size a fact may have."""


class CampaignCreated(Fact, name="CampaignCreated.v1"):
    """A campaign was made. Its window is half open: `ends_at` is no longer part of it."""

    campaign_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    everyone: bool
    conditions: Conditions
    effect: Effect
    priority: int = 0
    tiers: tuple[str, ...] | None = None
    """Whoever holds one of these at the time of the sale is targeted."""
    segment: str | None = None
    """Whoever belongs to it at the time of the sale is targeted."""
    budget: Budget | None = None
    limits: Limits | None = None
    fingerprint: str


class AudienceListed(Fact, name="AudienceListed.v1"):
    """These cards and members were targeted by a campaign; a long list comes in several facts."""

    campaign_id: str
    card_ids: tuple[UUID, ...] = ()
    member_ids: tuple[UUID, ...] = ()


class BudgetDrawn(Fact, name="BudgetDrawn.v1"):
    """A purchase drew on the budget of a campaign; below zero where a return of it gave back."""

    campaign_id: str
    purchase_id: UUID
    points: int = 0
    amount_minor: int = 0


class BudgetReserved(Fact, name="BudgetReserved.v1"):
    """What a campaign gives to a quoted sale was set aside for it until `until`: of its budget, and of what one member may have.

    It counts as given to that member until then, or until it is released.
    """

    campaign_id: str
    quote_id: UUID
    member_id: UUID
    day: date
    """The local day of the sale."""
    store: str | None = None
    """Where a bonus would be given: it counts once per member, store and day."""
    points: int = 0
    amount_minor: int = 0
    until: datetime


class BudgetReleased(Fact, name="BudgetReleased.v1"):
    """What was set aside for a quoted sale is free again: it was made, and draws by itself, or it will not be made."""

    campaign_id: str
    quote_id: UUID
    member_id: UUID


class CampaignListed(Fact, name="CampaignListed.v1"):
    """A campaign was entered in the catalogue."""

    campaign_id: str


class SegmentListed(Fact, name="SegmentListed.v1"):
    """A segment was entered in the catalogue."""

    segment_id: str


class RewardListed(Fact, name="RewardListed.v1"):
    """A reward was entered in the catalogue."""

    reward_id: str


def campaign_stream(campaign_id: str) -> UUID:
    return uuid5(CAMPAIGNS, campaign_id)


class Campaign(Stream):
    """One campaign."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.terms: CampaignCreated | None = None
        # What every sale asks of the terms is taken out of them: looking into a model costs ten times as much.
        self.campaign_id = ""
        self.starts_at = self.ends_at = datetime.min.replace(tzinfo=UTC)
        self.audience: set[UUID] = set()
        self.stores: frozenset[str] | None = None
        self.categories: frozenset[str] | None = None
        self.skus: frozenset[str] | None = None
        self.minimum_paid_minor = 0
        self.asks_for_coupon = False
        self.everyone = False
        self.limits: Limits | None = None
        self.capped = False
        """Whether there is an end to what it gives."""
        self.rank: tuple[int, Fraction, str] = 0, Fraction(0), ""
        """Its place among multipliers for the same line: highest priority, then highest multiplier, then id."""
        self.extra = Fraction(0)
        """What it adds to the base rate, as a multiple of it."""
        self.bonus_points = 0
        self.gift: CouponGift | None = None
        self.used = 0
        """Of the budget, in its own unit: drawn, less what returns gave back."""
        self.too_late = 0
        """What returns gave back after the window: credited, but given to nobody any more."""
        self.reserved: dict[UUID, BudgetReserved] = {}
        """By quote, what is set aside, but for what had lapsed when something was drawn or reserved since."""

    def create(self, *, card_ids: list[UUID], member_ids: list[UUID], **what: object) -> list[Draft]:
        """Create the campaign and list whom it targets, in chunks."""
        campaign_id = what["campaign_id"]
        drafts = [self.draft(CampaignCreated, **what)]
        for name, ids in (("card_ids", card_ids), ("member_ids", member_ids)):
            drafts += [
                self.draft(AudienceListed, campaign_id=campaign_id, **{name: ids[start : start + AUDIENCE_CHUNK]})
                for start in range(0, len(ids), AUDIENCE_CHUNK)
            ]
        return drafts

    def missing(self, sale: "Sale", buyer: "Buyer") -> str | None:
        """What a sale lacks for the campaign to apply, in a word; None where it applies."""
        return self.unmet_by(sale) or self.closed_to(buyer)

    def unmet_by(self, sale: "Sale") -> str | None:
        """What a sale itself lacks, whoever buys; most campaigns are out by this."""
        if self.terms is None or not self.starts_at <= sale.occurred_at < self.ends_at:
            return OUTSIDE_WINDOW
        if self.stores is not None and sale.store not in self.stores:
            return "other-store"
        if sale.paid_minor < self.minimum_paid_minor:
            return "minimum-not-reached"
        if self.asks_for_coupon and not self._handed_in(sale, self.terms.conditions):
            return "coupon-missing"
        if self.categories is not None and self.categories.isdisjoint(sale.categories):
            return "no-matching-line"
        return None

    def closed_to(self, buyer: "Buyer") -> str | None:
        """Why it gives nothing to this buyer, though the sale has all that it asks for."""
        assert self.terms is not None, "only what was created is open to anybody"
        if not (self.everyone or self._targets(self.terms, buyer)):
            return "not-targeted"
        if self.limits is not None and not buyer.may_have_more(self, self.limits):
            return "limit-reached"
        return None

    @staticmethod
    def _handed_in(sale: "Sale", conditions: Conditions) -> bool:
        return sale.hands_in(code=conditions.coupon, kind=conditions.coupon_kind)

    def about(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Those of some lines that the campaign is about."""
        categories, skus = self.categories, self.skus
        if categories is not None:
            lines = [line for line in lines if line.get("category") in categories]
        return lines if skus is None else [line for line in lines if line["sku"] in skus]

    def sells_in(self, store: str) -> bool:
        """Whether it holds in a store."""
        return self.stores is None or store in self.stores

    def _targets(self, terms: CampaignCreated, buyer: "Buyer") -> bool:
        if terms.tiers is not None:
            return buyer.tier in terms.tiers
        if terms.segment is not None:
            return buyer.belongs_to(terms.segment)
        return buyer.is_among(self.audience)

    def reached_by(self, paid_minor: int) -> bool:
        """Whether a basket reaches the minimum."""
        return self.terms is not None and paid_minor >= self.minimum_paid_minor

    @property
    def left(self) -> int | None:
        """What of the budget was not given, in its own unit, reserved or not; None without a budget."""
        budget = self.terms.budget if self.terms is not None else None
        return None if budget is None else (budget.points or budget.amount_minor or 0) - self.used - self.too_late

    def covers(self, wanted: int, *, at: datetime, quote_id: UUID | None = None) -> int:
        """How much of a grant the budget gives, besides what is set aside at an instant for quotes but this one."""
        left = self.left
        if left is not None and self.reserved:
            left -= sum(one.points + one.amount_minor for one in self.reservations(at, quote_id=quote_id))
        if left is None or wanted <= left:
            return wanted
        assert self.terms is not None, "only what was created has a budget"
        assert self.terms.budget is not None, "something is left of it"
        return 0 if self.terms.budget.mode == "refuse" else max(0, left)

    def reservations(
        self, at: datetime, *, of: Collection[UUID | None] | None = None, quote_id: UUID | None = None
    ) -> Iterator[BudgetReserved]:
        """What is set aside at an instant, for everybody or `of` some members, but for this quote."""
        for one in self.reserved.values():
            if at < one.until and one.quote_id != quote_id and (of is None or one.member_id in of):
                yield one

    def reserve(self, quote_id: UUID, **what: object) -> list[Draft]:
        """Set aside for a quoted sale what it would be given; whether there is so much was decided before."""
        assert self.terms is not None, "only what was created gives anything"
        return [self.draft(BudgetReserved, campaign_id=self.terms.campaign_id, quote_id=quote_id, **what)]

    def release(self, quote_id: UUID) -> list[Draft]:
        """Free what is set aside for a quote, if it still is."""
        one = self.reserved.get(quote_id)
        if one is None:
            return []
        what = {"campaign_id": one.campaign_id, "quote_id": quote_id, "member_id": one.member_id}
        return [self.draft(BudgetReleased, **what)]

    def draw(self, purchase_id: UUID, amount: int, *, at: datetime | None = None) -> list[Draft]:
        """Draw on the budget, where there is one, what a purchase was given; below zero what its return gives back.

        `at`: when that counts, where it is not when the command occurred.
        """
        if self.terms is None or self.terms.budget is None or not amount:
            return []
        drawn: dict[str, object] = {"points" if self.terms.budget.points is not None else "amount_minor": amount}
        if at is not None:
            drawn["occurred_at"] = at
        return [self.draft(BudgetDrawn, campaign_id=self.terms.campaign_id, purchase_id=purchase_id, **drawn)]

    @evolves(CampaignCreated)
    def begin(self, fact: CampaignCreated) -> None:
        """Take the terms over."""
        self.terms = fact
        # In one zone with the purchases: comparing times of two zones costs ten times as much.
        self.starts_at, self.ends_at = fact.starts_at.astimezone(UTC), fact.ends_at.astimezone(UTC)
        self.campaign_id, self.everyone, self.limits = fact.campaign_id, fact.everyone, fact.limits
        self.capped = fact.budget is not None or fact.limits is not None
        conditions, effect = fact.conditions, fact.effect
        self.stores = _set_of(conditions.stores)
        self.categories = _set_of(conditions.categories)
        self.skus = _set_of(conditions.skus)
        self.minimum_paid_minor = conditions.minimum_paid_minor
        self.asks_for_coupon = conditions.coupon is not None or conditions.coupon_kind is not None
        self.extra, self.bonus_points, self.gift = effect.extra, effect.bonus_points or 0, effect.coupon
        self.rank = -fact.priority, -effect.extra, fact.campaign_id

    @evolves(BudgetReserved)
    def _set_aside(self, fact: BudgetReserved) -> None:
        self._lapse(fact)
        self.reserved[fact.quote_id] = fact

    @evolves(BudgetReleased)
    def _released(self, fact: BudgetReleased) -> None:
        self.reserved.pop(fact.quote_id, None)

    def _lapse(self, fact: Fact) -> None:
        """What had lapsed when others were given something does not come back, whatever arrives later with an earlier time."""
        if self.reserved:
            at = min(fact.occurred_at, fact.recorded_at)
            self.reserved = {quote_id: one for quote_id, one in self.reserved.items() if at < one.until}

    @evolves(BudgetDrawn)
    def _drawn(self, fact: BudgetDrawn) -> None:
        self._lapse(fact)
        drawn = fact.points + fact.amount_minor
        self.used += drawn
        if drawn < 0 and fact.occurred_at >= self.ends_at:
            self.too_late -= drawn

    @evolves(AudienceListed)
    def _listed(self, fact: AudienceListed) -> None:
        self.audience.update(fact.card_ids, fact.member_ids)


def _set_of(words: Sequence[str] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(words)


class Catalogue(Stream):
    """Which campaigns, segments and rewards there are, so that every writer learns of new ones by the tail of the log."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.campaigns: list[UUID] = []
        self.segments: list[str] = []
        self.rewards: list[str] = []

    def enter(self, campaign_id: str) -> list[Draft]:
        """List a campaign."""
        return [self.draft(CampaignListed, campaign_id=campaign_id)]

    def enter_segment(self, segment_id: str) -> list[Draft]:
        """List a segment."""
        return [self.draft(SegmentListed, segment_id=segment_id)]

    def enter_reward(self, reward_id: str) -> list[Draft]:
        """List a reward."""
        return [self.draft(RewardListed, reward_id=reward_id)]

    @evolves(RewardListed)
    def _reward_listed(self, fact: RewardListed) -> None:
        self.rewards.append(fact.reward_id)

    @evolves(SegmentListed)
    def _segment_listed(self, fact: SegmentListed) -> None:
        self.segments.append(fact.segment_id)

    @evolves(CampaignListed)
    def _listed(self, fact: CampaignListed) -> None:
        self.campaigns.append(campaign_stream(fact.campaign_id))
