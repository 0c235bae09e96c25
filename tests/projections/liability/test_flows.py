"""Flows of points by cohort and month, held against the balances that the proofs tally at the end of each month."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.fact import Fact
from domain.liability import Assumptions, Flow, Month, months_between, roll_forward
from infra.stored_facts import FactMapper
from projections.liability.flows import Timeline, flows_of, month_ends, month_of
from projections.proofs.tally import TELLERS, Tally, Told
from tests.projections.histories import RULES, History
from tests.projections.whatif.recorded import Town

SHANGHAI = ZoneInfo("Asia/Shanghai")


def stored(facts: Iterable[Fact]) -> dict[UUID, list[Told]]:
    """By member, as the log has them."""
    found: dict[UUID, list[Told]] = defaultdict(list)
    for position, one in enumerate(facts, 1):
        if one.stored_name in TELLERS:
            state = FactMapper({}).to_stored_event(one).state
            found[one.subject].append((one.subject, position, one.stored_name, state))
    return found


def rolled(told: dict[UUID, list[Told]]) -> list[Month]:
    flows: dict[tuple[str, str], Flow] = defaultdict(Flow)
    latest = []
    for some in told.values():
        timeline = Timeline()
        timeline.tell(some)
        latest.append(timeline.latest)
        for key, flow in flows_of(timeline, SHANGHAI).items():
            flows[key] += flow
    months = months_between(min(month for _, month in flows), month_of(max(latest), SHANGHAI))
    return roll_forward(flows, months, Assumptions(Fraction(10), {"": Fraction("0.8")}))


def outstanding(facts: list[Told], *, at: datetime) -> int:
    """By the proofs' tally, but for debt that nobody has settled yet."""
    tally = Tally()
    tally.tell(facts)
    sums = tally.buckets(at)
    not_recorded = sums.settled - sum(lot.settled for lot in tally.lots.values())
    return sums.pending + sums.available + sums.held + not_recorded


def adds_up(told: list[Month]) -> bool:
    return all(
        roll.opening + roll.issued - roll.redeemed - roll.expired - roll.revoked + roll.reestimated == roll.closing
        for one in told
        for roll in (one.points, one.money)
    ) and all(
        one.points.closing == after.points.opening and one.money.closing == after.money.opening
        for one, after in pairwise(told)
    )


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_what_is_outstanding_is_what_the_proofs_tally(rules: str, late: bool) -> None:
    for number in range(12):
        told = stored(History(f"owed{rules}{late}{number}", RULES[rules], late=late).goes_on(60).facts)
        months = rolled(told)
        over = month_ends(months[-1].month, SHANGHAI)
        assert months[-1].points.closing == sum(outstanding(some, at=over) for some in told.values())
        assert adds_up(months)


def test_so_it_is_at_the_end_of_every_month() -> None:
    facts = Town().lives().facts
    told = rolled(stored(facts))
    assert len(told) > 24
    for one in told:
        over = month_ends(one.month, SHANGHAI)
        by_then = stored(fact for fact in facts if fact.occurred_at < over)
        assert one.points.closing == sum(outstanding(some, at=over) for some in by_then.values()), one.month
    assert adds_up(told)
    assert {line for one in told for line in ("redeemed", "expired", "revoked") if getattr(one.points, line)} == {
        "redeemed", "expired", "revoked",
    }  # fmt: skip
