"""Rules of the linter about the plan behind a policy: targets, evaluation, rewards, activities, budgets."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from domain.calendar_days import months_after
from domain.lint.draft import Draft, silent
from domain.lint.finding import RULES, Found, rule
from domain.policy.plan import Target, Window
from domain.policy.words import day, money, points


@rule("error")
def beginning_unsaid(draft: Draft) -> Iterator[Found]:
    """Nothing says from when on the programme holds."""
    if draft.effective_from is None:
        yield Found(
            "effective_from",
            "nothing says from when on the programme holds",
            "A member who bought yesterday: nobody knows whether that earns points already.",
            "give the instant with its offset, such as 2023-01-01T00:00:00+08:00",
        )


@rule("warning")
def target_unsaid(draft: Draft) -> Iterator[Found]:
    """A target has no number, or no date."""
    for number, target in enumerate(draft.planned.targets):
        if target.more is None or (target.until is None and target.within_months is None):
            yield Found(
                f"plan.targets.{number}",
                f"nothing says how much of {target.measure.replace('_', ' ')} is meant, or by when",
                f"One member more is won and kept: nobody knows whether that meets the target of {target.measure.replace('_', ' ')}.",
                "give more, and until or within_months",
            )


@rule("warning")
def target_deadlines_contradict(draft: Draft) -> Iterator[Found]:
    """A target has two deadlines: so many months from the beginning, and a day. They are not the same."""
    for number, target in enumerate(draft.planned.targets):
        if target.until is None or target.within_months is None:
            continue
        last = _last_day(target, draft.begins)
        if last == target.until:
            continue
        place = f"plan.targets.{number}"
        if last is None:
            fits = months_after(target.until + timedelta(days=1), -target.within_months)
            begins = months_after(fits, 2)
            message = f"{target.within_months} months from an unnamed beginning, and until {day(target.until)}: these agree for a beginning on {day(fits)} only"
            between = months_after(target.until, 1)
            example = f"If the plan begins on {day(begins)}, a member who joins on {day(between)} counts by one statement and not by the other."
        else:
            message = f"{target.within_months} months from {day(draft.begins or last)} end on {day(last)}, but the target is to be met until {day(target.until)}"
            between = max(last, target.until)
            example = f"A member who joins on {day(between)} counts by one statement and not by the other."
        yield Found(
            f"{place}.until",
            message,
            example,
            "say when the plan begins (plan.begins), or leave one of the deadlines out",
            against=f"{place}.within_months",
        )


def _last_day(target: Target, begins: date | None) -> date | None:
    if begins is None or target.within_months is None:
        return None
    return months_after(begins, target.within_months) - timedelta(days=1)


@rule("warning")
def milestones_contradict(draft: Draft) -> Iterator[Found]:
    """Milestones do not rise with time up to their target."""
    for number, target in enumerate(draft.planned.targets):
        steps = [(one.by, one.more) for one in target.milestones]
        end = target.until or _last_day(target, draft.begins)
        if end and target.more:
            steps.append((end, target.more))
        for step, ((by, more), (later, most)) in enumerate(pairwise(steps)):
            if by < later and more <= most:
                continue
            yield Found(
                f"plan.targets.{number}.milestones.{step}",
                f"{more:,} by {day(by)}, but {most:,} by {day(later)}",
                f"A member who joins on {day(max(by, later))} as number {min(more, most) + 1:,}: ahead of one number, behind the other.",
                "let milestones rise with time, up to the target",
            )


def _windows(draft: Draft) -> list[tuple[int, Window]]:
    return sorted(enumerate(draft.planned.evaluation), key=lambda one: one[1].from_month)


@rule("warning")
def windows_overlap(draft: Draft) -> Iterator[Found]:
    """Months lie in two windows of the evaluation."""
    for (lower, early), (number, late) in pairwise(_windows(draft)):
        if early.to_month is not None and early.to_month < late.from_month:
            continue
        last = early.to_month if late.to_month is None else min(early.to_month or late.to_month, late.to_month)
        what = (
            f"month {late.from_month}"
            if last == late.from_month
            else f"months {late.from_month} to {last or 'the last'}"
        )
        yield Found(
            f"plan.evaluation.{number}.from_month",
            f"{what} of the plan: in {early.title.en!r} and in {late.title.en!r}",
            f"A member who joins in month {late.from_month} is counted twice.",
            f"let the later window begin with month {(last or late.from_month) + 1}",
            against=f"plan.evaluation.{lower}.to_month",
        )


@rule("warning")
def windows_hole(draft: Draft) -> Iterator[Found]:
    """Months lie in no window of the evaluation."""
    for (lower, early), (number, late) in pairwise(_windows(draft)):
        if early.to_month is None or early.to_month + 1 >= late.from_month:
            continue
        first, last = early.to_month + 1, late.from_month - 1
        yield Found(
            f"plan.evaluation.{number}.from_month",
            f"between the end of month {early.to_month} and the end of month {last} nothing is evaluated",
            f"A member who joins in month {first} is counted by no window.",
            f"let a window cover months {first} to {last}, or stretch one of its neighbours",
            against=f"plan.evaluation.{lower}.to_month",
        )


@rule("warning")
def reward_terms_unsaid(draft: Draft) -> Iterator[Found]:
    """Points buy something, but its price, or how much must have been spent, is left open."""
    for number, reward in enumerate(draft.planned.rewards):
        unsaid = silent(reward, "points", "minimum_spend_minor", "spend_over")
        if not unsaid:
            continue
        spent = money(30_000, draft.currency)
        yield Found(
            f"plan.rewards.{number}",
            f"nothing is said of {', '.join(unsaid)}",
            f"A member with {points(500)} who has spent {spent}, {money(10_000, draft.currency)} of it today, asks for {reward.title.en!r}: nobody knows whether that is enough.",
            "give a price in points; and the minimum to be spent, in one order or over the lifetime",
        )


@rule("warning")
def activity_terms_unsaid(draft: Draft) -> Iterator[Found]:
    """A day or an event for members has no number of places, or nothing says how often it comes."""
    for number, activity in enumerate(draft.planned.activities):
        unsaid = silent(activity, "capacity", "every_months")
        if unsaid:
            yield Found(
                f"plan.activities.{number}",
                f"nothing is said of {', '.join(unsaid)}",
                f"A member asks for the 21st place of {activity.title.en!r}, or for the next one: nobody knows the answer.",
                "give capacity, and every_months for what comes again",
            )


@rule("warning")
def budget_amount_unsaid(draft: Draft) -> Iterator[Found]:
    """Money is set aside, but not how much."""
    for number, budget in enumerate(draft.planned.budgets):
        if silent(budget, "amount_minor"):
            yield Found(
                f"plan.budgets.{number}.amount_minor",
                f"no amount is set aside for {budget.title.en}",
                f"A bill of {money(500_000, draft.currency)} for {budget.title.en}: nobody knows whether it is within the budget.",
                "give amount_minor",
            )


@rule("error")
def accepted_rule_unknown(draft: Draft) -> Iterator[Found]:
    """An assumption accepts a warning of which the linter knows nothing, or which is an error."""
    for number, one in enumerate(draft.assumptions or ()):
        names = () if isinstance(one, str) else one.accepts
        for name in names:
            if name not in RULES or RULES[name].level == "error":
                yield Found(
                    f"assumptions.{number}.accepts",
                    f"{name!r} is no warning of the linter",
                    suggestion="name a rule whose level is warning; errors can only be forced",
                )


@rule("assumption")
def marked_assumption(draft: Draft) -> Iterator[Found]:
    """The author marked it: this fills a gap of the plan."""
    for number, one in enumerate(draft.assumptions or ()):
        if isinstance(one, str):
            yield Found(f"assumptions.{number}", one)
        else:
            yield Found(f"assumptions.{number}", one.text, clauses=(one.id,))
