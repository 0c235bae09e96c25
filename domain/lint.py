"""The linter of programmes: what a policy says that cannot be meant (semantics 12)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

from domain.policy.points import Expiry
from domain.programme import Policy

ENOUGH_DAYS = 30
"""Local days for which points should be spendable at least."""


class Finding(NamedTuple):
    """A rule that found something, where, and what to do. Errors keep a version from being published."""

    level: Literal["error", "warning", "assumption"]
    rule: str
    place: str
    message: str


def lint(policy: Policy) -> list[Finding]:
    """All findings, errors first."""
    found = [*_tiers(policy), *_points_as_cash(policy), *_expiry(policy), *_assumptions(policy)]
    return sorted(found, key=lambda finding: ("error", "warning", "assumption").index(finding.level))


def _tiers(policy: Policy) -> Iterator[Finding]:
    levels = policy.tiers.levels
    names = [level.name for level in levels]
    if len(set(names)) != len(names):
        yield Finding("error", "tier-names-unique", "tiers.levels", "two tiers have the same name; rename one")
    if levels[0].promote_at or levels[0].retain_at:
        yield Finding(
            "error", "lowest-tier-open", "tiers.levels.0", "nobody stands below the lowest tier; set both to 0"
        )
    for number, (lower, upper) in enumerate(pairwise(levels), 1):
        place = f"tiers.levels.{number}"
        if upper.promote_at <= lower.promote_at:
            yield Finding(
                "error",
                "tier-unreachable",
                place,
                f"{upper.name} is reached no later than {lower.name}; raise promote_at",
            )
        if upper.retain_at < lower.retain_at:
            yield Finding(
                "error",
                "tier-retain-order",
                place,
                f"{upper.name} is kept more easily than {lower.name}; raise retain_at",
            )
    for number, level in enumerate(levels):
        if level.retain_at > level.promote_at:
            yield Finding(
                "warning",
                "tier-lost-at-once",
                f"tiers.levels.{number}",
                f"{level.name} can be reached and lost at the next review; lower retain_at",
            )


def _points_as_cash(policy: Policy) -> Iterator[Finding]:
    cash = policy.points_as_cash
    if cash is None:
        yield Finding(
            "error",
            "points-as-cash-without-rate",
            "points_as_cash",
            "points deduct cash, but no rate is given; add points and amount_minor",
        )
        return
    if not 0 < cash.largest_share <= 1:
        yield Finding(
            "error",
            "largest-share-range",
            "points_as_cash.largest_share",
            "a share of the bill lies above 0 and up to 1",
        )
    if policy.earning.rate * Fraction(cash.amount_minor, cash.points) >= 1:
        yield Finding(
            "error",
            "earn-burn-arbitrage",
            "points_as_cash",
            "points are worth what was paid for them or more; lower amount_minor",
        )


def _expiry(policy: Policy) -> Iterator[Finding]:
    pending, days = policy.earning.pending_days, shortest_life(policy.expiry)
    if days is not None and days - pending < ENOUGH_DAYS:
        yield Finding(
            "warning",
            "short-lives",
            "expiry.minimum_days",
            f"some points lapse {days} local days after they were earned, that day counted, pending for {pending} of them; "
            f"give a minimum of {ENOUGH_DAYS + pending} days",
        )


def shortest_life(expiry: Expiry) -> int | None:
    """The fewest local days that points can live, the first and the last one counted; None if they never lapse."""
    if expiry.mode == "never":
        return None
    if expiry.mode == "registration_anniversary":
        days = 2  # earned on the day before the anniversary
    elif expiry.mode == "calendar":
        days = 1 + (expiry.grace_days or 0) + 28 * (expiry.grace_months or 0)  # earned on the last day of the period
    else:
        days = 1 + 28 * (expiry.months or 0)
    return max(days, 1 + expiry.minimum_days)


def _assumptions(policy: Policy) -> Iterator[Finding]:
    for number, text in enumerate(policy.assumptions):
        yield Finding("assumption", "marked-assumption", f"assumptions.{number}", text)
