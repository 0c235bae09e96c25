"""Holds, redemptions and their reversal."""

from datetime import datetime

from tests.naive.books import Account, Books, Hold, Id, Lot, Redemption, Refused, Share, operation


class Spending(Books):
    """What takes points for good or for a while, and what gives them back."""

    @operation
    def hold(self, hold: Id, member: Id, points: int, at: datetime, until: datetime) -> None:
        account = self.open_own(member, at)
        self.holds[hold] = Hold(hold, member, at, until, self.covered(account, points, at))

    @operation
    def capture(self, hold: Id, points: int, at: datetime) -> dict[str, int]:
        """The hold becomes a redemption of the same id; what is not captured is released."""
        held = self.open_hold(hold)
        if at >= held.until:
            raise Refused("capture-after-timeout")
        if points > held.points:
            raise Refused("more-than-held")
        spent = self.redemptions[hold] = Redemption(held.member)
        self.spend_held(self.open(held.member, at), held, points, at, spent)
        return {"spent": points - spent.debt, "debt": spent.debt}

    @operation
    def release(self, hold: Id, at: datetime) -> None:
        held = self.open_hold(hold)
        if at >= held.until:
            raise Refused("hold-ended-before")
        self.open(held.member, at)
        held.ended = at

    @operation
    def redeem(self, redemption: Id, member: Id, points: int, at: datetime, offline: bool = False) -> dict[str, int]:
        account = self.open_own(member, at)
        if not offline:
            self.covered(account, points, at)
        spent = self.redemptions[redemption] = Redemption(member)
        self.spend(account, points, at, spent)
        return {"spent": points - spent.debt, "debt": spent.debt}

    @operation
    def reverse(self, redemption: Id, points: int | None, at: datetime) -> dict[str, int]:
        """All of what was not reversed before, if `points` is None."""
        if redemption not in self.redemptions:
            raise Refused("unknown-redemption")
        spent = self.redemptions[redemption]
        if spent.points == 0:
            raise Refused("redemption-reversed-before")
        if points is not None and points > spent.points:
            raise Refused("more-than-redeemed")
        return self.give_back_spent(spent, spent.points if points is None else points, at)

    def open_hold(self, hold: Id) -> Hold:
        if hold not in self.holds:
            raise Refused("unknown-hold")
        if self.holds[hold].ended is not None:
            raise Refused("hold-ended-before")
        return self.holds[hold]

    def covered(self, account: Account, points: int, at: datetime) -> list[Share]:
        """Exactly so many available points, or a refusal."""
        shares = self.take(self.available(account, at), points)
        if sum(share.points for share in shares) < points:
            raise Refused("insufficient-points")
        return shares

    def spend(self, account: Account, points: int, at: datetime, spent: Redemption) -> None:
        """Available points in spend order; what is missing becomes debt."""
        for share in self.take(self.available(account, at), points):
            self.spend_share(share, at, spent)
            points -= share.points
        self.spend_on_debt(account, points, at, spent)

    def spend_held(self, account: Account, hold: Hold, points: int, at: datetime, spent: Redemption) -> None:
        """In the order of allocation; what the lots no longer have, nor others do not hold, becomes debt."""
        hold.ended = at
        for share in self.take(hold.shares, points):
            still = min(share.points, self.unheld(share.lot, at))
            self.spend_share(Share(share.lot, still), at, spent)
            self.spend_on_debt(account, share.points - still, at, spent)

    def spend_share(self, share: Share, at: datetime, spent: Redemption) -> None:
        share.lot.move(at, "spent", share.points)
        spent.shares.append(share)

    def spend_on_debt(self, account: Account, points: int, at: datetime, spent: Redemption) -> None:
        account.owe(at, "raised", points)
        spent.debt += points

    def give_back_spent(self, spent: Redemption, points: int, at: datetime) -> dict[str, int]:
        """What became debt first, for it was allocated last; then to the lots, in the reverse order of allocation."""
        account = self.open(spent.member, at)
        owed = min(points, spent.debt)
        cancelled = min(owed, account.debt)
        account.owe(at, "cancelled", cancelled)
        unsettled = self.unsettle(spent, owed - cancelled, at)
        spent.debt -= owed
        back = self.take(spent.shares[::-1], points - owed)
        for share in back:
            share.lot.move(at, "spent", -share.points)
            self.hand_on(share.lot, share.points, at)
            self.reduce(spent, share)
        return {
            "restored": sum(share.points for share in back),
            "lapsed": sum(share.points for share in back if share.lot.state(at) == "expired"),
            "cancelled": cancelled,
            "unsettled": unsettled,
            "waived": owed - cancelled - unsettled,
        }

    def reduce(self, spent: Redemption, back: Share) -> None:
        left = back.points
        for share in spent.shares[::-1]:
            if share.lot is back.lot:
                part = min(left, share.points)
                share.points -= part
                left -= part

    def unsettle(self, spent: Redemption, points: int, at: datetime) -> int:
        """Lots that paid debt get it back, the latest settlement first, and that debt is cancelled instead.

        Of a member who was merged: those of the survivor, of the one before it, and so on, then its own.
        """
        asked = points
        for payer in reversed(self.way(spent.member)):
            for settlement in payer.settlements[::-1]:
                part = min(points, settlement.share.points)
                settlement.share.points -= part
                settlement.share.lot.move(at, "settled", -part)
                payer.owe(at, "settled", -part)
                payer.owe(at, "cancelled", part)
                self.hand_on(settlement.share.lot, part, at)
                points -= part
        return asked - points

    def hand_on(self, lot: Lot, points: int, at: datetime) -> None:
        """Points that come back to a lot of a merged member go where its other points went, unless they have lapsed."""
        if self.accounts[lot.member].merged_into is not None and lot.state(at) != "expired":
            successor = lot.successors[-1]
            lot.move(at, "sent", points)
            successor.move(at, "in", points)
            self.hand_on(successor, points, at)
