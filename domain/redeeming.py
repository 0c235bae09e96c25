"""Spending points: holds, captures, redemptions, and what brings them back (rules 5, 6)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from domain.lots import Hold, Lot, Settlement, held_at, total
from domain.movements import (
    DebtReversed,
    DebtWaived,
    GivenLot,
    HoldReleased,
    HoldTimedOut,
    PointsHeld,
    PointsProlonged,
    PointsRedeemed,
    RedemptionReversed,
)
from domain.parts import Taken
from domain.points_account import PointsAccount
from domain.policy.points import PointsAsCash
from domain.purse import MOST_GIVEN, Redemption
from domain.refusals import (
    AboveShareOfBill,
    BelowMinimum,
    CaptureAfterTimeout,
    EarlierThanCause,
    HoldEndedBefore,
    InsufficientPoints,
    MoreThanHeld,
    MoreThanRedeemed,
    NoDebt,
    NotAStep,
    PaidForPurchase,
    RedemptionReversedBefore,
    UnknownHold,
    UnknownRedemption,
)
from domain.stream import Draft


def points_for(cash: PointsAsCash, amount_minor: int) -> int:
    """The points that pay an amount; a fraction of a point is a whole one."""
    return -(-amount_minor * cash.points // cash.amount_minor)


def worth(cash: PointsAsCash, points: int) -> int:
    """What points pay for, in minor units, a fraction left out."""
    return points * cash.amount_minor // cash.points


def check_as_cash(cash: PointsAsCash, points: int, *, amount_minor: int, bill_minor: int | None) -> None:
    """Any number of points within the bounds of the policy, and the amount that they pay within its share of the bill.

    Refused in this order: minimum, step, share of the bill.
    """
    if points < cash.minimum_points:
        raise BelowMinimum(points=points, minimum_points=cash.minimum_points)
    if points % cash.step_points:
        raise NotAStep(points=points, step_points=cash.step_points)
    if bill_minor is not None and amount_minor > bill_minor * cash.largest_share:
        raise AboveShareOfBill(amount_minor=amount_minor, most_minor=int(bill_minor * cash.largest_share))


def most_as_cash(cash: PointsAsCash, available: int, *, bill_minor: int) -> int:
    """The points that pay most of a bill, within its share and what there is: no more steps than that takes, or 0."""
    share_minor = int(bill_minor * cash.largest_share)
    within = min(available, points_for(cash, share_minor + 1) - 1)
    pays = worth(cash, within - within % cash.step_points)
    steps = -(-max(cash.minimum_points, points_for(cash, pays)) // cash.step_points)
    return steps * cash.step_points if pays and steps * cash.step_points <= within else 0


def hold(
    account: PointsAccount, *, hold_id: UUID, points: int, at: datetime, until: datetime, amount_minor: int | None
) -> list[Draft]:
    """Set points aside until a time-out."""
    settlements, parts = _allocate(account, points, at)
    return [
        *account.settled(settlements),
        account.move(
            PointsHeld, hold_id=hold_id, points=points, until=until, parts=parts, amount_minor=amount_minor
        ),
    ]  # fmt: skip


def redeem(
    account: PointsAccount, *, redemption_id: UUID, points: int, at: datetime, offline: bool = False, **what: object
) -> list[Draft]:
    """Spend points. What is missing is refused, or owed where it was given away offline already."""
    settlements, parts = _allocate(account, points, at, offline=offline)
    redeemed = account.move(
        PointsRedeemed, redemption_id=redemption_id, points=points, parts=parts, debt=points - total(parts), **what
    )
    return [*account.settled(settlements), redeemed]


def open_hold(account: PointsAccount, hold_id: UUID) -> Hold:
    """A hold that was neither captured nor released."""
    hold = account.holds.get(hold_id)
    if hold is None:
        raise UnknownHold(hold_id=hold_id)
    if hold.ended is not None:
        raise HoldEndedBefore(hold_id=hold_id, how=hold.ended)
    return hold


def capture(account: PointsAccount, *, hold_id: UUID, points: int | None, at: datetime, **what: object) -> list[Draft]:
    """Spend what a hold set aside, or the first part of it. What was spent meanwhile, after the time-out, is owed.

    Refused in this order: unknown hold, ended before, after the time-out by business time, more than held.
    """
    hold = open_hold(account, hold_id)
    if at >= hold.until:
        raise CaptureAfterTimeout(hold_id=hold_id, until=hold.until)
    asked = hold.points if points is None else points
    if asked > hold.points:
        raise MoreThanHeld(hold_id=hold_id, points=asked, held=hold.points)
    reach, settlements = account.reach(at)
    held = held_at((other for other in account.open_holds() if other is not hold), at)
    parts: list[Taken] = []
    for lot, wanted in _first(asked, hold.parts, account):
        took = min(wanted, reach.left(lot, held))
        if took > 0:
            parts.append(Taken(lot_id=lot.id, points=took))
    redeemed = account.move(
        PointsRedeemed, redemption_id=hold_id, hold_id=hold_id, points=asked, parts=parts,
        debt=asked - total(parts), **what,
    )  # fmt: skip
    return [*account.settled(settlements), redeemed]


def release(account: PointsAccount, *, hold_id: UUID, at: datetime) -> list[Draft]:
    """Give a hold up. Refused in this order: unknown hold, ended before, by its time-out as well."""
    hold = open_hold(account, hold_id)
    if at >= hold.until:
        raise HoldEndedBefore(hold_id=hold_id, how="timed-out")
    return [account.move(HoldReleased, hold_id=hold_id, parts=hold.parts)]


def time_out(account: PointsAccount, now: datetime) -> list[Draft]:
    """Record the holds that have ended by themselves, each at its time."""
    return [
        account.move(HoldTimedOut, hold_id=hold.id, parts=hold.parts, occurred_at=hold.until)
        for hold in account.open_holds()
        if hold.ended is None and not hold.timed_out and hold.until <= now
    ]


def reverse(
    account: PointsAccount,
    *,
    redemption_id: UUID,
    points: int | None,
    at: datetime,
    reason: str | None,
    grace_until: datetime | None = None,
    survivors: Sequence[PointsAccount] = (),
) -> list[Draft]:
    """Bring a redemption back, or part of it.

    Refused in this order: unknown, it paid for a purchase, earlier than itself, reversed before, more than is left of it.
    """
    redemption = account.redemptions.get(redemption_id)
    if redemption is None:
        raise UnknownRedemption(redemption_id=redemption_id)
    if redemption.purchase_id is not None:
        raise PaidForPurchase(redemption_id=redemption_id, purchase_id=redemption.purchase_id)
    if at < redemption.at:
        raise EarlierThanCause(occurred_at=at, cause_at=redemption.at)
    left = redemption.points - redemption.reversed
    if not left:
        raise RedemptionReversedBefore(redemption_id=redemption_id)
    asked = left if points is None else points
    if asked > left:
        raise MoreThanRedeemed(redemption_id=redemption_id, points=asked, left=left)
    return bring_back(account, redemption, asked, at=at, grace_until=grace_until, survivors=survivors, reason=reason)


def bring_back(
    account: PointsAccount,
    redemption: Redemption,
    points: int,
    *,
    at: datetime,
    grace_until: datetime | None = None,
    survivors: Sequence[PointsAccount] = (),
    **what: object,
) -> list[Draft]:
    """Points return to the lots that they came from, the last one first, with their own expiry; its debt before them.

    What has lapsed stays lapsed, or lives on until an instant where the programme gives some grace.

    Open debt is cancelled first, then the lots that paid debt get back what they paid. Of a member who was merged it is
    the debt of the last of the `survivors` by now, and each of them may have paid some of it.
    """
    owed, parts = _last(points, redemption)
    drafts: list[Draft] = []
    forwarded = lapsed = 0
    for debtor in reversed(survivors):
        cancelled, unsettled, settled = _undo_debt(debtor, owed - forwarded, at=at)
        drafts += settled
        if cancelled or unsettled:
            forwarded += cancelled + total(unsettled)
            lapsed += _lapsed(debtor, unsettled, at)
            drafts.append(
                debtor.move(
                    DebtReversed, redemption_id=redemption.id, from_member_id=account.member_id, cancelled=cancelled,
                    unsettled=unsettled,
                )
            )  # fmt: skip
            drafts += _prolonged(debtor, redemption, unsettled, at=at, until=grace_until)
    cancelled, unsettled, settled = _undo_debt(account, owed - forwarded, at=at)
    back = account.move(
        RedemptionReversed,
        redemption_id=redemption.id,
        points=points,
        parts=parts,
        cancelled=cancelled,
        unsettled=unsettled,
        forwarded=forwarded,
        waived=owed - forwarded - cancelled - total(unsettled),
        lapsed=lapsed + _lapsed(account, [*parts, *unsettled], at),
        **what,
    )
    return [*settled, back, *_prolonged(account, redemption, [*parts, *unsettled], at=at, until=grace_until), *drafts]


def _undo_debt(account: PointsAccount, points: int, *, at: datetime) -> tuple[int, list[Taken], list[Draft]]:
    """So much debt undone: what of it was open, which settlements go back, and what the clock had settled by then."""
    _, settlements = account.reach(at)
    cancelled = min(points, account.owed(settlements))
    paid = [*account.settlements, *(part for one in settlements for part in one.parts)]
    return cancelled, _unsettled(paid, points - cancelled), account.settled(settlements)


def _lapsed(account: PointsAccount, parts: Sequence[Taken], at: datetime) -> int:
    return sum(part["points"] for part in parts if account.lots[part["lot_id"]].expired(at))


def _prolonged(
    account: PointsAccount, redemption: Redemption, parts: Sequence[Taken], *, at: datetime, until: datetime | None
) -> list[Draft]:
    """What comes back to lots that have lapsed leaves them for lots of its own, that live until an instant."""
    points: dict[UUID, int] = {}
    for part in parts:
        points[part["lot_id"]] = points.get(part["lot_id"], 0) + part["points"]
    lots = [
        _living_on(lot, came, number=account.version, at=at, until=until)
        for lot_id, came in points.items()
        if until is not None and (lot := account.lots[lot_id]).expired(at)
    ]
    return [
        account.move(PointsProlonged, redemption_id=redemption.id, lots=lots[start : start + MOST_GIVEN])
        for start in range(0, len(lots), MOST_GIVEN)
    ]


def _living_on(lot: Lot, points: int, *, number: int, at: datetime, until: datetime) -> GivenLot:
    """`number`: of the facts before; points of one lot may come back more than once, and with one return."""
    given = GivenLot(
        lot_id=uuid5(lot.id, str(number)), points=points, earned_at=lot.earned_at, active_from=at, expires_at=until,
        from_lot=lot.id,
    )  # fmt: skip
    if lot.purchased:
        given["purchased"] = True
    return given


def waive(account: PointsAccount, *, points: int | None, at: datetime, reason: str) -> list[Draft]:
    """Let debt go, all of it or part; refused where there is none or less."""
    _, settlements = account.reach(at)
    owed = account.owed(settlements)
    asked = owed if points is None else points
    if not owed or asked > owed:
        raise NoDebt(points=asked, debt=owed)
    if account.debt_since is not None and at < account.debt_since:
        raise EarlierThanCause(occurred_at=at, cause_at=account.debt_since)
    return [*account.settled(settlements), account.move(DebtWaived, points=asked, reason=reason)]


def _allocate(
    account: PointsAccount, points: int, at: datetime, *, offline: bool = False
) -> tuple[list[Settlement], list[Taken]]:
    reach, settlements = account.reach(at)
    owed = account.owed(settlements)
    parts = [] if owed else reach.take(points, at=at)
    if total(parts) < points and not offline:
        raise InsufficientPoints(points=points, available=account.available(at), debt=owed)
    return settlements, parts


def _first(points: int, parts: Sequence[Taken], account: PointsAccount) -> Iterator[tuple[Lot, int]]:
    """The first so many points of an allocation."""
    for part in parts:
        wanted = min(points, part["points"])
        if wanted:
            yield account.lots[part["lot_id"]], wanted
        points -= wanted


def _last(points: int, redemption: Redemption) -> tuple[int, list[Taken]]:
    """The next points of a redemption that come back: of its debt, and of its parts from the last one on."""
    gone = redemption.reversed
    owed = min(points, max(0, redemption.debt - gone))
    points, gone = points - owed, max(0, gone - redemption.debt)
    parts = []
    for part in reversed(redemption.parts):
        there = max(0, part["points"] - gone)
        gone = max(0, gone - part["points"])
        if points and there:
            parts.append(Taken(lot_id=part["lot_id"], points=min(points, there)))
            points -= min(points, there)
    return owed, parts


def _unsettled(paid: Sequence[Taken], points: int) -> list[Taken]:
    """Of the points that paid debt, the latest."""
    parts = []
    for part in reversed(paid):
        if not points:
            break
        parts.append(Taken(lot_id=part["lot_id"], points=min(points, part["points"])))
        points -= min(points, part["points"])
    return parts
