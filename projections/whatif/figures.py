"""What rules came to, added up: by tier, segment and month."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.buyer import absorbed
from domain.lots import Buckets, held_at
from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.segment import Segment, segment_stream
from projections.whatif.books import Books
from projections.whatif.history import History, accounts_of
from projections.whatif.replay import Replay
from projections.whatif.world import World

BUCKETS = ("issued", "received", "revoked", "spent", "settled", "expired", "sent", "outstanding", "debt")
"""`outstanding` is what is pending, available or held: what the programme still has to answer for."""

ALL = ""


class Key(NamedTuple):
    """Whom, or when, a figure is about: everybody, one tier, one segment, one month."""

    by: str
    name: str
    bucket: str


@dataclass(slots=True)
class Figures:
    """What one side came to: history, or a proposal."""

    sums: Counter[Key] = field(default_factory=Counter)
    moves: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Moves between tiers, by month, the tier that was left and the one that was reached."""
    tiers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Members by their tier in history and here, at the end."""
    redemptions_not_covered: int = 0
    points_not_covered: int = 0
    not_carried_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Figures") -> None:
        """What other members came to as well."""
        for mine, theirs in (
            (self.sums, other.sums), (self.moves, other.moves), (self.tiers, other.tiers),
            (self.not_carried_out, other.not_carried_out),
        ):  # fmt: skip
            mine.update(theirs)  # type: ignore[arg-type]  # each with its like
        self.redemptions_not_covered += other.redemptions_not_covered
        self.points_not_covered += other.points_not_covered


class Group(NamedTuple):
    """Where a member is counted: by the tier at the end of history, and by segments."""

    tier: str
    segments: Sequence[str]


def groups(history: History, segments: Sequence[str], *, at: datetime) -> dict[UUID, Group]:
    """Every member's, on both sides the same, so that the same people are compared. Who was merged counts with the survivor."""
    _, policy = history.world.programme.in_force(at)
    return {
        account.id: Group(
            policy.tiers.levels[_living(history.world, account).rank_at(policy, at)].name,
            [name for name in segments if _belongs(history.world, _living(history.world, account), name, at)],
        )
        for account in accounts_of(history.world)
    }


def _living(world: World, account: PointsAccount) -> PointsAccount:
    while account.merged_into is not None:
        account = world.get(PointsAccount, account_id(account.merged_into))
    return account


def _belongs(world: World, account: PointsAccount, name: str, at: datetime) -> bool:
    assert account.member_id is not None, "an account that exists is somebody's"
    _, policy = world.programme.in_force(at)
    segment, member = world.get(Segment, segment_stream(name)), world.get(Member, account.member_id)
    return segment.holds_for(account, member, policy, at=at, brought=absorbed(world, account))


def figures_of(side: History | Replay, books: Books, grouped: Mapping[UUID, Group], *, at: datetime) -> Figures:
    """Add up one side as of an instant, once time has brought about in each account what it has by then."""
    found = Figures()
    _, policy = side.world.programme.in_force(at)
    for account in list(accounts_of(side.world)):
        side.bring_about(account, at)
        group = grouped[account.id]
        buckets = account.buckets(at)
        for by, name in (("all", ALL), ("tier", group.tier), *(("segment", one) for one in group.segments)):
            _count(found.sums, by, name, buckets)
        if account.merged_into is None:
            found.tiers[group.tier, policy.tiers.levels[account.rank_at(policy, at)].name] += 1
        _lapses(found.sums, books, account, at)
    for month, bucket, points in books.by_month():
        found.sums[Key("month", month, bucket)] += points
    found.moves.update(books.moves)
    if isinstance(side, Replay):
        found.redemptions_not_covered, found.points_not_covered = len(side.not_covered), sum(side.not_covered)
        found.not_carried_out.update(side.not_carried_out)
    return found


def _count(sums: Counter[Key], by: str, name: str, buckets: Buckets) -> None:
    outstanding = buckets.pending + buckets.available + buckets.held
    for bucket in BUCKETS:
        sums[Key(by, name, bucket)] += outstanding if bucket == "outstanding" else getattr(buckets, bucket)


def _lapses(sums: Counter[Key], books: Books, account: PointsAccount, at: datetime) -> None:
    """What has lapsed unspent, by the month in which it did."""
    held = held_at(account.holds.values(), at)
    for lot in account.lots.values():
        if lot.expires_at is not None and lot.expires_at <= at and lot.free:
            lapsed = lot.free - held.get(lot.id, 0)
            sums[Key("month", books.month(max(lot.expires_at, lot.freed_at or lot.expires_at)), "expired")] += lapsed
