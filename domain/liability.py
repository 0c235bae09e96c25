"""Points as a deferred obligation (IFRS 15 B39-B43, illustrative example 52): what is owed in points, and how it came about.

Months are local ones, `YYYY-MM`; a cohort is what was earned in one month. Money is in minor units. Everything inside is
exact; the balance is rounded once after each step, half to even, and a line is the difference of two balances, so that
lines always add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of a cohort's points in one month. Negative: more came back than went."""

    sold: int = 0
    """Issued with purchases."""
    paid_minor: int = 0
    """What was paid for those purchases."""
    given: int = 0
    """Issued without a purchase."""
    redeemed: int = 0
    expired: int = 0
    revoked: int = 0

    def __add__(self, other: "Flow") -> "Flow":
        return Flow(
            self.sold + other.sold, self.paid_minor + other.paid_minor, self.given + other.given,
            self.redeemed + other.redeemed, self.expired + other.expired, self.revoked + other.revoked,
        )  # fmt: skip


Flows = Mapping[tuple[str, str], Flow]
"""By cohort, and the month in which it happened."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is estimated, not recorded."""

    face_minor: Fraction
    """What a point buys."""
    expected: Mapping[str, Fraction]
    """The share of issued points that will be redeemed, from a month on: the prior, as long as history is short."""
    horizon: int = 24
    """After so many months a cohort's redemptions are taken to be complete; once one is so old, history replaces the prior."""

    def prior(self, month: str) -> Fraction:
        """The one stated for a month: the latest that began by then."""
        begun = [since for since in self.expected if since <= month]
        return self.expected[max(begun) if begun else min(self.expected)]


@dataclass(frozen=True, slots=True)
class Roll:
    """From one balance to the next: opening + issued - redeemed - expired - revoked + re-estimated = closing."""

    opening: int
    issued: int
    redeemed: int
    expired: int
    revoked: int
    reestimated: int
    closing: int


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the roll-forward."""

    month: str
    paid_minor: int
    """For purchases that earned points."""
    expected: Fraction
    """The share of issued points that was expected to be redeemed in the end, as estimated when the month closed."""
    points: Roll
    money: Roll


@dataclass(slots=True)
class _Cohort:
    """Points of one month, and what was deferred for them."""

    earned: str
    issued: int = 0
    """Less what was revoked."""
    outstanding: int = 0
    redeemed: int = 0
    by_age: dict[int, int] = field(default_factory=dict)
    """Redeemed, by age in months."""
    deferred: Fraction = Fraction(0)
    will_be_redeemed: Fraction = Fraction(0)
    """In the end, of all that was issued: between what has been redeemed, and that and all that is outstanding."""

    @property
    def owed(self) -> Fraction:
        """What was deferred, but for the share of the expected redemptions that has come.

        What came back may be dated before what it reverses: no more is owed than was deferred.
        """
        redeemed = max(self.redeemed, 0)
        if self.will_be_redeemed <= redeemed:
            return Fraction(0)
        return self.deferred * (1 - redeemed / self.will_be_redeemed)

    def issue(self, flow: Flow, face: Fraction, share: Fraction) -> None:
        """By relative stand-alone selling prices: that of goods is what was paid. Points without a sale are deferred whole."""
        price = face * share * flow.sold
        if price:
            self.deferred += price * flow.paid_minor / (flow.paid_minor + price)
        self.deferred += face * share * flow.given
        self.issued += flow.sold + flow.given
        self.outstanding += flow.sold + flow.given
        self.will_be_redeemed += share * (flow.sold + flow.given)

    def revoke(self, points: int) -> None:
        """The sale did not happen: what was deferred for these points goes with them, and nothing is recognised."""
        if points and self.issued:
            left = Fraction(self.issued - points, self.issued)
            self.deferred *= left
            self.will_be_redeemed *= left
        self.issued -= points
        self.outstanding -= points

    def redeem(self, points: int, age: int) -> None:
        self.redeemed += points
        self.outstanding -= points
        self.by_age[age] = self.by_age.get(age, 0) + points

    def expect(self, points: Fraction) -> None:
        """Never less than has been redeemed, never more than can be."""
        self.will_be_redeemed = min(max(points, Fraction(self.redeemed)), Fraction(self.redeemed + self.outstanding))

    def redeemed_by(self, age: int) -> int:
        return sum(points for at, points in self.by_age.items() if at <= age)


def roll_forward(flows: Flows, months: Sequence[str], assumptions: Assumptions) -> list[Month]:
    """Every month from the first on, without gaps; flows of other months are left out."""
    cohorts: dict[str, _Cohort] = {}
    told: list[Month] = []
    for month in months:
        now = {cohort: flow for (cohort, at), flow in sorted(flows.items()) if at == month}
        for earned in now:
            cohorts.setdefault(earned, _Cohort(earned))
        told.append(_month(month, now, cohorts, assumptions))
    return told


def _month(month: str, now: Mapping[str, Flow], cohorts: Mapping[str, _Cohort], assumptions: Assumptions) -> Month:
    def balance() -> int:
        return round(sum((one.owed for one in cohorts.values()), Fraction(0)))

    def outstanding() -> int:
        return sum(one.outstanding for one in cohorts.values())

    money, points = [balance()], outstanding()
    grown = _grown(cohorts.values(), month, assumptions)
    share = assumptions.prior(month) if grown is None else grown
    for earned, flow in now.items():
        cohorts[earned].issue(flow, assumptions.face_minor, share)
    money.append(balance())
    for earned, flow in now.items():
        cohorts[earned].revoke(flow.revoked)
    money.append(balance())
    for earned, flow in now.items():
        cohorts[earned].redeem(flow.redeemed, age(earned, month))
    money.append(balance())
    for earned, flow in now.items():
        one = cohorts[earned]
        one.outstanding -= flow.expired
        one.expect(one.will_be_redeemed)
    money.append(balance())
    curve = _curve(cohorts.values(), month)
    for one in cohorts.values():
        still = max(Fraction(0), share - curve[age(one.earned, month)])
        one.expect(one.redeemed + still * one.issued)
    money.append(balance())
    opening, issued, revoked, redeemed, expired, closing = money
    of = Flow()
    for flow in now.values():
        of += flow
    return Month(
        month, of.paid_minor, share,
        Roll(points, of.sold + of.given, of.redeemed, of.expired, of.revoked, 0, outstanding()),
        Roll(
            opening, issued - opening, revoked - redeemed, redeemed - expired, issued - revoked, closing - expired, closing
        ),
    )  # fmt: skip


def _grown(cohorts: Iterable[_Cohort], month: str, assumptions: Assumptions) -> Fraction | None:
    """The share that was redeemed of cohorts old enough to tell; none is, while history is short."""
    old = [one for one in cohorts if age(one.earned, month) > assumptions.horizon and one.issued > 0]
    issued = sum(one.issued for one in old)
    return Fraction(sum(one.redeemed_by(assumptions.horizon) for one in old), issued) if issued else None


def _curve(cohorts: Iterable[_Cohort], month: str) -> dict[int, Fraction]:
    """By age in months, the share that was redeemed by then of all cohorts that have come to it."""
    ages = {one.earned: age(one.earned, month) for one in cohorts}
    curve = {}
    for upto in set(ages.values()):
        old = [one for one in cohorts if ages[one.earned] >= upto]
        issued = sum(one.issued for one in old)
        curve[upto] = Fraction(sum(one.redeemed_by(upto) for one in old), issued) if issued > 0 else Fraction(0)
    return curve


def age(cohort: str, month: str) -> int:
    """Months from one to another."""
    return _number(month) - _number(cohort)


def months_between(first: str, last: str) -> list[str]:
    """Both included."""
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(_number(first), _number(last) + 1)]


def _number(month: str) -> int:
    year, _, of_year = month.partition("-")
    return int(year) * 12 + int(of_year) - 1
