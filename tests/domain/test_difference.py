"""Differences between policies, in plain words."""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.document import amended, read_yaml
from domain.messages.programmes import policy_from_yaml, shipped
from domain.policy.difference import difference
from domain.policy.parts import Text
from domain.policy.telling import AS_ONE, NAMES, Telling
from domain.policy.wording import CHANGES, Language
from domain.programme import SHIPPED, Policy
from tests.domain.test_lint import CLEAN

CLEAN_POLICY = policy_from_yaml(CLEAN)


def changed(**changes: str) -> Policy:
    return policy_from_yaml(amended(CLEAN, {place.replace("__", "."): value for place, value in changes.items()}))


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_what_is_the_same_is_not_told(name: str) -> None:
    assert difference(shipped(name), shipped(name)) == []


@pytest.mark.parametrize(
    ("place", "value", "en", "zh"),
    [
        ("tiers.levels.1.retain_at", "600", "Plus is kept from 600 qualifying points instead of 500", "高级的保级门槛由 500 改为 600 定级积分"),
        ("tiers.levels.2.promote_at", "6000", "Top is reached with 6,000 qualifying points instead of 5,000", "顶级的升级门槛由 5,000 改为 6,000 定级积分"),
        ("tiers.levels.2.discount", '"1/8"', "Top gets 12.5 % off instead of 10 %", "顶级的折扣由 10 % 改为 12.5 %"),
        ("tiers.levels.1.benefits", "[{kind: price, title: {en: Member price, zh: 会员价}}]", "Plus adds the benefits Member price (a price) instead of nothing", "高级新增的权益由“无”改为“会员价 (价格)”"),
        ("tiers.metric", '{points: 1, visits: "1/2"}', "Tiers are judged by 1 × points + 1/2 × visits instead of points", "等级依据由“积分”改为“1 × 积分 + 1/2 × 到店次数”"),
        ("earning.per_minor", "500", "Members earn 1 point for every full 5.00 CNY instead of 1 point for every full 10.00 CNY", "积分规则由“每满 10.00 CNY 积 1 分”改为“每满 5.00 CNY 积 1 分”"),
        ("expiry.months", "12", "Points live for 12 months instead of for 24 months", "积分有效期由“24 个月”改为“12 个月”"),
        ("expiry", "{mode: calendar, period: quarter, grace_days: 15}", "Points live through the quarter in which they were earned and 15 days more instead of for 24 months", "积分有效期由“24 个月”改为“至获得积分的季度末再加 15 天”"),
        ("points_as_cash.amount_minor", "5", "At the till points are worth 0.05 CNY for 1 point instead of 0.10 CNY for 1 point", "积分抵现由“1 分抵 0.10 CNY”改为“1 分抵 0.05 CNY”"),
        ("returns", "clamp_to_zero", "When returned points are spent: the rest is forgiven instead of they are owed", "退货积分不足时由“记为欠分”改为“不足部分免除”"),
        ("limits", "{paid_per_day: 5000}", "On a day 5,000 points at most pay at tills instead of any number", "每日抵现积分上限由 不限 改为 5,000"),
        ("tiers.warning_days", "30", "Before a review members are warned 30 days ahead instead of not at all", "评定前提醒由“不提醒”改为“提前 30 天”"),
        ("tiers.grace_days", "30", "A tier that was not kept lives for 30 days more instead of 0", "保级宽限天数由 0 改为 30"),
        ("birthday", "{coupon: {kind: cake, valid_days: 14}}", "A birthday brings a coupon “cake”, good for 14 days instead of nothing", "生日礼由“无”改为“优惠券「cake」，14 天有效”"),
        ("texts", "{statement_title: {en: Your tea points, zh: 您的茶分}}", "Statements are headed Your tea points instead of the usual words", "对账单标题由“默认标题”改为“您的茶分”"),
        ("campaigns", "{discounts: sum}", "Of several discounts on a line: they add up instead of the largest counts", "折扣叠加方式由“取最大”改为“叠加”"),
        ("plan.budgets.0.amount_minor", "200000", "The budget for leaflets is 2,000.00 CNY instead of 1,000.00 CNY", "预算传单由 1,000.00 CNY 改为 2,000.00 CNY"),
    ],
)  # fmt: skip
def test_a_change_is_told_in_both_languages(place: str, value: str, en: str, zh: str) -> None:
    new = policy_from_yaml(amended(CLEAN, {place: value}))
    assert difference(CLEAN_POLICY, new) == [en]
    assert difference(CLEAN_POLICY, new, language="zh") == [zh]


def test_tiers_come_and_go_as_a_whole() -> None:
    levels = CLEAN_POLICY.tiers.levels
    fewer = CLEAN_POLICY.model_copy(update={"tiers": CLEAN_POLICY.tiers.model_copy(update={"levels": levels[:2]})})
    assert difference(CLEAN_POLICY, fewer) == ["There is no tier Top any more"]
    assert difference(fewer, CLEAN_POLICY, language="zh") == ["新增等级 顶级"]


def test_differences_stand_in_the_order_of_the_schema() -> None:
    new = changed(claim_days="10", tiers__levels__1__retain_at="600", effective_from="2024-01-01T00:00:00+08:00")
    assert difference(CLEAN_POLICY, new) == [
        "It takes effect at 2024-01-01T00:00:00+08:00 instead of 2023-01-01T00:00:00+08:00",
        "Plus is kept from 600 qualifying points instead of 500",
        "Receipts can be claimed for 10 days instead of 30",
    ]


def test_what_is_said_as_it_would_be_anyway_is_no_difference() -> None:
    said = {"earning.carry_remainder": "false", "quotes": "{minutes: 15}", "campaigns": "{}", "tiers.grace_days": "0"}
    assert difference(CLEAN_POLICY, policy_from_yaml(amended(CLEAN, said))) == []


def test_a_part_that_comes_is_told_with_all_it_says_and_one_that_goes_in_a_sentence() -> None:
    without = CLEAN_POLICY.model_copy(update={"points_as_cash": None})
    assert difference(without, CLEAN_POLICY) == [
        "Points pay at the till now",
        "At the till points are worth 0.10 CNY for 1 point",
        "Points pay from 100 points on",
        "Points pay in steps of 10",
        "Points pay at most 50 % of a bill",
        "Points stay set aside for 15 minutes",
    ]
    assert difference(CLEAN_POLICY, without, language="zh") == ["积分不再抵现"]


VARIANTS: dict[str, list[str]] = {
    "name": ["clean", "other"],
    "title": ["{en: Clean, zh: 干净}", "{en: Other, zh: 其他}"],
    "effective_from": ["2023-01-01T00:00:00+08:00", "2024-01-01T00:00:00Z"],
    "currency": ["CNY", "JPY"],
    "time_zone": ["Asia/Shanghai", "Europe/Berlin"],
    "earning": ["{points: 1, per_minor: 1000}", "{points: 2, per_minor: 500, excluded_categories: [TOBACCO, WINE], pending_days: 3, carry_remainder: false}"],
    "expiry": [
        "{mode: rolling, months: 24}", "{mode: calendar, period: half_year, grace_months: 3, minimum_days: 60}", "{mode: never}",
        "{mode: calendar, period: month, grace_days: 3}", "{mode: inactivity, months: 12}", "{mode: registration_anniversary, repeats: yearly}",
    ],
    "tiers": [
        f"{{{terms}, levels: [{{name: Base, title: {{en: Base, zh: 基础}}, promote_at: 0, retain_at: 0}}, {level}]}}"
        for terms in (
            "period: membership_year, metric: points", "period: calendar_year, metric: {points: 1, spend: '1/1000', visits: '1/2'}, grace_days: 30",
            "period: rolling, months: 12, warning_days: 30", "period: tier_start, months: 6", "period: lifetime",
        )
        for level in (
            "{name: Plus, title: {en: Plus, zh: 高级}, promote_at: 1000, retain_at: 500}",
            "{name: Plus, title: {en: More, zh: 更多}, promote_at: 900, retain_at: 400, discount: '1/20', benefits: [{kind: event_access, title: {en: Tastings, zh: 品鉴}}, {kind: other, title: {en: Tea, zh: 茶}}, {en: Rest, zh: 歇}]}",
            "{name: Top, title: {en: Top, zh: 顶级}, promote_at: 1000, retain_at: 500}",
        )
    ],
    "points_as_cash": ["null", "{points: 1, amount_minor: 10}", "{points: 2, amount_minor: 5, minimum_points: 100, step_points: 10, largest_share: '1/3', hold_minutes: 5}"],
    "campaigns": ["null", "{}", "{discounts: sum, budget_mode: refuse}"],
    "limits": ["null", "{}", "{earned_per_day: 1000, paid_per_day: 5000}", "{earned_per_day: 900, paid_per_day: 4000}"],
    "birthday": ["null", "{points: 50}", "{points: 1}", "{coupon: {kind: cake, valid_days: 14}}"],
    "returns": ["original_then_debt", "next_lots_then_debt", "clamp_to_zero"],
    "return_window_days": ["14", "30"],
    "claim_days": ["30", "7"],
    "restore_grace_days": ["0", "5"],
    "quotes": ["null", "{minutes: 30}"],
    "referral": [
        "null", "{minimum_paid_minor: 15000, referrer: {points: 100}, referee: {points: 0}}",
        "{minimum_paid_minor: 20000, wait_days: 20, referrer: {coupon: {kind: tea, valid_days: 9}}, referee: {points: 50}, cap: {referrals: 5, months: 6}, burst: {joins: 2, hours: 12}}",
    ],
    "texts": ["null", "{}", "{statement_title: {en: Your points, zh: 您的积分}}"],
    "plan": [
        "null", "{}",
        """{clauses: [{id: M01, about: [earning], says: {en: Spend, zh: 消费}}], targets: [{id: growth, measure: members}], rewards: [{title: {en: Cup, zh: 杯}}],
            evaluation: [{title: {en: Early, zh: 早}, from_month: 1}], activities: [{title: {en: Tea, zh: 茶}}], budgets: [{title: {en: Print, zh: 印刷}}]}""",
        """{begins: 2023-01-01, clauses: [{id: M01, about: [expiry, tiers.levels], says: {en: Spend more, zh: 多消费}}],
            targets: [{id: growth, measure: sales_minor, more: 500, within_months: 12, until: 2023-12-31, milestones: [{by: 2023-06-30, more: 200}]}],
            rewards: [{title: {en: Cup, zh: 茶杯}, kinds: [good, cash_off], points: 5, minimum_spend_minor: 100, spend_over: order, from_day: 2023-01-01, to_day: 2023-02-01}],
            evaluation: [{title: {en: Early, zh: 前期}, from_month: 2, to_month: 3, measures: [members, brand]}],
            activities: [{title: {en: Tea, zh: 茶会}, capacity: 20, every_months: 1}], budgets: [{title: {en: Print, zh: 印}, amount_minor: 100000}]}""",
        """{begins: 2023-02-01, targets: [{id: growth, measure: retention, more: 600, within_months: 6, until: 2023-11-30, milestones: [{by: 2023-06-30, more: 300}]}],
            rewards: [{title: {en: Cup, zh: 杯子}, kinds: [coupon, service], points: 6, minimum_spend_minor: 200, spend_over: lifetime, from_day: 2023-01-02, to_day: 2023-02-02}]}""",
    ],
    "assumptions": ["[]", "['the first is free text']", "[{id: M01, text: as the board decided}]", "[{id: M01, text: as it was decided, accepts: [short-lives]}]"],
}  # fmt: skip
"""Of every part of a policy what it may say, so that together they say everything that can be said."""


@cache
def read(value: str) -> Any:
    return read_yaml(f"it: {value}\n").data["it"]


def made(chosen: dict[str, str]) -> Policy:
    return Policy.model_validate({key: read(value) for key, value in chosen.items() if value != "null"})


def leaves(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of the schema, with `*` for one of several; what tells those apart is none."""
    for name, field in model.model_fields.items():
        kinds = [one for one in parts_of(field.annotation) if one is not Text]
        several = "*" if "tuple" in str(field.annotation) else None
        if not kinds or name in AS_ONE:
            yield (*place, name)
        for kind in kinds if name not in AS_ONE else ():
            within = (*place, name, *([several] if several else []))
            yield from (one for one in leaves(kind, within) if not (several and one[-1] in NAMES))


def parts_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from parts_of(one)


TOLD_AS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("earning", "points"): ("earning", "rate"), ("earning", "per_minor"): ("earning", "rate"), ("tiers", "months"): ("tiers", "period"),
    ("points_as_cash", "points"): ("points_as_cash", "rate"), ("points_as_cash", "amount_minor"): ("points_as_cash", "rate"),
}  # fmt: skip
MAKES_NO_DIFFERENCE = {("earning", "carry_remainder")}


def test_every_place_of_the_schema_has_words() -> None:
    for place in set(leaves(Policy)) - MAKES_NO_DIFFERENCE:
        told = TOLD_AS.get(place, place)
        assert any(told[:depth] in CHANGES for depth in range(1, len(told) + 1)), place
    every = [made(dict(zip(VARIANTS, values, strict=True))) for values in zip_longest_repeating(VARIANTS.values())]
    spoken = {telling.pattern(place) for one in every for telling in [Telling(one, "en")] for place in telling.told}
    assert spoken == set(CHANGES), "and nothing else has"


def zip_longest_repeating(values: Collection[list[str]]) -> Iterator[tuple[str, ...]]:
    for number in range(max(map(len, values))):
        yield tuple(one[number % len(one)] for one in values)


CHOICES = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in VARIANTS.items()})
RAW = re.compile(r"[a-z]_[a-z]|None|False|True|null|[\[\]{}<>]|[a-z]\.[a-z]|\bnothing instead of nothing\b|  ")


@forall(old=CHOICES, new=CHOICES, language=st.sampled_from(["en", "zh"]))
def test_whatever_differs_is_told_in_words_and_never_as_it_is_written(
    old: dict[str, str], new: dict[str, str], language: Language
) -> None:
    sentences = difference(made(old), made(new), language=language)
    for sentence in sentences:
        assert not RAW.search(sentence), sentence
        before, _, after = sentence.partition(" instead of ")
        assert not after or not before.endswith(f" {after}"), sentence
    assert len(set(sentences)) == len(sentences)
