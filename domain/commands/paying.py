"""The part of a purchase that was paid by points: taken when it is recorded, given back when goods go back."""

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID, uuid5

from domain import redeeming
from domain.command import Command, Decision, Streams, Wanted
from domain.commands.redemptions import SettleDebt, grace_until, survivors_of
from domain.crediting import restored
from domain.lots import Hold
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.purchase import Purchase, PurchaseReturned, PurchaseVoided, paid_by_points
from domain.sale import Sale
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class PayByPoints(Command):
    """When a purchase was paid by points in part, then they are spent: those that were held for it first.

    The till gave the goods away, so nothing is refused: what the account cannot cover is owed.
    """

    scope = "points-tender"

    account: UUID
    purchase_id: UUID
    amount_minor: int
    """What is still to be paid by points."""
    points: int
    """With how many points: a fraction is rounded up once, for all of them."""
    holds: list[UUID]

    @classmethod
    def of(cls, cause: Command, *, sale: Sale, account: PointsAccount, holds: list[UUID], policy: Policy) -> Self:
        cash = policy.points_as_cash
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=sale.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            account=account.id,
            purchase_id=sale.purchase_id,
            amount_minor=sale.points_minor,
            points=0 if cash is None else redeeming.points_for(cash, sale.points_minor),
            holds=holds,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """One hold at a time, then the rest at once. A hold that is not there any more is passed over."""
        account = streams.get(PointsAccount, self.account)
        if not self.holds:
            return Decision(self._redeem(account) if self.points else [])
        first, *others = self.holds
        held = account.holds.get(first)
        if held is None or held.ended is not None or self.occurred_at >= held.until:
            return Decision([], [replace(self, holds=others)])
        if not self.points:
            released = redeeming.release(account, hold_id=first, at=self.occurred_at)
            return Decision(released, [replace(self, holds=others)])
        return self._capture(account, held, others)

    def _capture(self, account: PointsAccount, held: Hold, others: list[UUID]) -> Decision:
        points = min(held.points, self.points)
        pays = self.amount_minor * points // self.points
        drafts = redeeming.capture(
            account,
            hold_id=held.id,
            points=points,
            at=self.occurred_at,
            amount_minor=pays,
            purchase_id=self.purchase_id,
        )
        rest = replace(self, amount_minor=self.amount_minor - pays, points=self.points - points, holds=others)
        return Decision(drafts, [rest])

    def _redeem(self, account: PointsAccount) -> list[Draft]:
        return redeeming.redeem(
            account, redemption_id=uuid5(self.purchase_id, "points"), points=self.points, at=self.occurred_at,
            offline=True, amount_minor=self.amount_minor, purchase_id=self.purchase_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBackPoints(Command):
    """When goods that points had paid for went back, then their share of the points comes back, unless paid back as money."""

    scope = "points-refund"

    purchase_id: UUID
    number: int
    most: int | None = None
    """How many points may come back; the rest of what is due was paid back as money."""

    @classmethod
    def of(cls, cause: Command, *, purchase_id: UUID, number: int) -> Self:
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=cause.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            purchase_id=purchase_id,
            number=number,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """One redemption at a time, the latest first."""
        purchase = streams.get(Purchase, self.purchase_id)
        assert purchase.member_id is not None, "only a credited purchase was paid by points"
        account = streams.get(PointsAccount, account_id(purchase.member_id))
        spent = [one for one in account.redemptions.values() if one.purchase_id == self.purchase_id]
        back, remaining, _ = purchase.backs[self.number]
        points = sum(one.points for one in spent)
        so_far = restored(remaining, account.credited[self.purchase_id], purchase.sale().lines, points)
        due = so_far - sum(one.reversed for one in spent)
        if due <= 0:
            return Decision([])
        last = next(one for one in reversed(spent) if one.reversed < one.points)
        share = min(due, last.points - last.reversed)
        policy = streams.programme.versions[account.credited[self.purchase_id].version - 1]
        most = _most(policy, back) if self.most is None else self.most
        comes_back = share if most is None else min(share, most)
        drafts = redeeming.bring_back(
            account, last, comes_back, at=self.occurred_at,
            grace_until=grace_until(streams, max(self.occurred_at, last.at)),
            survivors=survivors_of(streams, account), purchase_id=self.purchase_id, refused_in_cash=share - comes_back,
        )  # fmt: skip
        rest = replace(self, most=None if most is None else most - comes_back)
        forwarding = [SettleDebt.after(self, account)] if account.merged_into else []
        return Decision(drafts, [*([rest] if share < due else ()), *forwarding])


def _most(policy: Policy, back: PurchaseReturned | PurchaseVoided) -> int | None:
    """What the till says that it paid back as points, at the rate of the purchase; it need not say how it paid back."""
    if isinstance(back, PurchaseVoided) or back.tenders is None:
        return None
    cash = policy.points_as_cash
    return 0 if cash is None else redeeming.points_for(cash, paid_by_points(back.tenders))
