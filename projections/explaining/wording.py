"""What explanations say, in every language."""

from projections.wording import Sentence

KINDS: dict[str, Sentence] = {
    "AccountOpened.v1": {"en": "account opened", "zh": "开户"},
    "PointsEarned.v1": {"en": "purchases", "zh": "购物"},
    "PointsRevoked.v1": {"en": "returns", "zh": "退货"},
    "PointsHeld.v1": {"en": "holds", "zh": "预留"},
    "HoldReleased.v1": {"en": "holds given up", "zh": "解除预留"},
    "HoldTimedOut.v1": {"en": "holds that timed out", "zh": "预留超时"},
    "PointsRedeemed.v1": {"en": "redemptions", "zh": "兑换"},
    "RedemptionReversed.v1": {"en": "redemptions taken back", "zh": "兑换取消"},
    "PointsProlonged.v1": {"en": "points that live on", "zh": "积分延期"},
    "DebtSettled.v1": {"en": "debt paid with points", "zh": "以积分抵偿所欠"},
    "DebtReversed.v1": {"en": "debt taken back", "zh": "所欠取消"},
    "DebtWaived.v1": {"en": "debt let go by staff", "zh": "免除所欠"},
    "PointsExpired.v1": {"en": "points that lapsed", "zh": "积分到期"},
    "PointsAdjusted.v1": {"en": "corrections by staff", "zh": "员工调整"},
    "OpeningBalanceImported.v1": {"en": "opening balance", "zh": "期初余额"},
    "PointsGranted.v1": {"en": "gifts", "zh": "赠送"},
    "GrantRevoked.v1": {"en": "gifts taken back", "zh": "赠送取消"},
    "PointsSent.v1": {"en": "points sent to another member", "zh": "转出积分"},
    "PointsReceived.v1": {"en": "points received from another member", "zh": "转入积分"},
    "PointsGivenBack.v1": {"en": "points given back as a merge was undone", "zh": "取消合并退还积分"},
    "PointsTakenBack.v1": {"en": "points back as a merge was undone", "zh": "取消合并收回积分"},
    "ReceivedRevoked.v1": {"en": "returns of what a merge had brought", "zh": "并入会员的退货"},
    "AccountClosed.v1": {"en": "account closed", "zh": "账户关闭"},
    "TierMoved.v1": {"en": "tier moved", "zh": "等级变动"},
    "TierWarned.v1": {"en": "tier warning", "zh": "等级提醒"},
    "TierGranted.v1": {"en": "tier granted", "zh": "授予等级"},
}
"""Of facts about points and tiers; others are called by their stored names."""

BUCKETS: dict[str, tuple[Sentence, str]] = {
    "issued": ({"en": "{points} issued", "zh": "共发放 {points}"}, "rules 1"),
    "received": ({"en": "{points} received", "zh": "共转入 {points}"}, "rules 15"),
    "revoked": ({"en": "{points} taken back", "zh": "共收回 {points}"}, "rules 4"),
    "spent": ({"en": "{points} spent", "zh": "共使用 {points}"}, "rules 6"),
    "settled": ({"en": "{points} used to pay debt", "zh": "抵偿所欠 {points}"}, "rules 5"),
    "sent": ({"en": "{points} sent, or living on in another lot", "zh": "共转出或延期 {points}"}, "rules 15"),
    "expired": ({"en": "{points} lapsed unspent", "zh": "共失效 {points}"}, "rules 3"),
    "pending": ({"en": "{points} pending", "zh": "待生效 {points}"}, "rules 2"),
    "held": ({"en": "{points} set aside", "zh": "预留中 {points}"}, "rules 6"),
    "debt": ({"en": "{points} owed", "zh": "尚欠 {points}"}, "rules 5"),
}  # fmt: skip
"""In the order in which a balance is told, each with its rule."""

SAYS: dict[str, Sentence] = {
    "available": {"en": "{points} can be spent at {at}", "zh": "{at} 可用 {points}"},
    "left": {
        "en": "What is left of {come} that came, less {gone} that went: {points} can be spent",
        "zh": "获得 {come}，减去 {gone}，可用 {points}",
    },
    "of-kind": {"en": "{kind} ({count}): {points}", "zh": "{kind}（{count}）：{points}"},
    "by-clock": {
        "en": "{points} paid debt at {at}, by the clock; it is not recorded yet",
        "zh": "{at} 按时间抵偿所欠 {points}，尚未记录",
    },
    "lapsed": {"en": "{points} lapsed at {at}", "zh": "{points}于 {at} 失效"},
    "lapses": {"en": "{points} lapse at {at}", "zh": "{points}将于 {at} 失效"},
    "never-lapse": {"en": "{points} never lapse", "zh": "{points}永久有效"},
    "from": {"en": "{points} can be spent from {at}", "zh": "{points}自 {at} 起可用"},
    "held-until": {"en": "{points} are set aside until {at}", "zh": "{points}预留至 {at}"},
    "nothing-lapses": {"en": "Nothing will lapse", "zh": "没有即将失效的积分"},
    "next": {"en": "{points} lapse next, at {at}", "zh": "下一批失效：{points}，{at}"},
    "lives": {
        "en": "Version {version}: points live {life}; earned on {day}, they live until {at}",
        "zh": "规则第 {version} 版：积分有效期{life}；{day} 获得，有效至 {at}",
    },
    "lives-on": {
        "en": "Later purchases keep them alive until {at}",
        "zh": "其后的购物使其延续至 {at}",
    },
    "of-lot": {"en": "{points} of “{part}”, earned on {day}", "zh": "{day} 获得的“{part}”{points}"},
    "stated": {
        "en": "{kind}: stated by {actor} at {at}; no rule decided it",
        "zh": "{kind}：由 {actor} 于 {at} 陈述，不由规则决定",
    },
    "recorded": {"en": "{kind}, at {at}, by {actor}", "zh": "{kind}，{at}，{actor}"},
    "purchase": {
        "en": "Receipt {id} of {source}: {money} paid in store {store} at {at}",
        "zh": "{source} 的小票 {id}：{at} 在 {store} 店支付 {money}",
    },
    "paid-by-points": {
        "en": "{money} of it was paid by points and earns none",
        "zh": "其中 {money} 以积分支付，不再积分",
    },
    "version": {
        "en": "Version {version} of {programme} decided: {rate}",
        "zh": "适用 {programme} 规则第 {version} 版：{rate}",
    },
    "base": {
        "en": "Base: {money} earn {points}, floored once; {residue} left over",
        "zh": "基础积分：{money} 获得 {points}，仅取整一次，余 {residue}",
    },
    "multiplied": {
        "en": "Campaign “{title}”, {extra} times the base rate more on {money} of lines that it won: {points}; {residue} left over",
        "zh": "活动“{title}”：对所得商品 {money} 另加 {extra} 倍基础积分，获得 {points}，余 {residue}",
    },
    "bonus": {"en": "Campaign “{title}”: a bonus of {points}", "zh": "活动“{title}”：奖励 {points}"},
    "coupon": {"en": "Campaign “{title}”: a coupon “{coupon}”", "zh": "活动“{title}”：优惠券“{coupon}”"},
    "off": {"en": "Campaign “{title}” took {money} off the price", "zh": "活动“{title}”减价 {money}"},
    "cut": {
        "en": "It would have been {uncapped}; what a budget or a limit had left was {points}",
        "zh": "本应为 {uncapped}；预算或限额所余为 {points}",
    },
    "counts": {"en": "{points} count for the tier, in period {period}", "zh": "{points}计入等级，第 {period} 期"},
    "earned": {"en": "The purchase earned {points}", "zh": "该次购物获得 {points}"},
    "revoked": {"en": "The return took {points} back", "zh": "该次退货收回 {points}"},
    "claw": {
        "en": "“{part}”: {granted} granted, {before} taken back before, what is left of the purchase earns {kept}: {points} taken",
        "zh": "“{part}”：原发放 {granted}，此前已收回 {before}，剩余商品应得 {kept}，收回 {points}",
    },
    "claw-own": {"en": "{points} from their own lot", "zh": "从原批次收回 {points}"},
    "claw-others": {"en": "{points} from other lots", "zh": "从其他批次收回 {points}"},
    "claw-debt": {"en": "{points} were spent by then, and are owed", "zh": "{points}当时已使用，转为所欠"},
    "claw-forgiven": {"en": "{points} were spent by then, and are forgiven", "zh": "{points}当时已使用，予以免除"},
    "claw-forwarded": {"en": "{points} had moved on with a merge", "zh": "{points}已随合并转出"},
    "redeemed": {"en": "{points} were spent", "zh": "使用 {points}"},
    "held": {"en": "{points} were set aside until {at}", "zh": "预留 {points}至 {at}"},
    "reversed": {"en": "{points} came back", "zh": "退回 {points}"},
    "moved": {"en": "{kind}: {points}", "zh": "{kind}：{points}"},
    "taken": {
        "en": "{points} of the lot “{part}” of {day}, which lapses {lapses}",
        "zh": "{day} 的批次“{part}”（{lapses}失效）{points}",
    },
    "at": {"en": "at {at}", "zh": "{at} "},
    "never": {"en": "never", "zh": "永不"},
    "owed": {"en": "{points} were not there, and are owed", "zh": "不足的 {points}转为所欠"},
    "cancelled": {"en": "{points} of debt are gone", "zh": "取消所欠 {points}"},
    "spend-order": {
        "en": "Lots are taken in spend order: the earliest expiry first, then the earliest earned",
        "zh": "按使用顺序扣减批次：先到期者先用，再按获得先后",
    },
    "gift": {
        "en": "Version {version} gives {points} for it ({cause})",
        "zh": "规则第 {version} 版为此赠送 {points}（{cause}）",
    },
    "tier": {"en": "{tier}, at {at}", "zh": "{at} 的等级为{tier}"},
    "tier-moved": {"en": "{before} → {after}", "zh": "{before} → {after}"},
    "reached": {
        "en": "{total} {units} count in period {period}; {tier} is reached with {threshold}",
        "zh": "第 {period} 期累计 {total} {units}；{threshold} 达到{tier}",
    },
    "not-reached": {
        "en": "{total} {units} count in period {period}; {tier}, the next tier, is reached with {threshold}",
        "zh": "第 {period} 期累计 {total} {units}；下一等级{tier}需 {threshold}",
    },
    "top": {
        "en": "{total} {units} count in period {period}; there is no higher tier",
        "zh": "第 {period} 期累计 {total} {units}；已是最高等级",
    },
    "reviewed": {
        "en": "The review at {at} found {total} {units}; {tier} is kept from {threshold}: one step down",
        "zh": "{at} 评定：累计 {total} {units}；保留{tier}需 {threshold}，降一级",
    },
    "unsupported": {
        "en": "What counts is {total} {units}, less than the {threshold} of {tier}",
        "zh": "累计 {total} {units}，不足{tier}所需的 {threshold}",
    },
    "judged-next": {
        "en": "Judged next on {day}; without more purchases {tier} follows",
        "zh": "下次评定：{day}；若不再购物，届时为{tier}",
    },
    "qualifying": {
        "en": "{count} purchases, returns and other credits make {points} and {money}, on {visits} visits",
        "zh": "{count} 笔购物、退货等共计 {points}、{money}、到店 {visits} 次",
    },
    "rules-of-tiers": {
        "en": "Version {version} of {programme}: tiers are judged by {metric}, {period}",
        "zh": "{programme} 规则第 {version} 版：等级依据{metric}，{period}",
    },
    "granted-tier": {
        "en": "{tier} was granted at {at}: held at least until the next review",
        "zh": "{at} 授予{tier}：至少保留到下次评定",
    },
    "moved-then": {"en": "{at}: {before} → {after}", "zh": "{at}：{before} → {after}"},
    "told-purchase": {
        "en": "Receipt {id}: {points} are left of what it earned",
        "zh": "小票 {id}：所得积分尚余 {points}",
    },
    "of-nobody": {
        "en": "Receipt {id} earned nothing: nobody has been credited for it",
        "zh": "小票 {id} 未获得积分：尚无会员认领",
    },
    "discounted": {"en": "{money} were taken off the price", "zh": "减价 {money}"},
    "no-discount": {"en": "The programme took nothing off the price", "zh": "该次购物没有计划折扣"},
    "quoted": {
        "en": "By its quote: version {version}, tier {tier}, campaigns: {campaigns}",
        "zh": "依其报价：规则第 {version} 版，等级{tier}，活动：{campaigns}",
    },
    "quote-refused": {
        "en": "The quote that the till sent was not honoured: {reason}",
        "zh": "收银台的报价未被采用：{reason}",
    },
    "of-tier": {
        "en": "Tier {tier}: {share} off {basis}, floored once: {money}",
        "zh": "等级{tier}：{basis} 减 {share}，仅取整一次：{money}",
    },
    "of-campaign": {
        "en": "Campaign “{title}”: {off} off {basis}: {money}",
        "zh": "活动“{title}”：{basis} 减 {off}：{money}",
    },
    "budget-left": {
        "en": "A budget had less left when it was quoted: how much, is taken as it is recorded",
        "zh": "报价时预算所余不足：所余数额以记录为准",
    },
    "won": {"en": "Line {line}: {money} by {source}", "zh": "商品行 {line}：{source} 减 {money}"},
    "best": {"en": "Of several discounts on a line the largest counts", "zh": "同一商品行多个折扣取最大者"},
    "sum": {"en": "Discounts on a line add up, to its price at most", "zh": "同一商品行的折扣累加，至多为其价格"},
    "unasked": {
        "en": "What the till took off by itself is not the programme's, and not explained",
        "zh": "收银台自行减价不属于本计划，不作解释",
    },
    "refused": {
        "en": "The message {id} of {source} was refused: {reason}",
        "zh": "{source} 的消息 {id} 被拒绝：{reason}",
    },
    "remembered": {
        "en": "The refusal is remembered: a delayed duplicate is refused the same way",
        "zh": "该拒绝已记录：迟到的重复消息同样被拒绝",
    },
    "was-available": {
        "en": "By the facts before it the member had {available} available at {at}, and owed {debt}",
        "zh": "按此前的事实，该会员 {at} 可用 {available}，所欠 {debt}",
    },
    "which-member": {
        "en": "The refusal does not say whose it was: name the member, and it is worked out once more",
        "zh": "拒绝记录未注明会员：请指明会员，以便重新计算",
    },
    "refusal-differs": {
        "en": "Position {position}: {field} was {recorded} by the refusal, and {gives} for this member by the facts before it."
        " It was another member's, or else one of these facts is not what was recorded",
        "zh": "位置 {position}：拒绝记录的 {field} 为 {recorded}，而按此前的事实该会员为 {gives}。可能属于另一位会员，否则其中有事实已非所记录的原样",
    },
    "letter": {
        "en": "Dead letter {id}, from {place}, kept at {at}: {reason}",
        "zh": "死信 {id}（{place}），{at} 留存：{reason}",
    },
    "letter-detail": {"en": "What was told of it: {detail}", "zh": "说明：{detail}"},
    "letter-redriven": {"en": "It was sent again at {at}", "zh": "已于 {at} 重新发送"},
    "letter-open": {
        "en": "Its message is sealed: `loyalty letters show {id}` prints it, `loyalty letters redrive {id}` sends it again",
        "zh": "消息已加密：`loyalty letters show {id}` 显示内容，`loyalty letters redrive {id}` 重新发送",
    },
    "differs": {
        "en": "Position {position}, {fact}: {field} is {recorded}, the rules give {gives}",
        "zh": "位置 {position}，{fact}：{field} 记录为 {recorded}，按规则应为 {gives}",
    },
    "not-given": {
        "en": "Position {position}: the rules do not give this {fact}",
        "zh": "位置 {position}：按规则不应有 {fact}",
    },
    "missing": {
        "en": "Position {position}: the rules give a {fact}, which is not recorded",
        "zh": "位置 {position}：按规则应有 {fact}，但未记录",
    },
    "broken": {
        "en": "Position {position}: this {fact} does not fit the facts before it; what follows was not worked out ({gives})",
        "zh": "位置 {position}：该 {fact} 与此前的事实不符，其后未再计算（{gives}）",
    },
    "read-model-differs": {
        "en": "The read model tells {recorded}, the log gives {gives}",
        "zh": "读模型为 {recorded}，按日志应为 {gives}",
    },
    "times": {"en": "Times are those of {zone}", "zh": "时间均按 {zone} 时区"},
    "read-model-same": {
        "en": "The read model tells the same up to position {position}: {gives}",
        "zh": "读模型截至位置 {position} 与此一致：{gives}",
    },
    "read-model-not-same": {
        "en": "The read model tells SOMETHING ELSE up to position {position}: {gives}",
        "zh": "读模型截至位置 {position} 与此不一致：{gives}",
    },
    "read-model-silent": {
        "en": "The read model tells nothing to compare: {why}",
        "zh": "读模型没有可比较的答案：{why}",
    },
    "nothing": {"en": "nothing", "zh": "无"},
    "upto": {"en": "{says} (up to position {position})", "zh": "{says}（截至位置 {position}）"},
    "does-not-add-up": {
        "en": "What came is {come}, what became of it is {gone}",
        "zh": "获得合计 {come}，去向合计 {gone}",
    },
}
"""By what is said."""

METRICS: dict[str, Sentence] = {
    "points": {"en": "qualifying points", "zh": "定级积分"},
    "mix": {"en": "units of the metric", "zh": "分值"},
}

REPRODUCED: dict[bool | None, Sentence] = {
    True: {"en": "The rules give the same from the facts before", "zh": "按此前的事实与规则，结果一致"},
    False: {"en": "NOT REPRODUCED: see the lines with !", "zh": "结果不一致：见以 ! 开头的各行"},
    None: {"en": "Not worked out once more: it stands as it was recorded", "zh": "未重新计算，以记录为准"},
}
"""What came of deciding it once more."""
