"""Differences between policies, in plain words."""

import pytest

from domain.document import amended
from domain.messages.programmes import policy_from_yaml, shipped
from domain.policy.difference import difference
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
        ("tiers.levels.1.benefits", "[{kind: price, title: {en: Member price, zh: 会员价}}]", "Plus adds the benefits Member price instead of nothing", "高级新增的权益由“无”改为“会员价”"),
        ("tiers.metric", '{points: 1, visits: "1/2"}', "Tiers are judged by 1 × points + 1/2 × visits instead of points", "等级依据由“积分”改为“1 × points + 1/2 × visits”"),
        ("earning.per_minor", "500", "Members earn 1 point for every full 5.00 CNY instead of 1 point for every full 10.00 CNY", "积分规则由“每满 10.00 CNY 积 1 分”改为“每满 5.00 CNY 积 1 分”"),
        ("expiry.months", "12", "Points live for 12 months instead of for 24 months", "积分有效期由“24 个月”改为“12 个月”"),
        ("expiry", "{mode: calendar, period: quarter, grace_days: 15}", "Points live through the quarter in which they were earned and 15 days more instead of for 24 months", "积分有效期由“24 个月”改为“至获得积分的季度末再加 15 天”"),
        ("points_as_cash.amount_minor", "5", "At the till points are worth 0.05 CNY for 1 point instead of 0.10 CNY for 1 point", "积分抵现由“1 分抵 0.10 CNY”改为“1 分抵 0.05 CNY”"),
        ("returns", "clamp_to_zero", "When returned points are spent: the rest is forgiven instead of they are owed", "退货积分不足时由“记为欠分”改为“不足部分免除”"),
        ("plan.budgets.0.amount_minor", "200000", "plan.budgets.leaflets.amount_minor: 2,000.00 CNY instead of 1,000.00 CNY", "plan.budgets.leaflets.amount_minor：由 1,000.00 CNY 改为 2,000.00 CNY"),
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
