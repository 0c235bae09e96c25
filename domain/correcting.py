"""What staff put right, and what time brings about, in one account (rules 3, 15)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from domain import movements
from domain.calendar_days import local_day
from domain.climbing import tier_move
from domain.expiry import life
from domain.lots import Lot, held_at, total
from domain.movements import (
    AccountClosed,
    GivenLot,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsExpired,
)
from domain.parts import Taken
from domain.points_account import PointsAccount
from domain.programme import Policy
from domain.purse import MOST_LOTS
from domain.qualifying import calendar_of, credit_of, of_fact
from domain.refusals import AccountAlreadyClosed, AccountIsClosed, InsufficientPoints
from domain.stream import Draft
from domain.tally import Credit, Grant
from domain.tier_moves import TierGranted


def refuse_if_closed(account: PointsAccount, at: datetime) -> None:
    if account.closed(at):
        assert account.member_id is not None, "only an open account can be closed"
        assert account.closed_at is not None, "it is closed"
        raise AccountIsClosed(member_id=account.member_id, closed_at=account.closed_at)


def give(
    account: PointsAccount,
    *,
    lot_id: UUID,
    points: int,
    at: datetime,
    expires_at: datetime | None,
    never: bool,
    qualifies: bool,
    reason: str,
    policy: Policy,
    version: int,
) -> list[Draft]:
    """Give points: they lapse as points of a purchase of that time would, at `expires_at`, or `never`."""
    expires_at = expiry_of(account, policy, at, expires_at, never=never)
    period = account.period(policy, at)
    lot = given_lot(lot_id, points=points, earned_at=at, active_from=at, expires_at=expires_at)
    adjusted = account.move(
        PointsAdjusted, points=points, lot=lot, qualifies=qualifies, period=period, calendar=calendar_of(policy), reason=reason,
        programme_version=version,
    )  # fmt: skip
    return [adjusted, *(tier_move(account, policy, version, at, [Credit(at, points)]) if qualifies else ())]


def take(
    account: PointsAccount,
    *,
    points: int,
    at: datetime,
    allow_debt: bool,
    qualifies: bool,
    reason: str,
    policy: Policy,
    version: int,
) -> list[Draft]:
    """Take points that can be spent; beyond them only with `allow_debt`."""
    reach, settlements = account.reach(at)
    owed = account.owed(settlements)
    available = 0 if owed else reach.available(at)
    if points > available and not allow_debt:
        raise InsufficientPoints(points=points, available=available, debt=owed)
    parts = [] if owed else reach.take(points, at=at)
    period = account.period(policy, at)
    adjusted = account.move(
        PointsAdjusted, points=-points, parts=parts, debt=points - total(parts), qualifies=qualifies, period=period,
        reason=reason, programme_version=version,
    )  # fmt: skip
    moved = tier_move(account, policy, version, at, [Credit(at, -points)]) if qualifies else []
    return [*account.settled(settlements), adjusted, *moved]


def open_with(
    account: PointsAccount,
    *,
    lots: Sequence[GivenLot],
    qualifying: Sequence[tuple[datetime, int]],
    debt: int,
    tier: str | None,
    tier_since: datetime | None,
    at: datetime,
    reason: str,
    policy: Policy,
    version: int,
) -> list[Draft]:
    """Bring in what a member had in another system."""
    credited = [
        credit_of(account, policy, movements.Credit(at=when, points=points, period=0)) for when, points in qualifying
    ]
    imported = account.move(
        OpeningBalanceImported, lots=lots, qualifying=credited, debt=debt, reason=reason, programme_version=version
    )
    drafts = [imported]
    grant = None
    if tier is not None:
        grant, period = Grant(tier_since or at, tier, at), account.period(policy, at)
        drafts.append(account.move(TierGranted, tier=tier, since=grant.since, period=period, reason=reason))
    return [*drafts, *tier_move(account, policy, version, at, list(map(of_fact, credited)), granted=grant)]


def expiry_of(
    account: PointsAccount, policy: Policy, earned_at: datetime, expires_at: datetime | None, *, never: bool
) -> datetime | None:
    """When given points lapse: as told, or as points of a purchase of that time would."""
    if never or expires_at is not None:
        return expires_at
    day = local_day(earned_at, policy.zone)
    return life(policy, earned_at=earned_at, earned_on=day, registered_on=account.registered_on(policy))[1]


def given_lot(
    lot_id: UUID, *, points: int, earned_at: datetime, active_from: datetime, expires_at: datetime | None
) -> GivenLot:
    lot = GivenLot(lot_id=lot_id, points=points, earned_at=earned_at, active_from=active_from)
    if expires_at is not None:
        lot["expires_at"] = expires_at
    return lot


def lot_of(command_id: UUID, number: int = 0) -> UUID:
    """The lot that a command gives."""
    return uuid5(command_id, f"lot:{number}")


def close(account: PointsAccount, *, reason: str) -> list[Draft]:
    """End earning and spending."""
    if account.closed_at is not None:
        assert account.member_id is not None, "only an open account can be closed"
        raise AccountAlreadyClosed(member_id=account.member_id)
    return [account.move(AccountClosed, reason=reason)]


def expire(account: PointsAccount, now: datetime) -> list[Draft]:
    """Record what has lapsed by now, each at its instant, as far as it was not recorded before."""
    reach, _ = account.reach(now)
    held = held_at(account.open_holds(), now)
    by_instant: dict[datetime, list[Taken]] = {}
    for lot in [one for one in account.open_lots() if one.expires_at is not None and one.expires_at <= now]:
        left = reach.left(lot, held) - lot.lapsed
        if left > 0:
            for at, points in _lapses(account, lot, left, now):
                by_instant.setdefault(at, []).append(Taken(lot_id=lot.id, points=points))
    return [
        account.move(PointsExpired, parts=parts[start : start + MOST_LOTS], occurred_at=at)
        for at, parts in sorted(by_instant.items())
        for start in range(0, len(parts), MOST_LOTS)
    ]


def _lapses(account: PointsAccount, lot: Lot, points: int, now: datetime) -> Iterator[tuple[datetime, int]]:
    """When so many points of a lapsed lot have lapsed: what a hold kept good, when it timed out; what came back, then."""
    assert lot.expires_at is not None, "it has lapsed"
    timed_out = [
        (hold.until, part["points"])
        for hold in account.open_holds()
        if hold.ended is None and lot.expires_at < hold.until <= now
        for part in hold.parts
        if part["lot_id"] == lot.id
    ]
    for until, held in sorted(timed_out, reverse=True):
        if least := min(held, points):
            yield until, least
            points -= least
    at = max(lot.expires_at, lot.freed_at or lot.expires_at)
    if points and at <= now:
        yield at, points
