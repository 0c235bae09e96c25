"""What the programme takes off the price of a basket: the tier's discount, and that of campaigns (rules 10)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.basket import Line, LineDiscount, paid
from domain.campaign import Campaign
from domain.policy.campaigns import CampaignDefaults
from domain.policy.tiers import Tier
from domain.programme import Policy

DEFAULTS = CampaignDefaults()


class Offer(NamedTuple):
    """A discount, by line, in minor units."""

    source: str
    by_line: Mapping[str, int]


def discounts(
    lines: Sequence[Line], *, policy: Policy, tier: Tier, campaigns: Sequence[Campaign], at: datetime
) -> list[LineDiscount]:
    """The discounts on lines whose prices are what the till would ask for, its own discounts taken off before.

    `campaigns` are those that apply to the sale; what is reserved for others `at` an instant they do not give. A discount
    is floored once for all lines that it is about, and spread over them; what never earns has none.
    `policy.campaigns.discounts` says whether the best one of a line counts, or all.
    """
    earning = [line for line in lines if line.get("category") not in policy.earning.excluded]
    offers = [*_of_tier(earning, tier), *_of_campaigns(earning, campaigns, at)]
    if not offers:
        return []
    stacking = (policy.campaigns or DEFAULTS).discounts
    return [
        LineDiscount(line=line["line"], source=source, amount_minor=amount)
        for line in earning
        for source, amount in (_best(line, offers) if stacking == "best" else _sum(line, offers))
    ]


def spread(total_minor: int, lines: Sequence[Line]) -> dict[str, int]:
    """A sum by line, in proportion to what is paid for each; never more than that, if the sum is not more than all."""
    basis, reached, before, by_line = sum(map(paid, lines)), 0, 0, {}
    for line in lines:
        reached += paid(line)
        upto = total_minor * reached // basis if basis else 0
        by_line[line["line"]] = upto - before
        before = upto
    return by_line


def still_off(discounts: Sequence[LineDiscount], *, sold: Sequence[Line], left: Sequence[Line]) -> list[LineDiscount]:
    """What is off the lines that are left, in proportion to what is still paid for them, each floored."""
    before, now = ({line["line"]: paid(line) for line in lines} for lines in (sold, left))
    return [
        LineDiscount(
            line=one["line"],
            source=one["source"],
            amount_minor=one["amount_minor"] * now[one["line"]] // before[one["line"]]
            if before[one["line"]]
            else one["amount_minor"],
        )
        for one in discounts
        if one["line"] in now
    ]


def _of_tier(lines: Sequence[Line], tier: Tier) -> Iterator[Offer]:
    if tier.discount:
        yield Offer(f"tier:{tier.name}", spread(int(tier.discount * sum(map(paid, lines))), lines))


def _of_campaigns(lines: Sequence[Line], campaigns: Sequence[Campaign], at: datetime) -> Iterator[Offer]:
    """By priority, then by id, so that what stacks up to the price does so in one order; as far as their budgets go."""
    terms = [(one.terms, one) for one in campaigns if one.terms is not None and one.terms.effect.discount is not None]
    for campaign, one in sorted(terms, key=lambda pair: (-pair[0].priority, pair[0].campaign_id)):
        discount = campaign.effect.discount
        matching = one.about(lines)
        if discount is not None and matching:
            off = one.covers(discount.of(sum(map(paid, matching))), at=at)
            yield Offer(campaign.campaign_id, spread(off, matching))


def _best(line: Line, offers: Sequence[Offer]) -> Iterator[tuple[str, int]]:
    best = max(offers, key=lambda offer: offer.by_line.get(line["line"], 0), default=None)
    if best is not None and best.by_line.get(line["line"], 0):
        yield best.source, best.by_line[line["line"]]


def _sum(line: Line, offers: Sequence[Offer]) -> Iterator[tuple[str, int]]:
    left = paid(line)
    for source, by_line in offers:
        amount = min(left, by_line.get(line["line"], 0))
        if amount:
            yield source, amount
        left -= amount
