"""What time brings about in an account, and when the next of it is due (rules 2, 3, 5, 6, 9).

Balances never wait for it: whatever stands here is computed from the clock wherever points are added up.
"""

from datetime import datetime
from uuid import UUID, uuid5

from domain.climbing import next_review, reviews_due, warning_due
from domain.correcting import expire
from domain.lots import NEVER
from domain.points_account import PointsAccount
from domain.programme import Programme
from domain.redeeming import time_out
from domain.stream import Draft


def all_brought_about(account: PointsAccount, programme: Programme, now: datetime) -> list[Draft]:
    """The same, and what reviews did to the tier, or will do unless the member is warned (rules 9)."""
    drafts = [*brought_about(account, now), *reviews_due(account, programme, now)]
    if account.tier is not None:
        version, policy = programme.in_force(now)
        drafts += warning_due(account, policy, version, now)
    return sorted(drafts, key=_instant)


def all_next_due(account: PointsAccount, programme: Programme, now: datetime) -> datetime | None:
    """When, after now, something may come about, reviews and warnings included."""
    dues = [next_due(account, now)]
    if account.tier is not None:
        dues.append(next_review(account, programme.in_force(now)[1], now))
    return min((at for at in dues if at is not None), default=None)


def brought_about(account: PointsAccount, now: datetime) -> list[Draft]:
    """Record what has come about by now, each at its instant: holds that timed out, debt that was settled, lots that lapsed."""
    _, settlements = account.reach(now)
    drafts = [*time_out(account, now), *account.settled(settlements), *expire(account, now)]
    return sorted(drafts, key=_instant)


def next_due(account: PointsAccount, now: datetime) -> datetime | None:
    """When, after now, something may come about, as far as the account knows by now; never later than it does."""
    lots = [lot for lot in account.open_lots() if lot.free > lot.lapsed]
    instants = {
        *(lot.expires_at for lot in lots),
        *(lot.freed_at for lot in lots),
        *(hold.until for hold in account.open_holds() if hold.ended is None),
        *(one.at for one in account.reach(NEVER)[1]),
    }
    return min((at for at in instants if at is not None and at > now), default=None)


def cause_of(account: PointsAccount, draft: Draft) -> UUID:
    """Time is the cause: what comes about at one instant belongs together, whenever it is recorded."""
    return uuid5(account.id, f"clock:{_instant(draft).isoformat()}")


def _instant(draft: Draft) -> datetime:
    at: datetime = draft.what["occurred_at"]
    return at
