"""What of an account qualifies for tiers, and which tier it has come to (rules 9)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from domain import tally
from domain.activity import KeepAlive
from domain.calendar_days import local_day
from domain.lots import Lot
from domain.movements import BonusUse, Credit
from domain.periods import period_of
from domain.policy.tiers import Counters
from domain.programme import Policy
from domain.purse import Purse
from domain.stream import evolves
from domain.tier_moves import Counted, TierGranted, TierMoved, TierWarned, counted
from domain.tiers import Review, Standing, Walk, judged_by_period, rank_through, review_instant, tell

MEMBERSHIP_YEAR = "membership_year"
"""By what periods are counted, unless a fact tells otherwise."""


@dataclass(slots=True)
class Credited:
    """What one purchase brought to the account, and under which rules."""

    at: datetime
    store: str
    day: date
    period: int
    version: int
    paid_minor: int
    paid_by_points: dict[str, int] | None
    lots: list[Lot]
    qualifying: int = 0
    """The points that it counts for, less what came back in time."""
    activity: KeepAlive | None = None
    gone: bool = False
    """Whether all of it went back."""
    discounts: dict[str, int] | None = None
    """By campaign, what its budget still bears."""
    coupons: dict[str, str] | None = None
    """By campaign, the code of the coupon that came with it and is not void."""
    spend_minor: int = 0
    """What was paid by money and did not come back."""
    backs: tuple[tally.Credit, ...] = ()
    """What came back, as far as it counts."""

    def came_back(self, back: tally.Credit) -> None:
        self.qualifying += back.points
        self.spend_minor += back.spend_minor
        self.backs = (*self.backs, back)

    def credit(self) -> Credit:
        """What is left of it that counts."""
        visits = 1 + sum(back.visits for back in self.backs)
        credit = Credit(at=self.at, points=self.qualifying, period=self.period, spend_minor=self.spend_minor)
        return Credit(**credit, store=self.store, visits=visits) if visits else credit

    def credits(self) -> Iterator[tally.Credit]:
        """What it was when it was bought, and what has come back since."""
        points = self.qualifying - sum(back.points for back in self.backs)
        spend_minor = self.spend_minor - sum(back.spend_minor for back in self.backs)
        yield tally.Credit(self.at, points, spend_minor, self.store, 1)
        yield from self.backs


@dataclass(slots=True)
class Absorbed:
    """What merges brought from another member, besides lots."""

    transfer_id: UUID
    """The merge; what comes later from an account that was merged has ids of its own."""
    at: datetime
    debt: int = 0
    credits: list[Credit] = field(default_factory=list)
    bonuses: list[BonusUse] = field(default_factory=list)


class Granted(NamedTuple):
    """A tier that was granted, and the merge that brought it."""

    grant: tally.Grant
    merge: UUID | None = None


class Evaluated(NamedTuple):
    """What an evaluation came to, and what it looked at."""

    rank: int
    period: int
    total: int
    points: dict[int, int]
    """By period."""
    counted: Counted | None
    """Of that period, where more than its points matters."""
    reviews: Sequence[Review]
    """Those that took a tier."""


class Qualifying(Purse):
    """What qualifies, and the tier as it was last recorded. Which it is at an instant is computed from what qualifies."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.registered_at: datetime | None = None
        self.credited: dict[UUID, Credited] = {}
        self.dated: list[Credit] = []
        """What qualifies and came without a purchase."""
        self.granted: list[Granted] = []
        self.absorbed: dict[UUID, Absorbed] = {}
        self.periods: dict[int, int] = {}
        """Qualifying points by period, as far as the facts tell it: most decisions need no more."""
        self.calendars: set[str] = set()
        """By what these periods are counted: they add up as long as it is the same."""
        self.tier: str | None = None
        self.tier_since: datetime | None = None
        """When the tier moved last, by what is recorded."""
        self.warned: date | None = None
        """The review that the last warning was about."""

    def period(self, policy: Policy, at: datetime) -> int:
        """The qualifying period of an instant."""
        assert self.registered_at is not None, "an account is opened before anything else"
        zone = policy.zone
        registered_on = local_day(self.registered_at, zone)
        return period_of(policy.tiers.period, day=local_day(at, zone), registered_on=registered_on)

    def registered_on(self, policy: Policy) -> date:
        assert self.registered_at is not None, "an account is opened before anything else"
        return local_day(self.registered_at, policy.zone)

    def rank_at(self, policy: Policy, at: datetime) -> int:
        """The rank at an instant, by what qualifies until then, once the reviews until then are held."""
        if self._summed_up(policy) and at >= self.at_least(at):
            return self.evaluate(policy, at).rank
        return self._walk(policy, at).rank

    def standing_at(self, policy: Policy, at: datetime) -> Standing:
        """The same, with all that is told about it."""
        if not self._summed_up(policy) or at < self.at_least(at):
            return self._walk(policy, at).told()
        found, registered_on = self.evaluate(policy, at), self.registered_on(policy)
        return tell(
            policy.tiers,
            rank=found.rank,
            since=self.tier_since or self.registered_at or at,
            counted=Counters(found.total),
            today=local_day(at, policy.zone),
            judged=judged_by_period(policy.tiers, found.rank, found.total, found.period, registered_on),
        )

    def progress(self, policy: Policy, added: tally.Credit | None = None) -> dict[str, object]:
        """The tier, and how far the next one is, as of the latest that the account knows; with this credit, were it added."""
        assert self.registered_at is not None, "an account is opened before anything else"
        now = self.latest or self.registered_at if added is None else self.at_least(added.at)
        found, levels = self.evaluate(policy, now, () if added is None else [added]), policy.tiers.levels
        above = levels[found.rank + 1] if found.rank + 1 < len(levels) else None
        return {
            "tier": levels[found.rank].name,
            "next_tier": above.name if above else None,
            "points_to_next": max(0, above.promote_at - found.total) if above else None,
        }

    def at_least(self, at: datetime) -> datetime:
        """An instant, or the latest that the account knows where that is later."""
        latest = self.latest
        return at if latest is None or latest <= at else latest

    def evaluate(
        self,
        policy: Policy,
        now: datetime,
        added: Sequence[tally.Credit] = (),
        grants: Sequence[tally.Grant] | None = None,
        *,
        period: int | None = None,
    ) -> Evaluated:
        """By the sums where they are enough, else by a walk through all that qualifies. `period`: that of now, where it is known."""
        grants = [one.grant for one in self.granted] if grants is None else grants
        if not self._summed_up(policy):
            walk = self._walk(policy, now, added, grants)
            total = policy.tiers.total(walk.counted)
            return Evaluated(
                walk.rank, walk.period, total, {walk.period: total}, counted(walk.counted, total), walk.reviews
            )
        last = self.period(policy, now) if period is None else period
        periods, tiers = dict(self.periods), policy.tiers
        for credit in added:
            number = last if credit.at == now else self.period(policy, credit.at)
            periods[number] = periods.get(number, 0) + credit.points
        granted: dict[int, int] = {}
        for grant in grants:
            number = self.period(policy, grant.at)
            granted[number] = max(granted.get(number, 0), tiers.rank(grant.tier))
        fallen: list[tuple[int, int]] = []
        rank = rank_through(tiers, periods, last, granted, fallen)
        reviews = self._reviews(policy, fallen, periods) if fallen else ()
        return Evaluated(rank, last, periods.get(last, 0), periods, None, reviews)

    def _reviews(
        self, policy: Policy, fallen: Sequence[tuple[int, int]], periods: Mapping[int, int]
    ) -> Sequence[Review]:
        """Those of some periods, each with the rank that it left."""
        registered_on = self.registered_on(policy)
        return [
            Review(
                at=review_instant(policy, number, registered_on), rank=left, period=number,
                counted=Counters(periods.get(number, 0)),
            )
            for number, left in fallen
        ]  # fmt: skip

    def _walk(
        self,
        policy: Policy,
        at: datetime,
        added: Sequence[tally.Credit] = (),
        grants: Sequence[tally.Grant] | None = None,
    ) -> Walk:
        assert self.registered_at is not None, "an account is opened before anything else"
        grants = [one.grant for one in self.granted] if grants is None else grants
        return Walk([*self.history(), *added], policy=policy, registered_at=self.registered_at, as_of=at, grants=grants)

    def history(self) -> Iterator[tally.Credit]:
        """All that qualifies, and what came back of it."""
        for one in self.credited.values():
            yield from one.credits()
        for credit in self.dated:
            yield of_fact(credit)
        for absorbed in self.absorbed.values():
            yield from map(of_fact, absorbed.credits)

    def _summed_up(self, policy: Policy) -> bool:
        """Whether the sums by period are enough."""
        tiers = policy.tiers
        return tiers.summed_up and self.calendars <= tiers.calendar

    def qualify(self, points: int, period: int, calendar: str | None) -> None:
        """Keep the sums up to date."""
        self.calendars.add(calendar or MEMBERSHIP_YEAR)
        self.periods[period] = self.periods.get(period, 0) + points

    @evolves(TierMoved)
    def _moved(self, fact: TierMoved) -> None:
        self.tier = fact.to_tier
        self.tier_since = fact.occurred_at if self.tier_since is None else max(self.tier_since, fact.occurred_at)

    @evolves(TierGranted)
    def _granted(self, fact: TierGranted) -> None:
        self.granted.append(Granted(tally.Grant(fact.since, fact.tier, fact.occurred_at), fact.transfer_id))

    @evolves(TierWarned)
    def _warned(self, fact: TierWarned) -> None:
        self.warned = fact.review_on


def of_fact(credit: Credit, sign: int = 1) -> tally.Credit:
    """A credit as a fact keeps it; below zero where it is undone."""
    return tally.Credit(
        credit["at"],
        sign * credit["points"],
        sign * credit.get("spend_minor", 0),
        credit.get("store", ""),
        sign * credit.get("visits", 0),
        credit.get("back_at"),
    )


def calendar_of(policy: Policy) -> str | None:
    """By what a policy counts periods, as a fact tells it."""
    period = policy.tiers.period
    return None if period == MEMBERSHIP_YEAR else period


def credit_of(account: Qualifying, policy: Policy, credit: Credit) -> Credit:
    """A credit as it counts in the periods of an account."""
    counted = credit.copy()
    counted["period"] = account.period(policy, credit["at"])
    counted.pop("calendar", None)
    if (calendar := calendar_of(policy)) is not None:
        counted["calendar"] = calendar
    return counted
