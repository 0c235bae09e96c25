"""Taking back points that were given without a purchase, wherever they are by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from domain.command import Command, Decision, Streams, Wanted
from domain.commands.redemptions import SettleDebt
from domain.granting import revoke_grant, revoke_received
from domain.grants import GrantCause, GrantRevoked
from domain.parts import Taken
from domain.points_account import PointsAccount, account_id
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeGrant(Command):
    """When what a grant was for does not hold any more, then it is taken back, from whoever the member lives on in."""

    scope = "revoked-grant"

    member_id: UUID
    """Whom it was given to."""
    grant_id: UUID
    reason: str

    @classmethod
    def after(cls, cause: Command, *, member_id: UUID, grant_id: UUID, reason: str) -> Self:
        return cls(
            id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=cause.occurred_at,
            actor=cause.actor, fingerprint=cause.fingerprint, member_id=member_id, grant_id=grant_id, reason=reason,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """By the policy that was in force when it was given."""
        account = streams.get(PointsAccount, account_id(self.member_id))
        granted = account.grants.get(self.grant_id)
        if granted is None:
            return Decision([])
        _, policy = streams.programme.in_force(granted.at)
        drafts = revoke_grant(account, grant_id=self.grant_id, at=self.occurred_at, policy=policy, reason=self.reason)
        forwarding = ForwardRevokedGrant.after(self, account, drafts, granted.cause)
        return Decision(drafts, [*forwarding, SettleDebt.after(self, account)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRevokedGrant(Command):
    """When an absorbed account could not give a grant back, then the survivor does."""

    scope = "forwarded-grant"

    absorbed: UUID
    grant_id: UUID
    cause: GrantCause
    forwarded: Sequence[Taken]
    reason: str

    @classmethod
    def after(cls, cause: Command, absorbed: PointsAccount, drafts: Sequence[Draft], grant: GrantCause) -> list[Self]:
        """Nothing, unless the account was absorbed and something was missing."""
        revoked = next((draft.what for draft in drafts if draft.kind is GrantRevoked), {})
        if not revoked.get("forwarded"):
            return []
        assert absorbed.member_id is not None, "it was open"
        return [
            cls(
                id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=revoked["occurred_at"],
                actor=cause.actor, fingerprint=cause.fingerprint, absorbed=absorbed.member_id, grant_id=revoked["grant_id"],
                cause=grant, forwarded=revoked["forwarded"], reason=revoked["reason"],
            )
        ]  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        """Where the survivor was merged as well, what is not found there goes on."""
        merged_into = streams.get(PointsAccount, account_id(self.absorbed)).merged_into
        assert merged_into is not None, "it was absorbed"
        survivor = streams.get(PointsAccount, account_id(merged_into))
        _, policy = streams.programme.in_force(self.occurred_at)
        drafts = revoke_received(
            survivor, absorbed=self.absorbed, grant_id=self.grant_id, cause=self.cause, forwarded=self.forwarded,
            at=self.occurred_at, policy=policy, reason=self.reason,
        )  # fmt: skip
        on = ForwardRevokedGrant.after(self, survivor, drafts, self.cause)
        return Decision(drafts, [*on, SettleDebt.after(self, survivor)])
