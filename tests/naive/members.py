"""What staff does, and what moves points between members: adjustments, waivers, transfers, merges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from tests.naive.books import Account, Id, Lot, Refused, operation
from tests.naive.purchases import Purchases
from tests.naive.rules import Rules


@dataclass
class Merge:
    """One member's points and debt that went to another, until undone."""

    source: Id
    survivor: Id
    lots: list[Lot]
    debt: int


class Members(Purchases):
    """What happens to an account as a whole."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.merges: list[Merge] = []

    @operation
    def join(self, member: Id, at: datetime) -> None:
        """Once; a repeat changes nothing."""
        self.accounts.setdefault(member, Account(member, at))
        self.open(member, at)

    @operation
    def close(self, member: Id, at: datetime) -> None:
        """Ends earning and everything that a member does; what unwinds goes on, debt and points stay on record."""
        self.open_own(member, at).closed_at = at

    @operation
    def adjust(
        self,
        member: Id,
        points: int,
        at: datetime,
        allow_debt: bool = False,
        expires_at: datetime | None = None,
        lot: UUID | None = None,
        qualifying: int = 0,
    ) -> dict[str, int]:
        """More points are a lot of their own, active at once; fewer are taken in spend order. `lot` is its id."""
        account = self.open_own(member, at)
        account.adjusted_qualifying += qualifying
        if points >= 0:
            self.new_lot(account, lot, points, at, expires_at)
            return {"issued": points}
        shares = self.take(self.available(account, at), -points) if allow_debt else self.covered(account, -points, at)
        revoked = self.revoke(shares, at)
        account.owe(at, "raised", -points - revoked)
        return {"revoked": revoked, "debt": -points - revoked}

    @operation
    def opening(
        self, member: Id, at: datetime, lots: Sequence[tuple[int, datetime | None]], ids: Sequence[UUID] = ()
    ) -> dict[str, int]:
        """Points brought along from elsewhere: (points, expires_at) by lot."""
        account = self.open_own(member, at)
        for number, (points, expires_at) in enumerate(lots):
            self.new_lot(account, ids[number] if ids else None, points, at, expires_at)
        return {"issued": sum(points for points, _ in lots)}

    def new_lot(
        self, account: Account, lot: UUID | None, points: int, at: datetime, expires_at: datetime | None
    ) -> None:
        name = lot or uuid5(NAMESPACE_OID, f"{account.member}/{at}/{len(account.lots)}")
        new = Lot(name, account.member, at, at, expires_at)
        new.move(at, "in", points)
        account.lots.append(new)

    @operation
    def waive(self, member: Id, points: int, at: datetime) -> dict[str, int]:
        """As much of the open debt as there is, up to `points`."""
        account = self.open(member, at)
        if account.member != member:
            raise Refused("member-merged")
        if account.debt == 0:
            raise Refused("no-debt")
        waived = min(points, account.debt)
        account.owe(at, "waived", waived)
        return {"waived": waived}

    @operation
    def transfer(self, transfer: UUID, source: Id, target: Id, points: int, at: datetime) -> None:
        """Available points past the return window, in spend order; a lot each, with the same expiry and origin."""
        if source == target:
            raise Refused("transfer-to-oneself")
        sender, receiver = self.open_own(source, at), self.open_own(target, at)
        movable = [
            share
            for share in self.available(sender, at)
            if not share.lot.purchased or self.rules.past_return_window(share.lot.earned_at, at)
        ]
        if sum(share.points for share in movable) < points:
            raise Refused("insufficient-points")
        for share in self.take(movable, points):
            self.send(share.lot, receiver, share.points, at, transfer)

    @operation
    def merge(self, source: Id, survivor: Id, at: datetime, merge: UUID | None = None) -> None:
        """All that is free goes along, but for what has lapsed, and all debt; the merged member answers no more."""
        if source == survivor:
            raise Refused("transfer-to-oneself")
        gone, stays = self.open_own(source, at), self.open_own(survivor, at)
        if any(self.held(lot, at) for lot in gone.lots):
            raise Refused("holds-open")
        name = merge or uuid5(NAMESPACE_OID, f"{source}/{survivor}/{at}")
        alive = [lot for lot in gone.lots if lot.state(at) != "expired"]
        lots = [self.send(lot, stays, lot.free, at, name) for lot in alive]
        for lot, successor in zip(alive, lots, strict=True):
            lot.successors.append(successor)
        self.merges.append(Merge(source, survivor, lots, gone.debt))
        self.move_debt(gone, stays, gone.debt, at)
        stays.bonus_days |= gone.bonus_days
        gone.merged_into = survivor

    @operation
    def unmerge(self, source: Id, survivor: Id, at: datetime, unmerge: UUID | None = None) -> None:
        """What is left of the lots and of the debt that came along goes back; all later facts stay."""
        stays = self.open_own(survivor, at)
        if source not in self.accounts or self.accounts[source].merged_into != survivor:
            raise Refused("not-merged")
        merge = next(merge for merge in reversed(self.merges) if merge.source == source)
        back = self.accounts[source]
        back.merged_into = None
        self.touched.append((back, at))
        name = unmerge or uuid5(NAMESPACE_OID, f"{source}/{survivor}/{at}/back")
        for lot in merge.lots:
            lot.successors.append(self.send(lot, back, self.unheld(lot, at), at, name))
        self.move_debt(stays, back, min(merge.debt, stays.debt), at)

    def send(self, lot: Lot, receiver: Account, points: int, at: datetime, cause: UUID) -> Lot:
        """A new lot, there from now on, which is otherwise like the old one."""
        new = Lot(
            uuid5(cause, str(lot.id)),
            receiver.member,
            lot.earned_at,
            max(lot.active_from, at),
            lot.expires_at,
            purchased=lot.purchased,
            received=True,
        )
        lot.move(at, "sent", points)
        new.move(at, "in", points)
        receiver.lots.append(new)
        return new

    def move_debt(self, source: Account, target: Account, points: int, at: datetime) -> None:
        source.owe(at, "cancelled", points)
        target.owe(at, "raised", points)
