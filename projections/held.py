"""What one member holds: lots, holds and debt as they are known up to an instant, settled by the clock up to then."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.activity import KeepAlive, prolonged
from domain.lots import Buckets, Hold, Lot, Reach, Settlement, add_up, held_at, total


@dataclass(slots=True)
class Holdings:
    """Points of one member at an instant. Debt that the clock had settled by then is settled, recorded or not."""

    at: datetime
    lots: list[Lot] = field(default_factory=list)
    purchases: dict[UUID, UUID] = field(default_factory=dict)
    """The purchase that each lot came with, if it did."""
    received: set[UUID] = field(default_factory=set)
    """Lots that came from other members."""
    holds: list[Hold] = field(default_factory=list)
    debt: int = 0
    debt_since: datetime | None = None
    settlements: list[Settlement] = field(default_factory=list)
    """What the clock has settled and nobody has recorded."""

    def owe(self, points: int, at: datetime) -> None:
        """Debt is open since it was first raised, in the order in which the account came to know."""
        if points > 0 and self.debt <= 0:
            self.debt_since = at
        self.debt += points
        if self.debt <= 0:
            self.debt_since = None

    def add(self, lot: Lot, *, received: bool, purchase_id: UUID | None) -> None:
        """A lot, and where it came from."""
        self.lots.append(lot)
        if received:
            self.received.add(lot.id)
        if purchase_id is not None:
            self.purchases[lot.id] = purchase_id

    def live_on(self, activity: Sequence[KeepAlive]) -> None:
        """Let lots lapse only when activity no longer keeps them alive."""
        for lot in self.lots if activity else ():
            if lot.expires_at is not None:
                lot.expires_at = prolonged(lot.expires_at, activity, since=lot.there_since)

    def settle(self) -> None:
        """Let what could pay debt by now have paid it."""
        if self.debt <= 0:
            return
        self.settlements = Reach(self.lots, self.holds).settle(
            self.debt, since=self.debt_since or self.at, until=self.at
        )
        lots = {lot.id: lot for lot in self.lots}
        for one in self.settlements:
            self.debt -= total(one.parts)
            for part in one.parts:
                lots[part["lot_id"]].settled += part["points"]

    def buckets(self, lots: Sequence[Lot] | None = None) -> Buckets:
        """What has become of all points; or of those of some lots, whatever is owed."""
        debt = self.debt if lots is None else 0
        held = self.holds if lots is None else [_of(hold, lots) for hold in self.holds]
        return add_up(
            self.lots if lots is None else lots, held, debt=debt, debt_since=self.at, at=self.at,
            received=frozenset(self.received),
        )  # fmt: skip

    def lapsing(self) -> dict[datetime, int]:
        """How many points lapse at each instant to come, unless they are spent before; what is held is left out."""
        held = held_at(self.holds, self.at)
        lapsing: dict[datetime, int] = defaultdict(int)
        for lot in self.lots:
            left = lot.free - held.get(lot.id, 0)
            if left and lot.expires_at is not None and not lot.expired(self.at):
                lapsing[lot.expires_at] += left
        return lapsing


def _of(hold: Hold, lots: Sequence[Lot]) -> Hold:
    ids = {lot.id for lot in lots}
    return Hold(hold.id, hold.at, hold.until, [part for part in hold.parts if part["lot_id"] in ids], ended=hold.ended)
