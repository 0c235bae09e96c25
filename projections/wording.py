"""What members are told, in plain words: every sentence of a statement, in every language."""

from datetime import date
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Sentence = dict[Language, str]

TITLE: Sentence = {"en": "Statement of points", "zh": "积分对账单"}
"""Of a statement, where the programme says nothing else."""

LINES: dict[str, Sentence] = {
    "purchase": {"en": "Purchase: {points} earned", "zh": "购物：获得 {points}"},
    "full-return": {"en": "Everything returned: {points} taken back", "zh": "全部退货：收回 {points}"},
    "return": {"en": "Return: {points} taken back", "zh": "退货：收回 {points}"},
    "redemption": {"en": "{points} used", "zh": "使用 {points}"},
    "reversal": {"en": "{points} given back, as their use was cancelled", "zh": "兑换取消：退回 {points}"},
    "prolonged": {"en": "{points} that had expired live on", "zh": "其中已失效的 {points}获得延期"},
    "hold": {"en": "{points} set aside", "zh": "预留 {points}"},
    "release": {"en": "{points} no longer set aside", "zh": "解除预留 {points}"},
    "adjustment": {"en": "Correction: {points} given", "zh": "调整：补发 {points}"},
    "adjustment-taken": {"en": "Correction: {points} taken", "zh": "调整：扣除 {points}"},
    "referral-granted": {"en": "Recommendation: {points} given", "zh": "推荐奖励：获得 {points}"},
    "birthday-granted": {"en": "Happy birthday: {points} given", "zh": "生日礼：获得 {points}"},
    "campaign-granted": {"en": "Campaign: {points} given", "zh": "活动赠送：获得 {points}"},
    "reward-granted": {"en": "Reward: {points} given", "zh": "奖励：获得 {points}"},
    "referral-revoked": {
        "en": "Recommendation no longer counts: {points} taken back",
        "zh": "推荐奖励取消：收回 {points}",
    },
    "birthday-revoked": {"en": "Birthday gift: {points} taken back", "zh": "生日礼取消：收回 {points}"},
    "campaign-revoked": {"en": "Campaign: {points} taken back", "zh": "活动赠送取消：收回 {points}"},
    "reward-revoked": {"en": "Reward: {points} taken back", "zh": "奖励取消：收回 {points}"},
    "waiver": {"en": "{points} that were owed need not be paid", "zh": "免除所欠 {points}"},
    "opening-balance": {"en": "{points} brought in from before", "zh": "转入原有 {points}"},
    "transfer-sent": {"en": "{points} sent to another member", "zh": "转出 {points}给其他会员"},
    "transfer-received": {"en": "{points} received from another member", "zh": "收到其他会员转来的 {points}"},
    "merge-sent": {
        "en": "Joined with another membership: {points} moved there",
        "zh": "会员合并：{points}已转入另一账户",
    },
    "merge-received": {"en": "Another membership joined: {points} came along", "zh": "会员合并：并入 {points}"},
    "unmerge-sent": {"en": "Memberships parted: {points} went back", "zh": "取消合并：退还 {points}"},
    "unmerge-received": {"en": "Memberships parted: {points} came back", "zh": "取消合并：收回 {points}"},
    "debt-went": {"en": "{points} that were owed went along", "zh": "所欠 {points}一并转出"},
    "debt-came": {"en": "{points} that were owed came along", "zh": "所欠 {points}一并转入"},
    "expiry": {"en": "{points} expired", "zh": "{points}到期失效"},
    "settlement": {"en": "What was owed was paid with points", "zh": "以积分抵偿所欠"},
    "closing": {"en": "Account closed", "zh": "账户关闭"},
}
"""By kind; where a cause did several things, the first of these comes first."""

ASIDES: dict[str, Sentence] = {
    "unheld": {"en": "{points} no longer set aside", "zh": "解除预留 {points}"},
    "expired-at-once": {"en": "{points} of them expired at once", "zh": "其中 {points}随即失效"},
    "expired-before": {"en": "{points} of them had expired before", "zh": "其中 {points}此前已失效"},
    "until": {"en": "until {day}", "zh": "延至 {day}"},
    "from": {"en": "can be used from {day}", "zh": "{day} 起可用"},
    "reward": {"en": "for {name}", "zh": "用于{name}"},
    "reason": {"en": "reason: {reason}", "zh": "原因：{reason}"},
}


def counted(points: int, language: Language) -> str:
    """So many points."""
    if language == "zh":
        return f"{points:,} 积分"
    return f"{points:,} point" if points == 1 else f"{points:,} points"


def sentence(lines: list[tuple[str, int]], asides: list[tuple[str, int | date | str]], language: Language) -> str:
    """What a line of a statement says: what was done, each kind with its points, and asides in brackets."""
    stop, opens, closes = ("; ", " (", ")") if language == "en" else ("；", "（", "）")
    done = stop.join(LINES[kind][language].format(points=counted(points, language)) for kind, points in lines)
    said = stop.join(_aside(name, what, language) for name, what in asides)
    return f"{done}{opens}{said}{closes}" if said else done


def _aside(name: str, what: int | date | str, language: Language) -> str:
    if isinstance(what, int):
        return ASIDES[name][language].format(points=counted(what, language))
    return ASIDES[name][language].format(day=what, reason=what, name=what)
