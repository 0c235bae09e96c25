"""How the tier that is recorded follows what qualifies, and the clock (rules 9).

Nothing waits for it: the tier at an instant is computed wherever it is asked for.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain import tally
from domain.calendar_days import day_begins
from domain.points_account import PointsAccount
from domain.programme import Policy, Programme
from domain.qualifying import Evaluated
from domain.stream import Draft
from domain.tier_moves import TierMoved, TierWarned, counted
from domain.tiers import Review

EVER = datetime.max.replace(tzinfo=UTC)


class Judgement(NamedTuple):
    """A review that took a tier, the evaluation that found it, and its rules."""

    review: Review
    found: Evaluated
    policy: Policy
    version: int


def tier_move(
    account: PointsAccount,
    policy: Policy,
    version: int,
    at: datetime,
    added: Sequence[tally.Credit] = (),
    *,
    granted: tally.Grant | None = None,
    without: UUID | None = None,
    period: int | None = None,
) -> list[Draft]:
    """The tier that this brings the member to, where it is another one than was recorded.

    Reviews that took a tier since then are recorded first, each at its instant. `without`: leave out what was
    granted with this merge. `period`: the one of the instant, where it is known.
    """
    grants: list[tally.Grant] = []
    if account.granted:
        grants = [one.grant for one in account.granted if one.merge is None or one.merge != without]
    if granted:
        grants.append(granted)
    now, names = account.at_least(at), policy.tiers.names
    found = account.evaluate(policy, now, added, grants, period=period if now == at else None)
    moves: list[Draft] = []
    if found.reviews:
        moves = _judged(account, [Judgement(review, found, policy, version) for review in found.reviews], until=now)
    before = moves[-1].what["to_tier"] if moves else account.tier or names[0]
    after = names[found.rank]
    if after == before:
        return moves
    # What undoes a review that was recorded does so from then on.
    when = {"occurred_at": account.tier_since} if account.tier_since is not None and at < account.tier_since else {}
    return [
        *moves,
        account.move(
            TierMoved, from_tier=before, to_tier=after, period=found.period, qualifying_points=found.points,
            counted=found.counted, programme_version=version, **when,
        ),
    ]  # fmt: skip


def reviews_due(account: PointsAccount, programme: Programme, now: datetime) -> list[Draft]:
    """Reviews that took a tier and were not recorded, each by the version that was in force."""
    if account.tier is None:
        return []
    judgements = []
    ends = [policy.effective_from for policy in programme.versions[1:]] + [EVER]
    for version, (policy, end) in enumerate(zip(programme.versions, ends, strict=True), 1):
        if account.tier_since is not None and account.tier_since < end and policy.effective_from <= now:
            found = account.evaluate(policy, account.at_least(now))
            judgements += [
                Judgement(review, found, policy, version)
                for review in found.reviews
                if policy.effective_from <= review.at < end
            ]
    return _judged(account, judgements, until=now)


def warning_due(account: PointsAccount, policy: Policy, version: int, now: datetime) -> list[Draft]:
    """A warning that the next review takes the tier, once for each; none, where it would come after it."""
    if account.tier is None or policy.tiers.warning_days is None:
        return []
    found = account.standing_at(policy, account.at_least(now))
    warning = found.warning
    if warning is None or warning.review_on == account.warned:
        return []
    warned_at = max(day_begins(warning.since, policy.zone), found.since)
    return [
        account.move(
            TierWarned, occurred_at=warned_at, tier=found.tier, falls_to=warning.falls_to,
            review_on=warning.review_on, missing=warning.missing, programme_version=version,
            counted=counted(found.qualifying, found.qualifying_points),
        )
    ]  # fmt: skip


def next_review(account: PointsAccount, policy: Policy, now: datetime) -> datetime | None:
    """When, after now, a review or its warning may have to be recorded; never later than that."""
    if account.tier is None:
        return None
    found = account.standing_at(policy, account.at_least(now))
    if found.review_on is None or found.points_to_keep is None:
        return None
    warned_on = found.review_on - timedelta(days=policy.tiers.warning_days or 0)
    dues = (day_begins(day, policy.zone) for day in (warned_on, found.review_on))
    return min((at for at in dues if at > now), default=None)


def _judged(account: PointsAccount, judgements: Iterable[Judgement], *, until: datetime) -> list[Draft]:
    """Each step down that a review took from the tier that was recorded before it."""
    before, moves = account.tier, []
    for review, found, policy, version in judgements:
        rank = policy.tiers.rank(before or "")
        since = account.tier_since is None or account.tier_since < review.at
        if rank <= review.rank or not since or review.at > until:
            continue
        after = policy.tiers.levels[review.rank].name
        points, inputs = found.points, None
        if found.counted is not None:
            total = policy.tiers.total(review.counted)
            points, inputs = {review.period: total}, counted(review.counted, total)
        moves.append(
            account.move(
                TierMoved, occurred_at=review.at, from_tier=before, to_tier=after, period=review.period,
                qualifying_points=points, counted=inputs, reviewed=True, programme_version=version,
            )
        )  # fmt: skip
        before = after
    return moves
