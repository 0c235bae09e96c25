"""A replay: each recorded transaction decided once more, by the functions that decided it, under the rules of a world.

What somebody did stands. What followed from it by the rules is left out and follows anew: points, debt, lapses, tiers.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import correcting, moving, redeeming
from domain.batch import BrokenOff
from domain.climbing import tier_move
from domain.commands.clock import CLOCK
from domain.commands.crediting import credit
from domain.commands.granting import RevokeGrant
from domain.commands.redemptions import SettleDebt, grace_until, survivors_of
from domain.commands.returns import ReclaimPoints
from domain.due import all_brought_about
from domain.fact import Fact
from domain.grants import GrantRevoked, PointsGranted
from domain.lots import total
from domain.member import Member, MemberMerged, MemberUnmerged
from domain.movements import (
    AccountClosed,
    AccountOpened,
    DebtSettled,
    DebtWaived,
    HoldReleased,
    HoldTimedOut,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsRedeemed,
    PointsSent,
    RedemptionReversed,
)
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy, Programme, ProgrammePublished, programme_id
from domain.purchase import Purchase, PurchaseReturned, PurchaseVoided
from domain.qualifying import calendar_of, credit_of
from domain.quote import Quoted
from domain.refusals import InsufficientPoints, Refusal
from domain.sale import Sale
from domain.stream import Draft
from domain.tally import Credit
from domain.tier_moves import TierGranted, TierMoved, TierWarned
from projections.whatif.plain import KINDS, Sold
from projections.whatif.world import AS_RECORDED, Tap, World

BY_THE_CLOCK = (HoldTimedOut, DebtSettled, PointsExpired, TierMoved, TierWarned)


class Replay:
    """History told again. Without a proposal the programme changes as it did, and all comes out as it was recorded."""

    def __init__(
        self,
        programme: str,
        tap: Tap,
        *,
        kept: Sequence[Policy] = (),
        proposal: Policy | None = None,
    ) -> None:
        """`kept`: the published versions that a proposal leaves in force until its own time."""
        self.kept = len(kept)
        self.proposal = proposal
        self.world = World(programme, kept if proposal is None else [*kept, proposal], tap)
        self._sold: dict[UUID, Sold] = {}
        """Of the purchases that are told of once, those that are somebody's: they are credited, and then forgotten."""
        self.not_covered: list[int] = []
        """Of redemptions, the points that were not there and are owed instead, beyond what had been owed by the record."""
        self.not_carried_out: Counter[str] = Counter()
        """What could not happen under these rules, by the refusal."""
        self._transaction: Sequence[Any] = ()
        self._told_time: dict[UUID, str] = {}
        self._settling: dict[PointsAccount, datetime] = {}
        """Accounts that settle their debt once the transaction is told, and the time of that."""
        self._judging: dict[PointsAccount, datetime] = {}
        """Accounts whose tier is judged by then."""

    def tell(self, transaction: Sequence[Any]) -> None:
        """The facts of one command, in their order."""
        self._transaction = transaction
        for fact in transaction:
            kind = type(fact)
            if kind is Sold:
                if fact.member_id is not None:
                    self._sold[fact.originator_id] = fact
                continue
            kind = KINDS.get(kind, kind)
            self.world.recorded_at = fact.recorded_at
            if kind in AS_RECORDED:
                self.world.take_over(kind, fact)
            step = STEPS.get(kind)
            if step is not None:
                self._carry_out(step, self, fact)
        for account, at in self._judging.items():
            version, policy = self.world.programme.in_force(at)
            self.world.happen(tier_move(account, policy, version, at), at)
        for account, at in self._settling.items():
            if account.debt or account.merged_into:
                settling = SettleDebt(**_of(transaction[0], at), account=account.id)
                self._carry_out(self.world.carry_out, settling)
        self._judging.clear()
        self._settling.clear()

    def account(self, member_id: UUID) -> PointsAccount:
        return self.world.get(PointsAccount, account_id(member_id))

    def bring_about(self, account: PointsAccount, now: datetime) -> None:
        """Let time bring about in an account what it has by an instant."""
        self.world.happen(all_brought_about(account, self.world.programme, now), now)

    def _carry_out(self, step: Callable[..., object], *what: object) -> None:
        """What is refused does not happen, and is told."""
        try:
            step(*what)
        except Refusal as refusal:
            self.not_carried_out[refusal.name] += 1
        except BrokenOff as broken:
            if not isinstance(broken.__cause__, Refusal):
                raise
            self.not_carried_out[broken.__cause__.name] += 1

    def _as_recorded(self, fact: Any, **otherwise: object) -> PointsAccount:
        """A movement that stands as it was recorded, but for these fields."""
        account = self.account(fact.member_id)
        what = {name: getattr(fact, name) for name in type(fact).model_fields}
        self.world.move(Draft(account, type(fact), {**what, **otherwise}), fact.occurred_at)
        return account

    def _rules(self, quoted: Quoted | None, at: datetime) -> tuple[int, Policy]:
        """Those that were quoted, unless the proposal is in force instead of them; its prices stay what they were."""
        programme = self.world.programme
        if quoted is None or (self.proposal is not None and self.proposal.begins <= at):
            return programme.in_force(at)
        number = quoted["version"] if self.proposal is None else min(quoted["version"], len(programme.versions))
        return number, programme.versions[number - 1]

    def _published(self, fact: ProgrammePublished) -> None:
        if self.proposal is None and fact.originator_id == self.world.programme.id:
            self.world.get(Programme, programme_id(fact.programme)).versions.append(fact.policy)

    def _earned(self, fact: PointsEarned) -> None:
        """A purchase that was credited; whatever of it had gone back by then goes back now."""
        account, sold = self.world.get(PointsAccount, fact.originator_id), self._sold.pop(fact.purchase_id, None)
        if sold is not None:
            self._credit(fact, sold.sale(), account)
        else:
            purchase = self.world.get(Purchase, fact.purchase_id)
            assert purchase.recorded is not None, "only what was recorded was credited"
            self._credit(fact, purchase.sale(), account, quoted=purchase.recorded.quote)
            for number in range(len(purchase.backs)):
                self._reclaim(purchase, number, fact)
        self._settling[account] = fact.occurred_at

    def _credit(self, fact: PointsEarned, sale: Sale, account: PointsAccount, *, quoted: Quoted | None = None) -> None:
        self.world.codes.recorded = iter([part["code"] for part in fact.parts if "code" in part])
        member, rules = self.world.get(Member, fact.member_id), self._rules(quoted, sale.occurred_at)
        drafts = credit(self.world, sale, member, account, rules=rules, quoted=quoted)
        self.world.happen(drafts, sale.occurred_at)

    def _went_back(self, fact: PurchaseReturned | PurchaseVoided) -> None:
        """Of a purchase that nobody was credited for yet it goes back once somebody is."""
        purchase = self.world.get(Purchase, fact.originator_id)
        if purchase.member_id is not None and purchase.id in self.account(purchase.member_id).credited:
            self._reclaim(purchase, len(purchase.backs) - 1, fact)

    def _reclaim(self, purchase: Purchase, number: int, cause: Fact) -> None:
        self.world.carry_out(
            ReclaimPoints(
                **_of(cause, purchase.backs[number].fact.occurred_at), purchase_id=purchase.id, number=number,
                coupons_are_back=True,
            )
        )  # fmt: skip

    def _held(self, fact: PointsHeld) -> None:
        """What is not there to be held is owed, should the hold be captured."""
        at = fact.occurred_at
        self.world.happen(
            redeeming.hold(
                self.account(fact.member_id), hold_id=fact.hold_id, points=fact.points, at=at, until=fact.until,
                amount_minor=fact.amount_minor,
            ),
            at,
        )  # fmt: skip

    def _released(self, fact: HoldReleased) -> None:
        account, at = self.account(fact.member_id), fact.occurred_at
        if fact.hold_id in account.holds:
            self.world.happen(redeeming.release(account, hold_id=fact.hold_id, at=at), at)
            self._settling[account] = at

    def _redeemed(self, fact: PointsRedeemed) -> None:
        """As many points as were redeemed: the goods are gone, so what is not there is owed."""
        account, at = self.account(fact.member_id), fact.occurred_at
        what = {
            "amount_minor": fact.amount_minor, "purchase_id": fact.purchase_id, "reward_id": fact.reward_id,
            "reward_name": fact.reward_name, "reason": fact.reason,
        }  # fmt: skip
        if fact.hold_id in account.holds:
            drafts = redeeming.capture(account, hold_id=fact.hold_id, points=fact.points, at=at, **what)
        else:
            drafts = redeeming.redeem(
                account, redemption_id=fact.redemption_id, points=fact.points, at=at, offline=True, **what
            )
        self.world.happen(drafts, at)
        missing = account.redemptions[fact.redemption_id].debt - fact.debt
        if missing > 0:
            self.not_covered.append(missing)
        self._settling[account] = at

    def _reversed(self, fact: RedemptionReversed) -> None:
        """Where goods went back that points had paid for, they come back with those."""
        if fact.purchase_id is not None:
            return
        account, at = self.account(fact.member_id), fact.occurred_at
        drafts = redeeming.reverse(
            account, redemption_id=fact.redemption_id, points=fact.points, at=at, reason=fact.reason,
            grace_until=grace_until(self.world, at), survivors=survivors_of(self.world, account),
        )  # fmt: skip
        self.world.happen(drafts, at)
        self._settling[account] = at

    def _adjusted(self, fact: PointsAdjusted) -> None:
        """What staff gave is as they gave it, and taken is as much, from what there is; the rest is owed."""
        account, at = self.account(fact.member_id), fact.occurred_at
        version, policy = self.world.programme.in_force(at)
        if fact.lot is None:
            drafts = correcting.take(
                account, points=-fact.points, at=at, allow_debt=True, qualifies=fact.qualifies, reason=fact.reason,
                policy=policy, version=version,
            )  # fmt: skip
            self.world.happen(drafts, at)
        else:
            moved = tier_move(account, policy, version, at, [Credit(at, fact.points)]) if fact.qualifies else []
            self._as_recorded(fact, period=account.period(policy, at), calendar=calendar_of(policy))
            self.world.happen(moved, at)
        self._settling[account] = at

    def _imported(self, fact: OpeningBalanceImported) -> None:
        account, at = self.account(fact.member_id), fact.occurred_at
        _, policy = self.world.programme.in_force(at)
        self._as_recorded(fact, qualifying=[credit_of(account, policy, one) for one in fact.qualifying])
        self._judging[account] = self._settling[account] = at

    def _tier_granted(self, fact: TierGranted) -> None:
        """By an import; what a merge grants follows from it."""
        if fact.transfer_id is None:
            account = self.account(fact.member_id)
            _, policy = self.world.programme.in_force(fact.occurred_at)
            self._as_recorded(fact, period=account.period(policy, fact.occurred_at))

    def _waived(self, fact: DebtWaived) -> None:
        """As much as was waived, of what is owed."""
        account, at = self.account(fact.member_id), fact.occurred_at
        points = min(fact.points, account.owed(account.reach(at)[1]))
        if points:
            self.world.happen(redeeming.waive(account, points=points, at=at, reason=fact.reason), at)
        self._settling[account] = at

    def _sent(self, fact: PointsSent) -> None:
        """A transfer, in its first fact: as many points, or as many of them as there are."""
        sent = [one for one in self._transaction if isinstance(one, PointsSent) and one.cause == "transfer"]
        if not sent or fact is not sent[0]:
            return
        sender, receiver, at = self.account(fact.member_id), self.account(fact.to_member_id), fact.occurred_at
        what: dict[str, Any] = {
            "transfer_id": fact.transfer_id, "at": at, "reason": fact.reason, "policy": self.world.programme.in_force(at)[1]
        }  # fmt: skip
        points = sum(total(one.parts) for one in sent)
        try:
            drafts = moving.transfer(sender, receiver, points=points, **what)
        except InsufficientPoints as refusal:
            self.not_carried_out[refusal.name] += 1
            drafts = moving.transfer(sender, receiver, points=refusal.available, **what) if refusal.available else []
        self.world.happen(drafts, at)
        self._settling |= {sender: at, receiver: at}

    def _merged(self, fact: MemberMerged) -> None:
        survivor, at = self.account(fact.survivor_id), fact.occurred_at
        version, policy = self.world.programme.in_force(at)
        drafts = moving.merge(
            self.account(fact.member_id), survivor, transfer_id=fact.correlation_id, at=at, reason=fact.reason,
            policy=policy, version=version,
        )  # fmt: skip
        self.world.happen(drafts, at)
        self._settling[survivor] = at

    def _unmerged(self, fact: MemberUnmerged) -> None:
        absorbed, survivor, at = self.account(fact.member_id), self.account(fact.survivor_id), fact.occurred_at
        version, policy = self.world.programme.in_force(at)
        drafts = moving.unmerge(absorbed, survivor, at=at, reason=fact.reason, policy=policy, version=version)
        self.world.happen(drafts, at)
        self._settling |= {survivor: at, absorbed: at}

    def _granted(self, fact: PointsGranted) -> None:
        """What was given for a referral or a birthday is as it was given."""
        self._settling[self._as_recorded(fact)] = fact.occurred_at

    def _grant_revoked(self, fact: GrantRevoked) -> None:
        if fact.from_member_id is None:
            what = {"member_id": fact.member_id, "grant_id": fact.grant_id, "reason": fact.reason}
            self.world.carry_out(RevokeGrant(**_of(fact, fact.occurred_at), **what))  # type: ignore[arg-type]

    def _time_told(self, fact: Any) -> None:
        """The clock came by: it names the account and the time by which it did, once for all that it recorded."""
        account = self.account(fact.member_id)
        named, _colon, now = fact.external_id.partition(":")
        if fact.source != CLOCK or named != str(account.id) or self._told_time.get(account.id) == now:
            return
        self._told_time[account.id] = now
        self.bring_about(account, min(datetime.fromisoformat(now), fact.recorded_at))


def _of(cause: Fact, at: datetime) -> dict[str, Any]:
    """What a command that follows has of the one that it follows."""
    return {
        "id": cause.correlation_id, "source": cause.source, "external_id": cause.external_id, "occurred_at": at,
        "actor": cause.actor, "fingerprint": "",
    }  # fmt: skip


STEPS: Mapping[type[Fact], Callable[[Replay, Any], object]] = {
    ProgrammePublished: Replay._published,
    AccountOpened: Replay._as_recorded,
    AccountClosed: Replay._as_recorded,
    PointsEarned: Replay._earned,
    PurchaseReturned: Replay._went_back,
    PurchaseVoided: Replay._went_back,
    PointsHeld: Replay._held,
    HoldReleased: Replay._released,
    PointsRedeemed: Replay._redeemed,
    RedemptionReversed: Replay._reversed,
    PointsAdjusted: Replay._adjusted,
    OpeningBalanceImported: Replay._imported,
    TierGranted: Replay._tier_granted,
    DebtWaived: Replay._waived,
    PointsSent: Replay._sent,
    MemberMerged: Replay._merged,
    MemberUnmerged: Replay._unmerged,
    PointsGranted: Replay._granted,
    GrantRevoked: Replay._grant_revoked,
    **dict.fromkeys(BY_THE_CLOCK, Replay._time_told),
}
