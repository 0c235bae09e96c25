"""Programmes and their versions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.programme import SHIPPED, Policy, Programme
from domain.refusals import EffectiveDateNotAfterPublished, NoProgrammeInForce
from tests.builders import policy, published
from tests.spec import given

FIRST = policy()
LATER = FIRST.model_copy(update={"effective_from": FIRST.effective_from + timedelta(days=365)})


def test_the_first_version_may_begin_in_the_past() -> None:
    given(Programme).when(lambda programme: programme.publish(FIRST)).then(published(FIRST))


def test_a_later_version_follows_the_ones_before_it() -> None:
    given(Programme, published(FIRST)).when(lambda programme: programme.publish(LATER)).then(
        published(LATER, version=2)
    )


@pytest.mark.parametrize("shift", [timedelta(0), timedelta(microseconds=-1), timedelta(days=-400)])
def test_a_version_that_does_not_take_effect_after_its_predecessor_is_refused(shift: timedelta) -> None:
    earlier = LATER.model_copy(update={"effective_from": LATER.effective_from + shift})
    given(Programme, published(FIRST), published(LATER, version=2)).when(
        lambda programme: programme.publish(earlier)
    ).then_refused(
        EffectiveDateNotAfterPublished(effective_from=earlier.effective_from, published_until=LATER.effective_from)
    )


def test_the_business_time_decides_which_version_is_in_force() -> None:
    programme = given(Programme, published(FIRST), published(LATER, version=2)).stream
    instants = [
        FIRST.effective_from,
        LATER.effective_from - timedelta(microseconds=1),
        LATER.effective_from,
        datetime(2200, 1, 1, tzinfo=UTC),
    ]
    assert [programme.in_force(at)[0] for at in instants] == [1, 1, 2, 2]


def test_before_the_first_version_no_programme_is_in_force() -> None:
    before = FIRST.effective_from - timedelta(microseconds=1)
    programme = given(Programme, published(FIRST)).stream
    with pytest.raises(NoProgrammeInForce) as refused:
        programme.in_force(before)
    assert refused.value == NoProgrammeInForce(programme="member_experience", occurred_at=before)


def test_the_shipped_programmes_are_read() -> None:
    shipped = {path.stem for path in SHIPPED.glob("*.yaml")}
    assert {policy(name).name for name in shipped} == shipped
    assert shipped >= {"member_experience", "recruitment_year", "corner_shop"}


def test_the_member_experience_plan_has_its_own_numbers() -> None:
    levels = [(level.name, level.promote_at, level.retain_at) for level in FIRST.tiers.levels]
    assert levels == [
        ("Ordinary", 0, 0),
        ("Silver", 10_000, 10_000),
        ("Gold", 100_000, 60_000),
        ("Diamond", 200_000, 110_000),
    ]
    assert (FIRST.earning.points, FIRST.earning.per_minor, FIRST.expiry.mode) == (1, 1000, "registration_anniversary")


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "yuan"}, {"time_zone": "Mars/Olympus"}, {"effective_from": "2023-01-01T00:00:00"}, {"surprise": 1},
        {"earning": {"points": 0, "per_minor": 1000}}, {"earning": {"points": 1.5, "per_minor": 1000}}, {"earning": {"points": 1, "per_minor": -1}},
        {"expiry": {"mode": "rolling"}}, {"expiry": {"mode": "rolling", "months": 1_201}}, {"effective_from": "9999-01-01T00:00:00Z"}, {"expiry": {"mode": "never", "months": 3}}, {"expiry": {"mode": "sometimes"}},
        {"tiers": {"period": "membership_year", "levels": []}}, {"name": "Not A Name"},
        {"points_as_cash": {"points": 1, "amount_minor": 0}}, {"points_as_cash": {"points": 1, "amount_minor": 1, "largest_share": 0.5}},
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**changes)


def test_a_policy_is_the_same_after_it_was_stored() -> None:
    assert Policy.model_validate_json(FIRST.model_dump_json()) == FIRST
