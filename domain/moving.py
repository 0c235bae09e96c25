"""Points that move between members: transfers, merges, and what a merge leaves to be forwarded (rules 15)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TypeVar
from uuid import UUID, uuid5

from domain.climbing import tier_move
from domain.lots import Lot, Reach, held_at, total
from domain.movements import (
    BonusUse,
    Credit,
    GivenLot,
    PointsGivenBack,
    PointsReceived,
    PointsSent,
    PointsTakenBack,
    ReceivedRevoked,
)
from domain.parts import Taken
from domain.points_account import PointsAccount
from domain.programme import Policy
from domain.qualifying import credit_of, of_fact
from domain.refusals import HoldsOpen, InsufficientPoints
from domain.stream import Draft
from domain.tally import Grant
from domain.tier_moves import TierGranted

T = TypeVar("T")

CHUNK = 500
"""Lots, or credits, in a fact."""


def transfer(
    sender: PointsAccount, receiver: PointsAccount, *, transfer_id: UUID, points: int, at: datetime, reason: str | None,
    policy: Policy,
) -> list[Draft]:  # fmt: skip
    """Send points that no return can take back any more; expiry and origin travel with them, the tier does not."""
    young = at - timedelta(days=policy.return_window_days)
    reach, settlements = sender.reach(at)
    owed = sender.owed(settlements)
    settled = [lot for lot in sender.lots.values() if lot.earned_at <= young or not lot.purchased]
    parts = [] if owed else reach.take(points, at=at, lots=settled)
    if total(parts) < points:
        raise InsufficientPoints(points=points, available=total(parts), debt=owed)
    return [
        *sender.settled(settlements),
        *_send(sender, receiver, parts, at=at, transfer_id=transfer_id, cause="transfer", reason=reason),
    ]


def merge(
    absorbed: PointsAccount, survivor: PointsAccount, *, transfer_id: UUID, at: datetime, reason: str | None,
    policy: Policy, version: int,
) -> list[Draft]:  # fmt: skip
    """All that is left of an account goes to the survivor: lots with their expiry, debt, dated credits, bonuses, the higher tier."""
    _refuse_open_holds(absorbed, at)
    credited = _credits(absorbed, survivor, policy)
    bonuses = [
        BonusUse(part=part, store=store, day=day, purchase_id=purchase_id)
        for (part, store, day), purchases in sorted(absorbed.bonuses.items())
        for purchase_id in sorted(purchases)
    ]
    moved = forward(
        absorbed, survivor, transfer_id=transfer_id, at=at, reason=reason, credited=credited, bonuses=bonuses
    )
    if not any(draft.kind is PointsReceived for draft in moved):
        moved += _send(absorbed, survivor, [], at=at, transfer_id=transfer_id, cause="merge", reason=reason)
    rank, period = absorbed.rank_at(policy, at), survivor.period(policy, at)
    if rank <= survivor.rank_at(policy, at):
        return [*moved, *tier_move(survivor, policy, version, at, list(map(of_fact, credited)))]
    higher = policy.tiers.levels[rank].name
    granted = survivor.move(
        TierGranted, tier=higher, since=at, period=period, transfer_id=transfer_id, reason=reason or "merge"
    )
    brought = list(map(of_fact, credited))
    return [*moved, granted, *tier_move(survivor, policy, version, at, brought, granted=Grant(at, higher, at))]


def forward(
    absorbed: PointsAccount, survivor: PointsAccount, *, transfer_id: UUID, at: datetime, reason: str | None = None,
    credited: Sequence[Credit] = (), bonuses: Sequence[BonusUse] = (),
) -> list[Draft]:  # fmt: skip
    """Whatever is free in an absorbed account, and not lapsed, and what it owes, goes to the survivor."""
    at = max(at, absorbed.latest or at)
    _, settlements = absorbed.reach(at)
    owed = absorbed.owed(settlements)
    held = held_at(absorbed.holds.values(), at)
    paid: dict[UUID, int] = {}
    for part in (part for one in settlements for part in one.parts):
        paid[part["lot_id"]] = paid.get(part["lot_id"], 0) + part["points"]
    parts = [
        Taken(lot_id=lot.id, points=left)
        for lot in absorbed.lots.values()
        if not lot.expired(at) and (left := lot.free - held.get(lot.id, 0) - paid.get(lot.id, 0)) > 0
    ]
    drafts = absorbed.settled(settlements)
    if not (parts or owed or credited or bonuses):
        return drafts
    return drafts + _send(
        absorbed, survivor, parts, at=at, transfer_id=transfer_id, cause="merge", reason=reason, debt=owed,
        credited=credited, bonuses=bonuses,
    )  # fmt: skip


def unmerge(
    absorbed: PointsAccount, survivor: PointsAccount, *, at: datetime, reason: str | None,
    policy: Policy, version: int,
) -> list[Draft]:  # fmt: skip
    """What is left of the lots that merges had brought goes back where it came from; later facts stay with the survivor."""
    assert absorbed.member_id is not None, "it was merged"
    _, settlements = survivor.reach(at)
    held = held_at(survivor.holds.values(), at)
    given, taken = [], []
    for lot, origin in _brought(survivor, absorbed.member_id):
        left = (
            lot.free
            - held.get(lot.id, 0)
            - sum(part["points"] for one in settlements for part in one.parts if part["lot_id"] == lot.id)
        )
        if left > 0:
            given.append(Taken(lot_id=lot.id, points=left))
            taken.append(Taken(lot_id=origin, points=left))
    brought = survivor.absorbed[absorbed.member_id]
    debt = min(brought.debt, survivor.owed(settlements))
    lost = [of_fact(credit, -1) for credit in brought.credits]
    back = survivor.move(
        PointsGivenBack, transfer_id=brought.transfer_id, to_member_id=absorbed.member_id, parts=given, debt=debt,
        qualifying=brought.credits, reason=reason,
    )  # fmt: skip
    return [
        *survivor.settled(settlements),
        back,
        absorbed.move(
            PointsTakenBack, transfer_id=brought.transfer_id, from_member_id=survivor.member_id, parts=taken, debt=debt,
            reason=reason,
        ),
        *tier_move(survivor, policy, version, at, lost, without=brought.transfer_id),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Claw:
    """What a return takes from an absorbed account, and what of it is to be found with the survivor."""

    absorbed: UUID
    survivor: UUID
    purchase_id: UUID
    purchased_at: datetime
    granted_by: int
    """The version that granted the points: it also says what becomes of those that are not there any more."""
    parts: Sequence[Taken]
    """By lot, as it was in the absorbed account."""
    lost: Sequence[Credit]
    """Below zero: what the purchase no longer counts for."""
    bonuses: Sequence[BonusUse]
    """Taken back whole."""


def revoke_received(
    survivor: PointsAccount, claw: Claw, *, at: datetime, granted: Policy, judge: tuple[int, Policy]
) -> list[Draft]:
    """A return of a purchase of an absorbed account takes its points from the lots that they are in now, then as `granted` says.

    Where this account was absorbed as well, the rest goes on.
    """
    version, rules = judge
    reach, settlements = survivor.reach(at)
    goes_on = survivor.merged_into is not None
    parts, rest = taken_from_received(reach, survivor, claw.parts, absorbed=claw.absorbed, at=at)
    lost = 0 if goes_on else total(rest)
    if granted.returns == "next_lots_then_debt" and lost:
        others = reach.take(lost, at=at)
        parts += others
        lost -= total(others)
    forgiven = lost if granted.returns == "clamp_to_zero" else 0
    qualifying = [
        credit_of(survivor, rules, one)
        for one in claw.lost
        if not rules.tiers.by_calendar or survivor.period(rules, at) <= survivor.period(rules, one["at"])
    ]
    revoked = survivor.move(
        ReceivedRevoked, from_member_id=claw.absorbed, purchase_id=claw.purchase_id, parts=parts, debt=lost - forgiven,
        forgiven=forgiven, forwarded=rest if goes_on else (), qualifying=qualifying, bonuses=claw.bonuses,
    )  # fmt: skip
    return [
        *survivor.settled(settlements),
        revoked,
        *tier_move(survivor, rules, version, at, list(map(of_fact, qualifying))),
    ]


def taken_from_received(
    reach: Reach, survivor: PointsAccount, wanted: Sequence[Taken], *, absorbed: UUID, at: datetime
) -> tuple[list[Taken], list[Taken]]:
    """What of some points of an absorbed account, by lot as they were there, is free here; and what is missing.

    What is missing is told by the lots here, as those that another merge moved on know them by these.
    """
    parts: list[Taken] = []
    missing: list[Taken] = []
    for part in wanted:
        left = part["points"]
        here = [lot for lot, origin in _brought(survivor, absorbed) if origin == part["lot_id"]]
        for lot in here:
            took = reach.take_from(lot, left, at=at)
            if took:
                parts.append(Taken(lot_id=lot.id, points=took))
                left -= took
        for lot in here[:-1]:
            if moved_on := min(left, lot.sent):
                missing.append(Taken(lot_id=lot.id, points=moved_on))
                left -= moved_on
        if left:
            missing.append(Taken(lot_id=here[-1].id if here else part["lot_id"], points=left))
    return parts, missing


def _send(
    sender: PointsAccount, receiver: PointsAccount, parts: Sequence[Taken], *, at: datetime, transfer_id: UUID,
    cause: str, reason: str | None, debt: int = 0, credited: Sequence[Credit] = (), bonuses: Sequence[BonusUse] = (),
) -> list[Draft]:  # fmt: skip
    """Sent here and received there, in facts that are not too long; the debt with the first of them."""
    drafts = []
    for some, credits_, uses in zip_longest(_chunks(parts), _chunks(credited), _chunks(bonuses), fillvalue=()):
        drafts.append(
            sender.move(
                PointsSent, transfer_id=transfer_id, to_member_id=receiver.member_id, cause=cause, parts=some, debt=debt,
                reason=reason,
            )
        )  # fmt: skip
        lots = [_received(sender.lots[part["lot_id"]], part["points"], transfer_id, at) for part in some]
        drafts.append(
            receiver.move(
                PointsReceived, transfer_id=transfer_id, from_member_id=sender.member_id, cause=cause, lots=lots,
                debt=debt, qualifying=credits_, bonuses=uses, reason=reason,
            )
        )  # fmt: skip
        debt = 0
    return drafts


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)] or [()]


def _received(lot: Lot, points: int, transfer_id: UUID, at: datetime) -> GivenLot:
    """Nobody can spend it there before it has come."""
    given = GivenLot(
        lot_id=uuid5(transfer_id, str(lot.id)), points=points, earned_at=lot.earned_at,
        active_from=max(lot.active_from, at), from_lot=lot.id,
    )  # fmt: skip
    if lot.purchased:
        given["purchased"] = True
    if lot.expires_at is not None:
        given["expires_at"] = lot.expires_at
    return given


def _brought(survivor: PointsAccount, member_id: UUID) -> Iterable[tuple[Lot, UUID]]:
    """The lots that merges brought from a member, each with the lot that it was."""
    for lot_id, (origin, sender) in survivor.received.items():
        lot = survivor.lots[lot_id]
        if sender == member_id and lot.part == "merge":
            yield lot, origin


def _credits(absorbed: PointsAccount, survivor: PointsAccount, policy: Policy) -> list[Credit]:
    """The qualifying credits of an account, dated as they were, in the periods of the survivor."""
    others = (one for other in absorbed.absorbed.values() for one in other.credits)
    credited = (*(one.credit() for one in absorbed.credited.values()), *absorbed.dated, *others)
    return [
        credit_of(survivor, policy, one)
        for one in credited
        if one["points"] or one.get("spend_minor") or one.get("visits")
    ]


def _refuse_open_holds(account: PointsAccount, at: datetime) -> None:
    assert account.member_id is not None, "the account is open"
    holds = tuple(hold.id for hold in account.holds.values() if hold.open(at))
    if holds:
        raise HoldsOpen(member_id=account.member_id, holds=holds)
