"""Lots, holds, redemptions, accounts and their debt; and the walk through time that settles it."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from tests.naive.rules import Rules

Id = str | UUID
Answer = dict[str, int] | str  # what happened, in numbers; or the name of the refusal
FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Refused(Exception):
    """The operation does not happen at all."""


@dataclass
class Move:
    """So many points went into a bucket of a lot or of a debt; out of it again, if negative."""

    at: datetime
    bucket: str
    points: int


def total(moves: Iterable[Move], bucket: str) -> int:
    return sum(move.points for move in moves if move.bucket == bucket)


def lasting(series: list[tuple[datetime, int]], since: datetime) -> int:
    """How much of a sum that changes over time is there at `since` and does not go away later, as far as is known."""
    instants = {since} | {at for at, _ in series if at > since}
    return max(0, min(sum(points for at, points in series if at <= instant) for instant in instants))


@dataclass
class Lot:
    """The points of one part. Bucket `in` is what it holds in all; the others say where points went."""

    id: UUID
    member: Id
    earned_at: datetime
    active_from: datetime
    expires_at: datetime | None
    purchased: bool = False
    received: bool = False
    moves: list[Move] = field(default_factory=list)
    successors: list["Lot"] = field(default_factory=list)  # where a merge moved it

    def move(self, at: datetime, bucket: str, points: int) -> None:
        self.moves.append(Move(at, bucket, points))

    @property
    def points(self) -> int:
        return total(self.moves, "in")

    @property
    def free(self) -> int:
        """Neither revoked, spent, settled nor sent; what is held or expired is free in this sense."""
        return sum(points for _, points in self.series)

    @property
    def series(self) -> list[tuple[datetime, int]]:
        return [(move.at, move.points if move.bucket == "in" else -move.points) for move in self.moves]

    @property
    def spend_order(self) -> tuple[datetime, datetime, UUID]:
        return self.expires_at or FOR_EVER, self.earned_at, self.id

    def state(self, at: datetime) -> str:
        """Of what is not held: expired overrides pending."""
        if self.expires_at is not None and (at >= self.expires_at or self.expires_at <= self.active_from):
            return "expired"
        return "pending" if at < self.active_from else "available"


@dataclass
class Share:
    """So many points of one lot."""

    lot: Lot
    points: int


@dataclass
class Hold:
    """Points set aside until `until`, unless captured or released at `ended`."""

    id: Id
    member: Id
    at: datetime
    until: datetime
    shares: list[Share]
    ended: datetime | None = None

    @property
    def end(self) -> datetime:
        return self.until if self.ended is None else min(self.until, self.ended)

    @property
    def points(self) -> int:
        return sum(share.points for share in self.shares)


@dataclass
class Redemption:
    """Points that were spent and not given back since, in the order of allocation; the part that became debt last."""

    member: Id
    shares: list[Share] = field(default_factory=list)
    debt: int = 0

    @property
    def points(self) -> int:
        return sum(share.points for share in self.shares) + self.debt


@dataclass
class Settlement:
    """Points of a lot that paid debt at this instant, as far as not given back since."""

    at: datetime
    share: Share


@dataclass
class Account:
    """One member's points and debt."""

    member: Id
    joined_at: datetime
    lots: list[Lot] = field(default_factory=list)
    debts: list[Move] = field(default_factory=list)  # raised − settled − cancelled − waived
    settlements: list[Settlement] = field(default_factory=list)
    bonus_days: set[tuple[object, ...]] = field(default_factory=set)  # bonus, store, local day, purchase
    adjusted_qualifying: int = 0
    closed_at: datetime | None = None
    merged_into: Id | None = None

    @property
    def debt_series(self) -> list[tuple[datetime, int]]:
        return [(move.at, move.points if move.bucket == "raised" else -move.points) for move in self.debts]

    @property
    def debt(self) -> int:
        return sum(points for _, points in self.debt_series)

    def owe(self, at: datetime, bucket: str, points: int) -> None:
        self.debts.append(Move(at, bucket, points))

    def closed(self, at: datetime) -> bool:
        return self.closed_at is not None and at >= self.closed_at


class Books:
    """All accounts, and what every operation does before and after: settle debt up to its business time."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.accounts: dict[Id, Account] = {}
        self.holds: dict[Id, Hold] = {}
        self.redemptions: dict[Id, Redemption] = {}
        self.latest = datetime.min.replace(tzinfo=UTC)  # no business time lies after it
        self.touched: list[tuple[Account, datetime]] = []

    def follow(self, member: Id) -> Account:
        """The account that answers for a member: the survivor's, after a merge."""
        if member not in self.accounts:
            raise Refused("unknown-member")
        account = self.accounts[member]
        return account if account.merged_into is None else self.follow(account.merged_into)

    def way(self, member: Id) -> list[Account]:
        """The account of a member, and those that merges have brought it to."""
        account = self.accounts[member]
        return [account] if account.merged_into is None else [account, *self.way(account.merged_into)]

    def open(self, member: Id, at: datetime) -> Account:
        """The account that answers for a member, with its debt settled up to `at` (and again when all is done)."""
        account = self.follow(member)
        self.settle(account, at)
        self.touched.append((account, at))
        return account

    def open_own(self, member: Id, at: datetime) -> Account:
        """For whatever only a member with an account of its own, not closed by then, can do."""
        account = self.open(member, at)
        if account.member != member:
            raise Refused("member-merged")
        if account.closed(at):
            raise Refused("account-closed")
        return account

    def held(self, lot: Lot, at: datetime) -> int:
        """What open holds set aside of a lot; no fact is needed for one to time out."""
        return sum(
            share.points
            for hold in self.holds.values()
            if hold.ended is None and at < hold.until
            for share in hold.shares
            if share.lot is lot
        )

    def unheld(self, lot: Lot, at: datetime) -> int:
        return max(0, lot.free - self.held(lot, at))

    def unheld_series(self, lot: Lot) -> list[tuple[datetime, int]]:
        shares = [(hold, share) for hold in self.holds.values() for share in hold.shares if share.lot is lot]
        set_aside = [(hold.at, -share.points) for hold, share in shares if hold.at < hold.end]
        given_back = [(hold.end, share.points) for hold, share in shares if hold.at < hold.end]
        return lot.series + set_aside + given_back

    def available(self, account: Account, at: datetime) -> list[Share]:
        """What can be spent at `at`, in spend order. What later operations took is gone for an earlier one, too."""
        lots = sorted(account.lots, key=lambda lot: lot.spend_order)
        return [Share(lot, self.unheld(lot, at)) for lot in lots if lot.state(at) == "available"]

    def take(self, shares: list[Share], points: int) -> list[Share]:
        """The first so many points of these, or all there are."""
        taken = []
        for share in shares:
            part = min(points, share.points)
            points -= part
            if part:
                taken.append(Share(share.lot, part))
        return taken

    def settle(self, account: Account, until: datetime) -> None:
        """Walk through time: at every instant, active unheld points pay what is owed and stays owed."""
        instants = {at for at, _ in account.debt_series}
        for lot in account.lots:
            instants |= {lot.active_from} | {at for at, _ in self.unheld_series(lot)}
        for instant in sorted(at for at in instants if at <= until):
            for lot in sorted(account.lots, key=lambda lot: lot.spend_order):
                if lot.state(instant) == "available":
                    points = min(lasting(account.debt_series, instant), lasting(self.unheld_series(lot), instant))
                    if points:
                        lot.move(instant, "settled", points)
                        account.owe(instant, "settled", points)
                        account.settlements.append(Settlement(instant, Share(lot, points)))


P = ParamSpec("P")
B = TypeVar("B", bound=Books)


def operation(
    happen: Callable[Concatenate[B, P], dict[str, int] | None],
) -> Callable[Concatenate[B, P], Answer | None]:
    """What is refused leaves no trace; what is not settles the debt of every account that it touched."""

    @wraps(happen)
    def told(books: B, /, *args: P.args, **kwargs: P.kwargs) -> Answer | None:
        before = copy.deepcopy(books.__dict__)
        try:
            answer = happen(books, *args, **kwargs)
        except Refused as refusal:
            books.__dict__ = before
            return str(refusal)
        for account, at in books.touched:
            books.settle(account, at)
            books.latest = max(books.latest, at)
        books.touched = []
        return answer

    return told
