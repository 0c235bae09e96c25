"""One member's points: lots by origin, qualifying counters, tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NotRequired
from uuid import UUID, uuid5

from typing_extensions import TypedDict

from domain import tiers
from domain.basket import CouponUse
from domain.calendar_days import local_day
from domain.campaign import Campaign
from domain.earning import BASE, earned_parts
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


class RevokedPart(TypedDict):
    """Points that a return took back from a lot."""

    lot_id: UUID
    part: str
    points: int
    qualifies: bool


class PointsRevoked(Fact, name="PointsRevoked.v1"):
    """A return or a void took back what its purchase no longer earns; no points, if what is left earns as much."""

    member_id: UUID
    purchase_id: UUID
    purchased_at: datetime
    paid_minor: int
    """What was paid back, in minor units."""
    nothing_left: bool
    """Whether with this the whole purchase is gone, as a visit, too: true once for a purchase."""
    parts: list[RevokedPart]
    period: int
    counts: bool
    """Whether the period of the purchase was still open: a closed review is never reopened."""


@dataclass(slots=True)
class Lot:
    """Points of one part of a purchase, and what became of them."""

    part: str
    points: int
    qualifies: bool
    bonus: bool
    revoked: int = 0


@dataclass(slots=True)
class Credited:
    """What one purchase brought to the account, under which rules, and in which time it can be spent."""

    at: datetime
    store: str
    day: date
    period: int
    version: int
    active_from: datetime
    expires_at: datetime | None
    paid_minor: int
    lots: list[Lot]
    gone: bool = False
    """Whether all of it went back."""

    def alive(self, as_of: datetime) -> bool:
        """Whether its points can be spent at an instant."""
        return self.at <= as_of and self.active_from <= as_of and (self.expires_at is None or as_of < self.expires_at)


@lru_cache(maxsize=1 << 17)
def account_id(member_id: UUID) -> UUID:
    return uuid5(member_id, "points")


class PointsAccount(Stream):
    """One member's points."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.member_id: UUID | None = None
        self.registered_at: datetime | None = None
        self.credited: dict[UUID, Credited] = {}
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

    def revoke(
        self,
        remaining: Sale,
        *,
        gone: bool,
        at: datetime,
        policy: Policy,
        campaigns: Sequence[Campaign],
        judge: tuple[int, Policy],
    ) -> list[Draft]:
        """Take back what a purchase no longer earns: granted − min(granted, earned by what remains) − revoked before.

        `policy` and `campaigns` are all those that granted; `judge`, the version in force now, judges the tier.
        """
        credited = self.credited[remaining.purchase_id]
        earned = {} if gone else _still_earned(remaining, policy=policy, campaigns=campaigns, day=credited.day)
        parts = [
            RevokedPart(
                lot_id=uuid5(remaining.purchase_id, lot.part), part=lot.part, points=claw, qualifies=lot.qualifies
            )
            for lot in credited.lots
            if (claw := lot.points - min(lot.points, earned.get(lot.part, 0)) - lot.revoked) > 0
        ]
        paid_back = credited.paid_minor - remaining.paid_minor
        if not parts and not paid_back and gone == credited.gone:
            return []
        counts = self._period(policy, at) <= credited.period
        revoked = self.draft(
            PointsRevoked,
            member_id=self.member_id,
            purchase_id=remaining.purchase_id,
            purchased_at=credited.at,
            paid_minor=paid_back,
            nothing_left=gone,
            parts=parts,
            period=credited.period,
            counts=counts,
            programme_version=credited.version,
        )
        lost = sum(part["points"] for part in parts if part["qualifies"]) if counts else 0
        version, rules = judge
        return [revoked, *self._tier_move(rules, version, credited.period, -lost)]

    def _period(self, policy: Policy, at: datetime) -> int:
        assert self.registered_at is not None, "an account is opened before it earns"
        registered_on = local_day(self.registered_at, policy.zone)
        return tiers.period_of(policy.tiers.period, day=local_day(at, policy.zone), registered_on=registered_on)

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
            lot.points - lot.revoked
            for credited in self.credited.values()
            if credited.alive(as_of)
            for lot in credited.lots
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
        lots = []
        for part in fact.parts:
            points, bonus = part["points"], part.get("bonus", False)
            if points or part["part"] != BASE:  # a campaign that won a line keeps it from the others when goods go back
                lots.append(Lot(part["part"], points, part["qualifies"], bonus))
            if part["qualifies"]:
                self.periods[fact.period] = self.periods.get(fact.period, 0) + points
            if bonus:
                self.bonuses.add((part["part"], fact.store, fact.day))
        self.credited[fact.purchase_id] = Credited(
            fact.occurred_at, fact.store, fact.day, fact.period, fact.programme_version or 1,
            fact.active_from, fact.expires_at, fact.paid_minor, lots,
        )  # fmt: skip

    @evolves(PointsRevoked)
    def _revoked(self, fact: PointsRevoked) -> None:
        credited = self.credited[fact.purchase_id]
        credited.paid_minor -= fact.paid_minor
        credited.gone |= fact.nothing_left
        lots = {lot.part: lot for lot in credited.lots}
        for part in fact.parts:
            lot = lots[part["part"]]
            lot.revoked += part["points"]
            if part["qualifies"] and fact.counts:
                self.periods[fact.period] -= part["points"]
            if lot.bonus and lot.revoked == lot.points:
                self.bonuses.discard((lot.part, credited.store, credited.day))

    @evolves(TierMoved)
    def _moved(self, fact: TierMoved) -> None:
        self.tier = fact.to_tier


def _still_earned(remaining: Sale, *, policy: Policy, campaigns: Sequence[Campaign], day: date) -> dict[str, int]:
    """What the rest of a purchase earns by part.

    Each line stays with the campaign that won it, and only then the minimum of the basket is tested again: a line
    does not pass on to another campaign, as what was not granted then cannot arise now.
    """
    parts = earned_parts(remaining, policy=policy, campaigns=campaigns, bonuses=set(), day=day)
    missed = {
        campaign.terms.campaign_id
        for campaign in campaigns
        if campaign.terms is not None and not campaign.reached_by(remaining.paid_minor)
    }
    return {part["part"]: part["points"] for part in parts if part["part"] not in missed}
