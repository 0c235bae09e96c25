"""What is left of a programme's daily limits for a member, and those who were merged into them (rules 1, 6)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from domain.calendar_days import day_begins, local_day
from domain.points_account import PointsAccount
from domain.programme import Policy
from domain.refusals import AboveDailyLimit


def earnable(accounts: Iterable[PointsAccount], *, policy: Policy, day: date) -> int | None:
    """How many points purchases of a local day may still earn; None without end."""
    most = policy.limits.earned_per_day if policy.limits else None
    if most is None:
        return None
    return max(0, most - sum(_earned(account, policy, day) for account in accounts))


def payable(accounts: Iterable[PointsAccount], *, policy: Policy, at: datetime) -> int | None:
    """How many points may still pay at tills on the local day of an instant; None without end."""
    most = policy.limits.paid_per_day if policy.limits else None
    if most is None:
        return None
    return max(0, most - sum(_paid(account, policy, at) for account in accounts))


def check_payable(points: int, *, left: int | None, policy: Policy) -> None:
    """Refuse what the limit of the day does not leave."""
    if left is not None and points > left:
        assert policy.limits is not None, "something is left of a limit"
        raise AboveDailyLimit(points=points, left=left, paid_per_day=policy.limits.paid_per_day or 0)


def cut(parts: Sequence[dict[str, Any]], most: int) -> None:
    """Let parts give no more than that together, in their order; what each would have been is kept as `uncapped`."""
    for part in parts:
        if part["points"] > most:
            part.setdefault("uncapped", part["points"])
            part["points"] = most
        most -= part["points"]


def _earned(account: PointsAccount, policy: Policy, day: date) -> int:
    account.in_open_books(day_begins(day, policy.zone))
    of_day = (one for one in dict.values(account.credited) if one.day == day)
    return sum(lot.points - lot.clawed for one in of_day for lot in one.lots)


def _paid(account: PointsAccount, policy: Policy, at: datetime) -> int:
    day = local_day(at, policy.zone)
    account.in_open_books(day_begins(day, policy.zone))
    spent = sum(
        one.points - one.reversed
        for one in dict.values(account.redemptions)
        if one.reward_id is None and local_day(one.at, policy.zone) == day
    )
    held = sum(one.points for one in account.open_holds() if one.open(at) and local_day(one.at, policy.zone) == day)
    return spent + held
