"""Points of one member as such: lots, holds, debt and redemptions, folded from the facts that move them."""

from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

from domain.activity import KeepAlive, prolonged
from domain.books import InClosedBooks
from domain.fact import Fact
from domain.grants import GrantCause, GrantRevoked, PointsGranted
from domain.lots import Buckets, Hold, Lot, Reach, Settlement, add_up, total
from domain.movements import (
    DebtReversed,
    DebtSettled,
    DebtWaived,
    GivenLot,
    HoldReleased,
    HoldTimedOut,
    PointsExpired,
    PointsHeld,
    PointsProlonged,
    PointsRedeemed,
    RedemptionReversed,
)
from domain.parts import Taken
from domain.stream import Draft, Stream, evolves

MOST_LOTS = 1_000
"""In a fact: thousands of lots can become active, or lapse, at one instant."""

MOST_GIVEN = 500
"""Lots that come with one fact: each says more of itself."""

GRACE = "grace"
"""The origin of lots that live on after what they were had lapsed."""


@dataclass(slots=True)
class Redemption:
    """Points that were spent, and how many of them came back: first of its debt, then of its parts from the last one on."""

    id: UUID
    at: datetime
    points: int
    parts: Sequence[Taken]
    debt: int
    purchase_id: UUID | None
    reward_id: str | None = None
    reversed: int = 0
    """Those that came back, and those that were paid back as money instead."""


@dataclass(slots=True)
class Grant:
    """Points that were given without a purchase."""

    lot_id: UUID
    points: int
    at: datetime
    cause: GrantCause
    revoked: bool = False


class Purse(Stream):
    """What there is to spend, what is set aside, and what is owed."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.member_id: UUID | None = None
        self.referred_by: UUID | None = None
        """The stream of the code that the member joined by."""
        self.lots: dict[UUID, Lot] = {}
        self.received: dict[UUID, tuple[UUID, UUID]] = {}
        """Lots that came from other lots: the one that each was, and its member, who may be this one."""
        self.holds: dict[UUID, Hold] = {}
        self.redemptions: dict[UUID, Redemption] = {}
        self.grants: dict[UUID, Grant] = {}
        self.debt = 0
        self.debt_since: datetime | None = None
        self.settlements: list[Taken] = []
        """Which points paid debt, the latest last."""
        self.latest: datetime | None = None
        self.activity: list[KeepAlive] = []
        """In the order of business time."""
        self.open_since: datetime | None = None
        """What is older is in closed books: of lots, holds and such only those are here that may matter later."""

    def move(self, kind: type[Fact], **what: object) -> Draft:
        """A movement of this member's points."""
        what.setdefault("member_id", self.member_id)
        return Draft(self, kind, what)

    def reach(self, at: datetime) -> tuple[Reach, list[Settlement]]:
        """What a decision at an instant can reach, once the debt that the clock has settled by then is paid."""
        self.in_open_books(at)
        reach = Reach(self.open_lots(), self.open_holds())
        if not self.debt:
            return reach, []
        assert self.debt_since is not None, "debt is open since some time"
        return reach, reach.settle(self.debt, since=self.debt_since, until=at)

    def living_on(self, lot: Lot, *, at: datetime) -> Iterator[Lot]:
        """The lots that points of this one came back into after it had lapsed, and again after those had, by an instant."""
        for lot_id, (origin, member_id) in self.received.items():
            if origin == lot.id and member_id == self.member_id and (later := self.lots[lot_id]).there_since <= at:
                yield later
                yield from self.living_on(later, at=at)

    def take_back(self, reach: Reach, lot: Lot, points: int, *, at: datetime) -> list[Taken]:
        """Up to so many points that a lot gave, as far as they are free, lapsed or not, in it or where they live on."""
        parts = []
        for one in chain([lot], self.living_on(lot, at=at)):
            if took := reach.take_from(one, points, at=at):
                parts.append(Taken(lot_id=one.id, points=took))
                points -= took
            if not points:
                break
        return parts

    def is_open(self, at: datetime) -> bool:
        """Whether all that matters at an instant is in memory; the rest may be in closed books."""
        return self.open_since is None or at >= self.open_since

    def in_open_books(self, at: datetime) -> None:
        """Whoever looks back further than the books are open needs the whole account."""
        if not self.is_open(at):
            raise InClosedBooks(self.id)

    def open_lots(self) -> Collection[Lot]:
        """The lots that may matter at any instant in open books: all of those with something free that has not lapsed."""
        return dict.values(self.lots)

    def open_holds(self) -> Collection[Hold]:
        """The holds that may be open at any instant in open books."""
        return dict.values(self.holds)

    def settled(self, settlements: Iterable[Settlement]) -> list[Draft]:
        """Record what the clock has settled."""
        return [
            self.move(DebtSettled, occurred_at=one.at, parts=one.parts[start : start + MOST_LOTS])
            for one in settlements
            for start in range(0, len(one.parts), MOST_LOTS)
        ]

    def settle(self, at: datetime) -> list[Draft]:
        """Let what is active, free and unheld pay what is owed, up to the latest instant that the account knows."""
        return self.settled(self.reach(max(at, self.latest or at))[1])

    def owed(self, settlements: Iterable[Settlement]) -> int:
        """The debt that is left after these settlements."""
        return self.debt - sum(total(one.parts) for one in settlements)

    def available(self, at: datetime) -> int:
        """What could be spent at an instant: earned by then, active, not lapsed, not held; nothing while debt is open."""
        reach, settlements = self.reach(at)
        return 0 if self.owed(settlements) else reach.available(at)

    def buckets(self, at: datetime) -> Buckets:
        """What has become of the points by an instant."""
        return add_up(
            list(self.lots.values()), list(self.holds.values()), debt=self.debt, debt_since=self.debt_since or at,
            at=at, received=frozenset(self.received),
        )  # fmt: skip

    @evolves(PointsHeld)
    def _held(self, fact: PointsHeld) -> None:
        at = self.moved_at(fact.occurred_at)
        self.holds[fact.hold_id] = Hold(fact.hold_id, at, fact.until, fact.parts, fact.amount_minor)

    @evolves(HoldReleased)
    def _released(self, fact: HoldReleased) -> None:
        self.holds[fact.hold_id].ended = "released"
        self.set_free(fact.parts, self.moved_at(fact.occurred_at))

    @evolves(HoldTimedOut)
    def _timed_out(self, fact: HoldTimedOut) -> None:
        """Nothing that the clock did not know: what it held is free since then, and a capture from before still counts."""
        self.moved_at(fact.occurred_at)
        self.holds[fact.hold_id].timed_out = True

    @evolves(PointsRedeemed)
    def _redeemed(self, fact: PointsRedeemed) -> None:
        at = self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].spent += part["points"]
        if fact.hold_id is not None:
            hold = self.holds[fact.hold_id]
            hold.ended = "captured"
            self.set_free(hold.parts, at)
        self.owe(fact.debt, at)
        self.redemptions[fact.redemption_id] = Redemption(
            fact.redemption_id, at, fact.points, fact.parts, fact.debt, fact.purchase_id, fact.reward_id
        )

    @evolves(RedemptionReversed)
    def _reversed(self, fact: RedemptionReversed) -> None:
        at = self.moved_at(fact.occurred_at)
        redemption = self.redemptions[fact.redemption_id]
        redemption.reversed += fact.points + fact.refused_in_cash
        for part in fact.parts:
            self.lots[part["lot_id"]].spent -= part["points"]
        self.set_free(fact.parts, at)
        self.unsettle(fact.unsettled, at)
        self.owe(-fact.cancelled, at)

    @evolves(PointsProlonged)
    def _prolonged(self, fact: PointsProlonged) -> None:
        at = self.moved_at(fact.occurred_at)
        assert self.member_id is not None, "points come back to an account that is open"
        for lot in fact.lots:
            self.lots[lot["from_lot"]].sent += lot["points"]
            self.give(lot, GRACE, at)
            self.received[lot["lot_id"]] = lot["from_lot"], self.member_id

    @evolves(DebtSettled)
    def _settled(self, fact: DebtSettled) -> None:
        at = self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].settled += part["points"]
        self.settlements += fact.parts
        self.owe(-total(fact.parts), at)

    @evolves(DebtReversed)
    def _debt_reversed(self, fact: DebtReversed) -> None:
        at = self.moved_at(fact.occurred_at)
        self.unsettle(fact.unsettled, at)
        self.owe(-fact.cancelled, at)

    @evolves(DebtWaived)
    def _waived(self, fact: DebtWaived) -> None:
        self.owe(-fact.points, self.moved_at(fact.occurred_at))

    @evolves(PointsExpired)
    def _expired(self, fact: PointsExpired) -> None:
        self.moved_at(fact.occurred_at)
        for part in fact.parts:
            self.lots[part["lot_id"]].lapsed += part["points"]

    @evolves(PointsGranted)
    def _points_granted(self, fact: PointsGranted) -> None:
        at = self.moved_at(fact.occurred_at)
        self.give(fact.lot, fact.cause, at)
        self.grants[fact.grant_id] = Grant(fact.lot["lot_id"], fact.lot["points"], at, fact.cause)

    @evolves(GrantRevoked)
    def _grant_revoked(self, fact: GrantRevoked) -> None:
        at = self.moved_at(fact.occurred_at)
        self.take_away(fact.parts)
        self.owe(fact.debt, at)
        if fact.from_member_id is None:
            self.grants[fact.grant_id].revoked = True

    def moved_at(self, at: datetime) -> datetime:
        if self.latest is None or at > self.latest:
            self.latest = at
        return at

    def give(self, given: GivenLot, part: str, at: datetime) -> None:
        lot = Lot(
            given["lot_id"], part, given["points"], given["earned_at"], given["active_from"], given.get("expires_at"),
            came_at=at, purchased=given.get("purchased", False),
        )  # fmt: skip
        self.lots[lot.id] = lot
        self.prolong(lot, since=at)

    def take_away(self, parts: Iterable[Taken]) -> None:
        for part in parts:
            self.lots[part["lot_id"]].revoked += part["points"]

    def set_free(self, parts: Iterable[Taken], at: datetime) -> None:
        for part in parts:
            lot = self.lots[part["lot_id"]]
            lot.freed_at = at if lot.freed_at is None else max(lot.freed_at, at)

    def unsettle(self, parts: Iterable[Taken], at: datetime) -> None:
        """Take settlements back, the latest first."""
        for part in parts:
            self.lots[part["lot_id"]].settled -= part["points"]
            last = self.settlements.pop()
            if last["points"] > part["points"]:
                self.settlements.append(Taken(lot_id=last["lot_id"], points=last["points"] - part["points"]))
        self.set_free(parts, at)

    def owe(self, points: int, at: datetime) -> None:
        if points > 0 and not self.debt:
            self.in_open_books(at)
            self.debt_since = at
        self.debt += points
        assert self.debt >= 0, "what is owed is never less than nothing"

    def keep_alive(self, one: KeepAlive) -> None:
        """A purchase keeps alive what is alive at its time; one that arrives late may let later ones do so as well."""
        self.in_open_books(one.at)
        insort(self.activity, one)
        for lot in self.open_lots():
            if lot.expires_at is not None and lot.there_since <= one.at < lot.expires_at < one.until:
                self.prolong(lot, since=one.at)

    def forget(self, one: KeepAlive) -> None:
        """The purchase went back as a whole: as far as activity goes, it never was."""
        self.activity.remove(one)
        for lot in self.lots.values():
            lot.expires_at = lot.granted_until or lot.expires_at
            self.prolong(lot, since=lot.there_since)

    def prolong(self, lot: Lot, *, since: datetime) -> None:
        """Let a lot live as long as activity since an instant keeps it alive."""
        if self.activity and lot.expires_at is not None:
            self.in_open_books(since)
            lot.granted_until = lot.granted_until or lot.expires_at
            lot.expires_at = prolonged(lot.expires_at, self.activity, since=since)
