"""Purchases, returns and voids: what they earn, what points pay of them, and what is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil

from tests.naive.books import Account, Id, Lot, Redemption, Refused, Share, operation
from tests.naive.earning import Line, clawed, earned, set_against
from tests.naive.rules import Rules
from tests.naive.spending import Spending

Returned = Sequence[tuple[str, int, int]]  # line id, quantity, amount in minor units


@dataclass
class Part:
    """What one part of a purchase granted, and how much of that was taken back: revoked, owed or forgiven."""

    granted: int
    residue: Fraction
    lot: Lot | None
    clawed: int = 0


@dataclass
class Purchase:
    """A receipt, and what came back of it (minor units and quantities by line, in their order)."""

    id: Id
    member: Id
    at: datetime
    lines: list[Line]
    by_points: list[int]
    tender: Redemption
    tendered: int
    returned: list[int]
    returned_quantity: list[int]
    parts: dict[str, Part] = field(default_factory=dict)
    voided: bool = False

    @property
    def restored(self) -> int:
        return self.tendered - self.tender.points


class Purchases(Spending):
    """What tills do."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.purchases: dict[Id, Purchase] = {}
        self.waiting: dict[Id, list[tuple[datetime, Returned | None]]] = {}  # None: a void

    @operation
    def purchase(
        self,
        purchase: Id,
        member: Id,
        at: datetime,
        lines: Sequence[Line | tuple[str, int, str]],
        points_minor: int = 0,
        holds: Sequence[Id] = (),
        store: Id = "1",
    ) -> dict[str, int]:
        """Points pay first, then the rest earns. Never refused for its points; `earned` by part is the answer."""
        account = self.open(member, at)
        if purchase in self.purchases:
            return {name: part.granted for name, part in self.purchases[purchase].parts.items()}
        sold = [Line(*line) for line in lines]
        tendered = ceil(Fraction(points_minor, self.rules.minor_per_point))
        bought = self.purchases[purchase] = Purchase(
            purchase,
            account.member,
            at,
            sold,
            set_against(self.rules, sold, points_minor),
            self.pay(account, tendered, holds, at),
            tendered,
            [0] * len(sold),
            [0] * len(sold),
        )
        if not account.closed(at):
            self.grant(account, bought, store)
        for returned_at, returned in self.waiting.pop(purchase, []):
            self.match(bought, returned_at, returned)
        return {name: part.granted for name, part in bought.parts.items()}

    @operation
    def give_back(self, purchase: Id, at: datetime, lines: Returned, strictly: bool = True) -> dict[str, int]:
        """`strictly`, as over HTTP: too much is refused. Else, as over Kafka: capped, and early returns wait."""
        if purchase not in self.purchases:
            return self.wait(purchase, at, lines, strictly)
        return self.bring_back(self.purchases[purchase], at, lines, strictly)

    @operation
    def void(self, purchase: Id, at: datetime, strictly: bool = True) -> dict[str, int]:
        if purchase not in self.purchases:
            return self.wait(purchase, at, None, strictly)
        return self.bring_back_all(self.purchases[purchase], at)

    def wait(self, purchase: Id, at: datetime, lines: Returned | None, strictly: bool) -> dict[str, int]:
        if strictly:
            raise Refused("unknown-purchase")
        self.waiting.setdefault(purchase, []).append((at, lines))
        return {"waiting": 1}

    def match(self, bought: Purchase, at: datetime, lines: Returned | None) -> None:
        """What came before its purchase; if it makes no sense, that is no reason to refuse the purchase."""
        if lines is None:
            self.bring_back_all(bought, at)
        elif not bought.voided and {line for line, _, _ in lines} <= {line.id for line in bought.lines}:
            self.bring_back(bought, at, lines, strictly=False)

    def pay(self, account: Account, points: int, holds: Sequence[Id], at: datetime) -> Redemption:
        """The holds that are named and still good, as far as needed; then what is available; then debt."""
        tender = Redemption(account.member)
        for name in holds:
            hold = self.holds.get(name)
            if hold and self.follow(hold.member) is account and hold.ended is None and at < hold.until:
                self.spend_held(account, hold, min(hold.points, points - tender.points), at, tender)
        self.spend(account, points - tender.points, at, tender)
        return tender

    def grant(self, account: Account, bought: Purchase, store: Id) -> None:
        """One lot a part, floored once."""
        day = self.rules.local_day(bought.at)
        used = {(name, where, when) for name, where, when, _ in account.bonus_days}
        for name, exact in earned(self.rules, bought.lines, bought.by_points, bought.returned).items():
            points = int(exact)
            if points and name in {bonus.id for bonus in self.rules.bonuses}:
                if (name, store, day) in used:
                    points = 0
                else:
                    account.bonus_days.add((name, store, day, bought.id))
            lot = self.lot_of(account, bought, name, points) if points else None
            bought.parts[name] = Part(points, exact - int(exact), lot)

    def lot_of(self, account: Account, bought: Purchase, part: str, points: int) -> Lot:
        lot = Lot(
            self.rules.lot_id(bought.id, part),
            account.member,
            bought.at,
            self.rules.active_from(bought.at),
            self.rules.expires_at(bought.at, account.joined_at),
            purchased=True,
        )
        lot.move(bought.at, "in", points)
        account.lots.append(lot)
        return lot

    def bring_back(self, bought: Purchase, at: datetime, lines: Returned, strictly: bool) -> dict[str, int]:
        if bought.voided:
            raise Refused("purchase-voided-before")
        numbers = {line.id: number for number, line in enumerate(bought.lines)}
        if any(line not in numbers for line, _, _ in lines):
            raise Refused("unknown-line")
        excess = 0
        for line, quantity, amount in lines:
            number = numbers[line]
            quantity_left = bought.lines[number].quantity - bought.returned_quantity[number]
            amount_left = bought.lines[number].paid_minor - bought.returned[number]
            if strictly and (quantity > quantity_left or amount > amount_left):
                raise Refused("over-return")
            bought.returned_quantity[number] += min(quantity, quantity_left)
            bought.returned[number] += min(amount, amount_left)
            excess += max(0, amount - amount_left)
        return self.take_back(bought, at) | {"excess_minor": excess}

    def bring_back_all(self, bought: Purchase, at: datetime) -> dict[str, int]:
        """Also after returns; twice is a repeat."""
        bought.voided = True
        bought.returned = [line.paid_minor for line in bought.lines]
        bought.returned_quantity = [line.quantity for line in bought.lines]
        return self.take_back(bought, at)

    def take_back(self, bought: Purchase, at: datetime) -> dict[str, int]:
        """Give back what points paid of what came back, which pays debt; then take what the rest no longer earns."""
        account = self.open(bought.member, at)
        answer = self.give_back_spent(bought.tender, self.to_restore(bought) - bought.restored, at)
        self.settle(account, at)
        answer |= {"revoked": 0, "debt": 0, "forgiven": 0}
        now = earned(self.rules, bought.lines, bought.by_points, bought.returned)
        for name, part in bought.parts.items():
            points = clawed(granted=part.granted, earns_now=int(now[name]), before=part.clawed)
            part.clawed += points
            for where, moved in self.claw(account, part, points, at).items():
                answer[where] += moved
        taken_back = {name for name, part in bought.parts.items() if part.granted and part.clawed == part.granted}
        for one in self.accounts.values():
            one.bonus_days = {use for use in one.bonus_days if use[3] != bought.id or use[0] not in taken_back}
        return answer

    def to_restore(self, bought: Purchase) -> int:
        """Of all points that paid, so many belong to what came back so far: each line's part, rounded down once."""
        by_points = sum(bought.by_points)
        return int(
            sum(
                Fraction(bought.tendered * points, by_points) * Fraction(gone, line.paid_minor)
                for line, points, gone in zip(bought.lines, bought.by_points, bought.returned, strict=True)
                if points
            )
        )

    def claw(self, account: Account, part: Part, points: int, at: datetime) -> dict[str, int]:
        """The lot's own points that nobody holds, whatever their state; the rest as the policy says."""
        own = [Share(lot, self.unheld(lot, at)) for lot in self.generations(part.lot)]
        revoked = self.revoke(self.take(own, points), at)
        if self.rules.claw == "next_lots_then_debt":
            revoked += self.revoke(self.take(self.available(account, at), points - revoked), at)
        if self.rules.claw == "clamp_to_zero":
            return {"revoked": revoked, "forgiven": points - revoked}
        account.owe(at, "raised", points - revoked)
        return {"revoked": revoked, "debt": points - revoked}

    def revoke(self, shares: list[Share], at: datetime) -> int:
        for share in shares:
            share.lot.move(at, "revoked", share.points)
        return sum(share.points for share in shares)

    def generations(self, lot: Lot | None) -> list[Lot]:
        """A lot and what merges made of it."""
        if lot is None:
            return []
        return [lot, *(later for successor in lot.successors for later in self.generations(successor))]
