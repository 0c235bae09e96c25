"""One member's points: lots by origin, holds, debt, qualifying counters, tier."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from uuid import UUID

from domain import tally
from domain.activity import KeepAlive
from domain.caps import Uses, count, give_back
from domain.earning import BASE
from domain.ids import named
from domain.lots import Lot, total
from domain.movements import (
    AccountClosed,
    AccountOpened,
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
)
from domain.qualifying import Absorbed, Credited, Qualifying
from domain.stream import Draft, evolves

BonusKey = tuple[str, str, date]


def account_id(member_id: UUID) -> UUID:
    """The stream of a member's points."""
    return _account_of(member_id.int)


@lru_cache(maxsize=1 << 17)
def _account_of(member: int) -> UUID:
    return named(UUID(int=member), "points")


class PointsAccount(Qualifying):
    """One member's points. What may be done with them is decided in `crediting`, `redeeming`, `correcting` and `moving`."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.bonuses: dict[BonusKey, set[UUID]] = {}
        """Bonuses that were granted, by campaign, store and day, with the purchases that got them."""
        self.uses: Uses = {}
        self.closed_at: datetime | None = None
        self.merged_into: UUID | None = None

    def open(self, *, member_id: UUID, registered_at: datetime, referred_by: UUID | None = None) -> list[Draft]:
        """Open the account of a new member."""
        return [self.draft(AccountOpened, member_id=member_id, registered_at=registered_at, referred_by=referred_by)]

    def closed(self, at: datetime) -> bool:
        return self.closed_at is not None and self.closed_at <= at

    @evolves(AccountOpened)
    def _opened(self, fact: AccountOpened) -> None:
        self.member_id = fact.member_id
        # In one zone with all others: to compare times of two zones, as caches do, costs ten times as much.
        self.registered_at, self.referred_by = fact.registered_at.astimezone(UTC), fact.referred_by

    @evolves(PointsEarned)
    def _earned(self, fact: PointsEarned) -> None:
        at, active_from, expires_at = self.moved_at(fact.occurred_at), fact.active_from, fact.expires_at
        store, day, period, purchase_id, parts = fact.store, fact.day, fact.period, fact.purchase_id, fact.parts
        paid_minor, by_points, kept_until = fact.paid_minor, fact.paid_by_points, fact.keeps_alive_until
        activity = None if kept_until is None else KeepAlive(at, kept_until)
        lots: list[Lot] = []
        credited = self.credited[purchase_id] = Credited(
            at, store, day, period, fact.programme_version or 1, paid_minor, by_points, lots, 0, activity,
            spend_minor=paid_minor - sum(by_points.values()) if by_points else paid_minor,
        )  # fmt: skip
        qualifying = 0
        for part in parts:
            name, points, bonus = part["part"], part["points"], part.get("bonus", False)
            if points or name != BASE:  # a campaign that won a line keeps it from the others when goods go back
                lot = Lot(part["lot_id"], name, points, at, active_from, expires_at, part["qualifies"], bonus)
                lots.append(lot)
                if points:
                    self.lots[lot.id] = lot
                    if self.activity:
                        self.prolong(lot, since=at)
            if part["qualifies"]:
                qualifying += points
            if bonus and (points or "coupon" in part):
                self.bonuses.setdefault((name, store, day), set()).add(purchase_id)
            if "discount_minor" in part:
                credited.discounts = {**(credited.discounts or {}), name: part["discount_minor"]}
            if "code" in part:
                credited.coupons = {**(credited.coupons or {}), name: part["code"]}
        credited.qualifying = qualifying
        self.qualify(qualifying, period, fact.calendar)
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
        back = tally.Credit(
            credited.at,
            -sum(part["points"] for part in fact.parts if part["qualifies"]),
            -(fact.paid_minor if fact.spend_minor is None else fact.spend_minor),
            credited.store,
            -1 if fact.nothing_left and not credited.gone else 0,
            at,
        )
        if fact.counts:
            credited.came_back(back)
            self.periods[fact.period] += back.points
        credited.gone |= fact.nothing_left
        lots = {lot.part: lot for lot in credited.lots}
        for part in fact.parts:
            lot, points, others = lots[part["part"]], part["points"], part.get("others", ())
            if credited.discounts and "discount_minor" in part:
                credited.discounts[lot.part] -= part["discount_minor"]
            if credited.coupons and "coupon" in part:
                del credited.coupons[lot.part]
            lot.clawed += points
            elsewhere = part.get("debt", 0) + part.get("forgiven", 0) + part.get("forwarded", 0) + total(others)
            lot.revoked += points - elsewhere
            self.take_away(others)
            self.owe(part.get("debt", 0), at)
            if lot.bonus and lot.clawed == lot.points:
                self._give_up_bonus((lot.part, credited.store, credited.day), fact.purchase_id)
        give_back(self.uses, fact)

    @evolves(PointsAdjusted)
    def _adjusted(self, fact: PointsAdjusted) -> None:
        at = self.moved_at(fact.occurred_at)
        if fact.lot is not None:
            self.give(fact.lot, "adjustment", at)
        self.take_away(fact.parts)
        self.owe(fact.debt, at)
        if fact.qualifies:
            self.dated.append(Credit(at=at, points=fact.points, period=fact.period))
            self.qualify(fact.points, fact.period, fact.calendar)

    @evolves(OpeningBalanceImported)
    def _imported(self, fact: OpeningBalanceImported) -> None:
        at = self.moved_at(fact.occurred_at)
        for lot in fact.lots:
            self.give(lot, "opening-balance", at)
        self._count(fact.qualifying)
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
        self._count(fact.qualifying)
        self.owe(fact.debt, at)

    @evolves(PointsGivenBack)
    def _given_back(self, fact: PointsGivenBack) -> None:
        at = self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].points -= part["points"]
        self._count(fact.qualifying, -1)
        absorbed = self.absorbed.pop(fact.to_member_id, None)
        for use in absorbed.bonuses if absorbed else ():
            self._give_up_bonus((use["part"], use["store"], use["day"]), use["purchase_id"])
        self.granted = [one for one in self.granted if one.merge != fact.transfer_id]
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
        self._count(fact.qualifying)
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

    def _count(self, credits_: Iterable[Credit], sign: int = 1) -> None:
        for credit in credits_:
            self.qualify(sign * credit["points"], credit["period"], credit.get("calendar"))
