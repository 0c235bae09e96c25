"""The tiers of a policy as data (rules 9; M07, M08)."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from domain.policy.tiers import Benefit, Counters, Tiers, Weights
from tests.builders import policy

LEVELS = policy().tiers.model_dump(mode="json")["levels"]


def tiers(**changes: Any) -> Tiers:
    return Tiers.model_validate({"period": "membership_year", "levels": LEVELS} | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"period": "rolling"}, "`months` belongs to"),
        ({"months": 12}, "`months` belongs to"),
        ({"period": "lifetime", "grace_days": 3}, "never reviewed"),
        ({"period": "tier_start", "months": 1, "grace_days": 28}, "shorter than the period"),
        ({"warning_days": 366}, "shorter than the period"),
        ({"metric": {}}, "what does not count is left out"),
        ({"metric": {"points": 1, "spend": 0}}, "what does not count is left out"),
        ({"metric": {"points": 0.5}}, "never a float"),
        ({"levels": [{**LEVELS[0], "discount": "3/2"}]}, "at most all of it"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        tiers(**changes)


def test_a_mix_is_weighed_exactly_and_floored_once() -> None:
    mix = Weights.model_validate({"points": 1, "spend": "1/3", "visits": "1/2"})
    assert mix.total(Counters(points=10, spend_minor=1, visits=1)) == 10
    assert mix.total(Counters(points=10, spend_minor=2, visits=1)) == 11
    assert tiers().total(Counters(points=7, spend_minor=99, visits=9)) == 7


def test_benefits_and_discounts_hold_upward_and_words_alone_are_a_benefit() -> None:
    basic, priority = {"en": "Basic service", "zh": "基础服务"}, {"en": "Served first", "zh": "优先服务"}
    added: list[dict[str, Any]] = [
        {"benefits": [basic]},
        {"discount": "1/50"},
        {"benefits": [{"kind": "service_queue", "title": priority}]},
        {},
    ]
    scheme = tiers(levels=[{**level, "benefits": [], **more} for level, more in zip(LEVELS, added, strict=True)])
    assert [level.discount for level in scheme.levels] == [None, Fraction(1, 50), Fraction(1, 50), Fraction(1, 50)]
    assert [[(level.name, one.kind) for level, one in scheme.benefits(rank)] for rank in (0, 1, 3)] == [
        [("Ordinary", "other")], [("Ordinary", "other")], [("Ordinary", "other"), ("Gold", "service_queue")],
    ]  # fmt: skip
    assert isinstance(scheme.benefits(0)[0][1], Benefit)
    assert Tiers.model_validate_json(scheme.model_dump_json(exclude_none=True)) == scheme
