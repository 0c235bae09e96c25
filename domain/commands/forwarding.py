"""After a merge: what returns take from the lots of an absorbed member is taken from where those points are now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from domain import moving
from domain.command import Command, Decision, Streams, Wanted
from domain.movements import BonusUse, Credit, PointsRevoked, ReceivedRevoked
from domain.moving import Claw
from domain.parts import Taken
from domain.points_account import PointsAccount, account_id
from domain.qualifying import Credited
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardClaw(Command):
    """When a return could not take points from an absorbed account, then it takes them from the survivor."""

    scope = "forwarded-claw"

    claw: Claw

    @classmethod
    def after(cls, cause: Command, absorbed: PointsAccount, drafts: Sequence[Draft]) -> list[Self]:
        """Nothing, unless the account was absorbed and something was revoked."""
        revoked = next((draft.what for draft in drafts if draft.kind is PointsRevoked), None)
        if absorbed.merged_into is None or revoked is None:
            return []
        assert absorbed.member_id is not None, "it was merged"
        credited = absorbed.credited[revoked["purchase_id"]]
        clawed = {part["part"]: part for part in revoked["parts"]}
        claw = Claw(
            absorbed=absorbed.member_id,
            survivor=absorbed.merged_into,
            purchase_id=revoked["purchase_id"],
            purchased_at=credited.at,
            granted_by=revoked["programme_version"],
            parts=[Taken(lot_id=p["lot_id"], points=p["forwarded"]) for p in clawed.values() if p.get("forwarded")],
            lost=_lost(credited, revoked, at=cause.occurred_at),
            bonuses=[
                BonusUse(part=lot.part, store=credited.store, day=credited.day, purchase_id=revoked["purchase_id"])
                for lot in credited.lots
                if lot.bonus and lot.part in clawed and lot.clawed + clawed[lot.part]["points"] == lot.points
            ],
        )
        return [
            cls(
                id=cause.id,
                source=cause.source,
                external_id=cause.external_id,
                occurred_at=cause.occurred_at,
                actor=cause.actor,
                fingerprint=cause.fingerprint,
                claw=claw,
            )
        ]

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """Where the survivor was merged as well, what is not found there goes on."""
        claw = self.claw
        survivor = streams.get(PointsAccount, account_id(claw.survivor))
        judge = streams.programme.in_force(max(self.occurred_at, claw.purchased_at))
        granted = streams.programme.versions[claw.granted_by - 1]
        drafts = moving.revoke_received(survivor, claw, at=self.occurred_at, granted=granted, judge=judge)
        if survivor.merged_into is None:
            return Decision(drafts)
        revoked = next(draft.what for draft in drafts if draft.kind is ReceivedRevoked)
        on = replace(claw, absorbed=claw.survivor, survivor=survivor.merged_into, parts=list(revoked["forwarded"]))
        return Decision(drafts, [replace(self, claw=on)])


def _lost(credited: Credited, revoked: dict[str, Any], *, at: datetime) -> list[Credit]:
    """What a purchase no longer counts for."""
    if not revoked["counts"]:
        return []
    points = sum(part["points"] for part in revoked["parts"] if part["qualifies"])
    spend_minor = revoked["paid_minor"] if revoked["spend_minor"] is None else revoked["spend_minor"]
    lost = Credit(at=credited.at, points=-points, period=credited.period, spend_minor=-spend_minor, back_at=at)
    return [Credit(**lost, store=credited.store, visits=-1) if revoked["nothing_left"] and not credited.gone else lost]
