"""The liability in points and money: the standard's own example, and what holds of any history."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.liability import Assumptions, Flow, Flows, Month, Roll, months_between, roll_forward

FACE = Fraction(1)


def adds_up(roll: Roll) -> bool:
    left = roll.opening + roll.issued - roll.redeemed - roll.expired - roll.revoked
    return left + roll.reestimated == roll.closing


def chained(told: list[Month]) -> bool:
    return all(
        one.points.closing == after.points.opening and one.money.closing == after.money.opening
        for one, after in pairwise(told)
    )


def test_the_example_of_the_standard_to_the_unit() -> None:
    """IFRS 15, illustrative example 52: 100,000 of sales, 10,000 points, 95 % expected to be redeemed, then 97 %."""
    flows = {
        ("2024-01", "2024-01"): Flow(sold=10_000, paid_minor=100_000),
        ("2024-01", "2024-02"): Flow(redeemed=4_500),
        ("2024-01", "2024-03"): Flow(redeemed=4_000),
        ("2024-01", "2024-04"): Flow(redeemed=1_200, expired=300),
    }
    expected = {"2024-01": Fraction("0.95"), "2024-03": Fraction("0.97")}
    told = roll_forward(flows, months_between("2024-01", "2024-04"), Assumptions(FACE, expected))
    issued, first, second, last = (one.money for one in told)
    assert issued == Roll(opening=0, issued=8_676, redeemed=0, expired=0, revoked=0, reestimated=0, closing=8_676)
    assert told[0].paid_minor - issued.issued == 91_324
    assert first == Roll(8_676, issued=0, redeemed=4_110, expired=0, revoked=0, reestimated=0, closing=4_566)
    assert second == Roll(4_566, issued=0, redeemed=3_653, expired=0, revoked=0, reestimated=160, closing=1_073)
    assert second.redeemed - second.reestimated == 3_493
    assert last.closing == told[-1].points.closing == 0


def test_what_remains_is_released_when_nothing_is_outstanding() -> None:
    flows = {
        ("2024-01", "2024-01"): Flow(sold=1_000, paid_minor=10_000),
        ("2024-01", "2024-02"): Flow(redeemed=100),
        ("2024-01", "2024-03"): Flow(expired=900),
    }
    told = roll_forward(flows, months_between("2024-01", "2024-03"), Assumptions(FACE, {"": Fraction("0.9")}))
    assert told[-1].money.expired == told[-1].money.opening > 0
    assert told[-1].money.closing == 0


def test_breakage_that_was_expected_releases_nothing_as_it_comes() -> None:
    flows = {
        ("2024-01", "2024-01"): Flow(sold=1_000, paid_minor=10_000),
        ("2024-01", "2024-02"): Flow(expired=100),
    }
    told = roll_forward(flows, months_between("2024-01", "2024-02"), Assumptions(FACE, {"": Fraction("0.9")}))
    assert told[-1].money.expired == 0


def test_a_sale_that_goes_back_takes_what_was_deferred_for_it() -> None:
    flows = {
        ("2024-01", "2024-01"): Flow(sold=1_000, paid_minor=10_000),
        ("2024-01", "2024-02"): Flow(revoked=1_000),
    }
    told = roll_forward(flows, months_between("2024-01", "2024-02"), Assumptions(FACE, {"": Fraction("0.9")}))
    assert (told[1].money.revoked, told[1].money.closing) == (told[0].money.closing, 0)


def test_points_without_a_sale_are_deferred_at_what_they_are_expected_to_buy() -> None:
    told = roll_forward(
        {("2024-01", "2024-01"): Flow(given=1_000)}, ["2024-01"], Assumptions(Fraction(10), {"": Fraction("0.9")})
    )
    assert told[0].money.issued == 9_000


def test_once_a_cohort_is_old_enough_history_replaces_the_prior() -> None:
    flows = {
        ("2024-01", "2024-01"): Flow(sold=1_000, paid_minor=10_000),
        ("2024-01", "2024-02"): Flow(redeemed=400),
        ("2024-03", "2024-03"): Flow(sold=1_000, paid_minor=10_000),
    }
    rules = Assumptions(FACE, {"": Fraction("0.9")}, horizon=2)
    told = roll_forward(flows, months_between("2024-01", "2024-04"), rules)
    assert [one.expected for one in told] == [Fraction("0.9")] * 3 + [Fraction("0.4")]
    assert told[-1].money.reestimated < 0


SMALL = st.integers(0, 50)


@st.composite
def histories(draw: st.DrawFn) -> Flows:
    """Up to six months; never more goes than is there."""
    months, flows = months_between("2023-11", "2024-04"), {}
    for start, cohort in enumerate(months):
        there = draw(SMALL)
        flow = Flow(sold=there, paid_minor=draw(SMALL) * 100)
        for month in months[start:]:
            redeemed, expired, revoked = (draw(st.integers(0, there // 3)) for _ in range(3))
            there -= redeemed + expired + revoked
            flows[cohort, month] = flow + Flow(redeemed=redeemed, expired=expired, revoked=revoked)
            flow = Flow()
    return flows


@given(histories(), st.fractions(0, 1, max_denominator=20), st.integers(0, 6))
def test_every_month_adds_up_and_begins_where_the_last_one_ended(flows: Flows, share: Fraction, horizon: int) -> None:
    told = roll_forward(flows, months_between("2023-11", "2024-04"), Assumptions(FACE, {"": share}, horizon))
    assert chained(told)
    for one in told:
        assert adds_up(one.points)
        assert adds_up(one.money)
        assert one.money.closing >= 0
        assert one.points.closing or not one.money.closing
