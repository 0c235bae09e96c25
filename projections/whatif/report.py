"""The answer of a what-if as data: the same question on the same log always gives the same bytes."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.policy.points import PointsAsCash
from domain.programme import Policy
from domain.redeeming import worth
from projections.whatif import differing
from projections.whatif.figures import ALL, BUCKETS, Figures, Key
from projections.whatif.run import Answer
from projections.whatif.telling import FEW, Proposal

FLOWS = {"issued": 1, "received": 1, "revoked": -1, "spent": -1, "settled": -1, "expired": -1, "sent": -1}
"""What makes points outstanding, and what ends that."""

MEASURES = (*BUCKETS, "cost_points", "cost_minor")


def report(answer: Answer) -> dict[str, Any]:
    """All figures, by side: `history` first."""
    policy = _in_force(answer)
    sides = [answer.history, *answer.proposals]
    months = sorted({key.name for side in sides for key in side.sums if key.by == "month"})
    told = {
        "programme": answer.question.programme,
        "currency": policy.currency,
        "begins": answer.begins.isoformat(),
        "as_of": answer.as_of.isoformat(),
        "position": answer.position,
        "purchases": answer.purchases,
        "members": answer.members,
        "segments": sorted(answer.question.segments),
        "history": _side(answer, answer.history, policy, months),
        "proposals": [
            _side(answer, side, one.policy, months) | _of_proposal(side, one, policy)
            for one, side in zip(answer.question.proposals, answer.proposals, strict=True)
        ],
    }
    if answer.question.check:
        told["check"] = {
            "members": answer.members,
            "differences": answer.differing,
            "first": [differing.told(one) for one in answer.differences[:FEW]],
            "more": max(0, answer.differing - FEW),
        }
    return told


def _in_force(answer: Answer) -> Policy:
    """What was in force at the end of history."""
    by_then = [policy for policy in answer.published if policy.begins <= answer.as_of]
    return by_then[-1] if by_then else answer.published[0]


def _side(answer: Answer, side: Figures, policy: Policy, months: Sequence[str]) -> dict[str, Any]:
    rate = policy.points_as_cash
    return {
        "title": policy.title.model_dump(),
        "levels": [level.name for level in policy.tiers.levels],
        "rate": None if rate is None else {"points": rate.points, "amount_minor": rate.amount_minor},
        "all": _measures(side, "all", ALL, rate),
        "tiers": {name: _measures(side, "tier", name, rate) for name in _tiers(answer)},
        "segments": {name: _measures(side, "segment", name, rate) for name in sorted(answer.question.segments)},
        "months": _by_month(side, months, rate),
        "tier_moves": [
            {"month": month, "from": left, "to": reached, "moves": moves}
            for (month, left, reached), moves in sorted(side.moves.items())
        ],
    }


def _of_proposal(side: Figures, proposal: Proposal, policy: Policy) -> dict[str, Any]:
    """What only a proposal has: where members end, and what history could not have been."""
    currency = proposal.policy.currency
    return {
        "source": proposal.source,
        "amounts_taken_from": None if currency == policy.currency else currency,
        "members_by_tier": [
            {"from": was, "to": now, "members": members} for (was, now), members in sorted(side.tiers.items())
        ],
        "redemptions_not_covered": {"redemptions": side.redemptions_not_covered, "points": side.points_not_covered},
        "not_carried_out": dict(sorted(side.not_carried_out.items())),
    }


def _tiers(answer: Answer) -> list[str]:
    """Those that members are in by history, from the lowest up."""
    held = {key.name for side in (answer.history, *answer.proposals) for key in side.sums if key.by == "tier"}
    return [level.name for level in _in_force(answer).tiers.levels if level.name in held]


def _measures(side: Figures, by: str, name: str, rate: PointsAsCash | None) -> dict[str, int | None]:
    return _with_cost({bucket: side.sums[Key(by, name, bucket)] for bucket in BUCKETS}, rate)


def _by_month(side: Figures, months: Iterable[str], rate: PointsAsCash | None) -> dict[str, dict[str, int | None]]:
    """What moved in each month, what was outstanding at its end, and the cost that came up with it."""
    told, before = {}, 0
    for month in months:
        moved = {bucket: side.sums[Key("month", month, bucket)] for bucket in FLOWS}
        after = before + sum(sign * moved[bucket] for bucket, sign in FLOWS.items())
        cost = moved["spent"] + moved["settled"] + after - before
        told[month] = {**moved, "outstanding": after, **_cost(cost, rate)}
        before = after
    return told


def _with_cost(points: dict[str, int], rate: PointsAsCash | None) -> dict[str, int | None]:
    """The cost: points that bought something, paid what was owed, or may yet."""
    return {**points, **_cost(points["spent"] + points["settled"] + points["outstanding"], rate)}


def _cost(points: int, rate: PointsAsCash | None) -> dict[str, int | None]:
    """In money as well, where the rules have a rate."""
    return {"cost_points": points, "cost_minor": None if rate is None else worth(rate, points)}
