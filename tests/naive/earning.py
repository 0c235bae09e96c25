"""What the lines of a purchase earn, as exact fractions."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from tests.naive.rules import Multiplier, Rules


class Line(NamedTuple):
    """What was sold: its price (gross − discount, in minor units) and how many."""

    id: str
    paid_minor: int
    category: str = ""
    quantity: int = 1


def basket(lines: Sequence[Line], returned: Sequence[int]) -> int:
    """What counts towards a minimum: what is kept of the whole basket, whatever it was paid with."""
    return sum(line.paid_minor - gone for line, gone in zip(lines, returned, strict=True))


def multiplier_of(rules: Rules, line: Line, total: int) -> Multiplier | None:
    """The one that wins this line: highest priority, then highest multiplier, then campaign id."""
    matching = [
        one
        for one in rules.multipliers
        if (one.categories is None or line.category in one.categories) and total >= one.minimum_minor
    ]
    return min(matching, key=lambda one: (-one.priority, -one.times, one.id), default=None)


def weight(rules: Rules, line: Line, total: int) -> Fraction:
    """How many times the rate this line earns."""
    if line.category in rules.excluded:
        return Fraction(0)
    winner = multiplier_of(rules, line, total)
    return winner.times if winner else Fraction(1)


def set_against(rules: Rules, lines: Sequence[Line], points_minor: int) -> list[int]:
    """What points paid of each line: the lines that earn least first, then in their order."""
    total = basket(lines, [0] * len(lines))
    by_points = [0] * len(lines)
    for number in sorted(range(len(lines)), key=lambda number: weight(rules, lines[number], total)):
        by_points[number] = min(points_minor, lines[number].paid_minor)
        points_minor -= by_points[number]
    assert points_minor == 0, "points cannot pay more than the bill"
    return by_points


def earned(
    rules: Rules, lines: Sequence[Line], by_points: Sequence[int], returned: Sequence[int]
) -> dict[str, Fraction]:
    """By part, before the one rounding: what the basket earns with what is kept of it (amounts in minor units)."""
    total = basket(lines, returned)
    parts = {"base": Fraction(0)} | {one.id: Fraction(0) for one in rules.multipliers}
    for line, points, gone in zip(lines, by_points, returned, strict=True):
        if line.category in rules.excluded or line.paid_minor == 0:
            continue
        basis = (line.paid_minor - points) * Fraction(line.paid_minor - gone, line.paid_minor)
        parts["base"] += rules.rate * basis
        if winner := multiplier_of(rules, line, total):
            parts[winner.id] += (winner.times - 1) * rules.rate * basis
    may_earn = any(
        line.category not in rules.excluded and line.paid_minor > gone
        for line, gone in zip(lines, returned, strict=True)
    )
    for bonus in rules.bonuses:
        parts[bonus.id] = Fraction(bonus.points if may_earn and total >= bonus.minimum_minor else 0)
    return parts


def clawed(*, granted: int, earns_now: int, before: int) -> int:
    """What a return takes of one part that granted so many points, `before` of which are taken already."""
    return granted - min(granted, earns_now) - before
