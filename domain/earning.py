"""What a sale earns: one part for the base and one for each campaign, each floored once (rules 1)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from operator import attrgetter
from typing import Any

from domain.basket import Line, paid, paid_in_all
from domain.campaign import Campaign
from domain.money import floor_points, product
from domain.parts import EarnedPart, RevokedPart
from domain.programme import Policy
from domain.sale import Sale

BASE = "base"
"""The part that every purchase earns; the others are named after their campaigns."""

ALL_MONEY: Mapping[str, Fraction] = {}

Part = dict[str, Any]
"""A part of what was earned: its name, points, basis, residue and whether it qualifies for tiers."""


def earned_parts(
    sale: Sale,
    *,
    policy: Policy,
    campaigns: Sequence[Campaign],
    bonuses: Collection[tuple[str, str, date]],
    day: date,
    shares: Mapping[str, Fraction] = ALL_MONEY,
) -> list[Part]:
    """The parts of a sale under the policy and campaigns that apply to it; `bonuses` were granted before.

    `shares` tells, by line, what share of it was paid by money, where points paid for some of it.
    """
    earning = policy.earning
    excluded, rate = earning.excluded, earning.rate
    if not (excluded or shares or campaigns):  # nothing is asked of the lines
        return [_part(BASE, rate, sale.paid_minor, qualifies=True)]
    lines = sale.lines
    if excluded:
        lines = [line for line in lines if line.get("category") not in excluded]
    basis = _basis(lines, shares) if excluded or shares else sale.paid_minor
    parts = [_part(BASE, rate, basis, qualifies=True)]
    if campaigns:
        parts += _multiplied(lines, rate, campaigns, shares)
        parts += _gifts(lines, campaigns, store=sale.store, day=day, granted=bonuses)
        if sale.discounts:
            parts += _discounted(sale, campaigns)
    return parts


def points_by_part(parts: Iterable[Part | EarnedPart | RevokedPart]) -> list[dict[str, Any]]:
    """The points of each part, as a receipt prints them; what was taken off the price is no points."""
    return [
        {"part": part["part"], "points": part["points"]}
        for part in parts
        if part["points"] or "discount_minor" not in part
    ]


def set_against(sale: Sale, *, policy: Policy, campaigns: Sequence[Campaign]) -> dict[str, int]:
    """What was paid by points, by line, in minor units: set against the lines that earn least first."""
    ranked = _by_rank(campaigns)

    def earns(line: Line) -> Fraction:
        if line.get("category") in policy.earning.excluded:
            return Fraction(0)
        return 1 + next((one.extra for one in ranked if one.about([line])), Fraction(0))

    left, by_points = sale.earns_nothing_minor, {}
    for line in sorted(sale.lines, key=earns):
        if left and paid(line):
            by_points[line["line"]] = min(left, paid(line))
            left -= by_points[line["line"]]
    return by_points


def _basis(lines: Sequence[Line], shares: Mapping[str, Fraction]) -> int | Fraction:
    """What was paid for these lines by money; whole as long as nothing went back."""
    if not shares:
        return paid_in_all(lines)
    exact = sum((paid(line) * shares.get(line["line"], Fraction(1)) for line in lines), Fraction(0))
    return exact.numerator if exact.denominator == 1 else exact


def _part(name: str, rate: Fraction, basis_minor: int | Fraction, *, qualifies: bool) -> Part:
    points, residue = floor_points(rate, basis_minor)
    return {"part": name, "points": points, "basis_minor": basis_minor, "residue": residue, "qualifies": qualifies}


def _by_rank(campaigns: Sequence[Campaign]) -> list[Campaign]:
    """Multipliers are exclusive per line: the first of these that is about it wins it."""
    return sorted([one for one in campaigns if one.extra], key=_rank)


def _multiplied(
    lines: Sequence[Line], rate: Fraction, campaigns: Sequence[Campaign], shares: Mapping[str, Fraction]
) -> list[Part]:
    parts, left = [], lines
    for campaign in _by_rank(campaigns):
        won = campaign.about(left)
        if won:
            extra = product(campaign.extra, rate)
            parts.append(_part(campaign.campaign_id, extra, _basis(won, shares), qualifies=False))
            names = {line["line"] for line in won}
            left = [line for line in left if line["line"] not in names]
    return parts


def _gifts(
    lines: Sequence[Line],
    campaigns: Sequence[Campaign],
    *,
    store: str,
    day: date,
    granted: Collection[tuple[str, str, date]],
) -> list[Part]:
    """Bonuses and coupons add up; each counts once per member, store and local day."""
    parts = []
    for campaign in sorted([one for one in campaigns if one.bonus_points or one.gift is not None], key=_name):
        if (campaign.campaign_id, store, day) in granted:
            continue
        matching = campaign.about(lines)
        if not matching:
            continue
        part = {
            "part": campaign.campaign_id, "points": campaign.bonus_points, "basis_minor": paid_in_all(matching),
            "residue": "0", "qualifies": False, "bonus": True,
        }  # fmt: skip
        parts.append(part if campaign.gift is None else part | {"coupon": campaign.gift.kind})
    return parts


def _discounted(sale: Sale, campaigns: Sequence[Campaign]) -> list[Part]:
    """What campaigns took off by a quote, and their budgets bear. Without a quote it is the till's own affair."""
    off: dict[str, int] = {}
    for discount in sale.discounts:
        off[discount["source"]] = off.get(discount["source"], 0) + discount["amount_minor"]
    return [
        {
            "part": campaign.campaign_id, "points": 0, "basis_minor": 0, "residue": "0", "qualifies": False,
            "discount_minor": off[campaign.campaign_id],
        }
        for campaign in campaigns
        if campaign.campaign_id in off
    ]  # fmt: skip


_rank, _name = attrgetter("rank"), attrgetter("campaign_id")
