"""The naive ledger as a whole: what it is asked, and what must hold whatever happened."""

import copy
from collections import Counter
from datetime import datetime

from tests.naive.books import Account, Id, Lot, total
from tests.naive.members import Members

OUT = ("spent", "settled", "revoked", "sent")
HERE = ("pending", "available", "held", "expired")


class Ledger(Members):
    """Told operations in the order of their arrival; asked for balances at any instant from the latest of them on."""

    def balance(self, member: Id, as_of: datetime) -> dict[str, int]:
        """As now known: what has arrived, and the clock at `as_of`, which no business time may lie after."""
        return self.balances(as_of)[member]

    def balances(self, as_of: datetime) -> dict[Id, dict[str, int]]:
        """Of every member, once conservation was checked."""
        books = self.at(as_of)
        books.check_all(as_of)
        return {
            member: books.buckets(account, as_of) | {"debt": account.debt} for member, account in books.accounts.items()
        }

    def qualifying(self, member: Id) -> int:
        """Base points less what returns took of them, and what staff added; a merged member's count for its survivor."""
        account = self.accounts[member]
        bases = [
            bought.parts["base"]
            for bought in self.purchases.values()
            if self.follow(bought.member) is account and bought.parts
        ]
        family = [one for one in self.accounts.values() if self.follow(one.member) is account]
        return sum(part.granted - part.clawed for part in bases) + sum(one.adjusted_qualifying for one in family)

    def at(self, as_of: datetime) -> "Ledger":
        """A copy in which the clock says `as_of`."""
        assert as_of >= self.latest, "the model does not look back"
        books = copy.deepcopy(self)
        for account in books.accounts.values():
            books.settle(account, as_of)
        return books

    def buckets(self, account: Account, at: datetime) -> dict[str, int]:
        sums = Counter(dict.fromkeys(("issued", "received", *HERE, *OUT), 0))
        for lot in account.lots:
            sums["received" if lot.received else "issued"] += lot.points
            sums.update(self.whereabouts(lot, at))
        return dict(sums)

    def whereabouts(self, lot: Lot, at: datetime) -> dict[str, int]:
        """Where the points of a lot are; each is in one place."""
        held = self.held(lot, at)
        sums = {bucket: total(lot.moves, bucket) for bucket in OUT} | dict.fromkeys(HERE, 0)
        sums["held"] = held
        sums[lot.state(at)] = lot.free - held
        return sums

    def check(self, as_of: datetime | None = None) -> None:
        """Conservation per lot, member and programme at an instant (default: the latest business time)."""
        at = as_of or self.latest
        self.at(at).check_all(at)

    def check_all(self, at: datetime) -> None:
        for account in self.accounts.values():
            self.check_account(account, at)
        lots = [lot for account in self.accounts.values() for lot in account.lots]
        sums = Counter({bucket: sum(total(lot.moves, bucket) for lot in lots) for bucket in OUT})
        assert sum(lot.points for lot in lots if lot.received) == sums["sent"]
        tenders = [bought.tender for bought in self.purchases.values()]
        spent = [share.points for one in [*self.redemptions.values(), *tenders] for share in one.shares]
        assert sum(spent) == sums["spent"]
        for bought in self.purchases.values():
            assert all(0 <= part.clawed <= part.granted for part in bought.parts.values())

    def check_account(self, account: Account, at: datetime) -> None:
        for lot in account.lots:
            places = self.whereabouts(lot, at)
            assert min(places.values()) >= 0, (lot, places)
            assert sum(places.values()) == lot.points
        sums = self.buckets(account, at)
        assert sums["issued"] + sums["received"] == sum(sums[place] for place in (*HERE, *OUT))
        assert account.debt >= 0
        assert not (account.debt and sums["available"])
        assert total(account.debts, "settled") == sums["settled"]
        assert sum(one.share.points for one in account.settlements) == sums["settled"]
