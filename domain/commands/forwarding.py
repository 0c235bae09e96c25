"""After a merge: what returns take from the lots of an absorbed member is taken from where those points are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from domain import moving
from domain.command import Command, Decision, Streams, Wanted
from domain.movements import BonusUse, Credit, PointsRevoked, ReceivedRevoked, Taken
from domain.points_account import PointsAccount, account_id
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardClaw(Command):
    """When a return could not take points from an absorbed account, then it takes them from the survivor."""

    scope = "forwarded-claw"

    account: UUID
    """The survivor's."""
    from_member: UUID
    purchase_id: UUID
    granted_by: int
    """The version that granted the points: it also says what becomes of those that are not there any more."""
    claws: list[Taken]
    lost: list[Credit]
    """Qualifying points that the purchase no longer counts for, in the periods of the absorbed account."""
    bonuses: list[BonusUse]
    """Those that are taken back whole."""

    @classmethod
    def after(cls, cause: Command, absorbed: PointsAccount, drafts: Sequence[Draft]) -> list[Self]:
        """Nothing, unless the account was absorbed and something is to be forwarded."""
        revoked = next((draft.what for draft in drafts if draft.kind is PointsRevoked), None)
        if absorbed.merged_into is None or revoked is None:
            return []
        claws = [
            Taken(lot_id=part["lot_id"], points=part["forwarded"]) for part in revoked["parts"] if part.get("forwarded")
        ]
        lost = sum(part["points"] for part in revoked["parts"] if part["qualifies"]) if revoked["counts"] else 0
        credit = Credit(at=revoked["purchased_at"], points=-lost, period=revoked["period"])
        granted_by = revoked["programme_version"]
        credited = absorbed.credited[revoked["purchase_id"]]
        clawed = {part["part"]: part["points"] for part in revoked["parts"]}
        bonuses = [
            BonusUse(part=lot.part, store=credited.store, day=credited.day)
            for lot in credited.lots
            if lot.bonus and lot.part in clawed and lot.clawed + clawed[lot.part] == lot.points
        ]
        purchase_id, credits_ = revoked["purchase_id"], [credit] if lost else []
        return [cls._of(cause, absorbed, purchase_id, granted_by, claws, credits_, bonuses)]

    @classmethod
    def _of(
        cls,
        cause: Command,
        absorbed: PointsAccount,
        purchase_id: UUID,
        granted_by: int,
        claws: list[Taken],
        lost: list[Credit],
        bonuses: list[BonusUse],
    ) -> Self:
        assert absorbed.member_id is not None, "it was merged"
        assert absorbed.merged_into is not None, "it was merged"
        return cls(
            id=cause.id,
            source=cause.source,
            external_id=cause.external_id,
            occurred_at=cause.occurred_at,
            actor=cause.actor,
            fingerprint=cause.fingerprint,
            account=account_id(absorbed.merged_into),
            from_member=absorbed.member_id,
            purchase_id=purchase_id,
            granted_by=granted_by,
            claws=claws,
            lost=lost,
            bonuses=bonuses,
        )

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        survivor = streams.get(PointsAccount, self.account)
        version, policy = streams.programme.in_force(self.occurred_at)
        qualifying = [
            Credit(at=one["at"], points=one["points"], period=survivor.period(policy, one["at"])) for one in self.lost
        ]
        drafts = moving.revoke_received(
            survivor, from_member=self.from_member, purchase_id=self.purchase_id, claws=self.claws,
            qualifying=qualifying, bonuses=self.bonuses, at=self.occurred_at, granted=streams.programme.versions[self.granted_by - 1],
            judge=(version, policy),
        )  # fmt: skip
        revoked = next(draft.what for draft in drafts if draft.kind is ReceivedRevoked)
        goes_on = survivor.merged_into is not None
        further = (
            [
                self._of(
                    self,
                    survivor,
                    self.purchase_id,
                    self.granted_by,
                    list(revoked["forwarded"]),
                    qualifying,
                    self.bonuses,
                )
            ]
            if goes_on
            else []
        )
        return Decision(drafts, further)
