"""Rules of the linter about points: how they are earned, how long they live, and what they are worth."""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from domain.calendar_days import anniversary, months_after
from domain.expiry import last_day
from domain.lint.draft import Draft, silent
from domain.lint.finding import Found, rule
from domain.policy.points import Expiry
from domain.policy.words import day, days, money, percent, points

ENOUGH_DAYS = 30
"""Local days for which points should be spendable at least."""
MUCH = Fraction(1, 2)
"""The share of the price from which discount and points together deserve a second look."""
SOME_DAY = date(2023, 1, 1)


@rule("error")
def earning_rate_unsaid(draft: Draft) -> Iterator[Found]:
    """Points are earned by spending, but not how many for how much."""
    earning = draft.earning
    if earning is None or earning.points is None or earning.per_minor is None:
        yield Found(
            "earning",
            "no rate says how many points are earned for how much",
            f"A member spends {money(10_000, draft.currency)}: nobody knows how many points that earns.",
            "give points and per_minor: so many points for every full amount, in minor units",
        )


@rule("warning")
def remainder_unsaid(draft: Draft) -> Iterator[Found]:
    """What is left of a purchase below a full amount: dropped with each receipt, or carried to the next one?"""
    earning = draft.earning
    if earning is None or not silent(earning, "carry_remainder"):
        return
    per = earning.per_minor or 1000
    spent = money(per * 3 // 2, draft.currency)
    yield Found(
        "earning.carry_remainder",
        "full amounts may be counted per receipt or over all receipts",
        f"A member who spends {spent} twice: {points(2 * (earning.points or 1))} if each receipt is floored, {points(3 * (earning.points or 1))} if what is left is carried over.",
        "say carry_remainder: false, as each receipt is floored by itself",
    )


@rule("error")
def points_as_cash_without_rate(draft: Draft) -> Iterator[Found]:
    """Points deduct cash, but no rate is given. A programme whose points buy planned rewards needs none."""
    cash = draft.points_as_cash
    unwritten = cash is None and "points_as_cash" not in draft.model_fields_set
    if (cash is None or cash.points is None or cash.amount_minor is None) and not (unwritten and draft.planned.rewards):
        yield Found(
            "points_as_cash",
            "no rate says what points are worth at the till",
            f"A member with 500 points who wants to pay {money(2000, draft.currency)} with them: nobody knows how many it takes.",
            "give points and amount_minor: so many points are worth so many minor units",
        )


@rule("warning")
def points_as_cash_limits_unsaid(draft: Draft) -> Iterator[Found]:
    """Whether few points can be used, and how much of a bill points can pay, is left open."""
    unsaid = silent(draft.points_as_cash, "minimum_points", "largest_share") if draft.points_as_cash else []
    if unsaid:
        yield Found(
            "points_as_cash",
            f"no number for {' and '.join(unsaid)}",
            f"A member with 3 points, or one who would pay a whole bill of {money(100_000, draft.currency)} by points: nobody knows whether the till allows it.",
            'give minimum_points, and largest_share as a share such as "1/2"',
        )


@rule("error")
def largest_share_range(draft: Draft) -> Iterator[Found]:
    """The largest share of a bill that points can pay is nothing, or more than all of it."""
    cash = draft.points_as_cash
    if cash and cash.largest_share is not None and not 0 < cash.largest_share <= 1:
        yield Found(
            "points_as_cash.largest_share",
            f"a share of {percent(cash.largest_share)} of the bill",
            f"A member with 1,000 points and a bill of {money(10_000, draft.currency)} can use none of them, or more than the bill.",
            "give a share above 0 and up to 1",
        )


@rule("warning")
def minimum_not_a_step(draft: Draft) -> Iterator[Found]:
    """The fewest points that can be used are not a multiple of the step."""
    cash = draft.points_as_cash
    if cash is None or not cash.minimum_points or not cash.step_points or not cash.minimum_points % cash.step_points:
        return
    really = -(-cash.minimum_points // cash.step_points) * cash.step_points
    yield Found(
        "points_as_cash.minimum_points",
        f"points are used in steps of {cash.step_points:,}, so the minimum of {cash.minimum_points:,} really is {really:,}",
        f"A member with {points(cash.minimum_points)} has as many as the minimum asks for, and can use none.",
        f"set minimum_points to {really}",
        against="points_as_cash.step_points",
    )


@rule("error")
def limit_below_minimum(draft: Draft) -> Iterator[Found]:
    """Fewer points can pay on a day than must be used at once, so that none ever pay."""
    cash, most = draft.points_as_cash, draft.limits.paid_per_day if draft.limits else None
    if cash is None or most is None:
        return
    fewest = max(cash.minimum_points or 0, cash.step_points or 1)
    if most < fewest:
        yield Found(
            "limits.paid_per_day",
            f"{points(most)} can pay on a day, and no fewer than {points(fewest)} at once",
            f"A member with {points(10 * fewest)} can use none of them, today or on any day.",
            f"raise paid_per_day to {fewest} or more, or lower minimum_points and step_points",
            against="points_as_cash.minimum_points"
            if fewest > (cash.step_points or 1)
            else "points_as_cash.step_points",
        )


def value_of_points(draft: Draft) -> Fraction | None:
    """What a point is worth in minor units, as far as it is known."""
    cash = draft.points_as_cash
    if cash is None or not cash.points or cash.amount_minor is None:
        return None
    return Fraction(cash.amount_minor, cash.points)


def _given_back(draft: Draft) -> Iterator[tuple[int, Fraction, Fraction]]:
    """For each tier, the share of the price that its discount and its points give back; and that of points alone."""
    earning, value = draft.earning, value_of_points(draft)
    if earning is None or not earning.points or not earning.per_minor or value is None:
        return
    of_paid, discount = value * earning.points / earning.per_minor, Fraction(0)
    for rank, level in enumerate(draft.levels):
        discount = discount if level.discount is None else level.discount
        yield rank, discount + (1 - discount) * of_paid, of_paid


@rule("error")
def earn_burn_arbitrage(draft: Draft) -> Iterator[Found]:
    """Discount and points together give back the whole price, so that who buys earns money."""
    for rank, given, of_paid in _given_back(draft):
        if given < 1:
            continue
        worth = money(int(10_000 * given), draft.currency)
        yield Found(
            "points_as_cash.amount_minor",
            f"what is paid earns points worth {percent(of_paid)} of it",
            f"A member at {draft.levels[rank].name} buys for {money(10_000, draft.currency)} and gets {worth} of it back.",
            "lower amount_minor, or give fewer points",
            against=f"tiers.levels.{rank}.discount" if draft.levels[rank].discount else "earning.points",
        )
        return


@rule("warning")
def half_given_back(draft: Draft) -> Iterator[Found]:
    """Discount and points together give back half of the price or more."""
    for rank, given, _ in _given_back(draft):
        if not MUCH <= given < 1:
            continue
        name, worth = draft.levels[rank].name, money(int(10_000 * given), draft.currency)
        yield Found(
            "points_as_cash.amount_minor",
            f"members at {name} get {percent(given)} of the price back by discount and points",
            f"A member at {name} buys for {money(10_000, draft.currency)} and gets {worth} of it back; a campaign that doubles points adds to that.",
            "lower amount_minor, the rate of earning or the discount",
        )
        return


@rule("error")
def expiry_unsaid(draft: Draft) -> Iterator[Found]:
    """Nothing says when points lapse, or whether they do."""
    if draft.expiry is None:
        yield Found(
            "expiry",
            "nothing says how long points live",
            f"A member who bought on {day(SOME_DAY)} asks for the points two years later: nobody knows whether they have lapsed.",
            "give a mode, with months where it counts them; mode: never, if points do not lapse",
        )


@rule("warning")
def short_lives(draft: Draft) -> Iterator[Found]:
    """Some points can be spent for fewer days than are enough."""
    expiry, pending = draft.expiry, _pending(draft)
    fewest = shortest_life(expiry) if expiry else None
    if expiry is None or fewest is None or not pending < fewest < ENOUGH_DAYS + pending:
        return
    while_pending = f", pending for {pending} of them" if pending else ""
    yield Found(
        "expiry",
        f"some points lapse {days(fewest)} after they were earned, that day counted{while_pending}",
        _shortest(expiry, draft),
        f"give minimum_days of {ENOUGH_DAYS + pending - 1} or more",
    )


@rule("error")
def points_never_spendable(draft: Draft) -> Iterator[Found]:
    """Some points lapse before they can be spent."""
    expiry, pending = draft.expiry, _pending(draft)
    fewest = shortest_life(expiry) if expiry else None
    if expiry is None or fewest is None or fewest > pending:
        return
    yield Found(
        "earning.pending_days",
        f"points are pending for {days(pending)}, but some lapse {days(fewest)} after they were earned",
        f"{_shortest(expiry, draft)} They were pending all that time.",
        f"give expiry.minimum_days of {ENOUGH_DAYS + pending - 1} or more",
        against="expiry",
    )


@rule("warning")
def second_year_unsaid(draft: Draft) -> Iterator[Found]:
    """Points live a year from the registration; what becomes of those that are earned later is left open."""
    expiry = draft.expiry
    if expiry is None or expiry.mode != "registration_anniversary" or not silent(expiry, "repeats"):
        return
    begins = draft.begins or SOME_DAY
    yield Found(
        "expiry.repeats",
        "nothing is said of points that are earned after the first year of a membership",
        f"A member registered on {day(begins)} who buys two years later, on {day(begins.replace(year=begins.year + 2))}: by the words of the plan the points lapsed a year before they were earned.",
        "say repeats: yearly",
    )


def shortest_life(expiry: Expiry) -> int | None:
    """The fewest local days that points can live, the first and the last one counted; None if they never lapse."""
    lives = [(last - earned).days + 1 for earned, last in _lives(expiry, SOME_DAY)]
    return min(lives, default=None)


def _lives(expiry: Expiry, registered_on: date) -> Iterator[tuple[date, date]]:
    """Days on which a member may earn, and the last day of those points.

    Lives are shortest at the ends of months and before anniversaries; four years hold each of them, leap day included.
    """
    months = [months_after(registered_on.replace(day=1), number) for number in range(1, 49)]
    eves = [anniversary(registered_on, years) - timedelta(days=1) for years in range(1, 5)]
    for earned_on in sorted([*(first - timedelta(days=1) for first in months), *eves]):
        last = last_day(expiry, earned_on=earned_on, registered_on=registered_on)
        if last is not None:
            yield earned_on, last


def _shortest(expiry: Expiry, draft: Draft) -> str:
    registered_on = draft.begins or SOME_DAY
    earned, last = min(_lives(expiry, registered_on), key=lambda life: life[1] - life[0])
    return f"A member registered on {day(registered_on)} who buys on {day(earned)}: the points lapse at the end of {day(last)}."


def _pending(draft: Draft) -> int:
    return (draft.earning.pending_days if draft.earning else None) or 0
