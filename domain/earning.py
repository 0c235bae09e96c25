"""What a sale earns: one part for the base and one for each campaign, each floored once (rules 1)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from domain.basket import Line, paid, paid_in_all
from domain.campaign import Campaign, CampaignCreated
from domain.money import floor_points
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
    lines, excluded = sale.lines, policy.earning.excluded
    if excluded:
        lines = [line for line in lines if line.get("category") not in excluded]
    basis = _basis(lines, shares) if excluded or shares else sale.paid_minor
    parts = [_part(BASE, policy.earning.rate, basis, qualifies=True)]
    if campaigns:
        terms = [campaign.terms for campaign in campaigns if campaign.terms is not None]
        parts += _multiplied(lines, policy.earning.rate, terms, shares)
        parts += _gifts(lines, terms, store=sale.store, day=day, granted=bonuses)
        parts += _discounted(sale, terms)
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
    ranked = _by_rank([campaign.terms for campaign in campaigns if campaign.terms is not None])

    def earns(line: Line) -> Fraction:
        if line.get("category") in policy.earning.excluded:
            return Fraction(0)
        best = _won_by(line, ranked)
        return Fraction(1) + (best.effect.extra if best is not None else 0)

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


def _by_rank(terms: Sequence[CampaignCreated]) -> list[CampaignCreated]:
    """Multipliers are exclusive per line: the first of these that is about it wins it."""
    return sorted((one for one in terms if one.effect.multiplier is not None), key=lambda one: one.rank)


def _won_by(line: Line, ranked: Sequence[CampaignCreated]) -> CampaignCreated | None:
    for campaign in ranked:
        if campaign.conditions.hold_for(line):
            return campaign
    return None


def _multiplied(
    lines: list[Line], rate: Fraction, terms: list[CampaignCreated], shares: Mapping[str, Fraction]
) -> list[Part]:
    ranked = _by_rank(terms)
    won: dict[str, list[Line]] = {}
    for line in lines if ranked else ():
        best = _won_by(line, ranked)
        if best is not None:
            won.setdefault(best.campaign_id, []).append(line)
    return [
        _part(
            campaign.campaign_id,
            campaign.effect.extra * rate,
            _basis(won[campaign.campaign_id], shares),
            qualifies=False,
        )
        for campaign in ranked
        if campaign.campaign_id in won
    ]


def _gifts(
    lines: list[Line],
    terms: list[CampaignCreated],
    *,
    store: str,
    day: date,
    granted: Collection[tuple[str, str, date]],
) -> list[Part]:
    """Bonuses and coupons add up; each counts once per member, store and local day."""
    parts = []
    for campaign in sorted(terms, key=lambda campaign: campaign.campaign_id):
        effect = campaign.effect
        if (effect.bonus_points or effect.coupon) is None or (campaign.campaign_id, store, day) in granted:
            continue
        matching = [line for line in lines if campaign.conditions.hold_for(line)]
        if not matching:
            continue
        part = {
            "part": campaign.campaign_id, "points": effect.bonus_points or 0, "basis_minor": sum(map(paid, matching)),
            "residue": "0", "qualifies": False, "bonus": True,
        }  # fmt: skip
        parts.append(part if effect.coupon is None else part | {"coupon": effect.coupon.kind})
    return parts


def _discounted(sale: Sale, terms: list[CampaignCreated]) -> list[Part]:
    """What campaigns took off by a quote, and their budgets bear. Without a quote it is the till's own affair."""
    off: dict[str, int] = {}
    for discount in sale.discounts:
        off[discount["source"]] = off.get(discount["source"], 0) + discount["amount_minor"]
    return [
        {
            "part": campaign.campaign_id, "points": 0, "basis_minor": 0, "residue": "0", "qualifies": False,
            "discount_minor": off[campaign.campaign_id],
        }
        for campaign in terms
        if campaign.campaign_id in off
    ]  # fmt: skip
