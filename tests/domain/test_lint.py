"""The linter: each rule by name, the plans as they are written, and the silence of a clean programme."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from domain.document import Document, Key, amended, read_yaml
from domain.lint import RULES, Finding, lint, lint_document
from domain.messages.programmes import shipped, shipped_file
from domain.programme import SHIPPED
from tests.builders import policy

PLANS = Path(__file__).parent / "plans"
CLEAN = """\
name: clean
title: {en: Clean, zh: 干净}
effective_from: 2023-01-01T00:00:00+08:00
currency: CNY
time_zone: Asia/Shanghai
earning: {points: 1, per_minor: 1000, pending_days: 0}
expiry: {mode: rolling, months: 24}
tiers:
  period: calendar_year
  metric: points
  levels:
    - {name: Basic, title: {en: Basic, zh: 基础}, promote_at: 0, retain_at: 0}
    - {name: Plus, title: {en: Plus, zh: 高级}, promote_at: 1000, retain_at: 500, discount: "1/20"}
    - {name: Top, title: {en: Top, zh: 顶级}, promote_at: 5000, retain_at: 4000, discount: "1/10"}
points_as_cash: {points: 1, amount_minor: 10, minimum_points: 100, step_points: 10, largest_share: "1/2"}
plan:
  begins: 2023-01-01
  targets: [{id: members, measure: members, more: 5000, within_months: 12, until: 2023-12-31, milestones: [{by: 2023-06-30, more: 2000}]}]
  evaluation:
    - {title: {en: Early, zh: 早期}, from_month: 1, to_month: 3}
    - {title: {en: Late, zh: 后期}, from_month: 4, to_month: 12}
  rewards: [{title: {en: Cup, zh: 杯子}, points: 500, minimum_spend_minor: 10000, spend_over: order}]
  activities: [{title: {en: Tasting, zh: 品鉴会}, capacity: 20, every_months: 1}]
  budgets: [{title: {en: leaflets, zh: 传单}, amount_minor: 100000}]
assumptions: []
"""
SILVER = "tiers.levels.1"
CASES: list[tuple[str, dict[str, str], str, str]] = [
    ("tier-names-unique", {"tiers.levels.2.name": "Plus"}, "tiers.levels.2.name", "promoted to the second Plus"),
    ("lowest-tier-open", {"tiers.levels.0.promote_at": "10"}, "tiers.levels.0", "0 points, 10 points less than Basic"),
    ("tier-thresholds-unsaid", {"tiers.levels.1.promote_at": "null"}, SILVER, "whether that is Plus"),
    ("tier-thresholds-unsaid", {"tiers.levels.1.from": "500"}, SILVER, "earns 499 points in the next period"),
    ("tier-gap", {"tiers.levels.1.to": "4000", "tiers.levels.2.from": "5000"}, "tiers.levels.2.from", "with 4,500 points has too many for Plus"),
    ("tier-overlap", {"tiers.levels.1.to": "6000", "tiers.levels.2.from": "5000"}, "tiers.levels.2.from", "with 6,000 points is Plus by one range"),
    ("tier-thresholds-contradict", {"tiers.levels.2.from": "4000"}, "tiers.levels.2.promote_at", "with 4,500 points is Top by one"),
    ("tier-unreachable", {"tiers.levels.2.promote_at": "1000"}, "tiers.levels.2.promote_at", "1,000 points is Top at once"),
    ("tier-retain-order", {"tiers.levels.2.retain_at": "400"}, "tiers.levels.2.retain_at", "With 400 points in a period"),
    ("tier-lost-at-once", {"tiers.levels.1.retain_at": "1001"}, "tiers.levels.1.retain_at", "promoted with 1,000 points"),
    ("metric-weights-unsaid", {"tiers.metric": "{points: 1, visits: null}"}, "tiers.metric", "60: nobody knows who stands higher"),
    ("benefits-alike", {"tiers.levels.2.discount": '"1/20"'}, "tiers.levels.2.benefits", "promoted from Plus to Top notices no"),
    ("benefits-shrink", {"tiers.levels.2.discount": '"1/25"'}, "tiers.levels.2.discount", "from Plus to Top pays more for the same basket: 1 % of it"),
    ("discount-unsaid", {"tiers.levels.2.discount": "null"}, "tiers.levels.2.discount", "member at Top buys for 100.00"),
    ("earning-rate-unsaid", {"earning.per_minor": "null"}, "earning", "spends 100.00 CNY: nobody knows"),
    ("remainder-unsaid", {"earning.carry_remainder": "null"}, "earning.carry_remainder", "15.00 CNY twice: 2 points if each receipt is floored, 3 points if"),
    ("points-as-cash-without-rate", {"points_as_cash.amount_minor": "null"}, "points_as_cash", "500 points who wants to pay 20.00 CNY"),
    ("points-as-cash-without-rate", {"points_as_cash": "null"}, "points_as_cash", "500 points who wants to pay 20.00 CNY"),
    ("points-as-cash-limits-unsaid", {"points_as_cash.largest_share": "null"}, "points_as_cash", "a whole bill of 1,000.00 CNY"),
    ("largest-share-range", {"points_as_cash.largest_share": '"3/2"'}, "points_as_cash.largest_share", "1,000 points and a bill of 100.00 CNY"),
    ("minimum-not-a-step", {"points_as_cash.minimum_points": "105"}, "points_as_cash.minimum_points", "105 points has as many as the minimum asks for"),
    ("limit-below-minimum", {"limits": "{paid_per_day: 99}"}, "limits.paid_per_day", "with 1,000 points can use none of them"),
    ("earn-burn-arbitrage", {"points_as_cash.amount_minor": "1000"}, "points_as_cash.amount_minor", "buys for 100.00 CNY and gets 100.00 CNY of it back"),
    ("half-given-back", {"points_as_cash.amount_minor": "450"}, "points_as_cash.amount_minor", "at Top buys for 100.00 CNY and gets 50.50 CNY of it back"),
    ("expiry-unsaid", {"expiry": "null"}, "expiry", "bought on 2023-01-01 asks for the points two years later"),
    ("expiry-unsaid", {"expiry.months": "null"}, "expiry", "nobody knows whether they have lapsed"),
    ("tier-period-unsaid", {"tiers.period": "null"}, "tiers.period", "600 points in each of three years"),
    ("tier-period-unsaid", {"tiers.metric": "null"}, "tiers.metric", "nobody knows who stands higher"),
    ("beginning-unsaid", {"effective_from": "null"}, "effective_from", "A member who bought yesterday"),
    ("short-lives", {"expiry": "{mode: registration_anniversary}"}, "expiry", "registered on 2023-01-01 who buys on 2023-12-31: the points lapse at the end of 2024-01-01"),
    ("short-lives", {"expiry": "{mode: calendar, period: year}"}, "expiry", "who buys on 2023-12-31: the points lapse at the end of 2023-12-31"),
    ("points-never-spendable", {"expiry": "{mode: calendar, period: month, grace_days: 10}", "earning.pending_days": "14"}, "earning.pending_days", "They were pending all that time"),
    ("second-year-unsaid", {"expiry": "{mode: registration_anniversary, minimum_days: 60, repeats: null}"}, "expiry.repeats", "on 2025-01-01: by the words of the plan"),
    ("target-unsaid", {"plan.targets.0.more": "null"}, "plan.targets.0", "One member more"),
    ("target-deadlines-contradict", {"plan.begins": "2023-03-01"}, "plan.targets.0.until", "joins on 2024-02-29 counts by one statement"),
    ("milestones-contradict", {"plan.targets.0.milestones.0.more": "6000"}, "plan.targets.0.milestones.0", "as number 5,001: ahead of one number"),
    ("windows-overlap", {"plan.evaluation.1.from_month": "3"}, "plan.evaluation.1.from_month", "joins in month 3 is counted twice"),
    ("windows-hole", {"plan.evaluation.1.from_month": "7"}, "plan.evaluation.1.from_month", "joins in month 4 is counted by no window"),
    ("birthday-gift-unsaid", {"birthday": "{points: null}"}, "birthday", "born on 29 February"),
    ("referral-terms-unsaid", {"referral": "{minimum_paid_minor: null, referrer: {points: null}, referee: {points: 5}}"}, "referral", "a friend, who buys for 50.00 CNY"),
    ("referral-one-sided", {"referral": "{minimum_paid_minor: 15000, referrer: {points: 0}, referee: {points: 5}}"}, "referral.referrer", "recommending sees the other side get 5 points"),
    ("referral-one-sided", {"referral": "{minimum_paid_minor: 15000, referrer: {coupon: {kind: cake, valid_days: 9}}, referee: {points: 0}}"}, "referral.referee", "recommended sees the other side get a coupon"),
    ("referral-arbitrage", {"referral": "{minimum_paid_minor: 15000, referrer: {points: 1000}, referee: {points: 500}}"}, "referral.minimum_paid_minor", "buys for 150.00 CNY with it"),
    ("reward-terms-unsaid", {"plan.rewards.0.spend_over": "null"}, "plan.rewards.0", "asks for 'Cup'"),
    ("activity-terms-unsaid", {"plan.activities.0.capacity": "null"}, "plan.activities.0", "21st place of 'Tasting'"),
    ("budget-amount-unsaid", {"plan.budgets.0.amount_minor": "null"}, "plan.budgets.0.amount_minor", "bill of 5,000.00 CNY for leaflets"),
]  # fmt: skip
WITHOUT_MEMBER = {"no-policy", "accepted-rule-unknown", "marked-assumption"}


def found_in(text: str) -> list[Finding]:
    return lint_document(read_yaml(text, file="clean.yaml"))


def changed(changes: dict[str, str]) -> list[Finding]:
    return found_in(amended(CLEAN, changes))


def test_a_clean_programme_is_met_with_silence() -> None:
    assert found_in(CLEAN) == []


@pytest.mark.parametrize(("name", "changes", "place", "example"), CASES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CASES)])  # fmt: skip
def test_a_rule_tells_the_place_a_member_for_whom_it_bites_and_what_to_do(
    name: str, changes: dict[str, str], place: str, example: str
) -> None:
    (one,) = [one for one in changed(changes) if one.rule == name]
    assert (one.level, one.place) == (RULES[name].level, place)
    assert example in (one.example or "")
    assert re.fullmatch(r"(A|If|With|One|Who) ?.*[.?]", one.example or "")
    assert one.suggestion
    assert one.line


@pytest.mark.parametrize("name", [name for name in RULES if name not in WITHOUT_MEMBER])
def test_every_rule_has_a_case(name: str) -> None:
    assert name in {case[0] for case in CASES}


def test_a_finding_names_its_line_and_the_line_that_it_contradicts() -> None:
    (one,) = changed({"plan.begins": "2023-03-01"})
    lines = amended(CLEAN, {"plan.begins": "2023-03-01"}).splitlines()
    assert one.line
    assert "until: 2023-12-31" in lines[one.line - 1]
    assert one.against == f"plan.targets.0.within_months (line {one.line})"
    assert one.told("f.yaml").startswith(f"f.yaml:{one.line}:{one.column}: warning: target-deadlines-contradict: plan.")


def test_an_assumption_accepts_a_warning_by_name_but_no_error() -> None:
    short = {"expiry": "{mode: registration_anniversary}"}
    accepting = '[{id: M03, text: "as the plan has it", accepts: [short-lives]}]'
    assert [(one.level, one.rule, one.clauses) for one in changed(short | {"assumptions": accepting})] == [
        ("assumption", "marked-assumption", ("M03",))
    ]
    for name in ("tier-gap", "no-such-rule"):
        unknown = f'[{{id: M03, text: "as the plan has it", accepts: [{name}]}}]'
        assert "accepted-rule-unknown" in {one.rule for one in changed({"assumptions": unknown})}


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"earning.points": "1.5"}, "earning.points", "1.5 is no whole number"),
        ({"earning.points": "0"}, "earning.points", "greater than 0, not 0"),
        ({"earning.rounding": "up"}, "earning.rounding", "unknown key; known here are carry_remainder, "),
        ({"tiers.levels.1.promote": "5"}, "tiers.levels.1.promote", "did you mean promote_at?"),
        ({"tiers.levels.1.promote_at": "many"}, "tiers.levels.1.promote_at", "not 'many'"),
        ({"tiers.levels.1.discount": "0.05"}, "tiers.levels.1.discount", "never a float"),
        ({"points_as_cash.amount_minor": "0"}, "points_as_cash.amount_minor", "greater than 0"),
        ({"points_as_cash.largest_share": "0.5"}, "points_as_cash.largest_share", "never a float"),
        ({"limits": "{earned_per_day: 0}"}, "limits.earned_per_day", "greater than 0, not 0"),
        ({"limits": "{earned_per_day: 10.5}"}, "limits.earned_per_day", "10.5 is no whole number"),
        ({"effective_from": "2023-01-01T00:00:00"}, "effective_from", "a time has its offset"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "is no time zone"),
        ({"plan.evaluation.1.to_month": "2"}, "plan.evaluation.1", "ends in month 2, before it begins in month 4"),
        ({"tiers.metric": "{points: 0.5}"}, "tiers.metric.points", "never a float"),
        ({"tiers.levels.0.benefits": "[{kind: gold, title: {en: A, zh: A}}]"}, "tiers.levels.0.benefits.0.kind", "not 'gold'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line_and_reason(
    changes: dict[str, str], place: str, message: str
) -> None:
    (one,) = [one for one in changed(changes) if one.rule == "no-policy"]
    assert (one.level, one.place) == ("error", place)
    assert message in one.message
    assert one.line


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_shipped_programmes_print_only_marked_assumptions(name: str) -> None:
    findings = lint_document(read_yaml(shipped_file(name).read_text(encoding="utf-8"), file=name))
    assert {one.rule for one in findings} <= {"marked-assumption"}
    assert [one[:4] for one in findings] == [one[:4] for one in lint(shipped(name))]
    assert shipped_file(name).read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=")


WRITTEN = {
    "member_experience": {
        ("M01", "remainder-unsaid"), ("M02", "points-as-cash-without-rate"), ("M02", "points-as-cash-limits-unsaid"),
        ("M03", "short-lives"), ("M03", "second-year-unsaid"), ("M04", "reward-terms-unsaid"), ("M05", "tier-gap"),
        ("M05", "lowest-tier-open"), ("M05", "tier-thresholds-unsaid"), ("M05", "tier-thresholds-contradict"),
        ("M06", "tier-thresholds-contradict"), ("M07", "metric-weights-unsaid"), ("M08", "benefits-alike"),
        ("M11", "activity-terms-unsaid"),
    },
    "recruitment_year": {
        ("R01", "earning-rate-unsaid"), ("R01", "expiry-unsaid"), ("R02", "reward-terms-unsaid"), ("R03", "tier-period-unsaid"),
        ("R03", "tier-thresholds-unsaid"), ("R04", "discount-unsaid"), ("R05", "activity-terms-unsaid"),
        ("R06", "target-deadlines-contradict"), ("R06", "beginning-unsaid"), ("R08", "budget-amount-unsaid"),
        ("R09", "target-unsaid"), ("R18", "windows-overlap"), ("R18", "windows-hole"), ("R13", "birthday-gift-unsaid"), ("R14", "referral-terms-unsaid"),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_the_plans_as_they_are_written_have_each_open_point_told_by_its_id(name: str) -> None:
    findings = found_in((PLANS / f"{name}_as_written.yaml").read_text(encoding="utf-8"))
    assert {(clause, one.rule) for one in findings for clause in one.clauses} == WRITTEN[name]
    for one in findings:
        assert one.rule in RULES
        assert all((one.line, one.example, one.suggestion)), one
        assert one.rule not in {"no-policy", "marked-assumption"}


def test_the_gaps_of_the_tiers_as_written_are_told_to_the_point() -> None:
    findings = found_in((PLANS / "member_experience_as_written.yaml").read_text(encoding="utf-8"))
    gaps = [one.message for one in findings if one.rule == "tier-gap"]
    assert gaps == [
        "50,001 to 59,999 points are neither Silver nor Gold",
        "100,001 to 109,999 points are neither Gold nor Diamond",
    ]


@pytest.mark.parametrize("data", [None, [], "text", {"tiers": 3}, {"plan": {"clauses": 7}}, {"tiers": {"levels": [1]}}])
def test_nothing_that_is_written_breaks_the_linter(data: Any) -> None:
    assert any(one.level == "error" for one in lint_document(Document(data, "")))


def test_a_policy_that_was_read_is_linted_as_its_file() -> None:
    assert {one.rule for one in lint(policy(points_as_cash=None))} == {
        "points-as-cash-without-rate",
        "marked-assumption",
    }


def places(node: Any, place: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    yield place
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(value, (*place, key))


FULL = read_yaml(
    amended(CLEAN, {"birthday": "{points: 5}", "referral": "{minimum_paid_minor: 1, referrer: {points: 1}}"})
).data
STRANGE: list[Any] = [
    None,
    0,
    -1,
    1,
    10**30,
    1.5,
    "",
    "x",
    "1/2",
    "1/0",
    "2023-02-30",
    "0001-01-01",
    "9999-12-31",
    True,
    [],
    {},
    [{}],
    {"a": {}},
]


@forall(
    st.lists(
        st.tuples(st.sampled_from([place for place in places(FULL) if place]), st.sampled_from(STRANGE)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_whatever_stands_in_a_file_it_is_linted(strange: list[tuple[tuple[Key, ...], Any]]) -> None:
    data = deepcopy(FULL)
    for (*way, last), value in strange:
        node = data
        try:
            for key in way:
                node = node[key]
            node[last] = deepcopy(value)
        except (LookupError, TypeError):
            continue  # a place that another one has taken away
    for one in lint_document(Document(data, "")):
        assert one.rule in RULES
        assert one.message
