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
    ("tiers", "metric"): _both("Tiers are judged by {new} instead of {old}", "等级依据由“{old}”改为“{new}”"),
    ("tiers", "grace_days"): _both(
        "A tier that was not kept lives for {new} days more instead of {old}", "保级宽限天数由 {old} 改为 {new}"
    ),
    ("tiers", "warning_days"): _both(
        "Before a review members are warned {new} instead of {old}", "评定前提醒由“{old}”改为“{new}”"
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
    ("limits", "earned_per_day"): _both(
        "On a day purchases earn {new} points at most instead of {old}", "每日购物积分上限由 {old} 改为 {new}"
    ),
    ("limits", "paid_per_day"): _both(
        "On a day {new} points at most pay at tills instead of {old}", "每日抵现积分上限由 {old} 改为 {new}"
    ),
    ("quotes", "minutes"): _both("A quote binds for {new} minutes instead of {old}", "报价有效分钟数由 {old} 改为 {new}"),
    ("referral", "minimum_paid_minor"): _both(
        "A recommendation counts from a purchase of {new} instead of {old}", "推荐有效的最低消费由 {old} 改为 {new}"
    ),
    ("referral", "wait_days"): _both(
        "A recommendation is rewarded {new} days after that purchase instead of {old}", "推荐奖励的等待天数由 {old} 改为 {new}"
    ),
    ("referral", "referrer"): _both("Who recommends gets {new} instead of {old}", "推荐人奖励由“{old}”改为“{new}”"),
    ("referral", "referee"): _both("Who was recommended gets {new} instead of {old}", "被推荐人奖励由“{old}”改为“{new}”"),
    ("referral", "cap"): _both("A member may recommend {new} instead of {old}", "每位会员的推荐上限由“{old}”改为“{new}”"),
    ("referral", "burst"): _both(
        "Recommendations are looked at before they are rewarded after {new} instead of {old}", "推荐奖励须先审核的条件由“{old}”改为“{new}”"
    ),
    ("birthday",): _both("A birthday brings {new} instead of {old}", "生日礼由“{old}”改为“{new}”"),
    ("returns",): _both("When returned points are spent: {new} instead of {old}", "退货积分不足时由“{old}”改为“{new}”"),
    ("return_window_days",): _both("Goods can come back for {new} days instead of {old}", "退货期天数由 {old} 改为 {new}"),
    ("claim_days",): _both("Receipts can be claimed for {new} days instead of {old}", "补登小票天数由 {old} 改为 {new}"),
    ("restore_grace_days",): _both(
        "Points that come back after they lapsed live {new} days more instead of {old}", "退回的过期积分宽限天数由 {old} 改为 {new}"
    ),
    ("texts", "statement_title"): _both("Statements are headed {new} instead of {old}", "对账单标题由“{old}”改为“{new}”"),
    ("plan", "begins"): _both("The first day of the plan is {new} instead of {old}", "计划首日由 {old} 改为 {new}"),
    ("plan", "clauses", "*", "says"): _both("Clause {it} says “{new}” instead of “{old}”", "条款 {it} 的原文由“{old}”改为“{new}”"),
    ("plan", "clauses", "*", "about"): _both("Clause {it} is about other places of the file", "条款 {it} 所指的文件位置有变"),
    ("plan", "targets", "*", "measure"): _both("The target {it} counts {new} instead of {old}", "目标 {it} 的指标由“{old}”改为“{new}”"),
    ("plan", "targets", "*", "more"): _both("The target {it} is {new} more instead of {old}", "目标 {it} 的增量由 {old} 改为 {new}"),
    ("plan", "targets", "*", "within_months"): _both(
        "The months in which the target {it} is to be reached: {new} instead of {old}", "目标 {it} 的完成月数由 {old} 改为 {new}"
    ),
    ("plan", "targets", "*", "until"): _both(
        "The last day of the target {it} is {new} instead of {old}", "目标 {it} 的截止日由 {old} 改为 {new}"
    ),
    ("plan", "targets", "*", "milestones", "*", "more"): _both(
        "The milestone of {it} is {new} more instead of {old}", "里程碑 {it} 的增量由 {old} 改为 {new}"
    ),
    ("plan", "evaluation", "*", "title"): _both("The window of evaluation {it} is called {new} instead of {old}", "评估期{it}的名称由“{old}”改为“{new}”"),
    ("plan", "evaluation", "*", "from_month"): _both(
        "The window of evaluation {it} begins with month {new} instead of {old}", "评估期{it}的起始月由 {old} 改为 {new}"
    ),
    ("plan", "evaluation", "*", "to_month"): _both(
        "The last month of the window of evaluation {it} is {new} instead of {old}", "评估期{it}的结束月由 {old} 改为 {new}"
    ),
    ("plan", "evaluation", "*", "measures"): _both(
        "The window of evaluation {it} looks at {new} instead of {old}", "评估期{it}的指标由“{old}”改为“{new}”"
    ),
    ("plan", "rewards", "*", "title"): _both("The planned reward {it} is called {new} instead of {old}", "计划奖励{it}的名称由“{old}”改为“{new}”"),
    ("plan", "rewards", "*", "kinds"): _both("The planned reward {it} is {new} instead of {old}", "计划奖励{it}的类型由“{old}”改为“{new}”"),
    ("plan", "rewards", "*", "points"): _both("The planned reward {it} costs {new} points instead of {old}", "计划奖励{it}所需积分由 {old} 改为 {new}"),
    ("plan", "rewards", "*", "minimum_spend_minor"): _both(
        "For the planned reward {it} one must have spent {new} instead of {old}", "计划奖励{it}的最低消费由 {old} 改为 {new}"
    ),
    ("plan", "rewards", "*", "spend_over"): _both(
        "For the planned reward {it} what was spent counts {new} instead of {old}", "计划奖励{it}的消费口径由“{old}”改为“{new}”"
    ),
    ("plan", "rewards", "*", "from_day"): _both(
        "The first day of the planned reward {it} is {new} instead of {old}", "计划奖励{it}的首日由 {old} 改为 {new}"
    ),
    ("plan", "rewards", "*", "to_day"): _both(
        "The last day of the planned reward {it} is {new} instead of {old}", "计划奖励{it}的末日由 {old} 改为 {new}"
    ),
    ("plan", "activities", "*", "title"): _both("The activity {it} is called {new} instead of {old}", "活动{it}的名称由“{old}”改为“{new}”"),
    ("plan", "activities", "*", "capacity"): _both("The activity {it} has {new} places instead of {old}", "活动{it}的名额由 {old} 改为 {new}"),
    ("plan", "activities", "*", "every_months"): _both(
        "The months from one {it} to the next: {new} instead of {old}", "活动{it}的间隔月数由 {old} 改为 {new}"
    ),
    ("plan", "budgets", "*", "title"): _both("The budget {it} is called {new} instead of {old}", "预算{it}的名称由“{old}”改为“{new}”"),
    ("plan", "budgets", "*", "amount_minor"): _both("The budget for {it} is {new} instead of {old}", "预算{it}由 {old} 改为 {new}"),
    ("assumptions", "*", "text"): _both("The assumption {it} says “{new}” instead of “{old}”", "假设 {it} 的内容由“{old}”改为“{new}”"),
    ("assumptions", "*", "accepts"): _both(
        "The assumption {it} accepts these warnings: {new} instead of {old}", "假设 {it} 接受的警告由“{old}”改为“{new}”"
    ),
}  # fmt: skip
"""By place, with `*` for one of several; `it` is which of them. Every place that a policy can have stands here."""

SECTIONS: dict[str, tuple[Words, Words]] = {
    "points_as_cash": (
        _both("Points pay at the till now", "积分现可抵现"), _both("Points pay at the till no more", "积分不再抵现"),
    ),
    "referral": (
        _both("Recommendations are rewarded now", "推荐现有奖励"), _both("Recommendations are rewarded no more", "推荐不再有奖励"),
    ),
}  # fmt: skip
"""Parts of a policy that can be left out: what is said when one comes, and when it goes."""
ADDED = _both("There is a new {kind} {it}", "新增{kind} {it}")
REMOVED = _both("There is no {kind} {it} any more", "取消{kind} {it}")
NOTHING = _both("nothing", "无")
NOTHINGS: dict[Place, Words] = {
    ("limits", "earned_per_day"): _both("any number", "不限"),
    ("limits", "paid_per_day"): _both("any number", "不限"),
    ("plan", "begins"): _both("that on which it takes effect", "生效当日"),
    ("texts", "statement_title"): _both("the usual words", "默认标题"),
    ("plan", "evaluation", "*", "to_month"): _both("open", "不限"),
    ("plan", "rewards", "*", "spend_over"): _both("in any way", "不限"),
}
"""What is told of a place that says nothing, where that is not nothing."""
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
    "original_then_debt": _both("they are owed", "记为欠分"),
    "next_lots_then_debt": _both("other points are taken, and the rest is owed", "先扣其他积分，不足记为欠分"),
    "clamp_to_zero": _both("the rest is forgiven", "不足部分免除"),
    "best": _both("the largest counts", "取最大"),
    "sum": _both("they add up", "叠加"),
    "grant_remaining": _both("what is left is given", "给予剩余"),
    "refuse": _both("nothing more is given", "不再给予"),
    "good": _both("goods", "商品"),
    "coupon": _both("a coupon", "优惠券"),
    "service": _both("a service", "服务"),
    "cash_off": _both("money off a bill", "立减"),
    "order": _both("in one order", "单笔"),
    "lifetime": _both("altogether", "累计"),
    "members": _both("members", "会员数"),
    "retained_members": _both("members who stayed", "留存会员数"),
    "active_members": _both("members who buy", "活跃会员数"),
    "sales_minor": _both("sales", "销售额"),
    "retention": _both("who stays", "留存"),
    "distribution": _both("how members are spread", "分布"),
}
"""Words of the schema that are told in plain ones."""

TIER_PERIODS: dict[str, Words] = {
    "membership_year": _both("over each membership year", "按会员年度"),
    "calendar_year": _both("over each calendar year", "按自然年"),
    "rolling": _both("over the last {months} months", "按最近 {months} 个月"),
    "tier_start": _both("from the start of the tier, {months} months at a time", "自进入等级起每 {months} 个月"),
    "lifetime": _both("over the whole membership", "按终身"),
}
COUNTERS: dict[str, Words] = {
    "points": _both("points", "积分"),
    "spend": _both("minor units spent", "消费金额（分）"),
    "visits": _both("visits", "到店次数"),
}
BENEFITS: dict[str, Words] = {
    "price": _both("a price", "价格"),
    "discount": _both("a discount", "折扣"),
    "service_queue": _both("service", "服务"),
    "event_access": _both("events", "活动"),
    "early_access": _both("earlier than others", "优先"),
}
"""Kinds of benefits, but for `other`."""
WARNING = _both("{days} days ahead", "提前 {days} 天")
NO_WARNING = _both("not at all", "不提醒")
COUPON = _both("a coupon “{kind}”, good for {days} days", "优惠券「{kind}」，{days} 天有效")
CAP = _both("{referrals} others within {months} months", "{months} 个月内 {referrals} 人")
BURST = _both("{joins} joined within {hours} hours", "{hours} 小时内 {joins} 人加入")
POINTS = _both("{points} points", "{points} 分")
ONE_POINT = _both("{points} point", "{points} 分")
EARNED = _both("{points} for every full {amount}", "每满 {amount} 积 {points}")
WORTH = _both("{amount} for {points}", "{points}抵 {amount}")

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
