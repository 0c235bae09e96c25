"""History: the accounts as the recorded facts tell them, and what a replay of them must come to."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from domain.due import all_brought_about
from domain.points_account import PointsAccount
from domain.programme import Programme, ProgrammePublished, programme_id
from domain.purchase import Purchase
from projections.whatif.plain import KINDS, Sold
from projections.whatif.world import AS_RECORDED, Tap, World


class Difference(NamedTuple):
    """A field of an account that a replay brought to something else than what is recorded."""

    member_id: UUID | None
    field: str
    recorded: Any
    replayed: Any


class History:
    """What is recorded, folded as it stands."""

    def __init__(self, programme: str, tap: Tap) -> None:
        self.world = World(programme, (), tap)
        self._tap = tap

    def tell(self, transaction: Sequence[Any]) -> None:
        """The facts of one command, in their order."""
        evolvers = PointsAccount.evolvers
        for fact in transaction:
            kind = type(fact)
            if kind is Sold:  # nobody asks history for its purchases
                continue
            kind = KINDS.get(kind, kind)
            if kind in evolvers:
                account = self.world.get(PointsAccount, fact.originator_id)
                assert fact.originator_version > account.version, (
                    "facts of a stream come in order; some may be left out"
                )
                evolvers[kind](account, fact)
                account.version += 1
                self._tap(kind, fact)
            elif AS_RECORDED.get(kind, Purchase) is not Purchase:
                self.world.take_over(kind, fact)
            elif isinstance(fact, ProgrammePublished) and fact.originator_id == self.world.programme.id:
                self.world.get(Programme, programme_id(fact.programme)).versions.append(fact.policy)

    def bring_about(self, account: PointsAccount, now: Any) -> None:
        """What time has brought about by an instant, recorded or not."""
        self.world.happen(all_brought_about(account, self.world.programme, now), now)


def accounts_of(world: World) -> Iterator[PointsAccount]:
    """All that were opened."""
    return (one for one in world.streams.values() if isinstance(one, PointsAccount) and one.exists)


def differences(recorded: World, replayed: World) -> Iterator[Difference]:
    """Account by account, field by field: lots, holds, debt, redemptions, what qualifies, tier."""
    for account in accounts_of(recorded):
        ours, theirs = vars(account), vars(replayed.get(PointsAccount, account.id))
        for field, value in ours.items():
            if theirs[field] != value:
                yield Difference(account.member_id, field, value, theirs[field])
    for account in accounts_of(replayed):
        if not recorded.get(PointsAccount, account.id).exists:
            yield Difference(account.member_id, "account", None, account.id)
