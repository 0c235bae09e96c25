"""Points given without a purchase, and taken back again where what they were given for does not hold (rules 11, 15)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from domain.correcting import expiry_of, given_lot
from domain.grants import GrantCause, GrantRevoked, PointsGranted
from domain.lots import Reach, total
from domain.moving import taken_from_received
from domain.parts import Taken
from domain.points_account import PointsAccount
from domain.programme import Policy
from domain.stream import Draft


def grant(
    account: PointsAccount,
    *,
    grant_id: UUID,
    cause: GrantCause,
    reference: str,
    points: int,
    at: datetime,
    policy: Policy,
    version: int | None = None,
) -> list[Draft]:
    """Give points that can be spent from `at` on and lapse as those of a purchase of that time would.

    Nothing, if they were given before or the account is closed. Whoever grants lets the account settle its debt then.
    """
    if grant_id in account.grants or account.closed(at):
        return []
    expires_at = expiry_of(account, policy, at, None, never=False)
    lot = given_lot(uuid5(grant_id, "lot"), points=points, earned_at=at, active_from=at, expires_at=expires_at)
    return [
        account.move(
            PointsGranted, occurred_at=at, grant_id=grant_id, cause=cause, reference=reference, lot=lot,
            programme_version=version,
        )
    ]  # fmt: skip


def revoke_grant(account: PointsAccount, *, grant_id: UUID, at: datetime, policy: Policy, reason: str) -> list[Draft]:
    """Take a grant back: what is free of its lot, lapsed or not, or lives on, the rest as `policy.returns` says; once, and all of it.

    Of an account that was merged the rest is `forwarded`: the command `RevokeGrant` finds it with the survivor.
    """
    granted = account.grants.get(grant_id)
    if granted is None or granted.revoked:
        return []
    at = max(at, granted.at)
    reach, settlements = account.reach(at)
    lot = account.lots[granted.lot_id]
    parts = account.take_back(reach, lot, granted.points, at=at)
    rest = granted.points - total(parts)
    revoked = {"occurred_at": at, "grant_id": grant_id, "cause": granted.cause, "reason": reason}
    if rest and account.merged_into is not None:
        revoked["forwarded"] = [Taken(lot_id=lot.id, points=rest)]
        rest = 0
    what = _beyond(reach, parts, rest, at=at, policy=policy)
    return [*account.settled(settlements), account.move(GrantRevoked, **revoked, **what)]


def revoke_received(
    survivor: PointsAccount,
    *,
    absorbed: UUID,
    grant_id: UUID,
    cause: GrantCause,
    forwarded: Sequence[Taken],
    at: datetime,
    policy: Policy,
    reason: str,
) -> list[Draft]:
    """Take what an absorbed account could not give back from the lots that it is in now."""
    reach, settlements = survivor.reach(at)
    parts, missing = taken_from_received(reach, survivor, forwarded, absorbed=absorbed, at=at)
    revoked = {"occurred_at": at, "grant_id": grant_id, "cause": cause, "from_member_id": absorbed, "reason": reason}
    if survivor.merged_into is not None:
        what: dict[str, object] = {"parts": parts, "forwarded": missing}
    else:
        what = _beyond(reach, parts, total(missing), at=at, policy=policy)
    return [*survivor.settled(settlements), survivor.move(GrantRevoked, **revoked, **what)]


def _beyond(reach: Reach, parts: list[Taken], rest: int, *, at: datetime, policy: Policy) -> dict[str, object]:
    """What a lot does not have any more is found as after a return."""
    others = reach.take(rest, at=at) if policy.returns == "next_lots_then_debt" else []
    left = rest - total(others)
    beyond = "forgiven" if policy.returns == "clamp_to_zero" else "debt"
    return {"parts": [*parts, *others], beyond: left}
