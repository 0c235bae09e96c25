"""The words in which differences between policies are told, in English and Chinese."""

from typing import Literal, TypeAlias

Language = Literal["en", "zh"]
Words: TypeAlias = dict[Language, str]
Place: TypeAlias = tuple[str, ...]


def _both(en: str, zh: str) -> Words:
    return {"en": en, "zh": zh}


CHANGES: dict[Place, Words] = {
    ("name",): _both("The programme is {new} instead of {old}", "计划名称由 {old} 改为 {new}"),
    ("title",): _both("The programme is called {new} instead of {old}", "计划标题由“{old}”改为“{new}”"),
    ("effective_from",): _both("It takes effect at {new} instead of {old}", "生效时间由 {old} 改为 {new}"),
    ("currency",): _both("Amounts are in {new} instead of {old}", "币种由 {old} 改为 {new}"),
    ("time_zone",): _both("Days are those of {new} instead of {old}", "时区由 {old} 改为 {new}"),
    ("earning", "rate"): _both("Members earn {new} instead of {old}", "积分规则由“{old}”改为“{new}”"),
    ("earning", "excluded_categories"): _both(
        "What earns no points: {new} instead of {old}", "不积分的品类由“{old}”改为“{new}”"
    ),
    ("earning", "pending_days"): _both(
        "Points are pending for {new} days instead of {old}", "积分待生效天数由 {old} 改为 {new}"
    ),
    ("expiry",): _both("Points live {new} instead of {old}", "积分有效期由“{old}”改为“{new}”"),
    ("tiers", "period"): _both("Tiers are counted {new} instead of {old}", "等级统计周期由“{old}”改为“{new}”"),
    ("tiers", "months"): _both("The period of tiers is {new} months instead of {old}", "等级周期由 {old} 个月改为 {new} 个月"),
    ("tiers", "metric"): _both("Tiers are judged by {new} instead of {old}", "等级依据由“{old}”改为“{new}”"),
    ("tiers", "grace_days"): _both(
        "A tier that was not kept lives for {new} days more instead of {old}", "保级宽限天数由 {old} 改为 {new}"
    ),
    ("tiers", "warning_days"): _both(
        "Members are warned {new} days before a review instead of {old}", "评定前提醒天数由 {old} 改为 {new}"
    ),
    ("tiers", "levels", "*", "title"): _both("{it} is called {new} instead of {old}", "{it}的名称由“{old}”改为“{new}”"),
    ("tiers", "levels", "*", "promote_at"): _both(
        "{it} is reached with {new} {units} instead of {old}", "{it}的升级门槛由 {old} 改为 {new} {units}"
    ),
    ("tiers", "levels", "*", "retain_at"): _both(
        "{it} is kept from {new} {units} instead of {old}", "{it}的保级门槛由 {old} 改为 {new} {units}"
    ),
    ("tiers", "levels", "*", "discount"): _both("{it} gets {new} off instead of {old}", "{it}的折扣由 {old} 改为 {new}"),
    ("tiers", "levels", "*", "benefits"): _both(
        "{it} adds the benefits {new} instead of {old}", "{it}新增的权益由“{old}”改为“{new}”"
    ),
    ("points_as_cash", "rate"): _both(
        "At the till points are worth {new} instead of {old}", "积分抵现由“{old}”改为“{new}”"
    ),
    ("points_as_cash", "minimum_points"): _both(
        "Points pay from {new} points on instead of {old}", "抵现最少积分由 {old} 改为 {new}"
    ),
    ("points_as_cash", "step_points"): _both(
        "Points pay in steps of {new} instead of {old}", "抵现积分单位由 {old} 改为 {new}"
    ),
    ("points_as_cash", "largest_share"): _both(
        "Points pay at most {new} of a bill instead of {old}", "抵现最高比例由 {old} 改为 {new}"
    ),
    ("points_as_cash", "hold_minutes"): _both(
        "Points stay set aside for {new} minutes instead of {old}", "积分预留分钟数由 {old} 改为 {new}"
    ),
    ("campaigns", "discounts"): _both("Of several discounts on a line: {new} instead of {old}", "折扣叠加方式由“{old}”改为“{new}”"),
    ("campaigns", "budget_mode"): _both(
        "At the end of a budget: {new} instead of {old}", "预算用尽时的处理由“{old}”改为“{new}”"
    ),
    ("quotes", "minutes"): _both("A quote binds for {new} minutes instead of {old}", "报价有效分钟数由 {old} 改为 {new}"),
    ("referral", "minimum_paid_minor"): _both(
        "A recommendation counts from a purchase of {new} instead of {old}", "推荐有效的最低消费由 {old} 改为 {new}"
    ),
    ("referral", "referrer", "points"): _both(
        "Who recommends gets {new} points instead of {old}", "推荐人奖励积分由 {old} 改为 {new}"
    ),
    ("referral", "referee", "points"): _both(
        "Who was recommended gets {new} points instead of {old}", "被推荐人奖励积分由 {old} 改为 {new}"
    ),
    ("birthday", "points"): _both("A birthday brings {new} points instead of {old}", "生日赠送积分由 {old} 改为 {new}"),
    ("returns",): _both("When returned points are spent: {new} instead of {old}", "退货积分不足时由“{old}”改为“{new}”"),
    ("return_window_days",): _both("Goods can come back for {new} days instead of {old}", "退货期天数由 {old} 改为 {new}"),
    ("claim_days",): _both("Receipts can be claimed for {new} days instead of {old}", "补登小票天数由 {old} 改为 {new}"),
    ("restore_grace_days",): _both(
        "Points that come back after they lapsed live {new} days more instead of {old}", "退回的过期积分宽限天数由 {old} 改为 {new}"
    ),
    ("texts", "statement_title"): _both("Statements are headed {new} instead of {old}", "对账单标题由“{old}”改为“{new}”"),
}  # fmt: skip
"""By place, with `*` for one of several; `it` is which of them."""

ANY_CHANGE = _both("{place}: {new} instead of {old}", "{place}：由 {old} 改为 {new}")
ADDED = _both("There is a new {kind} {it}", "新增{kind} {it}")
REMOVED = _both("There is no {kind} {it} any more", "取消{kind} {it}")
NOTHING = _both("nothing", "无")
UNITS = {True: _both("qualifying points", "定级积分"), False: _both("units of the metric", "分值")}

KINDS: dict[str, Words] = {
    "levels": _both("tier", "等级"),
    "targets": _both("target", "目标"),
    "milestones": _both("milestone", "里程碑"),
    "evaluation": _both("window of evaluation", "评估期"),
    "rewards": _both("planned reward", "计划奖励"),
    "activities": _both("activity", "活动"),
    "budgets": _both("budget", "预算"),
    "clauses": _both("clause", "条款"),
    "assumptions": _both("assumption", "假设"),
}
"""What the members of a list are called."""

VALUES: dict[str, Words] = {
    "membership_year": _both("over each membership year", "按会员年度"),
    "calendar_year": _both("over each calendar year", "按自然年"),
    "rolling": _both("over the last months", "按最近若干个月"),
    "tier_start": _both("from the start of the tier", "自进入等级起"),
    "lifetime": _both("over the whole membership", "按终身"),
    "points": _both("points", "积分"),
    "original_then_debt": _both("they are owed", "记为欠分"),
    "next_lots_then_debt": _both("other points are taken, and the rest is owed", "先扣其他积分，不足记为欠分"),
    "clamp_to_zero": _both("the rest is forgiven", "不足部分免除"),
    "best": _both("the largest counts", "取最大"),
    "sum": _both("they add up", "叠加"),
    "grant_remaining": _both("what is left is given", "给予剩余"),
    "refuse": _both("nothing more is given", "不再给予"),
}
"""Words of the schema that are told in plain ones."""

EARNED = _both("{points} for every full {amount}", "每满 {amount} 积 {points} 分")
WORTH = _both("{amount} for {points}", "{points} 分抵 {amount}")

LIVES: dict[str, Words] = {
    "registration_anniversary": _both("until the next anniversary of the registration", "至下一个注册周年日"),
    "rolling": _both("for {months} months", "{months} 个月"),
    "inactivity": _both("until {months} months after the last purchase", "至最后一次购物后 {months} 个月"),
    "calendar": _both("through the {period} in which they were earned{grace}", "至获得积分的{period}末{grace}"),
    "never": _both("for ever", "永久"),
}
PERIODS: dict[str, Words] = {
    "month": _both("month", "月"), "quarter": _both("quarter", "季度"), "half_year": _both("half-year", "半年"), "year": _both("year", "年"),
}  # fmt: skip
GRACE_DAYS = _both(" and {days} days more", "再加 {days} 天")
GRACE_MONTHS = _both(" and {months} months more", "再加 {months} 个月")
AT_LEAST = _both(", for {days} days at least", "，至少 {days} 天")
