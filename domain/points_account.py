"""One member's points: lots by origin, qualifying counters, tier."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple, NotRequired
from uuid import UUID, uuid5

from typing_extensions import TypedDict

from domain import tiers
from domain.basket import CouponUse
from domain.calendar_days import local_day
from domain.campaign import Campaign
from domain.earning import earned_parts
from domain.expiry import life
from domain.fact import Fact
from domain.programme import Policy
from domain.purchase import Sale
from domain.stream import Draft, Stream, evolves


class EarnedPart(TypedDict):
    """The points of one part of a purchase: a lot. `residue` is the fraction that the floor left over."""

    lot_id: UUID
    part: str
    points: int
    basis_minor: int
    residue: str
    qualifies: bool
    bonus: NotRequired[bool]


class AccountOpened(Fact, name="AccountOpened.v1"):
    """A points account was opened for a member."""

    member_id: UUID
    registered_at: datetime


class PointsEarned(Fact, name="PointsEarned.v1"):
    """A purchase was credited to a member: points by part, and what qualifies for the tier."""

    member_id: UUID
    purchase_id: UUID
    store: str
    day: date
    paid_minor: int
    coupons: list[CouponUse] | None = None
    parts: list[EarnedPart]
    active_from: datetime
    expires_at: datetime | None = None
    period: int


class TierMoved(Fact, name="TierMoved.v1"):
    """A member's tier changed; the inputs of the evaluation are kept."""

    member_id: UUID
    from_tier: str
    to_tier: str
    period: int
    qualifying_points: dict[int, int]


class Lot(NamedTuple):
    """Points of one origin and the time in which they can be spent."""

    points: int
    earned_at: datetime
    active_from: datetime
    expires_at: datetime | None


@lru_cache(maxsize=1 << 17)
def account_id(member_id: UUID) -> UUID:
    return uuid5(member_id, "points")


class PointsAccount(Stream):
    """One member's points."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.member_id: UUID | None = None
        self.registered_at: datetime | None = None
        self.lots: list[Lot] = []
        self.periods: dict[int, int] = {}
        self.bonuses: set[tuple[str, str, date]] = set()
        self.tier: str | None = None

    def open(self, *, member_id: UUID, registered_at: datetime) -> list[Draft]:
        """Open the account of a new member."""
        return [self.draft(AccountOpened, member_id=member_id, registered_at=registered_at)]

    def earn(self, sale: Sale, *, policy: Policy, version: int, campaigns: Sequence[Campaign]) -> list[Draft]:
        """Credit a sale: its parts become lots, and a tier that it reaches is reached at once."""
        assert self.registered_at is not None, "an account is opened before it earns"
        day = local_day(sale.occurred_at, policy.zone)
        registered_on = local_day(self.registered_at, policy.zone)
        parts = earned_parts(sale, policy=policy, campaigns=campaigns, bonuses=self.bonuses, day=day)
        for part in parts:
            part["lot_id"] = uuid5(sale.purchase_id, part["part"])
        active_from, expires_at = life(policy, earned_at=sale.occurred_at, earned_on=day, registered_on=registered_on)
        period = tiers.period_of(policy.tiers.period, day=day, registered_on=registered_on)
        earned = self.draft(
            PointsEarned,
            member_id=self.member_id,
            purchase_id=sale.purchase_id,
            store=sale.store,
            day=day,
            paid_minor=sale.paid_minor,
            coupons=sale.coupons or None,
            parts=parts,
            active_from=active_from,
            expires_at=expires_at,
            period=period,
            programme_version=version,
        )
        return [earned, *self._tier_move(policy, version, period, sum(p["points"] for p in parts if p["qualifies"]))]

    def _tier_move(self, policy: Policy, version: int, period: int, points: int) -> list[Draft]:
        periods = {**self.periods, period: self.periods.get(period, 0) + points}
        levels = policy.tiers.levels
        before = self.tier or levels[0].name
        after = levels[tiers.rank_through(policy.tiers, periods, max(periods))].name
        if after == before:
            return []
        return [
            self.draft(
                TierMoved, member_id=self.member_id, from_tier=before, to_tier=after, period=max(periods),
                qualifying_points=periods, programme_version=version,
            )
        ]  # fmt: skip

    def available(self, as_of: datetime) -> int:
        """What could be spent at an instant: earned by then, active and not lapsed."""
        return sum(
            lot.points
            for lot in self.lots
            if lot.earned_at <= as_of
            and lot.active_from <= as_of
            and (lot.expires_at is None or as_of < lot.expires_at)
        )

    def progress(self, policy: Policy) -> dict[str, object]:
        """The tier, and how far the next one is in the latest qualifying period."""
        levels = policy.tiers.levels
        rank = policy.tiers.rank(self.tier or levels[0].name)
        points = self.periods[max(self.periods)] if self.periods else 0
        above = levels[rank + 1] if rank + 1 < len(levels) else None
        return {
            "tier": levels[rank].name,
            "next_tier": above.name if above else None,
            "points_to_next": max(0, above.promote_at - points) if above else None,
        }

    @evolves(AccountOpened)
    def _opened(self, fact: AccountOpened) -> None:
        self.member_id = fact.member_id
        self.registered_at = fact.registered_at

    @evolves(PointsEarned)
    def _earned(self, fact: PointsEarned) -> None:
        for part in fact.parts:
            if part["points"]:
                self.lots.append(Lot(part["points"], fact.occurred_at, fact.active_from, fact.expires_at))
            if part["qualifies"]:
                self.periods[fact.period] = self.periods.get(fact.period, 0) + part["points"]
            if part.get("bonus"):
                self.bonuses.add((part["part"], fact.store, fact.day))

    @evolves(TierMoved)
    def _moved(self, fact: TierMoved) -> None:
        self.tier = fact.to_tier
