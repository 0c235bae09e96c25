"""Rules of the linter about tiers."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from domain.lint.draft import Draft, DraftTier, silent
from domain.lint.finding import Found, rule
from domain.policy.words import percent, points


class Step(NamedTuple):
    """A level and the one below it, with the place of the upper one."""

    place: str
    lower: DraftTier
    upper: DraftTier


def _steps(draft: Draft) -> Iterator[Step]:
    for number, (lower, upper) in enumerate(pairwise(draft.levels), 1):
        yield Step(f"tiers.levels.{number}", lower, upper)


@rule("error")
def tier_names_unique(draft: Draft) -> Iterator[Found]:
    """Two tiers have the same name."""
    names = [level.name for level in draft.levels]
    for number, name in enumerate(names):
        if name is not None and name in names[:number]:
            yield Found(
                f"tiers.levels.{number}.name",
                f"two tiers have the same name {name}",
                f"A member who is promoted to the second {name} is shown as standing in the first.",
                "rename one",
                against=f"tiers.levels.{names.index(name)}.name",
            )


@rule("error")
def lowest_tier_open(draft: Draft) -> Iterator[Found]:
    """Not everybody reaches the lowest tier, so that some members stand nowhere."""
    if not draft.levels:
        return
    lowest = draft.levels[0]
    needed = max(lowest.reached_at() or 0, lowest.retain_at or 0)
    if needed:
        yield Found(
            "tiers.levels.0",
            f"nothing is said of members below {lowest.name}",
            f"A member who joined today has 0 points, {points(needed)} less than {lowest.name} asks for, and stands nowhere.",
            "begin with a tier for everybody, whose promote_at and retain_at are 0",
        )


@rule("error")
def tier_thresholds_unsaid(draft: Draft) -> Iterator[Found]:
    """A tier has no threshold to reach it, or none to keep it."""
    for number, level in enumerate(draft.levels):
        place = f"tiers.levels.{number}"
        if level.lower is not None or level.upper is not None:
            bound = level.upper if level.lower is None else level.lower
            yield Found(
                place,
                f"a range of points does not say whether {level.name} is reached or kept with it",
                f"A member at {level.name} who earns {points(max((bound or 0) - 1, 0))} in the next period: nobody knows whether {level.name} is lost.",
                "say promote_at, to reach the tier, and retain_at, to keep it at a review",
            )
        elif level.promote_at is None or (level.retain_at is None and silent(level, "retain_at")):
            yield Found(
                place,
                f"no number says when {level.name} is reached and kept",
                f"A member who has earned 50,000 points: nobody knows whether that is {level.name}.",
                "give promote_at and retain_at",
            )


@rule("error")
def tier_gap(draft: Draft) -> Iterator[Found]:
    """The ranges of two tiers leave numbers between them that belong to neither."""
    for place, lower, upper in _steps(draft):
        if lower.upper is None or upper.lower is None or upper.lower <= lower.upper + 1:
            continue
        first, last = lower.upper + 1, upper.lower - 1
        yield Found(
            f"{place}.from",
            f"{first:,} to {points(last)} are neither {lower.name} nor {upper.name}",
            f"A member with {points((first + last) // 2)} has too many for {lower.name} (up to {points(lower.upper)}) and too few for {upper.name} (from {points(upper.lower)}).",
            "give each tier its lowest number only; it then reaches up to the next one",
            against=f"tiers.levels.{draft.levels.index(lower)}.to",
        )


@rule("error")
def tier_overlap(draft: Draft) -> Iterator[Found]:
    """The ranges of two tiers overlap."""
    for place, lower, upper in _steps(draft):
        if lower.upper is None or upper.lower is None or upper.lower > lower.upper:
            continue
        yield Found(
            f"{place}.from",
            f"{upper.lower:,} to {points(lower.upper)} are both {lower.name} and {upper.name}",
            f"A member with {points(lower.upper)} is {lower.name} by one range and {upper.name} by the other.",
            "give each tier its lowest number only; it then reaches up to the next one",
            against=f"tiers.levels.{draft.levels.index(lower)}.to",
        )


@rule("error")
def tier_thresholds_contradict(draft: Draft) -> Iterator[Found]:
    """One statement gives a tier from one number on, another from another number on."""
    for number, level in enumerate(draft.levels):
        if level.lower is None or level.promote_at is None or level.lower == level.promote_at:
            continue
        place = f"tiers.levels.{number}"
        between = (level.lower + level.promote_at) // 2
        yield Found(
            f"{place}.promote_at",
            f"{level.name} begins at {points(level.lower)} by its range, but is reached with {points(level.promote_at)}",
            f"A member with {points(between)} is {level.name} by one statement and not by the other.",
            "read one of them as the threshold to reach the tier (promote_at) and the other as the floor to keep it (retain_at)",
            against=f"{place}.from",
        )


@rule("error")
def tier_unreachable(draft: Draft) -> Iterator[Found]:
    """A tier is reached no later than the one below it, in which nobody can stand then."""
    for place, lower, upper in _steps(draft):
        if lower.promote_at is None or upper.promote_at is None or upper.promote_at > lower.promote_at:
            continue
        yield Found(
            f"{place}.promote_at",
            f"{upper.name} is reached no later than {lower.name}",
            f"A member who reaches {points(lower.promote_at)} is {upper.name} at once; nobody is ever promoted to {lower.name}.",
            f"raise promote_at of {upper.name} above {points(lower.promote_at)}",
            against=f"tiers.levels.{draft.levels.index(lower)}.promote_at",
        )


@rule("error")
def tier_retain_order(draft: Draft) -> Iterator[Found]:
    """A tier is kept more easily than the one below it."""
    for place, lower, upper in _steps(draft):
        if lower.retain_at is None or upper.retain_at is None or upper.retain_at >= lower.retain_at:
            continue
        yield Found(
            f"{place}.retain_at",
            f"{upper.name} is kept more easily than {lower.name}",
            f"With {points(upper.retain_at)} in a period, a member at {upper.name} stays there, and one at {lower.name} is demoted.",
            f"raise retain_at of {upper.name} to {points(lower.retain_at)} or more",
            against=f"tiers.levels.{draft.levels.index(lower)}.retain_at",
        )


@rule("warning")
def tier_lost_at_once(draft: Draft) -> Iterator[Found]:
    """It takes more to keep a tier than to reach it."""
    for number, level in enumerate(draft.levels):
        if level.promote_at is None or level.retain_at is None or level.retain_at <= level.promote_at:
            continue
        yield Found(
            f"tiers.levels.{number}.retain_at",
            f"it takes more to keep {level.name} than to reach it",
            f"A member who is promoted with {points(level.promote_at)}, and earns as many in every period, loses {level.name} at the next review.",
            f"lower retain_at to {points(level.promote_at)} or less",
            against=f"tiers.levels.{number}.promote_at",
        )


@rule("error")
def tier_period_unsaid(draft: Draft) -> Iterator[Found]:
    """Nothing says over which time a tier is reached and kept, or what is counted for it."""
    if draft.tiers is None:
        return
    if draft.tiers.period is None:
        yield Found(
            "tiers.period",
            "nothing says over which time tiers are reached and kept",
            "A member who earned 600 points in each of three years: nobody knows whether that is 600 or 1,800, nor when a tier is lost.",
            "give a period, such as membership_year, or lifetime for tiers that are never lost",
        )
    if silent(draft.tiers, "metric"):
        yield Found(
            "tiers.metric",
            "nothing says what is counted for tiers",
            "A member who spent 9,000.00 in 3 visits and one who spent 3,000.00 in 60: nobody knows who stands higher.",
            "count points only, metric: points, or give weights for points, spend and visits",
        )


@rule("error")
def metric_weights_unsaid(draft: Draft) -> Iterator[Found]:
    """Tiers are judged by several things together, without saying how much each of them counts."""
    if not draft.tiers or not isinstance(draft.tiers.metric, dict):
        return
    unsaid = [name for name, weight in draft.tiers.metric.items() if weight is None]
    if unsaid:
        yield Found(
            "tiers.metric",
            f"no weights are given for {', '.join(unsaid)}",
            "A member who spent 9,000.00 in 3 visits and one who spent 3,000.00 in 60: nobody knows who stands higher.",
            "give each a weight, such as points: 1, or count points only: metric: points",
        )


@rule("warning")
def benefits_alike(draft: Draft) -> Iterator[Found]:
    """A tier brings nothing that the one below it does not."""
    for place, lower, upper in _steps(draft):
        if upper.benefits or ("discount" in upper.model_fields_set and upper.discount != lower.discount):
            continue
        if silent(upper, "discount"):
            continue  # told by discount-unsaid
        yield Found(
            f"{place}.benefits",
            f"{upper.name} brings nothing that {lower.name} does not bring: benefits are inherited, and it adds none",
            f"A member who is promoted from {lower.name} to {upper.name} notices no difference.",
            "add benefits or a discount to the tier, or leave it out",
        )


@rule("error")
def benefits_shrink(draft: Draft) -> Iterator[Found]:
    """A tier gets a smaller discount than one below it."""
    best, place_of_best, whose = Fraction(0), "", ""
    for number, level in enumerate(draft.levels):
        if level.discount is None:
            continue
        if level.discount < best:
            yield Found(
                f"tiers.levels.{number}.discount",
                f"{level.name} gets {percent(level.discount)} off, less than {whose} with {percent(best)}",
                f"A member who is promoted from {whose} to {level.name} pays more for the same basket: {percent(best - level.discount)} of it.",
                f"raise the discount to {best} or more, or leave it out: it is inherited",
                against=place_of_best,
            )
        else:
            best, place_of_best, whose = level.discount, f"tiers.levels.{number}.discount", str(level.name)


@rule("warning")
def discount_unsaid(draft: Draft) -> Iterator[Found]:
    """A tier is promised a discount without saying how much."""
    for number, level in enumerate(draft.levels):
        if silent(level, "discount"):
            yield Found(
                f"tiers.levels.{number}.discount",
                f"{level.name} has a discount, but no share is given",
                f"A member at {level.name} buys for 100.00: nobody knows how much is to pay.",
                'give the share, such as "1/20" for 5 %',
            )
