"""One member's points: lots by origin, holds, debt, qualifying counters, tier."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID, uuid5

from domain import tiers
from domain.activity import KeepAlive
from domain.calendar_days import local_day
from domain.caps import Uses, count, give_back
from domain.earning import BASE
from domain.lots import Lot, total
from domain.movements import (
    AccountClosed,
    AccountOpened,
    BonusUse,
    Credit,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsEarned,
    PointsGivenBack,
    PointsReceived,
    PointsRevoked,
    PointsSent,
    PointsTakenBack,
    ReceivedRevoked,
    TierGranted,
    TierMoved,
)
from domain.programme import Policy
from domain.purse import Purse
from domain.stream import Draft, evolves


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
    """What it counts for in its period, as long as that is open."""
    activity: KeepAlive | None = None
    gone: bool = False
    """Whether all of it went back."""
    discounts: dict[str, int] | None = None
    """By campaign, what its budget still bears."""


BonusKey = tuple[str, str, date]


@dataclass(slots=True)
class Absorbed:
    """What merges brought from another member, besides lots."""

    transfer_id: UUID
    """The merge; what comes later from an account that was merged has ids of its own."""
    at: datetime
    debt: int = 0
    credits: list[Credit] = field(default_factory=list)
    bonuses: list[BonusUse] = field(default_factory=list)


@lru_cache(maxsize=1 << 17)
def account_id(member_id: UUID) -> UUID:
    return uuid5(member_id, "points")


class PointsAccount(Purse):
    """One member's points. What may be done with them is decided in `crediting`, `redeeming`, `correcting` and `moving`."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.registered_at: datetime | None = None
        self.credited: dict[UUID, Credited] = {}
        self.periods: dict[int, int] = {}
        self.dated: list[Credit] = []
        """Qualifying points that came without a purchase."""
        self.granted: list[tuple[int, str, UUID | None]] = []
        """The period until whose review a tier is held at least, the tier, and the merge that brought it."""
        self.absorbed: dict[UUID, Absorbed] = {}
        self.bonuses: dict[BonusKey, set[UUID]] = {}
        """Bonuses that were granted, by campaign, store and day, with the purchases that got them."""
        self.uses: Uses = {}
        self.tier: str | None = None
        self.closed_at: datetime | None = None
        self.merged_into: UUID | None = None

    def open(self, *, member_id: UUID, registered_at: datetime, referred_by: UUID | None = None) -> list[Draft]:
        """Open the account of a new member."""
        return [self.draft(AccountOpened, member_id=member_id, registered_at=registered_at, referred_by=referred_by)]

    def closed(self, at: datetime) -> bool:
        return self.closed_at is not None and self.closed_at <= at

    def period(self, policy: Policy, at: datetime) -> int:
        """The qualifying period of an instant."""
        return tiers.period_of(
            policy.tiers.period, day=local_day(at, policy.zone), registered_on=self.registered_on(policy)
        )

    def registered_on(self, policy: Policy) -> date:
        assert self.registered_at is not None, "an account is opened before anything else"
        return local_day(self.registered_at, policy.zone)

    def tier_move(
        self,
        policy: Policy,
        version: int,
        added: Mapping[int, int],
        grant: tuple[int, str] | None = None,
        *,
        now: int | None = None,
        without: UUID | None = None,
    ) -> list[Draft]:
        """The tier that these qualifying points, or a tier granted, bring the member to, where it is another one.

        `now`: the reviews up to this period are held. `without`: leave out what was granted with this merge.
        """
        periods = dict(self.periods)
        for period, points in added.items():
            periods[period] = periods.get(period, 0) + points
        if now is not None:
            periods.setdefault(now, 0)
        if grant is not None:
            periods.setdefault(grant[0], 0)
        if not periods:
            return []
        levels = policy.tiers.levels
        before = self.tier or levels[0].name
        granted = self.ranks_granted(policy, grant, without=without)
        after = levels[tiers.rank_through(policy.tiers, periods, max(periods), granted)].name
        if after == before:
            return []
        return [
            self.move(
                TierMoved, from_tier=before, to_tier=after, period=max(periods),
                qualifying_points=periods, programme_version=version,
            )
        ]  # fmt: skip

    def ranks_granted(
        self, policy: Policy, grant: tuple[int, str] | None = None, *, without: UUID | None = None
    ) -> dict[int, int]:
        """The highest rank granted in each period, but for what came with a merge that is undone."""
        ranks = [(period, name) for period, name, merge in self.granted if merge is None or merge != without]
        granted: dict[int, int] = {}
        for period, name in [*ranks, *([grant] if grant else ())]:
            granted[period] = max(granted.get(period, 0), policy.tiers.rank(name))
        return granted

    def rank_at(self, policy: Policy, at: datetime) -> int:
        """The rank at an instant, once the reviews until then are held."""
        last = max([self.period(policy, at), *self.periods])
        return tiers.rank_through(policy.tiers, self.periods, last, self.ranks_granted(policy))

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
        self.registered_at, self.referred_by = fact.registered_at, fact.referred_by

    @evolves(PointsEarned)
    def _earned(self, fact: PointsEarned) -> None:
        at = self.moved_at(fact.occurred_at)
        lots, qualifying = [], 0
        for part in fact.parts:
            points, bonus = part["points"], part.get("bonus", False)
            if points or part["part"] != BASE:  # a campaign that won a line keeps it from the others when goods go back
                lot = Lot(
                    part["lot_id"],
                    part["part"],
                    points,
                    at,
                    fact.active_from,
                    fact.expires_at,
                    part["qualifies"],
                    bonus,
                )
                lots.append(lot)
                if points:
                    self.lots[lot.id] = lot
                    self.prolong(lot, since=at)
            if part["qualifies"]:
                qualifying += points
            if bonus:
                self.bonuses.setdefault((part["part"], fact.store, fact.day), set()).add(fact.purchase_id)
        self.periods[fact.period] = self.periods.get(fact.period, 0) + qualifying
        activity = None if fact.keeps_alive_until is None else KeepAlive(at, fact.keeps_alive_until)
        self.credited[fact.purchase_id] = Credited(
            at, fact.store, fact.day, fact.period, fact.programme_version or 1, fact.paid_minor, fact.paid_by_points,
            lots, qualifying, activity, discounts={p["part"]: p["discount_minor"] for p in fact.parts if "discount_minor" in p} or None,
        )  # fmt: skip
        count(self.uses, fact)
        if activity is not None:
            self.keep_alive(activity)

    @evolves(PointsRevoked)
    def _revoked(self, fact: PointsRevoked) -> None:
        at = self.moved_at(fact.occurred_at)
        credited = self.credited[fact.purchase_id]
        credited.paid_minor -= fact.paid_minor
        if fact.nothing_left and not credited.gone and credited.activity is not None:
            self.forget(credited.activity)
        credited.gone |= fact.nothing_left
        lots = {lot.part: lot for lot in credited.lots}
        for part in fact.parts:
            lot, points, others = lots[part["part"]], part["points"], part.get("others", ())
            if credited.discounts and "discount_minor" in part:
                credited.discounts[lot.part] -= part["discount_minor"]
            lot.clawed += points
            elsewhere = part.get("debt", 0) + part.get("forgiven", 0) + part.get("forwarded", 0) + total(others)
            lot.revoked += points - elsewhere
            self.take_away(others)
            self.owe(part.get("debt", 0), at)
            if part["qualifies"] and fact.counts:
                self.periods[fact.period] -= points
                credited.qualifying -= points
            if lot.bonus and lot.clawed == lot.points:
                self._give_up_bonus((lot.part, credited.store, credited.day), fact.purchase_id)
        give_back(self.uses, fact)

    @evolves(TierMoved)
    def _moved(self, fact: TierMoved) -> None:
        self.tier = fact.to_tier

    @evolves(TierGranted)
    def _granted(self, fact: TierGranted) -> None:
        self.granted.append((fact.period, fact.tier, fact.transfer_id))
        self.periods.setdefault(fact.period, 0)

    @evolves(PointsAdjusted)
    def _adjusted(self, fact: PointsAdjusted) -> None:
        at = self.moved_at(fact.occurred_at)
        if fact.lot is not None:
            self.give(fact.lot, "adjustment", at)
        self.take_away(fact.parts)
        self.owe(fact.debt, at)
        if fact.qualifies:
            credit = Credit(at=at, points=fact.points, period=fact.period)
            self._qualify([credit], 1)
            self.dated.append(credit)

    @evolves(OpeningBalanceImported)
    def _imported(self, fact: OpeningBalanceImported) -> None:
        at = self.moved_at(fact.occurred_at)
        for lot in fact.lots:
            self.give(lot, "opening-balance", at)
        self._qualify(fact.qualifying, 1)
        self.dated += fact.qualifying
        self.owe(fact.debt, at)

    @evolves(PointsSent)
    def _sent(self, fact: PointsSent) -> None:
        at = self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].sent += part["points"]
        self.owe(-fact.debt, at)
        if fact.cause == "merge":
            self.merged_into = fact.to_member_id

    @evolves(PointsReceived)
    def _received(self, fact: PointsReceived) -> None:
        at = self.moved_at(fact.occurred_at)
        for lot in fact.lots:
            self.give(lot, fact.cause, at)
            self.received[lot["lot_id"]] = lot["from_lot"], fact.from_member_id
        if fact.cause == "merge":
            absorbed = self.absorbed.setdefault(fact.from_member_id, Absorbed(fact.transfer_id, at))
            absorbed.debt += fact.debt
            absorbed.credits += fact.qualifying
            for use in fact.bonuses:
                self.bonuses.setdefault((use["part"], use["store"], use["day"]), set()).add(use["purchase_id"])
            absorbed.bonuses += fact.bonuses
        self._qualify(fact.qualifying, 1)
        self.owe(fact.debt, at)

    @evolves(PointsGivenBack)
    def _given_back(self, fact: PointsGivenBack) -> None:
        at = self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].points -= part["points"]
        self._qualify(fact.qualifying, -1)
        absorbed = self.absorbed.pop(fact.to_member_id, None)
        for use in absorbed.bonuses if absorbed else ():
            self._give_up_bonus((use["part"], use["store"], use["day"]), use["purchase_id"])
        self.granted = [one for one in self.granted if one[2] != fact.transfer_id]
        self.owe(-fact.debt, at)

    @evolves(PointsTakenBack)
    def _taken_back(self, fact: PointsTakenBack) -> None:
        at = self.moved_at(fact.occurred_at)
        self.merged_into = None
        for part in fact.parts:
            self.lots[part["lot_id"]].sent -= part["points"]
        self.set_free(fact.parts, at)
        self.owe(fact.debt, at)

    @evolves(ReceivedRevoked)
    def _received_revoked(self, fact: ReceivedRevoked) -> None:
        at = self.moved_at(fact.occurred_at)
        self.take_away(fact.parts)
        self._qualify(fact.qualifying, 1)
        self.absorbed[fact.from_member_id].credits += fact.qualifying
        for use in fact.bonuses:
            self._give_up_bonus((use["part"], use["store"], use["day"]), use["purchase_id"])
        self.owe(fact.debt, at)

    @evolves(AccountClosed)
    def _closed(self, fact: AccountClosed) -> None:
        self.closed_at = self.moved_at(fact.occurred_at)

    def owe(self, points: int, at: datetime) -> None:
        """Debt that goes is first that which merges had brought: should one be undone, only what is left goes back."""
        super().owe(points, at)
        for absorbed in self.absorbed.values():
            gone = min(absorbed.debt, max(0, -points))
            absorbed.debt -= gone
            points += gone

    def _give_up_bonus(self, key: BonusKey, purchase_id: UUID) -> None:
        """Once no purchase has it any more, it can be granted again."""
        purchases = self.bonuses.get(key, set())
        purchases.discard(purchase_id)
        if not purchases:
            self.bonuses.pop(key, None)

    def _qualify(self, credited: Iterable[Credit], sign: int) -> None:
        for credit in credited:
            self.periods[credit["period"]] = self.periods.get(credit["period"], 0) + sign * credit["points"]
